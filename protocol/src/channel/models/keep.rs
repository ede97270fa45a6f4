//! Owned samples: made of borrowed ones, and dropped on other threads.

use super::{Channel, Flaw, LEFT_BEHIND, Model, PINNED, Pins, Reader, SlotIndex, TORN, Writer, dear, spawn};
use crate::channel::KeptPins;
use crate::sync::Ordering;
use std::sync::Arc;

/// [`KeptPins`], or what a twin has instead.
struct Owners {
    counts: KeptPins,
    flaw: Flaw,
}

impl Owners {
    fn new(flaw: Flaw) -> Arc<Self> {
        let counts = KeptPins::new();
        Arc::new(Self { counts, flaw })
    }

    fn keep(&self, pins: &Pins, slot: SlotIndex) {
        let bit = slot.bit().to_bits();
        match self.flaw {
            Flaw::UnlockedKeep => {
                let mask = pins.kept.load(Ordering::Acquire);
                pins.kept.store(mask | bit, Ordering::Release);
            }
            Flaw::UnlockedRelease | Flaw::UncountedOwners => {
                pins.kept.fetch_or(bit, Ordering::AcqRel);
            }
            _ => self.counts.keep(pins, slot),
        }
    }

    fn release(&self, pins: &Pins, slot: SlotIndex) {
        let bit = slot.bit().to_bits();
        match self.flaw {
            Flaw::UnlockedRelease => {
                let mask = pins.kept.load(Ordering::Acquire);
                pins.kept.store(mask & !bit, Ordering::Release);
            }
            Flaw::UnlockedKeep | Flaw::UncountedOwners => {
                pins.kept.fetch_and(!bit, Ordering::AcqRel);
            }
            _ => self.counts.release(pins, slot),
        }
    }

    /// Makes the reader's borrowed sample in `slot` an owned one.
    fn own(&self, reader: &Reader<'_>, slot: SlotIndex) {
        if self.flaw == Flaw::KeepAfterUnpin {
            reader.unpin();
            self.keep(reader.pins, slot);
        } else {
            self.keep(reader.pins, slot);
            reader.unpin();
        }
    }
}

/// A reader pins and keeps while the writer looks.
///
/// The writer claims `ahead` slots along with each publication.
fn keep_while_claiming(ahead: usize, publications: usize, flaw: Flaw) {
    let channel = Channel::new(2, 1, 1);
    let mut writer = Writer::new(&channel, flaw);
    writer.width = ahead;
    writer.publish();
    let reader = spawn(&channel, move |channel| {
        let owners = Owners::new(flaw);
        let mut reader = Reader::new(channel, 0, flaw);
        if let Some(sample) = reader.pin() {
            owners.own(&reader, sample.slot());
            // The next sample overwrites `borrowed`; the owned one must not notice.
            reader.read();
            reader.check(sample);
            owners.release(reader.pins, sample.slot());
        }
    });
    for _ in 0..publications {
        writer.publish();
    }
    reader.join().unwrap();
}

/// Another thread drops an owned sample while its reader keeps a second one.
///
/// The first sample is in slot 0. The second is of the same slot, or, if `newer` values have
/// followed, of another. The writer claims `ahead` slots along with each publication.
fn drop_elsewhere(newer: usize, ahead: usize, publications: usize, flaw: Flaw) {
    let channel = Channel::new(2, 1, 1);
    let owners = Owners::new(flaw);
    let mut writer = Writer::new(&channel, flaw);
    writer.width = ahead;
    writer.publish();
    let mut reader = Reader::new(&channel, 0, flaw);
    let first = reader.pin().unwrap();
    owners.own(&reader, first.slot());
    for _ in 0..newer {
        assert!(writer.publish());
    }
    let dropper = {
        let owners = Arc::clone(&owners);
        spawn(&channel, move |channel| {
            Reader::new(channel, 0, flaw).check(first);
            owners.release(channel.pins(0), first.slot());
        })
    };
    let keeper = spawn(&channel, move |channel| {
        let mut reader = Reader::new(channel, 0, flaw);
        if let Some(second) = reader.pin() {
            owners.own(&reader, second.slot());
            reader.check(second);
            owners.release(reader.pins, second.slot());
        }
    });
    for _ in 0..publications {
        writer.publish();
    }
    dropper.join().unwrap();
    keeper.join().unwrap();
    // Nothing is left pinned: both slots can be claimed in turn. (The twin whose releases are torn
    // leaves bits behind too, but is wanted for the bits that it loses.)
    if flaw != Flaw::UnlockedRelease {
        assert!(writer.publish() && writer.publish(), "{PINNED}");
    }
}

#[test]
fn a_borrowed_sample_becomes_an_owned_one() {
    for ahead in [0, 1] {
        println!("{ahead} ahead");
        Model {
            name: "borrowed becomes owned",
            preemptions: 4 - ahead,
            scenario: move |flaw| keep_while_claiming(ahead, 2, flaw),
        }
        .holds()
        .rejects(Flaw::KeepAfterUnpin, TORN)
        .rejects(Flaw::RelaxedUnpin, TORN);
    }
    Model { name: "borrowed becomes owned", preemptions: 4, scenario: |flaw| keep_while_claiming(0, 2, flaw) }
        .rejects(Flaw::KeptBeforeBorrowed, TORN);
}

#[test]
fn the_same_slot_owned_twice() {
    for ahead in [0, 1] {
        println!("{ahead} ahead");
        Model {
            name: "same slot owned twice",
            preemptions: dear(3),
            scenario: move |flaw| drop_elsewhere(0, ahead, 2, flaw),
        }
        .holds()
        .rejects(Flaw::UncountedOwners, TORN);
    }
}

#[test]
fn two_slots_owned() {
    for ahead in [0, 1] {
        println!("{ahead} ahead");
        Model { name: "two slots owned", preemptions: 3, scenario: move |flaw| drop_elsewhere(1, ahead, 2, flaw) }
            .holds()
            .rejects(Flaw::UnlockedRelease, TORN)
            .rejects(Flaw::UnlockedKeep, LEFT_BEHIND);
    }
}
