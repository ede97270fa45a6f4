//! A directory for each run, in shared memory where there is any.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A fresh directory, removed with all its files on drop.
pub(crate) struct Scratch {
    dir: PathBuf,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: the numbers must differ, and order nothing.
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let shm = Path::new("/dev/shm");
        let parent = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
        let dir = parent.join(format!("ndsharray-fuzz-{}-{number}", std::process::id()));
        // A killed run of the same process id may have left one.
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).unwrap();
        Self { dir }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Lists the files: boards, then reader tables, then the others, each from old to new.
    ///
    /// The order does not depend on the random part of payload names, so that an input always
    /// damages the same files.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = fs::read_dir(&self.dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        // Windows keeps a removed file while it is mapped; some systems lock by files.
        let hidden = [".ndsh-gone-", ".ndsh-lock-"];
        files.retain(|path| !hidden.iter().any(|start| path.file_name().unwrap().to_str().unwrap().starts_with(start)));
        files.sort_by_cached_key(|path| (rank(path), age_key(path)));
        files
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn rank(path: &Path) -> u8 {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("ndsh") => 0,
        Some("ndsh-readers") => 1,
        _ => 2,
    }
}

/// The inode number: shared memory counts them up.
#[cfg(unix)]
fn age_key(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    path.symlink_metadata().map_or(0, |meta| meta.ino())
}

/// The time of creation.
#[cfg(not(unix))]
fn age_key(path: &Path) -> Option<std::time::SystemTime> {
    path.symlink_metadata().and_then(|meta| meta.created()).ok()
}
