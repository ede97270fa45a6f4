//! Registration: readers come, go and die while the writer claims.

use super::{Channel, Flaw, Model, PINNED, Pins, Reader, TORN, Writer, dear, spawn};
use crate::channel::KeptPins;
use crate::sync::{AtomicU32, Ordering};
use std::sync::Arc;

/// The kernel's lock on a reader entry.
///
/// It is free once its owner has let go of it or has died.
struct EntryLock(AtomicU32);

impl EntryLock {
    const FREE: u32 = 0;
    const OWNED: u32 = 1;

    fn owned() -> Arc<Self> {
        Arc::new(Self(AtomicU32::new(Self::OWNED)))
    }

    fn try_lock(&self) -> bool {
        self.0.compare_exchange(Self::FREE, Self::OWNED, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn is_free(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::FREE
    }

    fn unlock(&self) {
        self.0.store(Self::FREE, Ordering::Release);
    }
}

/// A reader comes, reads and goes, while the writer claims.
///
/// The writer claims `ahead` slots along with each publication.
fn come_and_go(ahead: usize, publications: usize, flaw: Flaw) {
    let channel = Channel::new(2, 1, 0);
    let mut writer = Writer::new(&channel, flaw);
    writer.width = ahead;
    writer.publish();
    let reader = spawn(&channel, move |channel| {
        let mut reader = Reader::new(channel, 0, flaw);
        if flaw == Flaw::PinBeforeRegister {
            let sample = reader.pin();
            // The entry's own words are left alone, so that the order is all that differs.
            Pins::default().register(&channel.registered, 0);
            if let Some(sample) = sample {
                reader.check(sample);
                reader.unpin();
            }
        } else {
            reader.pins.register(&channel.registered, 0);
            if let Some(sample) = reader.pin() {
                if flaw == Flaw::RemoveBeforeUse {
                    reader.pins.deregister(&channel.registered, 0);
                }
                reader.check(sample);
                reader.unpin();
            }
        }
        reader.pins.deregister(&channel.registered, 0);
    });
    for _ in 0..publications {
        writer.publish();
    }
    reader.join().unwrap();
}

/// How the first owner of the entry ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// It takes its entry out of use.
    Leaves,
    /// It is killed: its pin stays, the kernel frees its lock.
    Dies,
}

/// How it holds the first value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hold {
    Borrowed,
    Owned,
}

/// A reader ends, and a new one takes over its entry.
///
/// Meanwhile the writer claims, and reclaims what the dead have pinned.
fn reuse(hold: Hold, end: End, ahead: usize, publications: usize, flaw: Flaw) {
    let channel = Channel::new(2, 1, 1);
    let lock = EntryLock::owned();
    let mut writer = Writer::new(&channel, flaw);
    writer.width = ahead;
    writer.publish();
    let mut reader = Reader::new(&channel, 0, flaw);
    let sample = reader.pin().unwrap();
    let kept = KeptPins::new();
    if hold == Hold::Owned {
        kept.keep(reader.pins, sample.slot());
        reader.unpin();
    }
    assert!(writer.publish());
    let old = {
        let lock = Arc::clone(&lock);
        spawn(&channel, move |channel| {
            let reader = Reader::new(channel, 0, flaw);
            reader.check(sample);
            if end == End::Leaves {
                match hold {
                    Hold::Borrowed => reader.unpin(),
                    Hold::Owned => kept.release(reader.pins, sample.slot()),
                }
                reader.pins.deregister(&channel.registered, 0);
            }
            lock.unlock();
        })
    };
    let new = {
        let lock = Arc::clone(&lock);
        spawn(&channel, move |channel| {
            if lock.try_lock() {
                let mut reader = Reader::new(channel, 0, flaw);
                reader.pins.register(&channel.registered, 0);
                let words = [&reader.pins.borrowed, &reader.pins.kept].map(|word| word.load(Ordering::Relaxed));
                assert_eq!(words, [0; 2], "{PINNED}");
                reader.read();
                reader.pins.deregister(&channel.registered, 0);
                lock.unlock();
            }
        })
    };
    for _ in 0..publications {
        if writer.publish() {
            continue;
        }
        // Short of slots: which entries belong to dead readers?
        let (dead, held) = match flaw {
            Flaw::ReclaimsByTimeout => (true, false),
            Flaw::ReclaimsUnlocked => (lock.is_free(), false),
            _ => (lock.try_lock(), true),
        };
        if dead {
            channel.pins(0).deregister(&channel.registered, 0);
        }
        if dead && held {
            lock.unlock();
        }
    }
    old.join().unwrap();
    new.join().unwrap();
}

#[test]
fn a_reader_comes_and_goes() {
    for ahead in [0, 1] {
        println!("{ahead} ahead");
        Model {
            name: "a reader comes and goes",
            preemptions: 4 - ahead,
            scenario: move |flaw| come_and_go(ahead, 3, flaw),
        }
        .holds()
        .rejects(Flaw::PinBeforeRegister, TORN)
        .rejects(Flaw::RemoveBeforeUse, TORN)
        .rejects(Flaw::WeakPin, TORN);
    }
}

#[test]
fn an_entry_is_used_again() {
    for (hold, ahead) in [(Hold::Borrowed, 0), (Hold::Owned, 0), (Hold::Borrowed, 1), (Hold::Owned, 1)] {
        println!("{ahead} ahead");
        Model {
            name: "an entry is used again",
            preemptions: dear(3),
            scenario: move |flaw| reuse(hold, End::Leaves, ahead, 2, flaw),
        }
        .holds();
    }
}

#[test]
fn the_entry_of_a_dead_reader() {
    for (hold, ahead) in [(Hold::Borrowed, 0), (Hold::Owned, 0), (Hold::Borrowed, 1), (Hold::Owned, 1)] {
        println!("{ahead} ahead");
        Model {
            name: "the entry of a dead reader",
            preemptions: dear(3),
            scenario: move |flaw| reuse(hold, End::Dies, ahead, 3, flaw),
        }
        .holds()
        .rejects(Flaw::ReclaimsByTimeout, TORN)
        .rejects(Flaw::ReclaimsUnlocked, TORN);
    }
}
