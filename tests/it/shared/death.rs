//! Processes are killed wherever they are, and the others go on.

use crate::common::stress::{self, ARRAY_KILLS, LOCK_KILLS};
use crate::peer::array::{self, change_all};
use crate::shared::support::{NAME, TIMEOUT, TestDir, wait_until};
use ndsharray::{AnySharedArray, Error, SharedArray, raw::LockMode};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

/// Writes once, whatever it takes; says whether the array was poisoned.
pub(crate) fn recover(array: &SharedArray<u64>) -> bool {
    match array.write_timeout(TIMEOUT) {
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
    let dir = TestDir::new();
    let array = dir.create::<u64>(&[4]);
    for how in ["write", "read", "atomic"] {
        let mut actor = array::start(&dir, &format!("hold {how}"));
        actor.tell("go");
        assert_eq!(actor.hear(), "held");
        assert!(array.try_write().unwrap().is_none());
        assert!(array.write_timeout(Duration::from_millis(50)).unwrap().is_none(), "it lives");
        actor.kill();
        let start = Instant::now();
        assert_eq!(recover(&array), how == "write");
        // Ten milliseconds are promised; a busy machine may take its time.
        assert!(start.elapsed() < TIMEOUT / 2);
    }
}

/// An attempt without waiting finds out as well.
#[test]
fn those_who_only_try_bury_the_dead_too() {
    let dir = TestDir::new();
    let array = dir.create::<u64>(&[4]);
    for how in ["write", "read", "atomic"] {
        let mut actor = array::start(&dir, &format!("hold {how}"));
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
    let dir = TestDir::new();
    let array = dir.create::<u64>(&[4]);
    let mut actor = array::start(&dir, "hold write");
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
    let dir = TestDir::new();
    let array = dir.create::<u64>(&[4]);
    for how in ["read", "write"] {
        let guard = array.write().unwrap();
        let mut dead = array::start(&dir, &format!("want {how}"));
        let mut stopped = array::start(&dir, &format!("want {how}"));
        for actor in [&mut dead, &mut stopped] {
            actor.tell("go");
            assert_eq!(actor.hear(), "wanting");
        }
        #[cfg(unix)]
        stopped.stop();
        dead.kill();
        drop(guard);
        assert!(!recover(&array));
        assert!(array.read_timeout(TIMEOUT).unwrap().is_some());
        #[cfg(unix)]
        stopped.signal(libc::SIGCONT);
        assert_eq!(stopped.hear(), "had");
        stopped.finish();
    }
}

/// Of so many writes, each of which comes after a reader's turn.
const CONTENDED: usize = 50;

/// Counts the slices of ten milliseconds that [`CONTENDED`] writes wait in vain.
///
/// After each slice a write looks at the processes that it waits for. Slices count only while no
/// living reader is on its way, so a busy machine makes no difference. The handles are opened
/// before: a new one would take the entry of a dead one, and clear it.
fn slices(dir: &TestDir, (array, reading): &(AnySharedArray, SharedArray<u64>)) -> usize {
    let mut file = File::open(dir.file()).unwrap();
    // Bit 16 of the lock word: a waiter that wants to share waits for the holder.
    let mut is_waited_for = || {
        let mut word = [0; 8];
        file.seek(SeekFrom::Start(576)).unwrap();
        file.read_exact(&mut word).unwrap();
        u64::from_ne_bytes(word) & 1 << 16 != 0
    };
    let look = |slices: &mut usize| {
        *slices += 1;
        true
    };
    let mut slices = 0;
    for _ in 0..CONTENDED {
        let guard = array.hold(LockMode::Write, || look(&mut slices)).unwrap();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| drop(reading.read()));
            wait_until("the reader to wait", &mut is_waited_for);
            drop(guard);
            reader.join().unwrap();
        });
        assert!(array.hold(LockMode::Write, || look(&mut slices)).unwrap().is_some());
    }
    slices
}

/// A process killed in its wait is reaped, and waited for at most once.
#[test]
fn killed_waiters_cost_one_slice() {
    let dir = TestDir::new();
    let array = dir.create::<u64>(&[4]);
    let handles = (dir.array_options().open_any(NAME).unwrap(), dir.open());
    assert_eq!(slices(&dir, &handles), 0);
    for _ in 0..3 {
        let guard = array.write().unwrap();
        let mut waiter = array::start(&dir, "want read");
        waiter.tell("go");
        assert_eq!(waiter.hear(), "wanting");
        wait_until("it to wait", || wanting(&dir) > 0);
        waiter.kill();
        drop(guard);
        assert_eq!(wanting(&dir), 1, "it has died in its wait");
        assert_eq!(slices(&dir, &handles), 1);
        assert_eq!(wanting(&dir), 0, "it is buried");
    }
}

/// How many threads say in their entries that they wait to share the array.
fn wanting(dir: &TestDir) -> u64 {
    let file = std::fs::read(dir.file()).unwrap();
    (0..64).map(|index| u64::from_ne_bytes(file[768 + index * 64 + 8..][..8].try_into().unwrap())).sum()
}

