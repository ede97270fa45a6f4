//! What a writer does beside writing: gives up files, clears away dead readers, sorts what an earlier writer left, and closes.

use super::core::Core;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::header::RawHeader;
use crate::segment::{self, Entry, SeveredMemory, State, Table};
use crate::slots::{Claim, Registered, SlotIndex};
use crate::sys;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long a writer that closes waits for readers that have not come to its last value. Readers that are waiting take microseconds;
/// on one that does not read at all it is wasted.
const LINGER: Duration = if cfg!(fuzzing) { Duration::ZERO } else { Duration::from_millis(50) };

/// Time between two looks at such readers.
const LINGER_STEP: Duration = Duration::from_micros(50);

impl Core {
    /// Makes a claimed slot's header one of no array.
    pub(super) fn erase_header(&self, slot: SlotIndex) {
        if let Some(on_board) = self.held.board.slot(slot) {
            on_board.set_header(&RawHeader::ZERO);
        }
    }

    /// Unlinks the file of a slot that is of no use any more, unless somebody has just pinned it.
    pub(super) fn give_up(&mut self, slot: SlotIndex) {
        let Some(claim) = self.try_claim(slot) else { return };
        fail_point!("give_up.claimed");
        self.erase_header(slot);
        fail_point!("give_up.cleared");
        self.set_payload(slot, None);
        self.discard(claim);
    }

    /// Gives up files that are of no use to values as they come now, of `bytes`; `newest` is the
    /// number of the current one.
    #[inline(never)]
    pub(super) fn give_up_surplus(&mut self, bytes: usize, newest: u64) {
        let mut surplus = self.rotation.surplus(bytes, self.look.pins, newest);
        while let Some(slot) = surplus.first() {
            surplus = surplus.rest();
            self.give_up(slot);
        }
    }

    /// Has the claimed slot's payload at another address; the ones lent so far lead to private memory.
    pub(super) fn sever(&mut self, claim: &Claim) -> Result<SeveredMemory> {
        let location = &self.held.location;
        match self.slots.get_mut(claim.slot().get()).and_then(|state| state.payload.as_mut()) {
            Some(payload) => payload.sever(claim, location),
            None => Err(Error::Unsupported { what: "severing a slot without memory" }),
        }
    }

    /// Takes the payload out of the claimed slot, which gets another one when it needs it, and unlinks its file.
    pub(super) fn relinquish(&mut self, claim: &Claim) -> Option<SeveredMemory> {
        let slot = claim.slot();
        let payload = self.slots.get_mut(slot.get()).and_then(|state| state.payload.take())?;
        // In a forked child the file is still the parent's.
        if self.check_process().is_ok() {
            self.erase_header(slot);
            self.set_payload(slot, None);
            self.unlink_payload(payload.id());
        }
        Some(payload.into_memory())
    }

    pub(super) fn unlink_payload(&self, id: Uuid) {
        // Best effort: what cannot be removed now is removed by the next writer.
        let _ = sys::remove_file(&self.held.location.payload(id));
        fail_point!("unlink.removed");
        self.held.board.count_file_gone();
    }

    /// Takes the entries of dead readers out of use: those in use whose lock is free.
    pub(super) fn reap(&self) {
        let table = &self.held.table;
        let file = &self.held.table_file;
        table.registered().for_each(table.entries().len(), |index| {
            let Some(entry) = table.entries().get(index) else { return };
            Table::SEATS.reap(file, index, || {
                fail_point!("reap.locked");
                table.registered().remove(index, entry.as_ref());
                fail_point!("reap.removed");
            });
        });
    }

    /// Sorts what an earlier writer left: the current value and values that readers hold stay, all else goes.
    pub(super) fn inherit(&mut self) {
        let side = self.held.board.reader_side();
        let latest = side.latest();
        self.reap();
        fail_point!("inherit.reaped");
        self.refresh();
        if !latest.is_none() && latest.slot().get() < self.slots.len() {
            self.latest = latest;
            self.rotation.published(latest.slot(), latest.number());
        }
        let mut kept = Vec::new();
        for index in 0..self.slots.len() {
            let Some(slot) = SlotIndex::new(index) else { break };
            let Some(id) = self.held.board.slot(slot).map(|on_board| on_board.header().payload()) else { break };
            let current = !self.latest.is_none() && slot == self.latest.slot();
            let claim = if current { None } else { self.try_claim(slot) };
            if claim.is_some() {
                // Free: nobody holds it and it is not current. Its file goes with all others that are not kept.
                self.erase_header(slot);
            } else if let Some(state) = self.slots.get_mut(index) {
                state.orphan = Some(id);
                self.orphans = self.orphans.union(slot.bit());
                kept.push(id);
            }
            fail_point!("inherit.slot");
        }
        fail_point!("inherit.sorted");
        if let Some(owners) = self.held.leftovers {
            // Best effort: where the directory cannot be listed, what a dead writer left stays.
            let _ = segment::remove_payloads(&self.held.location, owners, &kept, || {
                fail_point!("unlink.removed");
                self.held.board.count_file_gone();
            });
        }
    }

    /// Gives living readers the chance to map the last value before its file goes. They keep it then.
    fn linger(&self) {
        let table = &self.held.table;
        let end = Instant::now() + LINGER;
        let lags = || {
            let mut lags = false;
            table.registered().for_each(table.entries().len(), |index| {
                let seen = |entry: &Entry| Registered::has_seen(entry.as_ref(), self.latest.number());
                let lives = || Table::SEATS.has_owner(&self.held.table_file, index).unwrap_or(false);
                lags |= table.entries().get(index).is_some_and(|entry| !seen(entry) && lives());
            });
            lags
        };
        while lags() && Instant::now() < end {
            std::thread::sleep(LINGER_STEP);
        }
    }

    /// Closes the channel: readers are told, and the files go, or all but the current value with [`Options::persist`].
    pub(super) fn close(&mut self) {
        let keep = self.persist && !self.latest.is_none();
        self.held.board.set_state(if keep { State::Kept } else { State::Closed });
        fail_point!("close.marked");
        self.held.table.wake_all();
        fail_point!("close.rung");
        let location = &self.held.location;
        // Best effort throughout: the next writer of the name removes what stays.
        if keep {
            self.reap();
            self.refresh();
            let idle: Vec<_> = self.rotation.idle(self.look.pins).collect();
            for slot in idle {
                self.give_up(slot);
            }
            // What an earlier writer left for readers that have let go of it since.
            while let Some(slot) = self.orphans.without(self.look.pins).without(self.latest.slot().bit()).first() {
                self.orphans = self.orphans.without(slot.bit());
                self.give_up(slot);
            }
            debug_assert!(self.payload_name().is_some());
            fail_point!("close.kept");
        } else {
            self.linger();
            for state in &mut self.slots {
                // Not mapped here any more when it goes: not every system likes that.
                let payload = state.payload.take().map(|payload| payload.id());
                for id in payload.into_iter().chain(state.orphan) {
                    let _ = sys::remove_file(&location.payload(id));
                    fail_point!("close.payload");
                }
            }
            let _ = segment::unlink_if_same(&location.readers(), self.held.table.identity());
            fail_point!("close.table");
            let _ = segment::unlink_if_same(&location.board(), self.held.board.identity());
            fail_point!("close.board");
        }
    }
}
