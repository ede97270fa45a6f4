//! A file that this recorder has made, known again by its number.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Identity of a file: names can come to mean another one.
pub(super) struct Made {
    device: u64,
    inode: u64,
}

impl Made {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let found = file.metadata()?;
        Ok(Self { device: found.dev(), inode: found.ino() })
    }

    /// Removes it, unless the name has come to mean another file.
    pub(super) fn remove(&self, path: &Path) {
        let is_it = |found: fs::Metadata| (found.dev(), found.ino()) == (self.device, self.inode);
        if fs::symlink_metadata(path).is_ok_and(is_it) {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_file_that_was_made_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.mcap");
        let file = File::create_new(&path).unwrap();
        let made = Made::of(&file).unwrap();
        fs::rename(&path, dir.path().join("elsewhere")).unwrap();
        fs::write(&path, "of another program").unwrap();
        made.remove(&path);
        assert_eq!(fs::read(&path).unwrap(), b"of another program");

        fs::rename(dir.path().join("elsewhere"), &path).unwrap();
        made.remove(&path);
        assert!(!path.exists());
    }
}
