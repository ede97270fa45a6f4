//! What a writer does beside writing.
//!
//! It gives up files, reaps dead readers, and sorts what an earlier writer left.

use super::raw::RawWriter;
use super::rotation::bits;
use crate::channel::board::HeaderWords;
use crate::channel::reader_table::Table;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::mapping::DetachedMemory;
use crate::files::trusted::remove_payloads;
use crate::format::slot::RawHeader;
use crate::sys;
use ndsharray_protocol::channel::{Claim, PinMask, SlotIndex};
use uuid::Uuid;

impl RawWriter {
    /// Clears a claimed slot's header: it describes no array then.
    pub(super) fn erase_header(&self, claim: &Claim) {
        self.held.board.claimed(claim).set_header(&RawHeader::ZERO, 0);
    }

    /// Unlinks a slot's file that is no longer of use, unless a reader pinned it.
    pub(super) fn give_up(&mut self, slot: SlotIndex) {
        let Some(claim) = self.try_claim(slot) else { return };
        fail_point!("give_up.claimed");
        self.erase_header(&claim);
        fail_point!("give_up.cleared");
        self.set_payload(slot, None);
        self.discard(claim);
    }

    /// Gives up files that are of no use to values of `bytes`.
    ///
    /// `newest` is the number of the current one.
    #[inline(never)]
    pub(super) fn give_up_surplus(&mut self, bytes: usize, newest: u64) {
        let mut surplus = self.rotation.surplus(bytes, self.held_back(), newest);
        while let Some(slot) = surplus.first() {
            surplus = surplus.rest();
            self.give_up(slot);
        }
    }

    /// Moves the claimed slot's payload to another address.
    ///
    /// The addresses passed on so far lead to private memory.
    pub(super) fn sever(&mut self, claim: &Claim) -> Result<DetachedMemory> {
        let location = &self.held.location;
        match self.slots[claim.slot()].payload.as_mut() {
            Some(payload) => payload.sever(claim, location),
            None => Err(Error::Unsupported { what: "severing a slot without memory" }),
        }
    }

    /// Takes the payload out of the claimed slot, and unlinks its file.
    ///
    /// The slot gets another one when it needs it.
    pub(super) fn forfeit(&mut self, claim: &Claim) -> Option<DetachedMemory> {
        let slot = claim.slot();
        let payload = self.slots[slot].payload.take()?;
        // In a forked child the file is still the parent's.
        if self.check_process().is_ok() {
            self.erase_header(claim);
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

    /// Frees the entries of dead readers: those in use whose lock is free.
    pub(super) fn reap(&self) {
        let table = &self.held.table;
        let file = &self.held.table_file;
        table.registered().for_each(table.entries().len(), |index| {
            let Some(entry) = table.entries().get(index) else { return };
            Table::SEATS.reap(file, index, || {
                fail_point!("reap.locked");
                entry.as_ref().deregister(table.registered(), index);
                fail_point!("reap.removed");
            });
        });
    }

    /// Sorts what an earlier writer left.
    ///
    /// The current value, values that readers hold, and those that they may still read stay. All
    /// else goes.
    pub(super) fn inherit(&mut self) {
        let side = self.held.board.reader_side();
        let latest = side.latest();
        self.reap();
        fail_point!("inherit.reaped");
        self.refresh();
        if !latest.is_none() && latest.slot().get() < self.held.board.slot_count() {
            self.latest = latest;
        }
        let readable = self.inherit_history();
        let mut kept = Vec::new();
        for index in 0..self.held.board.slot_count() {
            let Some(slot) = SlotIndex::new(index) else { break };
            let Some(id) = self.held.board.slot(slot).map(|on_board| on_board.header().payload()) else { break };
            let claim = if readable.contains(slot) { None } else { self.try_claim(slot) };
            if let Some(claim) = &claim {
                // Free: no reader holds it and it is not current. Its file goes with all others
                // that are not kept.
                self.erase_header(claim);
            } else {
                self.slots[slot].orphan = Some(id);
                self.orphans = self.orphans.union(slot.bit());
                kept.push(id);
            }
            fail_point!("inherit.slot");
        }
        if !self.latest.is_none() {
            self.inherit_types();
        }
        fail_point!("inherit.sorted");
        if let Some(owners) = self.held.leftovers {
            // Best effort: where the directory cannot be listed, what a dead writer left stays.
            let _ = remove_payloads(&self.held.location, owners, &kept, || {
                fail_point!("unlink.removed");
                self.held.board.count_file_gone();
            });
        }
    }

    /// Learns which slots have values that a reader may still read.
    fn inherit_history(&mut self) -> PinMask {
        if self.latest.is_none() {
            return PinMask::EMPTY;
        }
        let own = u64::try_from(self.options.history).unwrap_or(1);
        let readable = self.readable(self.held.history_before, false).union(self.readable(own, true));
        let numbers: Vec<_> = self.held.board.reader_side().numbers().collect();
        let mut values: Vec<_> = bits(readable.to_bits())
            .filter_map(|slot| Some((*numbers.get(slot.get())?, slot)))
            .filter(|&(number, _)| number < self.latest.number())
            .collect();
        values.sort_by_key(|&(number, _)| number);
        values.push((self.latest.number(), self.latest.slot()));
        // A number that is not believed is not gone on from either.
        if self.keeping.on && self.latest.number() <= self.last_number {
            self.held.board.writer_side(&self.held.table).set_cell(self.latest);
        }
        for (number, slot) in values {
            self.rotation.published(slot, number);
            if self.keeping.on {
                self.note_kept(slot, number);
            }
        }
        self.look_at_readers();
        readable.union(self.latest.slot().bit())
    }

    /// Whether the reader of an entry lives, as far as the system knows.
    pub(super) fn lives(&self, index: usize) -> bool {
        Table::SEATS.has_owner(&self.held.table_file, index).unwrap_or(true)
    }

    /// How many living readers there are.
    pub(crate) fn reader_count(&self) -> usize {
        let table = &self.held.table;
        let mut count = 0;
        table.registered().for_each(table.entries().len(), |index| count += usize::from(self.lives(index)));
        count
    }
}
