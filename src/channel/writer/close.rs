//! The end of a channel at its writer's hand.

use super::open::OwnedChannel;
use super::raw::RawWriter;
use crate::channel::remains::{ClosedFiles, remove_closed};
use crate::error::Result;
use crate::failpoint::fail_point;
use ndsharray_protocol::channel::{PinMask, State};
use uuid::Uuid;

impl RawWriter {
    /// Gives up what no reader can come to any more.
    ///
    /// That is all but the current value, what readers hold, and what they may still read: with
    /// `for_newcomers` the whole history, else what living readers have not read of it.
    fn give_back(&mut self, for_newcomers: bool) {
        self.reap();
        self.refresh();
        let history = u64::try_from(self.options.history).unwrap_or(1);
        let kept = self.look.pins.union(self.readable(history, for_newcomers));
        let idle: Vec<_> = self.rotation.idle(kept).collect();
        for slot in idle {
            self.give_up(slot);
        }
        // What an earlier writer left for readers that have let go of it since.
        while let Some(slot) = self.orphans.without(kept).without(self.latest_bit()).first() {
            self.orphans = self.orphans.without(slot.bit());
            self.give_up(slot);
        }
    }

    fn latest_bit(&self) -> PinMask {
        if self.latest.is_none() { PinMask::EMPTY } else { self.latest.slot().bit() }
    }

    /// Closes the channel: wakes its readers, and removes what none of them may still read.
    ///
    /// Does not wait for them.
    ///
    /// With [`Options::persist`](crate::Options::persist) the current value stays for all future
    /// readers, else for living readers that have not come to it (see the argument in
    /// `ndsharray-protocol`). A channel that no reader needs goes at once: a process that is killed
    /// later leaves nothing of it.
    pub(super) fn close(&mut self) -> Result<()> {
        self.check_process()?;
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        if self.lost.is_some() {
            // It has no files, or another writer has the name.
            return Ok(());
        }
        let keep = self.persist && !self.latest.is_none();
        self.held.board.set_state(if keep { State::Kept } else { State::Left });
        fail_point!("close.marked");
        self.held.table.wake_all();
        fail_point!("close.rung");
        if keep {
            self.give_back(true);
            debug_assert!(self.payload_name().is_some());
            fail_point!("close.kept");
            return Ok(());
        }
        let OwnedChannel { board, table, .. } = &self.held;
        if !board.close_side(table).is_behind(|index| self.lives(index)) {
            // Unmapped here before it is removed: not every system removes what is mapped.
            let payloads = self.slots.iter_mut().flat_map(|state| {
                let payload = state.payload.take().map(|payload| payload.id());
                payload.into_iter().chain(state.orphan)
            });
            let payloads: Vec<Uuid> = payloads.collect();
            return remove_closed(&self.held.location, self.options.owners, board, table, Some(&payloads));
        }
        self.give_back(false);
        self.held.board.forget_pid();
        fail_point!("close.left");
        self.held.let_go();
        fail_point!("close.unlocked");
        let OwnedChannel { location, board, table, table_file, .. } = &self.held;
        // Those that have come to the last value in the meantime were refused the lock.
        ClosedFiles::new(location, self.options.owners, board, table, table_file).clear_up();
        Ok(())
    }
}
