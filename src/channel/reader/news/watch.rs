//! What a reader and its watcher share.

use crate::channel::reader::attachment::Attachment;
use crate::channel::reader::deadline::WRITER_SLICE;
use crate::channel::reader::look::Known;
use crate::sys::WaitSet;
use ndsharray_protocol::channel::{Latest, State};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

#[cfg(unix)]
use crate::sys::ReadyFd;
#[cfg(unix)]
use std::{io, sync::Weak};

/// One reader, as its watcher knows it.
///
/// The lock is held for moments only, and never while a task is woken. Whatever the reader changes
/// under it holds when its call returns: a reader that is dropped leaves no mapping behind.
pub(crate) struct Watch(Mutex<Watched>);

/// The state under the lock.
pub(super) struct Watched {
    /// The reader's board, while it is armed.
    at: Option<Arc<Attachment>>,
    /// The last value that the reader has read from it.
    seen: Latest,
    /// How the board stood when the reader found nothing.
    known: Known,
    /// The epochs whose close is no news any more.
    told: [u64; 2],
    /// The value of `wake` since when nothing has changed.
    ticket: u32,
    /// The task to wake.
    waker: Option<Waker>,
    /// Whether the reader can be told of a name that has moved.
    sees_moves: bool,
    /// Whether its name has moved.
    has_moved: bool,
    next_look: Instant,
    /// When to ask next whether the writer has died, if the reader wants to know.
    next_death: Option<Instant>,
    #[cfg(unix)]
    fd: Weak<ReadyFd>,
    /// Whether the descriptor is readable.
    #[cfg(unix)]
    is_set: bool,
}

/// What a reader hands over when it arms its watch.
pub(super) struct Arming<'a> {
    pub(super) at: &'a Arc<Attachment>,
    pub(super) seen: Latest,
    pub(super) known: Known,
    pub(super) told: [u64; 2],
    pub(super) sees_moves: bool,
    pub(super) next_look: Instant,
    pub(super) next_death: Option<Instant>,
}

/// What a check of an armed reader has come to.
pub(super) enum Check {
    /// The reader is not armed, or is no longer.
    Idle,
    /// Still nothing: it goes on to be watched.
    Armed(Pace),
    /// There are news for this task.
    News(Waker),
}

/// How soon an armed reader must be looked at, beside notifications.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Notifications come.
    Notified,
    /// None comes: the reader has no write permission.
    Unnoticed,
    /// None comes: its channel is gone.
    Gone,
    /// Notifications come, but none of the writer's death.
    Mortal,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Watched {
            at: None,
            seen: Latest::NONE,
            known: Known::NOTHING,
            told: [0; 2],
            ticket: 0,
            waker: None,
            sees_moves: false,
            has_moved: false,
            next_look: Instant::now(),
            next_death: None,
            #[cfg(unix)]
            fd: Weak::new(),
            #[cfg(unix)]
            is_set: false,
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of the reader's board; wakes no task.
    pub(crate) fn disarm(&self) {
        let mut watched = self.lock();
        watched.at = None;
        let waker = watched.waker.take();
        // What drops with a task may have locks of its own.
        drop(watched);
        drop(waker);
    }

    /// The same in a forked child, where another thread may have held the lock at the fork.
    pub(super) fn disarm_forked(&self) {
        if let Ok(mut watched) = self.0.try_lock() {
            watched.at = None;
        }
    }

    /// Whether the name has moved since this was asked last.
    pub(crate) fn take_move(&self) -> bool {
        std::mem::take(&mut self.lock().has_moved)
    }
}

impl Watched {
    /// Arms the watch; `false`, and not armed, if there is something new already.
    pub(super) fn arm(&mut self, from: &Arming<'_>) -> bool {
        if !self.at.as_ref().is_some_and(|at| Arc::ptr_eq(at, from.at)) {
            self.at = Some(Arc::clone(from.at));
        }
        (self.seen, self.known, self.told) = (from.seen, from.known, from.told);
        (self.sees_moves, self.has_moved) = (from.sees_moves, false);
        (self.next_look, self.next_death) = (from.next_look, from.next_death);
        self.announce(from.at);
        if self.has_changed(from.at) {
            self.at = None;
            return false;
        }
        true
    }

