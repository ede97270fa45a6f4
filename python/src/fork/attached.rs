//! State that the interpreter lock guards.

use pyo3::prelude::*;
use std::cell::RefCell;

/// A value that only the thread with the interpreter lock uses.
///
/// It needs no lock of its own. So no fork finds it locked, as the forking thread has the
/// interpreter lock.
pub(super) struct Attached<T>(RefCell<T>);

// SAFETY: `with` is the only access. It takes a proof of the interpreter lock, which is one for the
// whole process: the module asks for it (`gil_used`), and PyO3 allows one interpreter.
unsafe impl<T: Send> Sync for Attached<T> {}

impl<T> Attached<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(RefCell::new(value))
    }

    /// Calls `f` with the value.
    ///
    /// # Safety
    ///
    /// `f` neither runs Python code nor releases the interpreter lock: another thread would get
    /// here.
    #[inline]
    pub(super) unsafe fn with<R>(&self, _py: Python<'_>, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.0.borrow_mut())
    }
}
