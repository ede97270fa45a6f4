//! Lossless readers: against claim and preclaim, against death, and at the gate.

use super::sleep::Events;
use super::{Channel, Flaw, LOST, LOST_WAKEUP, Latest, MISSING, Model, Pair, PinAttempt, SlotIndex, spawn};
use crate::channel::{Found, OlderPin, PinMask, PinScan, Preclaimed, Seen};
use crate::event_count::EventCount;
use crate::sync::{AtomicU32, Ordering, load_seqcst};
use std::sync::Arc;

/// A writer that overwrites nothing which a lossless reader has yet to read, in small.
struct Waiter<'a> {
    channel: &'a Channel,
    latest: Latest,
    number: u64,
    width: usize,
    ahead: Preclaimed,
    numbers: Vec<u64>,
    /// The largest number that the last look allows.
    floor: u64,
    flaw: Flaw,
}

impl<'a> Waiter<'a> {
    fn new(channel: &'a Channel, width: usize, flaw: Flaw) -> Self {
        let numbers = vec![0; channel.slots.len()];
        let ahead = Preclaimed::default();
        Self { channel, latest: Latest::NONE, number: 0, width, ahead, numbers, floor: 0, flaw }
    }

    fn look(&mut self) {
        let latest = self.latest.number();
        self.floor = match self.flaw {
            Flaw::NoFloor => u64::MAX,
            Flaw::FloorWithoutCap => {
                let mut floor = u64::MAX;
                self.channel.registered.for_each(self.channel.entries.len(), |entry| {
                    if let Seen::Lossless(seen) = Seen::from_bits(load_seqcst(&self.channel.pins(entry).seen)) {
                        floor = floor.min(seen);
                    }
                });
                floor
            }
            _ => self.channel.writer_side().floor(latest),
        };
    }

    /// Slots that may be overwritten, from the one with the oldest value.
    fn candidates(&self) -> Vec<SlotIndex> {
        let mut slots: Vec<_> = (0..self.numbers.len()).filter_map(SlotIndex::new).collect();
        slots.retain(|slot| self.latest.is_none() || *slot != self.latest.slot());
        slots.retain(|slot| self.numbers[slot.get()] <= self.floor);
        slots.sort_by_key(|slot| self.numbers[slot.get()]);
        slots
    }

    /// Publishes one value, unless a reader is in the way.
    fn publish(&mut self) -> bool {
        if self.candidates().is_empty() || self.flaw == Flaw::FloorWithoutCap {
            self.look();
        }
        let side = self.channel.writer_side();
        let mut scan = PinScan::default();
        let claim = self.candidates().into_iter().find_map(|slot| {
            let claimed = self.ahead.take(slot);
            claimed.or_else(|| side.claim(slot, &mut scan))
        });
        let Some(claim) = claim else { return false };
        self.number += 1;
        let slot = claim.slot();
        self.channel.slot(slot).payload.put(self.number);
        self.numbers[slot.get()] = self.number;
        self.latest = Latest::new(self.number, slot);
        let width = if self.ahead.is_empty() { self.width } else { 0 };
        let next = self.candidates().into_iter().take(width).fold(PinMask::EMPTY, |next, slot| next.union(slot.bit()));
        side.publish_kept(claim, self.number, next, &mut self.ahead, &mut scan);
        true
    }
}

/// Reads value `number`, which has been published and must be there.
fn read(channel: &Channel, entry: usize, number: u64, gate: &EventCount<'_>, flaw: Flaw) -> bool {
    let (side, pins) = (channel.reader_side(), channel.pins(entry));
    let latest = side.latest();
    let Found::At(at) = side.find(number, latest) else { panic!("{MISSING}") };
    if flaw == Flaw::TellsBeforePin {
        side.tell_lossless(pins, number, gate);
    }
    let pinned = match at == latest {
        true => side.try_pin(pins, at) == PinAttempt::Pinned,
        false => side.try_pin_older(pins, at) == OlderPin::Pinned,
    };
    assert!(pinned, "{MISSING}");
    let awaited = flaw == Flaw::RingsBeforeTelling && gate.is_awaited();
    let awaited = if flaw == Flaw::RingsBeforeTelling {
        side.tell_lossless(pins, number, gate);
        awaited
    } else {
        side.tell_lossless(pins, number, gate)
    };
    channel.slot(at.slot()).payload.check(number);
    side.unpin(pins);
    awaited
}

/// Registers a lossless reader; returns the number before the first value that it must see.
fn register(channel: &Channel, flaw: Flaw) -> u64 {
    let (side, pins) = (channel.reader_side(), channel.pins(0));
    let before = side.latest().number().saturating_sub(1);
    pins.register_lossless(&channel.registered, 0, before);
    let first = if flaw == Flaw::LatestBeforeRegister { before + 1 } else { side.latest_registered().number() };
    first.saturating_sub(1)
}

