//! Which processes have a file mapped, as `/proc` tells: a hint, since it shows only processes of one's own PID namespace and user.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A process that has a file mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Mapper {
    pub(crate) pid: u32,
    /// Whether it can write there.
    pub(crate) writes: bool,
}

/// Looks once for who has each of these files mapped.
pub(crate) fn mappers(paths: &[PathBuf]) -> BTreeMap<PathBuf, Vec<Mapper>> {
    let files: Vec<_> = paths.iter().filter_map(|path| Some((path, path.metadata().ok()?.ino()))).collect();
    let mut found = BTreeMap::new();
    if files.is_empty() {
        return found;
    }
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // Unreadable for other users' processes, and gone for those that have just ended.
        let Ok(maps) = fs::read(entry.path().join("maps")) else { continue };
        for line in maps.split(|&byte| byte == b'\n') {
            for (path, inode) in &files {
                if let Some(writes) = maps_file(line, path, *inode) {
                    let mappers: &mut Vec<Mapper> = found.entry(PathBuf::clone(path)).or_default();
                    match mappers.iter_mut().find(|mapper| mapper.pid == pid) {
                        Some(mapper) => mapper.writes |= writes,
                        None => mappers.push(Mapper { pid, writes }),
                    }
                }
            }
        }
    }
    found.values_mut().for_each(|mappers| mappers.sort_unstable());
    found
}

/// Whether a line of `/proc/PID/maps` is about this file, and whether it is mapped for writing. Inodes are the file system's own, so the name must fit too;
/// another mount namespace may have another path.
fn maps_file(line: &[u8], path: &Path, inode: u64) -> Option<bool> {
    let name = path.file_name()?.as_bytes();
    if !line.ends_with(name) {
        return None;
    }
    let mut words = line.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let permissions = words.nth(1)?;
    let number = std::str::from_utf8(words.nth(2)?).ok()?;
    (number.parse() == Ok(inode)).then(|| permissions.get(1) == Some(&b'w') && permissions.get(3) == Some(&b's'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart() {
        let line = b"7f12c0a00000-7f12c0a01000 rw-s 00000000 00:19 1234       /dev/shm/cam 1";
        assert_eq!(maps_file(line, Path::new("/dev/shm/cam 1"), 1234), Some(true));
        assert_eq!(maps_file(line, Path::new("/dev/shm/cam 1"), 123), None);
        assert_eq!(maps_file(line, Path::new("/dev/shm/cam"), 1234), None);
        let line = b"7f12c0a00000-7f12c0a01000 r--s 00000000 00:19 1234       /dev/shm/cam";
        assert_eq!(maps_file(line, Path::new("/dev/shm/cam"), 1234), Some(false));
        assert_eq!(maps_file(b"ffffffffff600000 --xp", Path::new("/dev/shm/cam"), 0), None);
        assert_eq!(maps_file(b"", Path::new("/dev/shm/cam"), 0), None);
    }
}
