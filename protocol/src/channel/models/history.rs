//! Older values: found by their cells, pinned, copied, and never another value's.

use super::{BROKEN, Channel, DAMAGED, Flaw, LOST, Model, Pair, Pins, TORN, Writer, spawn};
use crate::channel::{CellWord, Found, Latest, OlderPin, PinAttempt, PinMask, PinScan, Preclaimed, SlotIndex};
use crate::sync::{Ordering, load_seqcst, store_seqcst};

/// A writer that keeps the last values, in small.
///
/// It claims the slot with the smallest number, so the values before the current one stay as long
/// as they can. Along with a publication it claims `width` slots.
struct Keeper<'a> {
    channel: &'a Channel,
    latest: Latest,
    number: u64,
    width: usize,
    ahead: Preclaimed,
    /// Numbers of the slots, as the writer knows them.
    numbers: Vec<u64>,
}

impl<'a> Keeper<'a> {
    fn new(channel: &'a Channel, width: usize) -> Self {
        let numbers = vec![0; channel.slots.len()];
        Self { channel, latest: Latest::NONE, number: 0, width, ahead: Preclaimed::default(), numbers }
    }

    /// Every slot but the latest, from the one with the oldest value.
    fn candidates(&self) -> Vec<SlotIndex> {
        let mut slots: Vec<_> = (0..self.numbers.len()).filter_map(SlotIndex::new).collect();
        slots.retain(|slot| self.latest.is_none() || *slot != self.latest.slot());
        slots.sort_by_key(|slot| self.numbers[slot.get()]);
        slots
    }

    /// Publishes one value, whose elements are `mark` above its number.
    fn publish(&mut self, mark: u64) -> bool {
        let side = self.channel.writer_side();
        let mut scan = PinScan::default();
        let claim = self.candidates().into_iter().find_map(|slot| {
            let claimed = self.ahead.take(slot);
            claimed.or_else(|| side.claim(slot, &mut scan))
        });
        let Some(claim) = claim else { return false };
        self.number += 1;
        let slot = claim.slot();
        self.channel.slot(slot).payload.put(self.number + mark);
        self.numbers[slot.get()] = self.number;
        self.latest = Latest::new(self.number, slot);
        let width = if self.ahead.is_empty() { self.width } else { 0 };
        let next = self.candidates().into_iter().take(width).fold(PinMask::EMPTY, |next, slot| next.union(slot.bit()));
        side.publish_kept(claim, self.number, next, &mut self.ahead, &mut scan);
        true
    }
}

/// Takes values in order, as a reader.
struct Follower<'a> {
    channel: &'a Channel,
    pins: &'a Pins,
    last: u64,
    flaw: Flaw,
}

impl Follower<'_> {
    fn find(&self, number: u64, latest: Latest) -> Found {
        let side = self.channel.reader_side();
        if self.flaw != Flaw::RelaxedCell || number == latest.number() {
            return side.find(number, latest);
        }
        let cell: &CellWord = &self.channel.slots[number as usize % self.channel.slots.len()].cell;
        let holds = Latest::from_bits(cell.0.load(Ordering::Relaxed));
        if holds.number() == number {
            return Found::At(holds);
        }
        let newest = Latest::from_bits(self.channel.latest.0.load(Ordering::Relaxed));
        if holds.number() > newest.number() + 1 { Found::Damaged { cell: 0, holds } } else { Found::Gone }
    }

    fn try_pin(&self, at: Latest, latest: Latest) -> OlderPin {
        let side = self.channel.reader_side();
        let seq = &self.channel.slot(at.slot()).seq.0;
        let bit = at.slot().bit().to_bits();
        match self.flaw {
            Flaw::NoSeqCheck => {
                store_seqcst(&self.pins.borrowed, bit);
                OlderPin::Pinned
            }
            Flaw::WeakPin => {
                self.pins.borrowed.store(bit, Ordering::Release);
                if seq.load(Ordering::Acquire) == at.number() {
                    return OlderPin::Pinned;
                }
                side.unpin(self.pins);
                OlderPin::Gone
            }
            Flaw::OlderLikeCurrent => {
                store_seqcst(&self.pins.borrowed, bit);
                if load_seqcst(seq) == at.number() {
                    return OlderPin::Pinned;
                }
                side.unpin(self.pins);
                // As if a slot could change only after `latest` has.
                if side.latest() == latest { OlderPin::Broken } else { OlderPin::Gone }
            }
            _ if at == latest => match side.try_pin(self.pins, at) {
                PinAttempt::Missed(now) => {
                    assert!(now.number() > at.number(), "{}", super::OLDER);
                    OlderPin::Gone
                }
                other => other.into(),
            },
            _ => side.try_pin_older(self.pins, at),
        }
    }

    /// Reads the next value that stands, if there is one.
    fn read(&mut self) -> Option<u64> {
        let side = self.channel.reader_side();
        let latest = side.latest();
        for number in side.candidates(self.last, latest) {
            let at = match self.find(number, latest) {
                Found::At(at) => at,
                Found::Gone => continue,
                Found::Damaged { .. } => panic!("{}", super::CALLED_DAMAGED),
            };
            match self.try_pin(at, latest) {
                OlderPin::Pinned => {
                    self.channel.slot(at.slot()).payload.check(number);
                    side.unpin(self.pins);
                    assert!(number > self.last, "{}", super::OLDER);
                    self.last = number;
                    return Some(number);
                }
                OlderPin::Gone => {}
                OlderPin::Broken => panic!("{}", super::CALLED_BROKEN),
            }
        }
        None
    }
}

