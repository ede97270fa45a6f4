//! Keeping a descriptor in step with what its reader has read.

use super::watch::Watch;
use crate::channel::reader::Reader;
use crate::channel::reader::look::Known;
use ndsharray_protocol::channel::{Standing, State};

/// Attempts at a board that does not come to rest.
const LOOKS: u32 = 16;

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

    /// Sets the descriptor or clears it; with nothing new the watcher goes on.
    #[cfg(unix)]
    pub(super) fn set_fd(&self, sees_moves: bool) {
        let Some(watch) = self.news.get() else { return };
        let mut watched = watch.lock();
        for _ in 0..LOOKS {
            if !watched.has_fd() {
                return;
            }
            let epoch = self.at.board().epoch();
            let standing = self.at.board().standing();
            let is_close_new = standing.state() != State::Open && ![self.close_told, self.close_shown].contains(&epoch);
            if self.at.latest() != self.seen || is_close_new {
                watched.set_fd();
                return;
            }
            watched.clear_fd();
            if watched.arm(&self.arming(Known { standing, epoch }, sees_moves)) {
                drop(watched);
                self.news.ring();
                return;
            }
        }
        watched.set_fd();
    }
}
