//! Users that put files under a channel's names, and users that find them there.

use crate::common::{NAME, Named, listen, say, shape_of, value};
use ndsharray::{Error, Options, Owners};
use std::ffi::CString;
use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

pub(crate) const NOBODY: u32 = 65_534;
pub(crate) const SQUATTER: u32 = NOBODY - 1;

pub(crate) const BOARD: &str = "channel.ndsh";

pub(crate) const TABLE: &str = "channel.ndsh-readers";

pub(super) fn squat(kind: &str, path: &Path, dir: &Path) {
    let file = |mode| {
        let file = OpenOptions::new().write(true).create_new(true).open(path).unwrap();
        file.set_permissions(Permissions::from_mode(mode)).unwrap();
    };
    match kind {
        "file" => {
            file(0o600);
            fs::write(path, [7; 60_000]).unwrap();
        }
        "writable-file" => {
            file(0o666);
            fs::write(path, [7; 60_000]).unwrap();
        }
        "empty-file" => file(0o666),
        "link" => symlink(dir.join("treasure"), path).unwrap(),
        "dangling-link" => symlink(dir.join("nothing"), path).unwrap(),
        "directory" => fs::create_dir(path).unwrap(),
        "pipe" => {
            let path = CString::new(path.as_os_str().as_bytes()).unwrap();
            // SAFETY: the path ends in NUL.
            assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o666) }, 0);
        }
        _ => panic!("{kind}"),
    }
}

pub(crate) fn is_foreign<T>(result: ndsharray::Result<T>, expected: &str, at: &Path) {
    match result {
        Err(Error::ForeignOwner { path, owner, what, .. }) => {
            assert_eq!((path.as_path(), owner, format!("{what:?}").as_str()), (at, SQUATTER, expected));
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was taken for its own"),
    }
}

/// A user that wants the channel whose name another user has taken.
pub(super) fn meet(options: &Options, what: &str, path: &Path) {
    is_foreign(options.create::<u64>(NAME), what, path);
    is_foreign(options.create_any(NAME), what, path);
    if path.ends_with(BOARD) {
        is_foreign(options.open(NAME), what, path);
        is_foreign(options.open_read_only(NAME), what, path);
        is_foreign(options.open_timeout(NAME, std::time::Duration::from_secs(1)), what, path);
        is_foreign(options.remove(NAME), what, path);
    }
}

pub(super) fn squat_channel(options: &Options) {
    let options = options.clone().mode(0o644).readers_mode(0o666);
    let mut writer = options.create::<u64>(NAME).unwrap();
    writer.write(&shape_of(1), &value(1)).unwrap();
    say("open");
    while listen().is_some() {}
}

/// A user that trusts `user`.
pub(super) fn trust(options: &Options, user: u32) {
    for owners in [Owners::User(user), Owners::Anyone] {
        let options = options.clone().owners(owners);
        assert_eq!(options.open(NAME).unwrap().latest().unwrap().unwrap().name(), 1);
        let mut copies = options.open_read_only(NAME).unwrap();
        assert_eq!(copies.latest_owned().unwrap().unwrap().name(), 1);
        assert!(copies.is_writer_alive());
    }
    let strangers = options.clone().owners(Owners::User(user - 1));
    is_foreign(strangers.open(NAME), "OtherUser", &options_board(&strangers));
}

/// The board's path, as the library tells it.
fn options_board(options: &Options) -> std::path::PathBuf {
    match options.open("channel-that-is-not-there") {
        Err(Error::NotFound { path, .. }) => path.with_file_name(BOARD),
        other => panic!("{other:?}"),
    }
}

/// A user that may write the reader table, and gives it another name.
pub(super) fn link_table(options: &Options, dir: &Path) {
    let mut reader = options.open(NAME).unwrap();
    assert_eq!(reader.latest().unwrap().unwrap().name(), 1);
    fs::hard_link(dir.join(TABLE), dir.join("mine")).unwrap();
}
