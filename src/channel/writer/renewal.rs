//! What a writer does when other programs remove its channel's files.
//!
//! They may be `rm`, a sweeper of temporary files, the end of a login session.
//!
//! It re-creates its channel: the same numbers, the same lineage, the last value. It marks the old
//! board as closed, and its readers look for the name again.

use super::open::{Before, OwnedChannel, last_value};
use super::raw::{Lost, RawWriter};
use super::rotation::Rotation;
use crate::channel::board::HeaderWords;
use crate::channel::payload::WritePayload;
use crate::error::Result;
use crate::failpoint::fail_point;
use crate::files::trusted::{has_name, unlink_if_same};
use crate::format::slot::{RawHeader, SlotHeader};
use crate::sys;
use ndsharray_protocol::channel::{Latest, MAX_NUMBER, PerSlot, PinMask, PinScan, Preclaimed, State};
use std::cell::Cell;
use uuid::Uuid;

impl RawWriter {
    /// Whether the names of board, reader table and payloads are still good.
    ///
    /// Those of board and table must lead to these very files. Those of the payloads, of the
    /// current value and of future ones, must lead to something.
    pub(super) fn has_its_files(&self) -> bool {
        let location = &self.held.location;
        let exists = |id| location.payload(id).symlink_metadata().is_ok();
        has_name(&location.board(), self.held.board.identity())
            && has_name(&location.readers(), self.held.table.identity())
            && self.types.written.has_its_file(location)
            && self.payload_id().is_none_or(exists)
            && self.slots.iter().filter_map(|state| state.payload.as_ref()).all(|payload| exists(payload.id()))
    }

    /// Gives up what is left of the channel and re-creates it.
    ///
    /// Where that cannot be done now, one of the next claims does it, and reports why it could not.
    pub(super) fn make_anew(&mut self) {
        let OwnedChannel { location, board, lineage, epoch, .. } = &self.held;
        let kept = last_value(location, &self.options, board);
        let before = Before {
            number: self.last_number,
            // The same writer goes on.
            epoch: epoch.saturating_sub(1),
            lineage: Some(*lineage),
            value: kept.clone(),
            is_rescue: false,
            is_import: false,
            types: self.types.written.known().clone(),
        };
        let kept = kept.map(|(header, _)| header.payload());
        let value = if kept.is_none() { self.rescue() } else { None };
        self.give_way(kept);
        self.last_number = MAX_NUMBER;
        self.lost = Some(Lost { before, value });
        // Reported by the next claim.
        let _ = self.find_again();
    }

    /// Re-creates a channel whose files have gone.
    #[cold]
    pub(super) fn find_again(&mut self) -> Result<()> {
        let Some(lost) = &self.lost else { return Ok(()) };
        let before = Before { is_rescue: lost.value.is_some(), ..lost.before.clone() };
        let location = &self.held.location;
        let copied = Cell::new(None);
        let rescue = || {
            let (payload, known) = lost.value.as_ref()?;
            let SlotHeader { byte_len, written_ns, element, shape, tail, .. } = known;
            // Without room for it the value is lost, and the channel goes on.
            let (elements, behind) = (payload.bytes(*byte_len), payload.behind(*byte_len, *tail));
            let copy = WritePayload::copy_of(location, elements, *tail, behind, self.options.mode | 0o600).ok()?;
            copied.set(Some(copy.id()));
            fail_point!("renew.copied");
            let header = RawHeader::encode(copy.id(), *byte_len, *written_ns, *element, shape).with_tail(*tail);
            Some((header, self.held.epoch))
        };
        let held = OwnedChannel::acquire(location.clone(), &self.options, before, rescue).inspect_err(|_| {
            if let Some(id) = copied.get() {
                let _ = sys::remove_file(&location.payload(id));
            }
        })?;
        fail_point!("renew.acquired");
        let slots = held.board.slot_count();
        self.last_number = held.last_number;
        self.held = held;
        self.slots = PerSlot::default();
        self.rotation = Rotation::new(slots.min(self.options.max_slots), self.options.history);
        self.latest = Latest::NONE;
        self.keeping.forget();
        (self.look, self.ahead, self.orphans) = (PinScan::default(), Preclaimed::default(), PinMask::EMPTY);
        self.lost = None;
        self.inherit();
        self.renew_types()?;
        Ok(())
    }

    /// The last value, if this process has it.
    fn rescue(&mut self) -> Option<(WritePayload, SlotHeader)> {
        if self.latest.is_none() {
            return None;
        }
        let header = self.held.board.slot(self.latest.slot())?.header().decode().ok()?;
        let payload = self.slots[self.latest.slot()].payload.take()?;
        (payload.id() == header.payload).then_some((payload, header))
    }

    /// Closes the old board for its readers, removes the rest, and releases its lock.
    ///
    /// Only the payload `kept` stays.
    fn give_way(&mut self, kept: Option<Uuid>) {
        let OwnedChannel { location, board, table, .. } = &self.held;
        board.set_state(State::Closed);
        fail_point!("renew.closed");
        table.wake_all();
        // Best effort: the next process with the name clears away what stays.
        for state in self.slots.iter_mut() {
            let payload = state.payload.take().map(|payload| payload.id());
            for id in payload.into_iter().chain(state.orphan.take()).filter(|id| Some(*id) != kept) {
                let _ = sys::remove_file(&location.payload(id));
            }
        }
        let _ = self.types.written.unlink(location);
        let _ = unlink_if_same(&location.readers(), table.identity());
        let _ = unlink_if_same(&location.board(), board.identity());
        fail_point!("renew.removed");
        self.held.let_go();
    }
}
