//! Which process a handle belongs to.

use crate::errors::to_exception;
use ndsharray::Error;
use pyo3::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// Forks between the process that imported this module and the present one.
static FORKS: AtomicU64 = AtomicU64::new(0);

/// Counts forks from now on. Called once, when the module is imported.
#[cfg(unix)]
pub(crate) fn watch() {
    extern "C" fn count() {
        // Relaxed: the child has one thread, which runs this.
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: the handler lives as long as the program. It does nothing but an atomic addition,
    // which a forked child may do. A failure (no memory) leaves forks uncounted.
    unsafe { libc::pthread_atfork(None, None, Some(count)) };
}

/// Does nothing: this system has no forks.
#[cfg(not(unix))]
pub(crate) fn watch() {}

/// The process that made a handle.
#[derive(Clone, Copy)]
pub(crate) struct Home(u64);

impl Home {
    /// Returns this process.
    pub(crate) fn here() -> Self {
        // Relaxed: changes only in a child, before any other code of the child runs.
        Self(FORKS.load(Ordering::Relaxed))
    }

    /// Returns no process.
    pub(crate) fn nowhere() -> Self {
        // A count that is never reached.
        Self(u64::MAX)
    }

    /// Returns whether it is this process, and not a parent of it.
    #[inline]
    pub(crate) fn is_here(self) -> bool {
        // Relaxed: as in `here`.
        self.0 == FORKS.load(Ordering::Relaxed)
    }

    /// Fails in a forked child.
    pub(crate) fn check(self) -> PyResult<()> {
        if self.is_here() { Ok(()) } else { Err(forked()) }
    }
}

/// Makes the exception for a handle of a parent process.
#[cold]
fn forked() -> PyErr {
    to_exception(Error::Forked)
}
