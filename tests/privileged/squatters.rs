//! Files that somebody else has put under a channel's names, in a directory where all may.

use crate::common::{Child, NAME, Named, Room, say, shape_of, value};
use crate::users::{NOBODY, as_user};
use ndsharray::inspect::Kind;
use ndsharray::{Error, Foreign, Options, Owners};
use std::ffi::CString;
use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

const SQUATTER: u32 = NOBODY - 1;
const ROOT: u32 = 0;

const BOARD: &str = "channel.ndsh";
const TABLE: &str = "channel.ndsh-readers";

/// A room such as `/dev/shm`: all may make files, none may remove another's. It has a file of root's that must not be touched.
fn common_room() -> Room {
    let room = Room::new();
    fs::write(room.path().join("treasure"), "gold").unwrap();
    fs::set_permissions(room.path().join("treasure"), Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(room.path(), Permissions::from_mode(0o1777)).unwrap();
    room
}

const KINDS: [(&str, &str); 7] = [
    ("file", "OtherUser"),
    ("writable-file", "OtherUser"),
    ("empty-file", "OtherUser"),
    ("link", "Symlink"),
    ("dangling-link", "Symlink"),
    ("directory", "NotAFile"),
    ("pipe", "NotAFile"),
];

/// Role.
pub(crate) fn squat(kind: &str, path: &Path, dir: &Path) {
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

fn is_foreign<T>(result: ndsharray::Result<T>, expected: &str, at: &Path) {
    match result {
        Err(Error::ForeignOwner { path, owner, what, .. }) => {
            assert_eq!((path.as_path(), owner, format!("{what:?}").as_str()), (at, SQUATTER, expected));
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was taken for its own"),
    }
}

/// Role: a user who wants the channel that somebody else sits on.
pub(crate) fn meet(options: &Options, what: &str, path: &Path) {
    is_foreign(options.create::<u64>(NAME), what, path);
    is_foreign(options.create_any(NAME), what, path);
    if path.ends_with(BOARD) {
        is_foreign(options.open(NAME), what, path);
        is_foreign(options.open_read_only(NAME), what, path);
        is_foreign(options.open_timeout(NAME, std::time::Duration::from_secs(1)), what, path);
        is_foreign(options.remove(NAME), what, path);
    }
}

/// For both of the names: no user, root included, takes what is there for a channel, and nothing of their attempts stays.
#[test]
#[ignore = "needs root"]
fn names_that_are_taken() {
    for file in [BOARD, TABLE] {
        for (kind, what) in KINDS {
            let room = common_room();
            as_user(SQUATTER, &format!("squat {kind} {file}"), &room).finish();
            for user in [NOBODY, ROOT] {
                println!("{kind} under {file}, user {user}");
                as_user(user, &format!("meet-squatter {what} {file}"), &room).finish();
                assert_eq!(room.files(), [file, "treasure"]);
            }
            assert_eq!(fs::read(room.path().join("treasure")).unwrap(), b"gold");
        }
    }
}

/// A file of the user's own that somebody else has given the channel's name.
#[test]
#[ignore = "needs root"]
fn a_hard_link_to_ones_own_file() {
    let room = common_room();
    let board = room.board();
    fs::hard_link(room.path().join("treasure"), &board).unwrap();
    let is_linked = |result: Result<(), Error>| {
        assert!(matches!(result, Err(Error::ForeignOwner { what: Foreign::HardLinked, .. })), "{result:?}");
    };
    is_linked(room.options().create::<u64>(NAME).map(drop));
    is_linked(room.options().open(NAME).map(drop));
    is_linked(room.options().open_read_only(NAME).map(drop));
    assert_eq!(fs::read(room.path().join("treasure")).unwrap(), b"gold");
}

/// Role.
pub(crate) fn squat_channel(options: &Options) {
    let options = options.clone().mode(0o644).readers_mode(0o666);
    let mut writer = options.create::<u64>(NAME).unwrap();
    writer.write(&shape_of(1), &value(1)).unwrap();
    say("open");
    while crate::common::listen().is_some() {}
}

/// Role: a user who trusts `user`.
pub(crate) fn trust(options: &Options, user: u32) {
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

/// A whole channel of another user, which works: for those who trust that user.
#[test]
#[ignore = "needs root"]
fn a_channel_of_another_user() {
    let room = common_room();
    let mut owner = as_user(SQUATTER, "squat-channel", &room);
    assert_eq!(owner.hear(), "open");
    for user in [NOBODY, ROOT] {
        as_user(user, &format!("meet-squatter OtherUser {BOARD}"), &room).finish();
        as_user(user, &format!("trust {SQUATTER}"), &room).finish();
    }
    owner.finish();
    assert_eq!(room.files(), ["treasure"]);
}

/// One's own board beside a stranger's table or payload.
#[test]
#[ignore = "needs root"]
fn a_stranger_s_file_in_one_s_own_channel() {
    let room = common_room();
    let options = room.options().persist(true);
    options.create::<u64>(NAME).unwrap().write(&shape_of(1), &value(1)).unwrap();
    let names = room.files();
    let payload = room.path().join(names.iter().find(|name| name.len() > TABLE.len()).unwrap());
    let table = room.path().join(TABLE);

    chown(&table, Some(SQUATTER), None).unwrap();
    is_foreign(options.open(NAME), "OtherUser", &table);
    is_foreign(options.create::<u64>(NAME), "OtherUser", &table);
    assert_eq!(options.open_read_only(NAME).unwrap().latest_owned().unwrap().unwrap().name(), 1);
    assert_eq!(options.clone().owners(Owners::User(SQUATTER)).open(NAME).unwrap().latest().unwrap().unwrap().name(), 1);
    chown(&table, Some(ROOT), None).unwrap();

    chown(&payload, Some(SQUATTER), None).unwrap();
    is_foreign(options.open(NAME).unwrap().latest(), "OtherUser", &payload);
    is_foreign(options.open(NAME).unwrap().read_into(&mut Vec::<u64>::new()), "OtherUser", &payload);
    is_foreign(options.open_read_only(NAME).unwrap().latest_owned(), "OtherUser", &payload);
    chown(&payload, Some(ROOT), None).unwrap();
    assert_eq!(options.open(NAME).unwrap().latest().unwrap().unwrap().name(), 1);
    assert_eq!(room.files(), names);
}

/// Role: a user who may write the reader table, and gives it another name.
pub(crate) fn link_table(options: &Options, dir: &Path) {
    let mut reader = options.open(NAME).unwrap();
    assert_eq!(reader.latest().unwrap().unwrap().name(), 1);
    fs::hard_link(dir.join(TABLE), dir.join("mine")).unwrap();
}

/// A reader table that another user has given a further name serves as before, and is taken over with its channel.
#[test]
#[ignore = "needs root"]
fn a_hard_link_to_the_reader_table() {
    let room = common_room();
    let options = room.options().mode(0o644).readers_mode(0o666);
    let mut dead = Child::start("squat-channel", room.path(), |_| {});
    assert_eq!(dead.hear(), "open");
    as_user(NOBODY, "link-table", &room).finish();
    let mut reader = options.open(NAME).unwrap();
    let held = reader.latest_owned().unwrap().unwrap();
    assert!(options.look(NAME, Kind::Channel).unwrap().problems.is_empty());
    dead.kill();
    assert!(matches!(options.remove_unused(NAME), Err(Error::InUse { living: Some(1), .. })));
    let mut writer = options.create::<u64>(NAME).unwrap();
    assert_eq!(options.open(NAME).unwrap().latest().unwrap().unwrap().name(), 1, "the last value stays");
    assert_eq!(writer.write(&shape_of(2), &value(2)).unwrap(), 2);
    assert_eq!((reader.read().unwrap().unwrap().name(), held.name()), (2, 1));
    drop((reader, held, writer));
    // The other name stays, and is in nobody's way.
    assert_eq!(room.files(), ["mine", "treasure"]);

    // A file of one's own under the table's name: it is neither written to nor removed.
    fs::hard_link(room.path().join("treasure"), room.path().join(TABLE)).unwrap();
    assert!(matches!(options.create::<u64>(NAME), Err(Error::Corrupt(_))));
    assert_eq!(room.files(), [TABLE, "mine", "treasure"]);
    assert_eq!(fs::read(room.path().join("treasure")).unwrap(), b"gold");
    fs::remove_file(room.path().join(TABLE)).unwrap();
    let mut writer = options.create::<u64>(NAME).unwrap();
    writer.write(&shape_of(1), &value(1)).unwrap();
    drop(writer);
    assert_eq!(room.files(), ["mine", "treasure"]);
}
