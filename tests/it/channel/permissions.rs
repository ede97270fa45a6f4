//! Other users.
//!
//! Only root can become another user. Without it, what needs another user is left to the file's
//! mode.

use crate::channel::support::{KEPT, NAME, TestDir, latest_vec};
use ndsharray::{Error, Foreign, Owners};
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// Runs `act` in a thread of its own whose effective user is [`NOBODY`].
#[cfg(target_os = "linux")]
fn as_nobody<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // The system call changes this thread alone, unlike the C library's function of that
            // name.
            // SAFETY: takes numbers only.
            let answer = unsafe { libc::syscall(libc::SYS_setresuid, -1, NOBODY, -1) };
            assert_eq!(answer, 0);
            act()
        });
        thread.join().unwrap()
    })
}

/// Elsewhere a process has one user.
#[cfg(not(target_os = "linux"))]
fn as_nobody<T: Send>(_: impl FnOnce() -> T + Send) -> T {
    panic!("run these tests as another user than root: {NOBODY}, say");
}

fn is_denied<T>(result: Result<T, Error>) {
    match result {
        Ok(_) => panic!("it was allowed"),
        Err(Error::PermissionDenied { source, .. }) => {
            assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied);
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn without_permission() {
    let dir = TestDir::new();
    dir.keep_value();
    let check = || {
        is_denied(dir.options().open(NAME));
        is_denied(dir.options().open_read_only(NAME));
        is_denied(dir.options().create::<u8>(NAME));
        is_denied(dir.options().remove(NAME));
    };
    if is_root() {
        set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        as_nobody(check);
    } else {
        set_permissions(dir.board(), Permissions::from_mode(0o000)).unwrap();
        check();
        set_permissions(dir.board(), Permissions::from_mode(0o600)).unwrap();
    }
    dir.assert_kept();
}

#[test]
fn without_permission_for_the_directory() {
    let dir = TestDir::new();
    let check = || is_denied(dir.options().create::<u8>(NAME));
    if is_root() {
        set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        as_nobody(check);
    } else {
        set_permissions(dir.path(), Permissions::from_mode(0o555)).unwrap();
        check();
        set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    }
    assert_eq!(dir.files(), [""; 0]);
}

/// A user without permission to write the reader table can copy, and only that.
#[test]
fn with_permission_to_read_only() {
    let dir = TestDir::new();
    dir.options().mode(0o644).persist(true).create::<i32>(NAME).unwrap().write(&[3], &KEPT).unwrap();
    let check = || {
        is_denied(dir.options().open(NAME));
        is_denied(dir.options().create::<u8>(NAME));
        let mut reader = dir.options().open_read_only(NAME).unwrap();
        assert_eq!(reader.read_owned().unwrap().unwrap().view::<i32>().unwrap().as_slice(), KEPT);
        assert!(!reader.is_writer_alive());
    };
    set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    if is_root() {
        as_nobody(check);
    } else {
        for path in [dir.board(), dir.table()] {
            set_permissions(path, Permissions::from_mode(0o444)).unwrap();
        }
        check();
        for path in [dir.board(), dir.table()] {
            set_permissions(path, Permissions::from_mode(0o644)).unwrap();
        }
    }
    dir.assert_kept();
}

/// With a reader table that all may write, all may hold values.
#[test]
fn with_permission_to_write_the_reader_table() {
    let dir = TestDir::new();
    let options = dir.options().mode(0o644).readers_mode(0o666);
    let mut writer = options.create::<i32>(NAME).unwrap();
    writer.write(&[3], &KEPT).unwrap();
    // Where locks are files, a reader that holds a value creates one.
    let dir_mode = if cfg!(any(ndsharray_portable, not(any(target_os = "linux", target_vendor = "apple")))) {
        0o777
    } else {
        0o755
    };
    set_permissions(dir.path(), Permissions::from_mode(dir_mode)).unwrap();
    let check = || {
        let mut reader = dir.options().open(NAME).unwrap();
        assert_eq!(latest_vec::<i32>(&mut reader), KEPT);
        assert!(reader.is_writer_alive());
    };
    if is_root() {
        as_nobody(check);
    } else {
        check();
    }
    assert_eq!(writer.write(&[1], &[1]).unwrap(), 2);
}

#[test]
fn files_of_others_are_not_trusted() {
    let dir = TestDir::new();
    if is_root() {
        set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
        as_nobody(|| dir.keep_value());
        let is_foreign = |result: Result<(), Error>| {
            let Err(Error::ForeignOwner { path, owner, what, .. }) = result else { panic!("{result:?}") };
            assert_eq!((path, owner, what), (dir.board(), NOBODY, Foreign::OtherUser));
        };
        is_foreign(dir.options().open(NAME).map(drop));
        is_foreign(dir.options().open_read_only(NAME).map(drop));
        is_foreign(dir.options().create::<u8>(NAME).map(drop));
        is_foreign(dir.options().remove(NAME));
        is_foreign(dir.options().owners(Owners::User(NOBODY - 1)).open(NAME).map(drop));
        for owners in [Owners::User(NOBODY), Owners::Anyone] {
            assert_eq!(latest_vec::<i32>(&mut dir.options().owners(owners).open(NAME).unwrap()), KEPT);
        }
    } else {
        // All files here are one's own, so the strictest rule is as good as the laxest.
        dir.keep_value();
        for owners in [Owners::OwnOrRoot, Owners::User(NOBODY), Owners::Anyone] {
            assert_eq!(latest_vec::<i32>(&mut dir.options().owners(owners).open(NAME).unwrap()), KEPT);
        }
    }
}
