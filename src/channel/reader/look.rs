//! What a reader finds when it looks at its channel before it sleeps.

use ndsharray_protocol::channel::{Standing, State};

/// What one look at a channel finds.
pub(super) enum Look {
    /// A newer value.
    News,
    /// A close that the reader has not been told of.
    Closed(Known),
    /// Another board under the name, which the reader has gone to.
    Moved,
    /// Nothing, while the board stood like this.
    Nothing(Known),
}

/// How a board stood when a look found nothing.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) standing: Standing,
    pub(super) epoch: u64,
}

impl Known {
    /// No board stands like this.
    pub(super) const NOTHING: Self = Self { standing: Standing::UNKNOWN, epoch: 0 };

    /// Whether the channel has been closed for good: no process would wake the reader.
    pub(super) fn is_gone(&self) -> bool {
        self.standing.state() == State::Closed
    }
}