/// A lossless reader comes, and reads as much as there is, while the writer goes on.
fn every_value(slots: usize, before: usize, after: usize, width: usize, flaw: Flaw) {
    let channel = Channel::<Pair>::new(slots, 1, 0);
    let mut writer = Waiter::new(&channel, width, flaw);
    for _ in 0..before {
        writer.publish();
    }
    let reader = spawn(&channel, move |channel| {
        let mut last = register(channel, flaw);
        let (asleep, wake) = (AtomicU32::new(0), AtomicU32::new(0));
        let gate = EventCount { asleep: &asleep, wake: &wake };
        for _ in 0..2 {
            if channel.reader_side().latest().number() > last {
                read(channel, 0, last + 1, &gate, flaw);
                last += 1;
            }
        }
    });
    for _ in 0..after {
        writer.publish();
    }
    reader.join().unwrap();
}

/// A lossless reader reads one value and is killed, or goes on. The writer clears away the dead.
fn death(dies: bool, flaw: Flaw) {
    let channel = Channel::<Pair>::new(2, 1, 0);
    let lives = Arc::new(AtomicU32::new(1));
    let mut writer = Waiter::new(&channel, 0, flaw);
    writer.publish();
    let mut last = register(&channel, flaw);
    let reader = {
        let lives = Arc::clone(&lives);
        spawn(&channel, move |channel| {
            let (asleep, wake) = (AtomicU32::new(0), AtomicU32::new(0));
            let gate = EventCount { asleep: &asleep, wake: &wake };
            for _ in 0..2 {
                if channel.reader_side().latest().number() > last {
                    read(channel, 0, last + 1, &gate, flaw);
                    last += 1;
                }
            }
            if dies {
                // Release: the kernel's lock.
                lives.store(0, Ordering::Release);
            }
        })
    };
    let mut publish = || {
        writer.publish() || {
            if lives.load(Ordering::Acquire) == 0 || flaw == Flaw::ReclaimsByTimeout {
                channel.pins(0).deregister(&channel.registered, 0);
            }
            writer.publish()
        }
    };
    for _ in 0..3 {
        publish();
    }
    reader.join().unwrap();
    if dies {
        assert!((0..3).all(|_| publish()), "the dead are waited for");
    }
}

/// The writer sleeps at the gate until its reader has read, or has gone.
fn gate(leaves: bool, flaw: Flaw) {
    let channel = Channel::<Pair>::new(2, 1, 0);
    let events = Events::new();
    let mut writer = Waiter::new(&channel, 0, flaw);
    writer.publish();
    let last = register(&channel, flaw);
    writer.publish();
    let reader = {
        let events = Arc::clone(&events);
        spawn(&channel, move |channel| {
            let count = events.event_count();
            if leaves {
                channel.pins(0).deregister(&channel.registered, 0);
                if flaw != Flaw::LeavesSilently {
                    events.notify(Flaw::None);
                }
            } else if read(channel, 0, last + 1, &count, flaw) {
                events.notify(Flaw::None);
            }
        })
    };
    while !writer.publish() {
        let count = events.event_count();
        let ticket = count.ticket();
        count.announce();
        if flaw != Flaw::NoLookAtGate {
            writer.look();
            if !writer.candidates().is_empty() {
                // Its reader may hold that slot for a moment still.
                loom::thread::yield_now();
                continue;
            }
        }
        events.wait(ticket);
    }
    reader.join().unwrap();
}

#[test]
fn a_lossless_reader_misses_nothing() {
    for (slots, before, after, width) in [(2, 1, 3, 0), (3, 2, 3, 0), (2, 1, 3, 1), (3, 2, 3, 1)] {
        println!("{slots} slots, {width} ahead");
        let model = Model {
            name: "a lossless reader",
            preemptions: 3,
            scenario: move |flaw| every_value(slots, before, after, width, flaw),
        };
        model.holds().rejects(Flaw::NoFloor, LOST);
        if width == 0 {
            model.rejects(Flaw::TellsBeforePin, LOST).rejects(Flaw::LatestBeforeRegister, LOST);
        } else if slots == 2 {
            model.rejects(Flaw::FloorWithoutCap, LOST);
        }
    }
}

#[test]
fn the_dead_are_not_waited_for() {
    for dies in [true, false] {
        println!("the reader dies: {dies}");
        let model =
            Model { name: "a lossless reader's death", preemptions: 3, scenario: move |flaw| death(dies, flaw) };
        model.holds().rejects(Flaw::ReclaimsByTimeout, LOST);
    }
}

#[test]
fn a_writer_at_the_gate_is_woken() {
    Model { name: "the gate, a read", preemptions: 3, scenario: |flaw| gate(false, flaw) }
        .holds()
        .rejects(Flaw::NoLookAtGate, LOST_WAKEUP)
        .rejects(Flaw::RingsBeforeTelling, LOST_WAKEUP);
    Model { name: "the gate, a reader that goes", preemptions: 3, scenario: |flaw| gate(true, flaw) }
        .holds()
        .rejects(Flaw::NoLookAtGate, LOST_WAKEUP)
        .rejects(Flaw::LeavesSilently, LOST_WAKEUP);
}
