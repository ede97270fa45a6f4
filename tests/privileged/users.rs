//! What another user may do, by the modes of the files.

use crate::common::{NAME, Named, Peer, TestDir, shape_of, value};
use ndsharray::{Error, Writer};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

pub(crate) use crate::peer::squatters::NOBODY;

/// A directory that all users may enter.
pub(crate) fn open_dir() -> TestDir {
    let dir = TestDir::new();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    dir
}

pub(crate) fn as_user(user: u32, role: &str, dir: &TestDir) -> Peer {
    Peer::start(&format!("as {user} {role}"), dir.path(), |_| {})
}

fn put(writer: &mut Writer<u64>, id: u64) -> ndsharray::Result<u64> {
    writer.write(&shape_of(id), &value(id))
}

#[test]
#[ignore = "needs root"]
fn a_channel_is_for_its_user_alone() {
    let dir = open_dir();
    let mut writer = dir.options().create::<u64>(NAME).unwrap();
    put(&mut writer, 1).unwrap();
    as_user(NOBODY, "be-refused", &dir).finish();
    put(&mut writer, 2).unwrap();
    drop(writer);
    assert_eq!(dir.files(), [""; 0]);
}

#[test]
#[ignore = "needs root"]
fn another_user_reads_in_place_and_changes_nothing() {
    let dir = open_dir();
    let options = dir.options().max_slots(3).mode(0o644).readers_mode(0o666);
    let mut writer = options.create::<u64>(NAME).unwrap();
    put(&mut writer, 1).unwrap();
    let mut child = as_user(NOBODY, "read-in-place", &dir);
    assert_eq!(child.hear(), "holds 1");
    (2..50).for_each(|id| assert!(put(&mut writer, id).is_ok()));
    assert_eq!(child.ask("attack"), "all failed");
    // Its pins count like all others.
    let mut reader = dir.options().open(NAME).unwrap();
    let held = reader.latest_owned().unwrap().unwrap();
    put(&mut writer, 50).unwrap();
    assert!(matches!(put(&mut writer, 51), Err(Error::AllSlotsPinned { slots: 3, .. })));
    assert_eq!(child.ask("check"), "1");
    assert_eq!(held.name(), 49);
    child.kill();
    (51..70).for_each(|id| assert!(put(&mut writer, id).is_ok()));
    assert_eq!(held.name(), 49);
    // It is behind: what the writer leaves for it goes with it.
    drop((writer, reader, held));
    assert_eq!(dir.files(), [""; 0]);
}

#[test]
#[ignore = "needs root"]
fn another_user_copies_without_any_write_permission() {
    let dir = open_dir();
    let mut writer = dir.options().max_slots(2).mode(0o644).create::<u64>(NAME).unwrap();
    put(&mut writer, 1).unwrap();
    let mut child = as_user(NOBODY, "copy", &dir);
    assert_eq!(child.hear(), "has 1");
    for id in 2..40 {
        // It is in the wait, or will be.
        put(&mut writer, id).unwrap();
        assert_eq!(child.hear(), format!("has {id}"));
    }
    drop(writer);
    assert_eq!(child.hear(), "closed");
    let mut writer = dir.options().mode(0o644).create::<u64>(NAME).unwrap();
    put(&mut writer, 50).unwrap();
    child.tell("go on");
    assert_eq!(child.hear(), "has 50");
    child.finish();
    drop(writer);
    assert_eq!(dir.files(), [""; 0]);
}
