//! Readers that a process opens at their first use there: a forked child's, and pickled ones.

use super::home::Home;
use super::own::{Own, unpoisoned};
use crate::errors::{closed_handle, in_use};
use pyo3::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// A reader for one thread at a time. A forked child opens it again by name.
pub(crate) struct Reopening<R> {
    /// What errors call it.
    what: &'static str,
    /// This process's. Locked for moments, under the interpreter lock: no fork finds it locked.
    own: Mutex<Arc<Own<Option<R>>>>,
    /// Whether it is closed. A thread that waits then drops the reader itself.
    closed: AtomicBool,
}

/// A reader of this process, which lasts while it is locked.
pub(crate) struct Mine<R>(Arc<Own<Option<R>>>);

impl<R> Mine<R> {
    pub(crate) fn home(&self) -> Home {
        self.0.home()
    }

    /// Locks the reader; `None` if another thread uses it.
    pub(crate) fn try_lock(&self) -> PyResult<Option<MutexGuard<'_, Option<R>>>> {
        self.0.try_lock()
    }

    /// Unlocks a reader. Returns it if it is to be dropped, which must not happen under its lock.
    pub(crate) fn take_if(mut locked: MutexGuard<'_, Option<R>>, is_closed: bool) -> Option<R> {
        if is_closed { locked.take() } else { None }
    }
}

impl<R> Reopening<R> {
    pub(crate) fn new(what: &'static str, reader: R) -> Self {
        Self::of(what, Own::new(Some(reader)))
    }

    /// A reader that every process opens at its first use, this one too.
    pub(crate) fn unopened(what: &'static str) -> Self {
        Self::of(what, Own::of_none(None))
    }

    fn of(what: &'static str, own: Own<Option<R>>) -> Self {
        Self { what, own: Mutex::new(Arc::new(own)), closed: AtomicBool::new(false) }
    }

    pub(crate) fn is_closed(&self) -> bool {
        // Relaxed: the interpreter lock orders it.
        self.closed.load(Ordering::Relaxed)
    }

    pub(crate) fn check_open(&self) -> PyResult<()> {
        if self.is_closed() { Err(closed_handle(self.what)) } else { Ok(()) }
    }

    /// Returns this process's reader, for a caller that locks it. A forked child gets one from
    /// `open`.
    pub(crate) fn mine(&self, open: impl FnOnce() -> PyResult<R>) -> PyResult<Mine<R>> {
        self.own(open).map(Mine)
    }

    /// Returns this process's reader. A forked child gets one from `open`.
    fn own(&self, open: impl FnOnce() -> PyResult<R>) -> PyResult<Arc<Own<Option<R>>>> {
        self.check_open()?;
        let inherited = {
            let own = unpoisoned(&self.own);
            if own.home().is_here() {
                return Ok(Arc::clone(&own));
            }
            Arc::clone(&own)
        };
        let opened = Arc::new(Own::new(Some(open()?)));
        *unpoisoned(&self.own) = Arc::clone(&opened);
        // If a thread of the parent used the reader at the fork, its stack refers to it too. Then
        // this is not the last reference, and the reader is never dropped here.
        drop(inherited);
        Ok(opened)
    }

    /// Calls `f` with the reader and its process, unless another thread uses the reader.
    ///
    /// If `f` releases the interpreter lock, another thread may close the reader meanwhile. Then
    /// the reader is dropped here.
    pub(crate) fn with<T>(
        &self,
        open: impl FnOnce() -> PyResult<R>,
        f: impl FnOnce(Home, &mut R) -> PyResult<T>,
    ) -> PyResult<T> {
        let own = self.own(open)?;
        let mut locked = own.try_lock()?.ok_or_else(|| in_use(self.what))?;
        let answer = f(own.home(), locked.as_mut().ok_or_else(|| closed_handle(self.what))?);
        let taken = if self.is_closed() { locked.take() } else { None };
        drop(locked);
        drop(taken);
        answer
    }

    /// Closes the reader. If another thread uses it, that thread drops it.
    pub(crate) fn close(&self) {
        // Relaxed: the interpreter lock orders it.
        self.closed.store(true, Ordering::Relaxed);
        let own = Arc::clone(&unpoisoned(&self.own));
        // In a forked child, a reader that a thread of the parent used stays as it is.
        let taken = own.at_once().and_then(|mut reader| reader.take());
        drop(taken);
    }
}