fn follower(channel: &Channel, entry: usize, flaw: Flaw) -> Follower<'_> {
    Follower { channel, pins: channel.pins(entry), last: 0, flaw }
}

/// A reader takes older values while the writer claims their slots.
///
/// `before` values are there when it comes, `after` follow. The writer claims `width` slots along
/// with each.
fn older_against_claims(slots: usize, before: usize, after: usize, width: usize, flaw: Flaw) {
    let channel = Channel::<Pair>::new(slots, 1, 1);
    let mut writer = Keeper::new(&channel, width);
    for _ in 0..before {
        writer.publish(0);
    }
    let reader = spawn(&channel, move |channel| {
        let mut reader = follower(channel, 0, flaw);
        reader.read();
        reader.read();
    });
    for _ in 0..after {
        writer.publish(0);
    }
    reader.join().unwrap();
    let mut reader = follower(&channel, 0, Flaw::None);
    while reader.read().is_some() {}
    assert_eq!(reader.last, writer.number, "{}", super::flaw::MISSING);
}

/// A writer dies with a number that `latest` does not name; the next one gives it to another value.
///
/// The dead one's value has other elements than any that is named. The next writer keeps cells, or
/// it does not.
fn number_used_again(keeps: bool, flaw: Flaw) {
    const UNNAMED: u64 = 100;
    let channel = Channel::<Pair>::new(4, 1, 1);
    let mut first = Keeper::new(&channel, 0);
    first.publish(0);
    let side = channel.writer_side();
    // All but the last store of a publication.
    let claim = side.claim(SlotIndex::new(3).unwrap(), &mut PinScan::default()).unwrap();
    let unnamed = Latest::new(2, claim.slot());
    channel.slot(claim.slot()).payload.put(2 + UNNAMED);
    channel.slot(claim.slot()).seq.0.store(2, Ordering::Release);
    side.set_cell(unnamed);
    let reader = spawn(&channel, move |channel| {
        let mut reader = follower(channel, 0, flaw);
        reader.read();
        reader.read();
    });
    if flaw != Flaw::RemembersUnnamed {
        side.forget_unnamed(channel.reader_side().latest());
    }
    if keeps {
        let mut second = Keeper::new(&channel, 0);
        (second.number, second.latest, second.numbers) = (1, first.latest, vec![1, 0, 0, 0]);
        second.publish(0);
        second.publish(0);
    } else {
        let mut second = Writer::new(&channel, Flaw::None);
        (second.number, second.latest) = (1, first.latest);
        second.publish();
        second.publish();
    }
    reader.join().unwrap();
    let mut reader = follower(&channel, 0, flaw);
    while reader.read().is_some() {}
}

/// A writer closes and gives back what its one reader, which takes values in order, has read.
fn close(flaw: Flaw) {
    let channel = Channel::<Pair>::new(3, 1, 1);
    let mut writer = Keeper::new(&channel, 0);
    for _ in 0..3 {
        writer.publish(0);
    }
    let reader = spawn(&channel, move |channel| {
        let mut reader = follower(channel, 0, Flaw::None);
        for number in 1..=3 {
            assert_eq!(reader.read(), Some(number), "{}", super::MISSING);
            channel.reader_side().tell(reader.pins, number);
        }
    });
    for slot in writer.candidates() {
        let seen = channel.pins(0).seen().number();
        if writer.numbers[slot.get()] <= seen || flaw == Flaw::GivesBackUnread {
            // Nothing of the value is left then.
            if channel.writer_side().claim(slot, &mut PinScan::default()).is_some() {
                channel.slot(slot).payload.put(0);
            }
        }
    }
    reader.join().unwrap();
}

#[test]
fn a_close_keeps_what_has_not_been_read() {
    Model { name: "a close with a history", preemptions: 4, scenario: close }
        .holds()
        .rejects(Flaw::GivesBackUnread, LOST);
}

#[test]
fn older_values_against_claims() {
    let model = Model {
        name: "older values, three slots",
        preemptions: 3,
        scenario: |flaw| older_against_claims(3, 2, 3, 0, flaw),
    };
    model.holds().rejects(Flaw::NoSeqCheck, TORN).rejects(Flaw::WeakPin, TORN);
}

#[test]
fn older_values_against_preclaims() {
    let model = Model {
        name: "older values, three slots, one ahead",
        preemptions: 3,
        scenario: |flaw| older_against_claims(3, 3, 2, 1, flaw),
    };
    model.holds().rejects(Flaw::NoSeqCheck, TORN).rejects(Flaw::WeakPin, TORN).rejects(Flaw::OlderLikeCurrent, BROKEN);
}

#[test]
fn a_cell_in_use_is_not_damaged() {
    let model =
        Model { name: "cells, two slots", preemptions: 3, scenario: |flaw| older_against_claims(2, 2, 3, 0, flaw) };
    model.holds().rejects(Flaw::RelaxedCell, DAMAGED);
}

#[test]
fn a_number_that_is_used_again_is_one_values() {
    // With cells of its own the next writer leads all readers to its value.
    Model { name: "a number used again, with cells", preemptions: 4, scenario: |flaw| number_used_again(true, flaw) }
        .holds();
    Model { name: "a number used again, without", preemptions: 4, scenario: |flaw| number_used_again(false, flaw) }
        .holds()
        .rejects(Flaw::RemembersUnnamed, TORN);
}