/// A process stopped in its wait delays the others by one slice.
///
/// That includes those that wait for less, or not at all.
#[cfg(unix)]
#[test]
fn stopped_waiters_cost_one_slice() {
    let dir = TestDir::new();
    let array = dir.create::<u64>(&[4]);
    let handles = (dir.array_options().open_any(NAME).unwrap(), dir.open());
    assert_eq!(slices(&dir, &handles), 0);
    let stop_a_waiter = || {
        let guard = array.write().unwrap();
        let mut waiter = array::start(&dir, "want read");
        waiter.tell("go");
        assert_eq!(waiter.hear(), "wanting");
        wait_until("it to wait", || wanting(&dir) > 0);
        waiter.stop();
        drop(guard);
        waiter
    };
    let go_on = |mut waiter: crate::common::Peer| {
        waiter.signal(libc::SIGCONT);
        assert_eq!(waiter.hear(), "had");
        waiter.finish();
    };
    let waiter = stop_a_waiter();
    assert_eq!(slices(&dir, &handles), 1);
    go_on(waiter);
    assert_eq!(slices(&dir, &handles), 0);
    let waiter = stop_a_waiter();
    wait_until("an attempt", || array.try_write().unwrap().is_some());
    go_on(waiter);
    let waiter = stop_a_waiter();
    wait_until("a short wait", || array.write_timeout(Duration::from_millis(2)).unwrap().is_some());
    go_on(waiter);
}

/// Wherever processes have been killed, waiting included, the lock is as quick as before.
#[test]
fn the_lock_is_as_quick_after_many_deaths() {
    let dir = TestDir::new();
    let array = dir.create::<u64>(&[500]);
    let handles = (dir.array_options().open_any(NAME).unwrap(), dir.open());
    assert_eq!(slices(&dir, &handles), 0);
    let mut dice = stress::dice(2);
    let kills = LOCK_KILLS.count();
    let (mut killed, mut wanted, start) = (0, 0, Instant::now());
    // Those that go on may have reaped all that died in a wait: then it takes more of them.
    while killed < kills || (wanted == 0 && start.elapsed() < TIMEOUT) {
        let roles = ["hammer", "want read", "hammer", "want read", "hammer"];
        let mut actors = roles.map(|role| array::start(&dir, role));
        let guard = array.write_timeout(TIMEOUT);
        for actor in &mut actors {
            actor.tell("go");
            let _ = actor.hear();
        }
        let hammer_goes_first = dice.roll(2) == 0;
        // Those that only wait die in the wait. The others die in it too, or later, wherever they
        // are.
        let [hammer, waiter, another, also, last] = &mut actors;
        wait_until("them to wait", || wanting(&dir) >= 2);
        waiter.kill();
        also.kill();
        if hammer_goes_first {
            hammer.kill();
        }
        drop(guard);
        let end = Instant::now() + Duration::from_nanos(dice.roll(300_000));
        wait_until("the moment to strike", || Instant::now() >= end);
        for actor in [another, last] {
            actor.kill();
        }
        if !hammer_goes_first {
            hammer.kill();
        }
        killed += 5;
        wanted += wanting(&dir);
        recover(&array);
    }
    let after = slices(&dir, &handles);
    println!("{after} slices after {killed} kills, with {wanted} waiters left by the dead");
    // The first waiter reaps every dead one that is still there.
    assert!(after <= 1, "{after} slices after {killed} kills");
    assert!(wanted > 0, "nobody has died in a wait");
}

#[test]
fn the_entries_of_the_dead_are_used_again() {
    let dir = TestDir::new();
    let array: SharedArray<u64> = dir.array_options().max_handles(2).create("array", &[4]).unwrap();
    for how in ["write", "read", "write"] {
        let mut actor = array::start(&dir, &format!("hold {how}"));
        actor.tell("go");
        assert_eq!(actor.hear(), "held");
        let full = dir.array_options().open::<u64>("array");
        assert!(matches!(full, Err(Error::TooManyReaders { max: 2, .. })));
        actor.kill();
        // A new handle that takes the entry reaps its dead owner.
        let heir = dir.open::<u64>();
        assert_eq!(heir.is_poisoned().unwrap(), how == "write");
        heir.clear_poison().unwrap();
        assert!(array.try_write().unwrap().is_some());
    }
}

/// Processes are killed at whatever they are doing.
#[test]
fn random_kills() {
    let dir = TestDir::new();
    let array = dir.create::<u64>(&[500]);
    let kills = ARRAY_KILLS.count();
    let (mut poisoned, mut dice) = (0, stress::dice(1));
    let mut standing = array::start(&dir, "hammer");
    standing.tell("go");
    let (mut rounds, start) = (0, Instant::now());
    // Whether a kill hits the middle of a change is luck; where kills are few, it takes more of
    // them.
    while rounds < kills || (poisoned == 0 && start.elapsed() < TIMEOUT) {
        rounds += 1;
        let mut actor = array::start(&dir, "hammer");
        actor.tell("go");
        assert_eq!(actor.hear(), "hammering");
        let end = Instant::now() + Duration::from_nanos(dice.roll(300_000));
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
