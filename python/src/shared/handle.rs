//! An open array of this process, and its lock.

use crate::elements::described::Elements;
use crate::errors::to_exception;
use crate::fork::home::Home;
use crate::fork::own::unpoisoned;
use crate::time::{Deadline, SLICE};
use ndsharray::AnySharedArray;
use ndsharray::raw::{ArrayLockGuard, ArrayMapping, LockMode};
use pyo3::exceptions::PyTimeoutError;
use pyo3::prelude::*;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// An open array, and the mappings that no guard uses just now.
pub(crate) struct Handle {
    pub(crate) home: Home,
    pub(crate) array: AnySharedArray,
    mappings: Mutex<Vec<ArrayMapping>>,
}

/// Keeps the mapping for arrays without the lock.
#[pyclass(frozen, module = "ndsharray_rs._native")]
pub(crate) struct SharedMemory {
    _handle: Arc<Handle>,
}

/// Returns what the elements of an array are.
pub(super) fn elements(array: &AnySharedArray) -> Elements {
    Elements::of(array.element_type(), array.record_type())
}

impl SharedMemory {
    pub(super) fn new(handle: Arc<Handle>) -> Self {
        Self { _handle: handle }
    }
}

impl Handle {
    pub(super) fn new(array: AnySharedArray) -> Self {
        Self { home: Home::here(), array, mappings: Mutex::new(Vec::new()) }
    }

    /// Returns the elements, mapped for one guard.
    #[inline]
    pub(super) fn mapping(&self) -> PyResult<ArrayMapping> {
        let spare = unpoisoned(&self.mappings).pop();
        spare.map_or_else(|| self.array.pane().map_err(to_exception), Ok)
    }

    /// Keeps a mapping for the next guard.
    #[inline]
    pub(super) fn put_back(&self, mapping: ArrayMapping) {
        unpoisoned(&self.mappings).push(mapping);
    }

    /// Acquires the lock. Waits without the interpreter lock, and answers signals.
    #[inline]
    pub(super) fn acquire(&self, py: Python<'_>, mode: LockMode, timeout: Option<f64>) -> PyResult<ArrayLockGuard> {
        let array = &self.array;
        if let Some(guard) = array.try_hold(mode).map_err(to_exception)? {
            return Ok(guard);
        }
        let deadline = Deadline::after(timeout)?;
        let mut next = Instant::now() + SLICE;
        let mut signal = Ok(());
        let held = py.detach(|| {
            array.hold(mode, || {
                let now = Instant::now();
                if now >= next {
                    next = now + SLICE;
                    #[expect(clippy::redundant_closure_for_method_calls, reason = "the method is that of one lifetime")]
                    let asked = Python::attach(|py| py.check_signals());
                    signal = asked;
                }
                signal.is_ok() && !deadline.is_over()
            })
        });
        let held = held.map_err(to_exception)?;
        signal?;
        held.ok_or_else(|| PyTimeoutError::new_err(format!("the array {:?} was not free in time", array.name())))
    }
}
