//! Python objects that are made at first use.

use super::own::unpoisoned;
use pyo3::prelude::*;
use std::sync::Mutex;

/// A Python object that is made at first use.
///
/// PyO3's own cells release the interpreter lock while they are locked. A fork in another thread
/// may then leave them locked in the child. This one is locked for moments, under the interpreter
/// lock.
pub(crate) struct Known<T>(Mutex<Option<Py<T>>>);

impl<T> Known<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Returns the object. If two threads make one each, the first stays.
    pub(crate) fn get_or_make<'py>(
        &self,
        py: Python<'py>,
        make: impl FnOnce() -> PyResult<Py<T>>,
    ) -> PyResult<Bound<'py, T>> {
        if let Some(known) = &*unpoisoned(&self.0) {
            return Ok(known.bind(py).clone());
        }
        let made = make()?;
        let mut known = unpoisoned(&self.0);
        Ok(known.get_or_insert(made.clone_ref(py)).bind(py).clone())
    }
}
