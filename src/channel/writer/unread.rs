//! Values that are not to be overwritten yet: the history, and what lossless readers have not read.
//!
//! The first is a wish: where slots or memory run short, the oldest value of it goes. The second is
//! a promise: the writer waits, up to its limit, and then reports which readers are behind.

use super::keeping::Wait;
use super::raw::RawWriter;
use super::rotation::Choice;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use ndsharray_protocol::channel::{Claim, MAX_NUMBER, PinMask, Pins, Seen, SlotIndex};
use std::time::{Duration, Instant};

/// The longest sleep before the writer asks the kernel which readers live.
const SLICE: Duration = Duration::from_millis(10);

/// How long the writer looks again and again before it sleeps.
///
/// About what sleeping and being woken costs.
const LOOK: Duration = Duration::from_micros(50);

/// Looks between two at the clock.
const BURST: u32 = 16;

impl RawWriter {
    /// Slots that must not be claimed: held by readers, or unread by lossless ones.
    #[inline]
    pub(super) fn untouchable(&self) -> PinMask {
        self.look.pins.union(self.keeping.unread)
    }

    /// Slots that are not to be claimed as long as there are others.
    #[inline]
    pub(super) fn held_back(&self) -> PinMask {
        self.untouchable().union(self.rotation.history())
    }

    /// As `RawWriter::claim_at_once`, for a writer that keeps values.
    pub(super) fn claim_kept(&mut self, needed: usize) -> Option<Claim> {
        if self.last_number >= MAX_NUMBER || self.check_process().is_err() {
            return None;
        }
        if let Some(claim) = self.claim_unkept(needed) {
            return Some(claim);
        }
        // What was unread at the last look may have been read.
        if self.keeping.timeout.is_some() {
            self.look_at_readers();
            return self.claim_unkept(needed);
        }
        None
    }

    fn claim_unkept(&mut self, needed: usize) -> Option<Claim> {
        match self.rotation.choose(needed, self.held_back()) {
            Some(Choice::Fits(slot)) => self.try_claim(slot),
            _ => None,
        }
    }

    /// The slot for an array of `needed` bytes, and what it needs.
    #[inline]
    pub(super) fn choose(&mut self, needed: usize) -> Option<Choice> {
        if self.keeping.on {
            self.rotation.choose_kept(needed, self.untouchable())
        } else {
            self.rotation.choose(needed, self.look.pins)
        }
    }

    /// Notes that `slot` holds the value `number`, the current one.
    #[inline]
    pub(super) fn note_kept(&mut self, slot: SlotIndex, number: u64) {
        self.rotation.keep(slot, number);
        if self.keeping.timeout.is_some() {
            // It is above all that the last look allows.
            self.keeping.unread = self.keeping.unread.union(slot.bit());
        }
    }

    /// Learns from the readers which values may be overwritten.
    pub(super) fn look_at_readers(&mut self) {
        if self.keeping.timeout.is_some() {
            let floor = self.held.board.writer_side(&self.held.table).floor(self.latest.number());
            self.keeping.unread = self.rotation.above(floor);
        }
    }

    /// Whether a lossless reader has yet to read a value before the current one.
    fn is_behind(&self) -> bool {
        let unread = self.keeping.unread;
        !self.latest.is_none() && unread.without(self.latest.slot().bit()) != PinMask::EMPTY
    }

    /// Waits until lossless readers have read something, or a slot that a reader holds comes free.
    ///
    /// For the latter only while there is a lossless reader: it may hold the slot, and goes on.
    /// Returns whether there is a reason to look at the slots again.
    ///
    /// # Errors
    ///
    /// [`Error::ReadersBehind`] if one is behind after the time that the options allow.
    pub(super) fn wait_for_readers(&mut self, wait: &mut Wait) -> Result<bool> {
        let Some(timeout) = self.keeping.timeout else { return Ok(false) };
        let is_first = wait.began.is_none();
        let began = *wait.began.get_or_insert_with(Instant::now);
        let left = || timeout.saturating_sub(began.elapsed());
        // Asked before the readers are: one whose word or pins go to and fro holds no writer.
        if !is_first && left().is_zero() {
            return self.end_of_wait(timeout);
        }
        let (unread, taken) = (self.keeping.unread, self.taken());
        self.look_again();
        let waits = self.has_lossless_readers();
        if self.keeping.unread != unread || waits && self.taken() != taken {
            return Ok(true);
        }
        if !waits {
            return Ok(false);
        }
        if !wait.reaped {
            // The dead are not waited for.
            wait.reaped = true;
            self.reap();
            self.refresh();
            return Ok(true);
        }
        if self.spin(taken, left().min(LOOK)) {
            return Ok(true);
        }
        loop {
            let left = left();
            if left.is_zero() {
                return self.end_of_wait(timeout);
            }
            let gate = self.held.table.gate();
            let ticket = gate.ticket();
            gate.announce();
            // Looked at after the announcement, as the handshake wants.
            self.look_again();
            if self.taken() != taken {
                return Ok(true);
            }
            fail_point!("gate.announced");
            // What is held for another reason comes free without a ring: a slice later.
            self.held.table.sleep_at_gate(ticket, left.min(SLICE));
            self.reap();
            self.look_again();
            if self.taken() != taken {
                return Ok(true);
            }
        }
    }

