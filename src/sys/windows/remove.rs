//! Removing a file that others have open or mapped.
//!
//! What is wanted is what Unix does: the name is free at once, and a process that has the file open
//! keeps it. NTFS can do that since Windows 10 ("POSIX semantics"), but not on every version for a
//! file that is mapped, and other file systems cannot. Then the file is moved [aside](ASIDE), which
//! frees its name, and deleted there if that is possible. What is left there goes when the last
//! process that has it mapped lets go ([`Sweeper`](crate::sys::Sweeper)). If that process was
//! killed, it goes when the next handle in the directory is closed or the next file removed.

use super::set_information;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::mem::offset_of;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use uuid::Uuid;
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_DISPOSITION_FLAG_DELETE, FILE_DISPOSITION_FLAG_POSIX_SEMANTICS, FILE_DISPOSITION_INFO,
    FILE_DISPOSITION_INFO_EX, FILE_FLAG_OPEN_REPARSE_POINT, FILE_RENAME_INFO, FileDispositionInfo,
    FileDispositionInfoEx, FileRenameInfo,
};

/// The prefix of files that have been moved aside.
///
/// Channels' names do not begin with a dot.
const ASIDE: &str = ".ndsh-gone-";

/// Removes the name. A process that has the file open or mapped keeps it.
pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    let file = open_to_delete(path)?;
    match delete_at_once(&file) {
        Ok(()) => Ok(()),
        Err(_) => remove_aside(path, &file),
    }
}

/// Removes what [`remove_aside`] left in `dir` and no process has mapped any more.
pub(crate) fn sweep(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)?.flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(ASIDE))
            && let Ok(file) = open_to_delete(&entry.path())
        {
            let _ = delete_at_once(&file).or_else(|_| delete_at_close(&file));
        }
    }
    Ok(())
}

/// Frees the name `path` of the open file, and deletes the file if possible.
fn remove_aside(path: &Path, file: &File) -> io::Result<()> {
    let aside = path.with_file_name(format!("{ASIDE}{}", Uuid::new_v4().simple()));
    rename(file, &aside)?;
    // Refused while it is mapped; then it waits for a sweep.
    let _ = delete_at_close(file);
    // Those of before may be free by now.
    // Best effort: what stays is found again the next time.
    let _ = sweep(&aside.with_file_name(""));
    Ok(())
}

fn open_to_delete(path: &Path) -> io::Result<File> {
    OpenOptions::new().access_mode(DELETE).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)
}

/// Removes the name when `file` is closed, at the latest.
///
/// The content goes when all others have released it.
fn delete_at_once(file: &File) -> io::Result<()> {
    let info = FILE_DISPOSITION_INFO_EX { Flags: FILE_DISPOSITION_FLAG_DELETE | FILE_DISPOSITION_FLAG_POSIX_SEMANTICS };
    // SAFETY: the class goes with the type.
    unsafe { set_information(file, FileDispositionInfoEx, (&raw const info).cast(), size_of_val(&info)) }
}

/// Removes the file, name and content, when all handles to it are closed.
fn delete_at_close(file: &File) -> io::Result<()> {
    let info = FILE_DISPOSITION_INFO { DeleteFile: true };
    // SAFETY: the class goes with the type.
    unsafe { set_information(file, FileDispositionInfo, (&raw const info).cast(), size_of_val(&info)) }
}

/// Gives the open file another name, which nothing has.
fn rename(file: &File, to: &Path) -> io::Result<()> {
    let to: Vec<u16> = std::path::absolute(to)?.as_os_str().encode_wide().collect();
    let name_at = offset_of!(FILE_RENAME_INFO, FileName);
    let len = name_at + (to.len() + 1) * 2;
    // 64-bit words, for the alignment of the struct; all that is not set below is zero, the name's
    // end too.
    let mut words = vec![0_u64; len.max(size_of::<FILE_RENAME_INFO>()).div_ceil(8)];
    let info = words.as_mut_ptr().cast::<FILE_RENAME_INFO>();
    let name_len = u32::try_from(to.len() * 2).map_err(io::Error::other)?;
    // SAFETY: `info` points to `words`, which have room for the struct and its alignment; zeroes
    // are a value of it.
    unsafe { (*info).FileNameLength = name_len };
    // SAFETY: the field lies within `words`; taking its address reads nothing.
    let name = unsafe { (&raw mut (*info).FileName).cast::<u16>() };
    // SAFETY: from there on, at `name_at`, there is room for the name and a zero; the two do not
    // overlap.
    unsafe { name.copy_from_nonoverlapping(to.as_ptr(), to.len()) };
    // SAFETY: the class goes with the type, whose last field is as long as `FileNameLength` says.
    unsafe { set_information(file, FileRenameInfo, words.as_ptr().cast(), words.len() * 8) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{Access, Sweeper, identify, identify_path, open, open_exclusive, same_file};
    use std::io::ErrorKind;

    #[test]
    fn what_is_moved_aside_frees_its_name_and_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let mapped = open_exclusive(&path, 0o600).unwrap();
        mapped.set_len(100).unwrap();
        // SAFETY: no process changes the file while it is mapped.
        let map = unsafe { memmap2::Mmap::map(&mapped) }.unwrap();
        remove_aside(&path, &open_to_delete(&path).unwrap()).unwrap();
        assert_eq!(open(&path, Access::Read).unwrap_err().kind(), ErrorKind::NotFound);
        let new = open_exclusive(&path, 0o600).unwrap();
        assert!(!same_file(&identify(&mapped).unwrap(), &identify(&new).unwrap()));
        assert_eq!(map.len(), 100);
        drop((map, mapped));
        drop(Sweeper::of(dir.path()));
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["f"]);
        assert!(identify_path(&path).is_ok());
    }
}
