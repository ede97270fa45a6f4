//! A directory of its own for each run, in shared memory where there is any.

use crate::sys;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A fresh directory, removed with all that is in it on drop.
pub(super) struct Place {
    dir: PathBuf,
}

impl Place {
    pub(super) fn new() -> Self {
        static COUNT: Mutex<u64> = Mutex::new(0);
        let number = {
            let mut count = COUNT.lock().unwrap();
            *count += 1;
            *count
        };
        let shm = Path::new("/dev/shm");
        let parent = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
        let dir = parent.join(format!("ndsharray-fuzz-{}-{number}", std::process::id()));
        // What a killed run of the same process id has left.
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).unwrap();
        Self { dir }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// All that is in it, in an order that does not depend on the random part of payload names: boards, reader tables, then all else,
    /// each from the oldest to the newest.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = fs::read_dir(&self.dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        // What Windows keeps of a removed file that is still mapped, and locks where they are files.
        let hidden = [".ndsh-gone-", ".ndsh-lock-"];
        files.retain(|path| !hidden.iter().any(|start| path.file_name().unwrap().to_str().unwrap().starts_with(start)));
        // Shared memory numbers its files as they come.
        files.sort_by_cached_key(|path| (rank(path), sys::identify_path(path).map_or(0, |identity| identity.inode)));
        files
    }
}

impl Drop for Place {
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
