//! Processes are killed wherever they are, and the others go on.

use crate::child::{self, change_all};
use crate::support::{PATIENCE, Room, wait_until};
use ndsharray::{Error, SharedArray};
use std::time::{Duration, Instant};

/// Writes once, whatever it takes; says whether the array was poisoned.
pub(crate) fn recover(array: &SharedArray<u64>) -> bool {
    match array.write_timeout(PATIENCE) {
        Ok(Some(mut elements)) => {
            assert!(elements.iter().all(|&element| element == elements[0]), "half a change, and nobody was told");
            change_all(&mut elements);
            false
        }
        Ok(None) => panic!("the dead lock us out"),
        Err(Error::Poisoned(lock)) => {
            lock.into_write_guard(array).unwrap().fill(1);
            array.clear_poison().unwrap();
            true
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_killed_holder_does_not_lock_the_others_out() {
    let room = Room::new();
    let array = room.create::<u64>(&[4]);
    for how in ["write", "read", "atomic"] {
        let mut actor = child::start(&room, &format!("hold {how}"));
        actor.tell("go");
        assert_eq!(actor.hear(), "held");
        assert!(array.try_write().unwrap().is_none());
        assert!(array.write_timeout(Duration::from_millis(50)).unwrap().is_none(), "it lives");
        actor.kill();
        let start = Instant::now();
        assert_eq!(recover(&array), how == "write");
        // Ten milliseconds are promised; a busy machine may take its time.
        assert!(start.elapsed() < Duration::from_secs(2));
    }
}

/// Who does not wait finds out as well.
#[test]
fn those_who_only_try_bury_the_dead_too() {
    let room = Room::new();
    let array = room.create::<u64>(&[4]);
    for how in ["write", "read", "atomic"] {
        let mut actor = child::start(&room, &format!("hold {how}"));
        actor.tell("go");
        assert_eq!(actor.hear(), "held");
        actor.kill();
        match array.try_write() {
            Ok(Some(_)) => assert_ne!(how, "write"),
            Err(Error::Poisoned(_)) => assert_eq!(how, "write"),
            other => panic!("{how}: {other:?}"),
        }
        array.clear_poison().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_stopped_holder_is_not_dead() {
    let room = Room::new();
    let array = room.create::<u64>(&[4]);
    let mut actor = child::start(&room, "hold write");
    actor.tell("go");
    assert_eq!(actor.hear(), "held");
    actor.stop();
    assert!(array.write_timeout(Duration::from_millis(100)).unwrap().is_none());
    actor.signal(libc::SIGCONT);
    actor.tell("go");
    assert_eq!(actor.hear(), "done");
    assert!(!recover(&array));
    actor.finish();
}

#[test]
fn killed_waiters_are_in_nobodys_way() {
    let room = Room::new();
    let array = room.create::<u64>(&[4]);
    for how in ["read", "write"] {
        let guard = array.write().unwrap();
        let mut dead = child::start(&room, &format!("want {how}"));
        let mut stopped = child::start(&room, &format!("want {how}"));
        for actor in [&mut dead, &mut stopped] {
            actor.tell("go");
            assert_eq!(actor.hear(), "wanting");
        }
        #[cfg(unix)]
        stopped.stop();
        dead.kill();
        drop(guard);
        assert!(!recover(&array));
        assert!(array.read_timeout(PATIENCE).unwrap().is_some());
        #[cfg(unix)]
        stopped.signal(libc::SIGCONT);
        assert_eq!(stopped.hear(), "had");
        stopped.finish();
    }
}

#[test]
fn the_entries_of_the_dead_are_used_again() {
    let room = Room::new();
    let array: SharedArray<u64> = room.options().max_readers(2).create_array("array", &[4]).unwrap();
    for how in ["write", "read", "write"] {
        let mut actor = child::start(&room, &format!("hold {how}"));
        actor.tell("go");
        assert_eq!(actor.hear(), "held");
        let full = room.options().open_array::<u64>("array");
        assert!(matches!(full, Err(Error::TooManyReaders { max: 2, .. })));
        actor.kill();
        // Moving in buries who had the entry.
        let heir = room.open::<u64>();
        assert_eq!(heir.is_poisoned().unwrap(), how == "write");
        heir.clear_poison().unwrap();
        assert!(array.try_write().unwrap().is_some());
    }
}

/// Processes to kill in the storm; where they take long to start, as under emulation, not so many.
const KILLS: u32 = if cfg!(windows) {
    100
} else if cfg!(any(target_arch = "x86", target_arch = "x86_64")) {
    500
} else {
    50
};

/// Processes are killed at whatever they are doing.
#[test]
fn a_storm_of_kills() {
    let room = Room::new();
    let array = room.create::<u64>(&[500]);
    let (mut poisoned, mut seed) = (0, 0x2545_f491_4f6c_dd1d_u64);
    let mut standing = child::start(&room, "hammer");
    standing.tell("go");
    let mut rounds = 0;
    // Whether a kill comes in the middle of a change is luck, more of which is needed where kills are few.
    while rounds < KILLS || (poisoned == 0 && rounds < 10 * KILLS) {
        rounds += 1;
        let mut actor = child::start(&room, "hammer");
        actor.tell("go");
        assert_eq!(actor.hear(), "hammering");
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let end = Instant::now() + Duration::from_nanos(seed % 300_000);
        wait_until("the moment to strike", || Instant::now() >= end);
        // The one that stands becomes the next to fall.
        std::mem::replace(&mut standing, actor).kill();
        poisoned += u32::from(recover(&array));
    }
    standing.kill();
    recover(&array);
    println!("poisoned in {poisoned} of {rounds} rounds");
    assert!(poisoned > 0, "some were killed in the middle of it");
    assert!(array.try_write().unwrap().is_some());
}
