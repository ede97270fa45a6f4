//! Peers that play a role with an array.
//!
//! They say `ready`, wait for a line, play, and report the outcome.

use crate::common::{Peer, TestDir, listen, say, wait_until};

use ndsharray::{ArrayOptions, Error, SharedArray};
use std::io::{Read, Seek, SeekFrom};

/// The name that most tests give their array; the directory keeps them apart.
pub(crate) const NAME: &str = "array";

/// Starts a peer, which is ready when this returns.
pub(crate) fn start(dir: &TestDir, role: &str) -> Peer {
    let mut child = Peer::start(&format!("array {role}"), dir.path(), |_| ());
    assert_eq!(child.hear(), "ready");
    child
}

/// Adds one to each element in turn.
///
/// A process that sees elements differ has seen half a change.
pub(crate) fn change_all(elements: &mut [u64]) {
    elements.iter_mut().for_each(|element| *element += 1);
}

pub(super) fn act(words: &[&str], options: &ArrayOptions) {
    if words == ["everything"] {
        everything(options);
        return;
    }
    let array: SharedArray<u64> = options.open(NAME).unwrap();
    say("ready");
    listen();
    match *words {
        // Adds to all elements, so many times, under the lock.
        ["locked", times] => {
            for _ in 0..times.parse().unwrap() {
                change_all(&mut array.write().unwrap());
            }
        }
        ["atomic", times] => {
            for _ in 0..times.parse().unwrap() {
                array.fetch_add(0, 1);
            }
        }
        // All three ways by turns, checking what it sees.
        ["mixed", times] => {
            for n in 0..times.parse::<u64>().unwrap() {
                match n % 4 {
                    0 => change_all(&mut array.write().unwrap()[1..]),
                    1 => _ = array.fetch_add(0, 1),
                    2 => _ = array.load(0),
                    _ => {
                        let guard = array.read().unwrap();
                        let (counter, others) = guard.split_first().unwrap();
                        assert!(others.iter().all(|&other| other == others[0]), "torn: {others:?}");
                        // Looked at again, without the compiler's knowing that it must be the same.
                        assert_eq!(std::hint::black_box(&guard)[0], *counter, "changed under a guard");
                    }
                }
            }
        }
        // Takes the array and keeps it.
        ["hold", how] => {
            let _guards = match how {
                "read" => (Some(array.read().unwrap()), None, None),
                "write" => (None, Some(array.write().unwrap()), None),
                _ => (None, None, Some(array.atomic().unwrap())),
            };
            say("held");
            listen();
        }
        // Uses the array in all ways until it is killed.
        ["hammer"] => {
            say("hammering");
            loop {
                match array.write() {
                    Ok(mut elements) => change_all(&mut elements),
                    // Not reported: the parent does not listen, and a peer that waits at a full
                    // pipe keeps the lock, which is in the error.
                    Err(Error::Poisoned(_)) => {}
                    Err(other) => panic!("{other}"),
                }
                if let Ok(elements) = array.read() {
                    assert!(elements.iter().all(|&element| element == elements[0]));
                }
                drop(array.atomic());
                let _ = array.try_write();
            }
        }
        // Waits for the array without a limit.
        ["want", how] => {
            say("wanting");
            match how {
                "read" => drop(array.read()),
                _ => drop(array.write()),
            }
            say("had");
        }
        _ => panic!("no such role: {words:?}"),
    }
    say("done");
}

/// Comes to every step that there is.
fn everything(options: &ArrayOptions) {
    drop(options.from_slice("other", &[4], &[7_u64; 4]));
    let array: SharedArray<u64> = options.open(NAME).unwrap();
    let second: SharedArray<u64> = options.open(NAME).unwrap();
    change_all(&mut array.write().unwrap());
    drop(array.read().unwrap());
    drop(array.atomic().unwrap());
    // Each of these finds the array taken until it has fallen asleep.
    let is_announced = || {
        let mut words = [0; 16];
        let mut file = std::fs::File::open(options.directory().join(format!("{NAME}.ndsa"))).unwrap();
        file.seek(SeekFrom::Start(640)).unwrap();
        file.read_exact(&mut words).unwrap();
        // `asleep` of `opened` and of `cleared`.
        words[..4] != [0; 4] || words[8..12] != [0; 4]
    };
    let asleep = |hold: &dyn Fn() -> Box<dyn std::any::Any>, take: &(dyn Fn() + Sync)| {
        let held = hold();
        std::thread::scope(|scope| {
            let taker = scope.spawn(take);
            wait_until("it to say that it is about to sleep", || is_announced() || taker.is_finished());
            let end = std::time::Instant::now() + std::time::Duration::from_millis(if cfg!(windows) { 40 } else { 5 });
            while std::time::Instant::now() < end && !taker.is_finished() {
                std::thread::yield_now();
            }
            drop(held);
        });
    };
    let second: &'static SharedArray<u64> = Box::leak(Box::new(second));
    asleep(&|| Box::new(second.read().unwrap()), &|| change_all(&mut array.write().unwrap()));
    asleep(&|| Box::new(second.write().unwrap()), &|| change_all(&mut array.write().unwrap()));
    asleep(&|| Box::new(second.write().unwrap()), &|| drop(array.read().unwrap()));
}
