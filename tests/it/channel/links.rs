//! Something else stands under a channel's names.

use crate::channel::support::{KEPT, NAME, TestDir, latest_vec};
use crate::common::os;
use ndsharray::{Error, Foreign};
use std::fs;
use std::path::Path;

#[cfg(unix)]
fn make_fifo(path: &Path) {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: the path ends in NUL.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
}

/// Replaces a file by each kind of stranger, and calls `check`.
///
/// `check` gets what the error should say.
fn with_strangers(path: &Path, mut check: impl FnMut(Foreign)) {
    let away = path.with_extension("away");
    fs::rename(path, &away).unwrap();

    fs::create_dir(path).unwrap();
    check(Foreign::NotAFile);
    fs::remove_dir(path).unwrap();

    #[cfg(unix)]
    {
        make_fifo(path);
        check(Foreign::NotAFile);
        fs::remove_file(path).unwrap();
    }

    for original in [away.as_path(), Path::new("nowhere")] {
        if os::symlink(original, path) {
            check(Foreign::Symlink);
            fs::remove_file(path).unwrap();
        }
    }

    fs::hard_link(&away, path).unwrap();
    check(Foreign::HardLinked);
    if cfg!(windows) {
        // A file that is mapped keeps both of its names there.
        os::clear(path);
        fs::copy(&away, path).unwrap();
        os::clear(&away);
    } else {
        fs::remove_file(path).unwrap();
        fs::rename(&away, path).unwrap();
    }
}

#[track_caller]
fn assert_foreign<T>(result: Result<T, Error>, at: &Path, kind: Foreign) {
    match result {
        Ok(_) => panic!("{kind:?} was taken for a file of ours"),
        Err(Error::ForeignOwner { path, owner, what, .. }) => {
            assert_eq!((path.as_path(), what), (at, kind));
            #[cfg(unix)]
            assert_eq!(owner, std::os::unix::fs::MetadataExt::uid(&fs::symlink_metadata(at).unwrap()));
            #[cfg(windows)]
            assert!(owner <= 1, "this user, or administrators");
        }
        Err(other) => panic!("{kind:?}: {other}"),
    }
}

#[test]
fn instead_of_the_board() {
    let dir = TestDir::new();
    dir.keep_value();
    let board = dir.board();
    let mut attached = dir.reader();
    with_strangers(&board, |kind| {
        assert_foreign(dir.options().open(NAME), &board, kind);
        assert_foreign(dir.options().open_read_only(NAME), &board, kind);
        assert_foreign(dir.options().create::<u8>(NAME), &board, kind);
        assert_foreign(dir.options().remove(NAME), &board, kind);
        assert_foreign(dir.options().open_timeout(NAME, std::time::Duration::from_secs(60)), &board, kind);
    });
    assert_eq!(latest_vec::<i32>(&mut attached), KEPT);
    dir.assert_kept();
}

#[test]
fn instead_of_the_reader_table() {
    let dir = TestDir::new();
    dir.keep_value();
    let table = dir.table();
    with_strangers(&table, |kind| {
        if kind == Foreign::HardLinked {
            // It is the table all the same, as its head says: a user with write permission can give
            // it further names.
            assert_eq!(latest_vec::<i32>(&mut dir.reader()), KEPT);
        } else {
            assert_foreign(dir.options().open(NAME), &table, kind);
            assert_foreign(dir.options().create::<u8>(NAME), &table, kind);
        }
        let copy = dir.options().open_read_only(NAME).unwrap().latest_owned().unwrap().unwrap();
        assert_eq!(copy.view::<i32>().unwrap().as_slice(), KEPT, "which needs no reader table");
    });
    dir.assert_kept();
}

#[test]
fn instead_of_a_payload() {
    let dir = TestDir::new();
    dir.keep_value();
    let payload = dir.path().join(&dir.payloads()[0]);
    with_strangers(&payload, |kind| {
        assert_foreign(dir.reader().latest(), &payload, kind);
        assert_foreign(dir.options().open_read_only(NAME).unwrap().latest_owned(), &payload, kind);
    });
    dir.assert_kept();
}

/// A reader that has seen the value ignores what is under its name now.
#[test]
fn attached_readers_are_not_disturbed() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<i32>();
    let mut reader = dir.reader();
    writer.write(&[3], &KEPT).unwrap();
    let payload = dir.path().join(writer.payload_name().unwrap());
    assert_eq!(latest_vec::<i32>(&mut reader), KEPT);
    with_strangers(&payload, |kind| {
        assert_eq!(latest_vec::<i32>(&mut reader), KEPT);
        assert_foreign(dir.reader().latest(), &payload, kind);
    });
    writer.write(&[1], &[1]).unwrap();
    assert_eq!(latest_vec::<i32>(&mut reader), [1]);
}
