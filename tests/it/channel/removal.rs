//! Files that are removed: while another process has them mapped, beside some that cannot be, and
//! those that are found.

use crate::puppet;
use crate::support::{KEPT, NAME, Room, latest_vec, wait_until};
use ndsharray::{Error, Foreign};
use std::fs;

/// All that is in the directory, also what the system keeps of removed files (Windows may).
fn everything(room: &Room) -> usize {
    std::fs::read_dir(room.path()).unwrap().count()
}

#[test]
fn the_name_is_free_and_the_value_stays() {
    let room = Room::new();
    let mut holder = puppet::start(&room);
    for round in 1..=3 {
        let mut writer = room.writer::<u8>();
        assert_eq!(writer.write(&[9], &[round; 9]).unwrap(), 1);
        assert_eq!(holder.ask("open"), "ok");
        assert!(holder.ask("hold").starts_with("1 0 uint8 [9] "));
        drop(writer);
        assert_eq!(room.files(), [""; 0]);
        assert!(matches!(room.options().open(crate::support::NAME), Err(Error::NotFound { .. })));
    }
    let held = holder.ask("recheck");
    assert_eq!(held.split("; ").count(), 3);
    drop(room.writer::<u8>());
    assert_eq!(holder.ask("recheck"), held);
    holder.finish();
    assert_eq!(everything(&room), 0, "the last who has it lets it go");
}

#[test]
fn what_a_killed_process_had_mapped_goes_too() {
    let room = Room::new();
    let mut holder = puppet::start(&room);
    let mut writer = room.writer::<u8>();
    writer.write(&[9], &[1; 9]).unwrap();
    assert_eq!(holder.ask("open"), "ok");
    assert!(holder.ask("hold").starts_with("1 0 uint8 [9] "));
    drop(writer);
    holder.kill();
    // The system may take a moment to let go of a dead process' files.
    wait_until("nothing is left", || {
        drop(room.writer::<u8>());
        everything(&room) == 0
    });
}

/// Names as payloads have them.
fn payload_name(number: u8) -> String {
    format!("{NAME}.ndsh-0000000000004000800000000000{number:04}")
}

/// What cannot be removed, or is not this library's, is in the way of nothing else.
#[test]
fn one_that_stays_keeps_no_other() {
    for unused in [false, true] {
        let room = Room::new();
        room.keep_value();
        let (before, after) = (payload_name(0), format!("{NAME}.ndsh-ffffffffffff4fffbfffffffffffffff"));
        for name in [&before, &after] {
            fs::create_dir(room.path().join(name)).unwrap();
        }
        fs::write(room.path().join(payload_name(1)), "left by a writer that was killed").unwrap();
        fs::write(room.path().join("other.ndsh-00000000000040008000000000000001"), "another channel's").unwrap();
        let remove = || if unused { room.options().remove_unused(NAME) } else { room.options().remove(NAME) };
        let refused = |result| match result {
            Err(Error::ForeignOwner { path, what: Foreign::NotAFile, .. }) => {
                assert!([&before, &after].iter().any(|name| path.ends_with(name)), "{}", path.display());
            }
            other => panic!("{other:?}"),
        };
        refused(remove());
        let mut stay = vec![before.clone(), after.clone(), "other.ndsh-00000000000040008000000000000001".to_owned()];
        stay.sort();
        assert_eq!(room.files(), stay);
        // Whoever asks again is told again.
        refused(remove());
        assert_eq!(room.files(), stay);
        for name in [&before, &after] {
            fs::remove_dir(room.path().join(name)).unwrap();
        }
        assert!(matches!(remove(), Err(Error::NotFound { .. })));
    }
}

#[cfg(unix)]
#[test]
fn links_with_a_payloads_name_stay() {
    let room = Room::new();
    room.keep_value();
    let link = room.path().join(payload_name(0));
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    assert!(matches!(room.options().remove(NAME), Err(Error::ForeignOwner { what: Foreign::Symlink, .. })));
    assert_eq!(room.files(), [payload_name(0)]);
}

/// A writer that takes over looks for what its predecessor left; one that makes the channel need
/// not.
#[test]
fn leftovers_are_looked_for_where_there_can_be_some() {
    let room = Room::new();
    let stray = room.path().join(payload_name(0));
    let leave = || fs::write(&stray, "left").unwrap();

    room.keep_value();
    leave();
    fs::create_dir(room.path().join(payload_name(1))).unwrap();
    let writer = room.writer::<i32>();
    assert!(!stray.exists(), "the last writer may have been killed");
    assert!(room.path().join(payload_name(1)).exists(), "this was none of its files");
    assert_eq!(latest_vec::<i32>(&mut room.reader()), KEPT);
    drop(writer);
    fs::remove_dir(room.path().join(payload_name(1))).unwrap();

    room.keep_value();
    leave();
    fs::remove_file(room.board()).unwrap();
    drop(room.writer::<i32>());
    assert!(!stray.exists(), "the board was removed, and left a table");

    // Neither board nor table: a walk through the directory would cost more than the channel.
    leave();
    drop(room.writer::<i32>());
    assert_eq!(room.files(), [payload_name(0)]);
    room.options().remove(NAME).unwrap();
    assert_eq!(room.files(), [""; 0]);
}
