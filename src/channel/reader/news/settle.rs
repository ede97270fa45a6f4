//! Keeping a descriptor in step with what its reader has read.

use super::watch::Watch;
use crate::channel::reader::Reader;
use ndsharray_protocol::channel::{Standing, State};

impl Reader {
    /// Notes that a read has found nothing more on a closed channel.
    ///
    /// For a loop over descriptors that is the report of the close: it looks at
    /// [`is_closed`](Reader::is_closed) then.
    pub(in crate::channel::reader) fn note_end(&mut self) {
        if self.at.board().state() != State::Open && self.at.latest() == self.seen {
            self.close_shown = self.at.board().epoch();
        }
        self.settle();
    }

    /// Whether a watcher knows this reader.
    pub(in crate::channel::reader) fn is_watched(&self) -> bool {
        self.news.get().is_some()
    }

    /// Whether the watcher has found that the name has moved.
    pub(in crate::channel::reader) fn take_move(&self) -> bool {
        self.news.get().is_some_and(Watch::take_move)
    }

    /// Lets the watcher forget the board that the reader has left.
    pub(in crate::channel::reader) fn watch_anew(&mut self) {
        self.close_shown = 0;
        if let Some(watch) = self.news.get() {
            watch.disarm();
            self.at.watch_reads();
            self.settle();
        }
    }

    /// Has the descriptor, if there is one, say whether there is something new.
    pub(in crate::channel::reader) fn settle(&mut self) {
        if self.is_watched() {
            // Each read looks around from now on, at the name too if it has moved.
            self.calm = Standing::UNKNOWN;
            #[cfg(unix)]
            self.set_fd(true);
        }
    }
}
