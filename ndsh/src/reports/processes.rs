//! Which processes map a file, according to `/proc`.
//!
//! A hint: `/proc` shows the processes of this PID namespace alone, and of other users it hides the
//! mappings.

use ndsharray::inspect::{Report, Role};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A process that maps a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Mapper {
    pub(crate) pid: u32,
    /// Whether the mapping is shared and writable.
    pub(crate) writes: bool,
}

/// Finds the processes that map each of these files.
pub(crate) fn mappers<'a>(paths: &'a [PathBuf]) -> BTreeMap<PathBuf, Vec<Mapper>> {
    let named = |path: &'a PathBuf| Some((path.file_name()?.as_bytes(), (path, path.metadata().ok()?.ino())));
    let files: HashMap<_, _> = paths.iter().filter_map(named).collect();
    let mut found = BTreeMap::new();
    if files.is_empty() {
        return found;
    }
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // Unreadable for other users' processes, and gone for those that have just ended.
        let Ok(maps) = fs::read(entry.path().join("maps")) else { continue };
        for line in maps.split(|&byte| byte == b'\n') {
            // No name has a slash, and most lines name no file that is asked for.
            let name = line.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
            let Some((path, inode)) = files.get(name) else { continue };
            if let Some(writes) = maps_file(line, path, *inode) {
                let mappers: &mut Vec<Mapper> = found.entry(PathBuf::clone(path)).or_default();
                match mappers.iter_mut().find(|mapper| mapper.pid == pid) {
                    Some(mapper) => mapper.writes |= writes,
                    None => mappers.push(Mapper { pid, writes }),
                }
            }
        }
    }
    found.values_mut().for_each(|mappers| mappers.sort_unstable());
    found
}

/// Returns whether a line of `/proc/PID/maps` maps this file for writing; `None` for other files.
///
/// Two file systems can have the same inode number, so the name must match too. Only its last part
/// counts, as another mount namespace may have another path.
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

/// The processes that map the tags of Python's channels, by the channel's name.
pub(crate) fn tag_mappers<'r>(reports: impl IntoIterator<Item = &'r Report>) -> BTreeMap<String, Vec<Mapper>> {
    let tag = |report: &Report| report.files.iter().find(|file| file.role == Role::Tag).map(|file| file.path.clone());
    let tags: Vec<(String, PathBuf)> =
        reports.into_iter().filter_map(|report| Some((report.name.clone(), tag(report)?))).collect();
    let mut found = mappers(&tags.iter().map(|(_, path)| path.clone()).collect::<Vec<_>>());
    tags.into_iter().filter_map(|(name, path)| Some((name, found.remove(&path)?))).collect()
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
