//! Where a reader stands, and which value comes next in order.

use super::Reader;
use crate::error::{Error, Result};
use crate::format::error::HeaderError;
use ndsharray_protocol::channel::{Found, Latest};

/// The next value in order, as far as the words show.
pub(super) enum Next {
    /// It is current, or its cell leads there.
    At(Latest),
    /// There is nothing newer on this board.
    None,
}

impl Reader {
    /// The number that the next one is to follow.
    #[inline]
    pub(super) fn cursor(&self) -> u64 {
        u64::try_from(self.position).unwrap_or(0).max(self.given_up)
    }

    /// Looks for the first value after number `after` that seems to stand.
    pub(super) fn next_after(&mut self, after: u64) -> Result<Next> {
        let latest = self.at.latest();
        if after.saturating_add(1) < latest.number() {
            // SAFETY: the reader is borrowed exclusively.
            unsafe { self.at.know_cells() };
        }
        let side = self.at.board().reader_side();
        for number in side.candidates(after, latest) {
            match side.find(number, latest) {
                // A look without consequence: it spares a pin that would fail.
                Found::At(at) if at == latest || side.stamped(at) => return Ok(Next::At(at)),
                Found::At(_) | Found::Gone => {}
                Found::Damaged { cell, holds } => {
                    let (found, slot) = (holds.number(), holds.slot().get());
                    return Err(HeaderError::Cell { number, cell, found, slot }.into());
                }
            }
        }
        // All that there is has been read, or given up.
        self.seen = latest;
        Ok(Next::None)
    }

    /// Passes over a value that this reader can never read, so that it comes to the next.
    pub(super) fn give_up_if_damaged(&mut self, at: Latest, error: &Error) {
        if matches!(error, Error::Corrupt(_) | Error::ValueTooLarge { .. }) {
            self.given_up = at.number();
            self.at.tell(at.number());
            if at == self.at.latest() {
                self.seen = at;
            }
        }
    }
}
