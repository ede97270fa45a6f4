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

    /// Waits until lossless readers have read something, if one is in the way.
    ///
    /// Returns whether there is a reason to look at the slots again.
    ///
    /// # Errors
    ///
    /// [`Error::ReadersBehind`] after the time that the options allow.
    pub(super) fn wait_for_readers(&mut self, wait: &mut Wait) -> Result<bool> {
        let Some(timeout) = self.keeping.timeout else { return Ok(false) };
        let before = self.keeping.unread;
        self.look_at_readers();
        if self.keeping.unread != before {
            return Ok(true);
        }
        if !self.is_behind() {
            return Ok(false);
        }
        if !wait.reaped {
            // The dead are not waited for.
            wait.reaped = true;
            self.reap();
            self.refresh();
            return Ok(true);
        }
        let began = *wait.began.get_or_insert_with(Instant::now);
        let left = |now: Instant| timeout.saturating_sub(now.saturating_duration_since(began));
        if self.spin(before, left(Instant::now()).min(LOOK)) {
            return Ok(true);
        }
        loop {
            let left = left(Instant::now());
            if left.is_zero() {
                return Err(self.readers_behind(timeout));
            }
            let gate = self.held.table.gate();
            let ticket = gate.ticket();
            gate.announce();
            // Looked at after the announcement, as the handshake wants.
            self.look_at_readers();
            if self.keeping.unread != before {
                return Ok(true);
            }
            fail_point!("gate.announced");
            self.held.table.sleep_at_gate(ticket, left.min(SLICE));
            self.reap();
            self.refresh();
            self.look_at_readers();
            if self.keeping.unread != before {
                return Ok(true);
            }
        }
    }

    /// Looks again and again, for as long as `budget`, whether less is unread than `before`.
    fn spin(&mut self, before: PinMask, budget: Duration) -> bool {
        let begin = Instant::now();
        while begin.elapsed() < budget {
            for _ in 0..BURST {
                self.look_at_readers();
                if self.keeping.unread != before {
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