    /// Names the task to wake, and returns the one before.
    pub(super) fn replace_waker(&mut self, waker: Waker) -> Option<Waker> {
        self.waker.replace(waker)
    }

    /// Takes a ticket, then announces that a thread is about to sleep. A look must follow.
    fn announce(&mut self, at: &Attachment) {
        if let Some(table) = at.table().filter(|_| !self.known.is_gone()) {
            let event = table.event_count();
            self.ticket = event.ticket();
            event.announce();
        }
    }

    /// Whether the board differs from what the reader has found.
    fn has_changed(&self, at: &Attachment) -> bool {
        at.differs(self.seen, self.known)
    }

    /// Whether the board has what the reader does not know: a value, or a close.
    fn is_news(&self, at: &Attachment) -> bool {
        let board = at.board();
        let epoch = board.epoch();
        let state = board.state();
        at.latest() != self.seen || (state != State::Open && !self.told.contains(&epoch))
    }

    /// Looks whether the reader is to be woken, and adds its word to `set` if not.
    ///
    /// `is_slice_over` has it look even if no notification came, and `name_due` at the name too.
    pub(super) fn check(
        &mut self,
        set: &mut WaitSet,
        now: Instant,
        is_slice_over: bool,
        name_due: Option<Instant>,
    ) -> Check {
        let Some(at) = self.at.clone() else { return Check::Idle };
        let table = at.table().filter(|_| !self.known.is_gone());
        let is_notified = table.is_none_or(|table| table.event_count().ticket() != self.ticket);
        if is_notified || is_slice_over {
            self.announce(&at);
            if self.has_changed(&at) {
                if self.is_news(&at) {
                    return self.fire();
                }
                if self.waker.is_some() {
                    // The reader has payload files to let go of, or another state to look at.
                    return self.fire();
                }
                let epoch = at.board().epoch();
                self.known = Known { standing: at.board().standing(), epoch };
                self.announce(&at);
                if self.has_changed(&at) {
                    // Once more, soon.
                    return Check::Armed(Pace::Unnoticed);
                }
            }
        }
        if let Some(next_look) = name_due {
            self.next_look = next_look;
            if self.sees_moves && at.has_moved() {
                self.has_moved = true;
                return self.fire();
            }
        }
        if self.waker.is_some()
            && let Some(next_death) = self.next_death.as_mut().filter(|next| now >= **next)
        {
            *next_death = now + WRITER_SLICE;
            if at.has_dead_writer() {
                return self.fire();
            }
        }
        match at.table() {
            _ if self.known.is_gone() => Check::Armed(Pace::Gone),
            None => Check::Armed(Pace::Unnoticed),
            Some(table) => {
                table.add_to(set, self.ticket);
                Check::Armed(if self.next_death.is_some() { Pace::Mortal } else { Pace::Notified })
            }
        }
    }

    pub(super) fn next_look(&self) -> Option<Instant> {
        self.at.as_ref().map(|_| self.next_look)
    }

    pub(super) fn is_gone(&self) -> bool {
        self.known.is_gone()
    }

    fn fire(&mut self) -> Check {
        #[cfg(unix)]
        self.set_fd();
        self.at = None;
        self.waker.take().map_or(Check::Idle, Check::News)
    }
}

#[cfg(unix)]
impl Watched {
    /// The descriptor, which is made if there is none.
    pub(super) fn fd(&mut self) -> io::Result<Arc<ReadyFd>> {
        if let Some(fd) = self.fd.upgrade() {
            return Ok(fd);
        }
        let fd = Arc::new(ReadyFd::new()?);
        (self.fd, self.is_set) = (Arc::downgrade(&fd), false);
        Ok(fd)
    }

    pub(super) fn has_fd(&self) -> bool {
        self.fd.strong_count() > 0
    }

    /// Makes the descriptor readable, if there is one.
    pub(super) fn set_fd(&mut self) {
        if let Some(fd) = self.fd.upgrade().filter(|_| !self.is_set) {
            self.is_set = true;
            fd.set();
        }
    }

    /// Makes the descriptor unreadable, if there is one.
    pub(super) fn clear_fd(&mut self) {
        if let Some(fd) = self.fd.upgrade().filter(|_| self.is_set) {
            self.is_set = false;
            fd.clear();
        }
    }
}
