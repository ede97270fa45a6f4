//! What a writer keeps beside the current value: the terms of its channel, and what is unread.

use crate::options::Options;
use ndsharray_protocol::channel::{PinMask, Terms};
use std::time::{Duration, Instant};

/// What a writer keeps beside the current value.
pub(super) struct Keeping {
    /// Whether it does: otherwise it stores no cells, and all other fields are empty.
    pub(super) on: bool,
    /// How long a write waits for lossless readers; `None` where there can be none.
    pub(super) timeout: Option<Duration>,
    /// Slots whose numbers are above what the last look at lossless readers allows.
    pub(super) unread: PinMask,
}

impl Keeping {
    pub(super) fn new(options: &Options) -> Self {
        let timeout = options.wait_for_readers;
        Self { on: keeps(options), timeout, unread: PinMask::EMPTY }
    }

    /// Forgets what the last look showed, with the board that it was made at.
    pub(super) fn forget(&mut self) {
        self.unread = PinMask::EMPTY;
    }
}

/// Whether such a writer keeps values beside the current one, and stores cells that lead to them.
pub(super) fn keeps(options: &Options) -> bool {
    options.history > 1 || options.wait_for_readers.is_some()
}

/// What the board says of such a writer.
pub(super) fn terms(options: &Options) -> Terms {
    // At most 62, as has been checked.
    let history = u8::try_from(options.history).unwrap_or(u8::MAX);
    Terms { history, waits: options.wait_for_readers.is_some() }
}

/// One call's wait for lossless readers.
#[derive(Default)]
pub(super) struct Wait {
    pub(super) began: Option<Instant>,
    /// Whether the dead have been looked for.
    pub(super) reaped: bool,
}
