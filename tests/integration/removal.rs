//! Files that are removed while another process has them mapped.

use crate::puppet;
use crate::support::{Room, wait_until};
use ndsharray::Error;

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
