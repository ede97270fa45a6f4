//! Locks that a forked child does not wait for.

use super::home::Home;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// Locks a mutex whose value stays whole when a thread panics.
pub(crate) fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Makes a value of no process.
    pub(crate) fn of_none(value: T) -> Self {
        Self { home: Home::nowhere(), value: Mutex::new(value) }
    }

    pub(crate) fn home(&self) -> Home {
        self.home
    }

    /// Returns the lock, for a caller that has checked the process.
    pub(crate) fn mutex(&self) -> &Mutex<T> {
        &self.value
    }

    /// Locks, and waits for other threads without the interpreter lock. Fails in a forked child.
    pub(crate) fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, T>> {
        self.home.check()?;
        Ok(self.value.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner))
    }

    /// Locks, unless another thread holds the lock. Fails in a forked child.
    pub(crate) fn try_lock(&self) -> PyResult<Option<MutexGuard<'_, T>>> {
        self.home.check()?;
        Ok(self.at_once())
    }

    /// Locks, in any process, unless another thread holds the lock.
    ///
    /// In a forked child, a lock that a thread of the parent held at the fork is never released,
    /// and its value may be in pieces. If the lock is free, the value is whole and may be dropped.
    pub(crate) fn at_once(&self) -> Option<MutexGuard<'_, T>> {
        match self.value.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}
