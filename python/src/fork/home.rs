//! Forked children: what they may do with the handles they inherit.
//!
//! A fork copies the memory of the process and one of its threads. What the other threads had locked
//! stays locked in the child for ever. So a handle is asked for its process before its lock is
//! touched: in a child it answers `Forked`, or opens itself anew by name.

use crate::errors::to_exception;
use ndsharray::Error;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

static FORKS: AtomicU64 = AtomicU64::new(0);

/// Counts forks from now on. Called once, when the module is imported.
#[cfg(unix)]
pub(crate) fn watch() {
    extern "C" fn count() {
        // Relaxed: the child has one thread, which runs this.
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: the handler lives as long as the program and does nothing but an atomic addition,
    // which is allowed in a forked child. A failure (no memory) leaves forks uncounted.
    unsafe { libc::pthread_atfork(None, None, Some(count)) };
}

/// There are no forks.
#[cfg(not(unix))]
pub(crate) fn watch() {}

/// The process that made something.
#[derive(Clone, Copy)]
pub(crate) struct Home(u64);

impl Home {
    /// This process.
    pub(crate) fn here() -> Self {
        // Relaxed: changes in a child alone, before any other code of it runs.
        Self(FORKS.load(Ordering::Relaxed))
    }

    /// Whether it is this process, and not a parent of it.
    #[inline]
    pub(crate) fn is_here(self) -> bool {
        // Relaxed: as above.
        self.0 == FORKS.load(Ordering::Relaxed)
    }

    /// Fails in a forked child.
    pub(crate) fn check(self) -> PyResult<()> {
        if self.is_here() { Ok(()) } else { Err(forked()) }
    }
}

/// The exception for a handle of a parent process.
#[cold]
fn forked() -> PyErr {
    to_exception(Error::Forked)
}

/// A Python object that is made when first asked for.
///
/// PyO3's own cells give the interpreter lock back while they are locked, so that a fork of another
/// thread may leave them locked in the child. This is locked for moments, with the interpreter lock.
pub(crate) struct Known<T>(Mutex<Option<Py<T>>>);

impl<T> Known<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// The object. Two threads may make one each; then the first one stays.
    pub(crate) fn get_or_make<'py>(
        &self,
        py: Python<'py>,
        make: impl FnOnce() -> PyResult<Py<T>>,
    ) -> PyResult<Bound<'py, T>> {
        if let Some(known) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(known.bind(py).clone());
        }
        let made = make()?;
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(place.get_or_insert(made.clone_ref(py)).bind(py).clone())
    }
}

/// A value and its lock, which belong to the process that made them.
pub(crate) struct Own<T> {
    home: Home,
    value: Mutex<T>,
}

impl<T> Own<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { home: Home::here(), value: Mutex::new(value) }
    }

    pub(crate) fn home(&self) -> Home {
        self.home
    }

    /// The lock, for a caller that has checked the process.
    pub(crate) fn mutex(&self) -> &Mutex<T> {
        &self.value
    }

    /// Locks; waits for other threads without the interpreter lock. Fails in a forked child.
    pub(crate) fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, T>> {
        self.home.check()?;
        Ok(self.value.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner))
    }

    /// Locks, unless another thread has it locked. Fails in a forked child.
    pub(crate) fn try_lock(&self) -> PyResult<Option<MutexGuard<'_, T>>> {
        self.home.check()?;
        Ok(self.at_once())
    }

    /// Locks, unless another thread has it locked; in whatever process.
    ///
    /// In a forked child a lock that a thread of the parent held at the fork is never free, and
    /// what it guards may be in pieces. If it is free, the value is whole, and may be dropped.
    pub(crate) fn at_once(&self) -> Option<MutexGuard<'_, T>> {
        match self.value.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}
