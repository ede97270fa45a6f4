//! Another user's files under a channel's names, in a directory that all may write.

use crate::common::{NAME, Named, Peer, TestDir, shape_of, value};
use crate::peer::squatters::{BOARD, SQUATTER, TABLE, is_foreign};
use crate::users::{NOBODY, as_user};
use ndsharray::inspect::Kind;
use ndsharray::{Error, Foreign, Owners};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

const ROOT: u32 = 0;

/// A directory such as `/dev/shm`: all users may create files, none may remove another's.
///
/// It has a file of root's that must not be touched.
fn common_dir() -> TestDir {
    let dir = TestDir::new();
    fs::write(dir.path().join("treasure"), "gold").unwrap();
    fs::set_permissions(dir.path().join("treasure"), Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o1777)).unwrap();
    dir
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

/// For both names: no user, root included, takes what is there for a channel.
///
/// Nothing of their attempts stays.
#[test]
#[ignore = "needs root"]
fn names_that_are_taken() {
    for file in [BOARD, TABLE] {
        for (kind, what) in KINDS {
            let dir = common_dir();
            as_user(SQUATTER, &format!("squat {kind} {file}"), &dir).finish();
            for user in [NOBODY, ROOT] {
                println!("{kind} under {file}, user {user}");
                as_user(user, &format!("meet-squatter {what} {file}"), &dir).finish();
                assert_eq!(dir.files(), [file, "treasure"]);
            }
            assert_eq!(fs::read(dir.path().join("treasure")).unwrap(), b"gold");
        }
    }
}

/// A file of the user's own that another user has given the channel's name.
#[test]
#[ignore = "needs root"]
fn a_hard_link_to_ones_own_file() {
    let dir = common_dir();
    let board = dir.board();
    fs::hard_link(dir.path().join("treasure"), &board).unwrap();
    let is_linked = |result: Result<(), Error>| {
        assert!(matches!(result, Err(Error::ForeignOwner { what: Foreign::HardLinked, .. })), "{result:?}");
    };
    is_linked(dir.options().create::<u64>(NAME).map(drop));
    is_linked(dir.options().open(NAME).map(drop));
    is_linked(dir.options().open_read_only(NAME).map(drop));
    assert_eq!(fs::read(dir.path().join("treasure")).unwrap(), b"gold");
}

/// A whole channel of another user, which works for users that trust its owner.
#[test]
#[ignore = "needs root"]
fn a_channel_of_another_user() {
    let dir = common_dir();
    let mut owner = as_user(SQUATTER, "squat-channel", &dir);
    assert_eq!(owner.hear(), "open");
    for user in [NOBODY, ROOT] {
        as_user(user, &format!("meet-squatter OtherUser {BOARD}"), &dir).finish();
        as_user(user, &format!("trust {SQUATTER}"), &dir).finish();
    }
    owner.finish();
    assert_eq!(dir.files(), ["treasure"]);
}

/// One's own board beside a stranger's table or payload.
#[test]
#[ignore = "needs root"]
fn a_stranger_s_file_in_one_s_own_channel() {
    let dir = common_dir();
    let options = dir.options().persist(true);
    options.create::<u64>(NAME).unwrap().write(&shape_of(1), &value(1)).unwrap();
    let names = dir.files();
    let payload = dir.path().join(names.iter().find(|name| name.len() > TABLE.len()).unwrap());
    let table = dir.path().join(TABLE);

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
    assert_eq!(dir.files(), names);
}

/// A reader table that another user has given a further name serves as before.
///
/// The next writer takes it over with its channel.
#[test]
#[ignore = "needs root"]
fn a_hard_link_to_the_reader_table() {
    let dir = common_dir();
    let options = dir.options().mode(0o644).readers_mode(0o666);
    let mut dead = Peer::start("squat-channel", dir.path(), |_| {});
    assert_eq!(dead.hear(), "open");
    as_user(NOBODY, "link-table", &dir).finish();
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
    // The other name stays, and does no harm.
    assert_eq!(dir.files(), ["mine", "treasure"]);

    // A file of one's own under the table's name: it is neither written to nor removed.
    fs::hard_link(dir.path().join("treasure"), dir.path().join(TABLE)).unwrap();
    assert!(matches!(options.create::<u64>(NAME), Err(Error::Corrupt(_))));
    assert_eq!(dir.files(), [TABLE, "mine", "treasure"]);
    assert_eq!(fs::read(dir.path().join("treasure")).unwrap(), b"gold");
    fs::remove_file(dir.path().join(TABLE)).unwrap();
    let mut writer = options.create::<u64>(NAME).unwrap();
    writer.write(&shape_of(1), &value(1)).unwrap();
    drop(writer);
    assert_eq!(dir.files(), ["mine", "treasure"]);
}