    /// Slots that must not be claimed, without the current value's, which is no candidate.
    fn taken(&self) -> PinMask {
        let current = if self.latest.is_none() { PinMask::EMPTY } else { self.latest.slot().bit() };
        self.untouchable().without(current)
    }

    /// Looks again at what is unread, and at what readers hold.
    fn look_again(&mut self) {
        self.look_at_readers();
        self.refresh();
    }

    fn has_lossless_readers(&self) -> bool {
        let mut found = false;
        self.for_each_reader(|_, seen| found |= seen.is_lossless());
        found
    }

    /// What a wait without success comes to: no reader is behind where samples only hold the slots.
    fn end_of_wait(&self, waited: Duration) -> Result<bool> {
        if self.is_behind() { Err(self.readers_behind(waited)) } else { Ok(false) }
    }

    /// Looks again and again, for as long as `budget`, whether slots have come free.
    fn spin(&mut self, taken: PinMask, budget: Duration) -> bool {
        let begin = Instant::now();
        while begin.elapsed() < budget {
            for _ in 0..BURST {
                self.look_again();
                if self.taken() != taken {
                    return true;
                }
                std::hint::spin_loop();
            }
        }
        false
    }

    fn readers_behind(&self, waited: Duration) -> Error {
        let (mut readers, mut slowest) = (0, u64::MAX);
        let latest = self.latest.number();
        self.for_each_reader(|_, seen| {
            if let Seen::Lossless(number) = seen
                && number.saturating_add(1) < latest
            {
                (readers, slowest) = (readers + 1, slowest.min(number));
            }
        });
        Error::ReadersBehind { readers, behind: latest.saturating_sub(slowest), waited }
    }

    /// Calls `visit` with the entry of each registered reader, and how far it has come.
    fn for_each_reader(&self, mut visit: impl FnMut(usize, Seen)) {
        let table = &self.held.table;
        let entries = table.entries();
        table.registered().for_each(entries.len(), |index| {
            if let Some(pins) = entries.get(index).map(AsRef::<Pins>::as_ref) {
                visit(index, pins.seen());
            }
        });
    }

    /// The slots whose values a reader may still read: the current one, the history, the unread.
    ///
    /// `history` is how many values the channel has kept so far. What all living readers have read
    /// of it counts only if `for_newcomers`: then readers to come may want it.
    pub(super) fn readable(&self, history: u64, for_newcomers: bool) -> PinMask {
        let latest = self.latest.number();
        let (mut slowest, mut lossless) = (u64::MAX, u64::MAX);
        self.for_each_reader(|index, seen| {
            if seen != Seen::Left && self.lives(index) {
                slowest = slowest.min(seen.number());
                if let Seen::Lossless(number) = seen {
                    lossless = lossless.min(number);
                }
            }
        });
        let oldest = latest.saturating_sub(history.max(1) - 1).max(1);
        let from = if for_newcomers { oldest } else { oldest.max(slowest.saturating_add(1)) };
        let from = from.min(lossless.saturating_add(1)).min(latest.max(1));
        let mut readable = PinMask::EMPTY;
        for (index, number) in self.held.board.reader_side().numbers().enumerate() {
            if let Some(slot) = SlotIndex::new(index)
                && (from..=latest).contains(&number)
            {
                readable = readable.union(slot.bit());
            }
        }
        readable
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::writer::Writer;
    use crate::options::Options;

    #[test]
    fn the_limit_counts_whatever_readers_do() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options::new().dir(dir.path()).max_slots(4).wait_for_readers(Duration::ZERO);
        let mut writer: Writer<u8> = options.create("limit").unwrap();
        let mut reader = options.clone().lossless(true).open("limit").unwrap();
        for value in 0..4 {
            writer.write(&[1], &[value]).unwrap();
        }
        let mut wait = Wait::default();
        let mut read = || assert!(reader.read_next().unwrap().is_some());
        read();
        assert!(writer.core.wait_for_readers(&mut wait).unwrap(), "something has been read");
        read();
        let late = writer.core.wait_for_readers(&mut wait);
        assert!(matches!(late, Err(Error::ReadersBehind { readers: 1, .. })), "{late:?}");
    }
}
