//! Copies without a pin: what is accepted is whole.

use super::{
    CALLED_BROKEN, Channel, FOREIGN, Flaw, Latest, Model, OLDER, Payload, PinAttempt, TORN, Writer, dear, spawn,
};
use crate::sync::{AtomicU64, Ordering, fence, store_seqcst};

/// A value that is written and copied with Relaxed atomic accesses, element by element.
struct Elements([AtomicU64; 2]);

impl Payload for Elements {
    fn new() -> Self {
        Self([AtomicU64::new(0), AtomicU64::new(0)])
    }

    fn write(&self, number: u64) {
        for element in &self.0 {
            element.store(number, Ordering::Relaxed);
        }
    }
}

impl Elements {
    fn copy(&self) -> [u64; 2] {
        [self.0[0].load(Ordering::Relaxed), self.0[1].load(Ordering::Relaxed)]
    }
}

/// How the writer zeroes the slot's `seq`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// As it ships.
    ///
    /// Under loom its SeqCst fences hide whether the Release fence of `confirm` is enough for the
    /// copies.
    Shipped,
    /// As it ships, claiming one slot ahead.
    Preclaimed,
    /// With a Relaxed store and that Release fence alone; with [`Flaw::NoReleaseFence`] without the
    /// fence too.
    WithoutSeqCst,
}

/// Publishes one value the way the twins and [`Begin::WithoutSeqCst`] do.
///
/// No reader pins, so the first candidate will do.
fn publish_by_hand(writer: &mut Writer<'_, Elements>) {
    let Some(slot) = writer.candidates().next() else {
        return;
    };
    writer.number += 1;
    let latest = Latest::new(writer.number, slot);
    let slot = writer.channel.slot(slot);
    if writer.flaw != Flaw::NoZero {
        slot.seq.0.store(0, Ordering::Relaxed);
    }
    if writer.flaw != Flaw::NoReleaseFence {
        fence(Ordering::Release);
    }
    slot.payload.write(writer.number);
    slot.seq.0.store(writer.number, Ordering::Release);
    store_seqcst(&writer.channel.latest.0, latest.to_bits());
    writer.latest = latest;
}

/// A reader copies while the writer publishes.
///
/// After publication number `held`, if any, another reader pins the current value for good. From
/// then on every claim of its slot is given up.
fn copy_while_writing(begin: Begin, publications: u64, held: Option<u64>, flaw: Flaw) {
    let channel = Channel::<Elements>::new(2, 1, 1);
    let mut writer = Writer::new(&channel, flaw);
    writer.width = usize::from(begin == Begin::Preclaimed);
    writer.publish();
    let copier = spawn(&channel, move |channel| {
        let side = channel.reader_side();
        let mut last = 0;
        for _ in 0..2 {
            let latest = side.latest();
            if !side.stamped(latest) {
                assert_ne!(side.latest(), latest, "{CALLED_BROKEN}");
                continue;
            }
            let slot = channel.slot(latest.slot());
            let copy = slot.payload.copy();
            let accepted = match flaw {
                Flaw::NoSecondStamp => true,
                Flaw::NoAcquireFence => slot.seq.0.load(Ordering::Relaxed) == latest.number(),
                _ => side.unchanged(latest),
            };
            if accepted {
                assert_eq!(copy, [latest.number(); 2], "{FOREIGN}");
                assert!(latest.number() >= last, "{OLDER}");
                last = latest.number();
            }
        }
    });
    for number in 2..2 + publications {
        match begin {
            Begin::Shipped | Begin::Preclaimed => drop(writer.publish()),
            Begin::WithoutSeqCst => publish_by_hand(&mut writer),
        }
        if held == Some(number) {
            let pin = channel.reader_side().try_pin(channel.pins(0), writer.latest);
            assert_eq!(pin, PinAttempt::Pinned);
        }
    }
    copier.join().unwrap();
}

#[test]
fn an_accepted_copy_is_whole() {
    Model {
        name: "unpinned copy",
        preemptions: dear(4),
        scenario: |flaw| copy_while_writing(Begin::Shipped, 3, None, flaw),
    }
    .holds()
    .rejects(Flaw::NoSecondStamp, TORN)
    .rejects(Flaw::NoAcquireFence, TORN);
}

#[test]
fn an_accepted_copy_is_whole_with_a_slot_ahead() {
    Model {
        name: "unpinned copy, one ahead",
        preemptions: dear(4),
        scenario: |flaw| copy_while_writing(Begin::Preclaimed, 3, None, flaw),
    }
    .holds()
    .rejects(Flaw::NoSecondStamp, TORN)
    .rejects(Flaw::NoAcquireFence, TORN);
}

#[test]
fn an_accepted_copy_is_whole_without_seqcst() {
    Model {
        name: "unpinned copy, no SeqCst",
        preemptions: dear(4),
        scenario: |flaw| copy_while_writing(Begin::WithoutSeqCst, 3, None, flaw),
    }
    .holds()
    .rejects(Flaw::NoReleaseFence, TORN)
    .rejects(Flaw::NoZero, TORN);
}

#[test]
fn an_accepted_copy_is_whole_beside_a_pin() {
    Model {
        name: "unpinned copy beside a pin",
        preemptions: 3,
        scenario: |flaw| copy_while_writing(Begin::Shipped, 4, Some(3), flaw),
    }
    .holds()
    .rejects(Flaw::NoSecondStamp, TORN);
}
