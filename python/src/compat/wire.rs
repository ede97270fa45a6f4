//! Python's ndsharray as it is: the two ends of its wire format.

use crate::dtypes;
use crate::errors::{closed_handle, in_use, to_exception};
use crate::exit;
use crate::forks::Own;
use crate::memory::{self, Access};
use crate::shared::unpoisoned;
use ndsharray::compat;
use ndsharray::{DType, OwnedArray};
use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn options(dir: Option<PathBuf>) -> compat::Options {
    let options = compat::Options::new();
    match dir {
        Some(dir) => options.dir(dir),
        None => options,
    }
}

/// The writing end.
#[pyclass(frozen, weakref, module = "ndsharray_rs._native")]
pub(crate) struct WireWriter {
    /// Locked with the interpreter lock alone: no thread finds it locked, and no fork.
    inner: Own<Option<compat::AnyWriter>>,
}

#[pymethods]
impl WireWriter {
    #[new]
    #[pyo3(signature = (name, *, dir=None, mode=None, persist=false, in_place=false))]
    fn new(
        py: Python<'_>,
        name: &str,
        dir: Option<PathBuf>,
        mode: Option<u32>,
        persist: bool,
        in_place: bool,
    ) -> PyResult<Py<Self>> {
        let mut options = options(dir).persist(persist);
        if let Some(mode) = mode {
            options = options.mode(mode);
        }
        if in_place {
            options = options.overwrite(compat::Overwrite::InPlace);
        }
        let writer = options.create_any(name).map_err(to_exception)?;
        let made = Py::new(py, Self { inner: Own::new(Some(writer)) })?;
        exit::note_writer(made.bind(py))?;
        Ok(made)
    }

    /// Publishes a copy of an array in C order and native byte order.
    fn write(&self, array: &Bound<'_, PyUntypedArray>) -> PyResult<()> {
        let dtype = dtypes::from_numpy(&array.dtype())?;
        if !array.is_c_contiguous() || array.dtype().is_native_byteorder() == Some(false) {
            return Err(PyValueError::new_err("the array is not in C order and native byte order"));
        }
        let len = array.len() * dtype.size();
        let bytes: &[u8] = if len == 0 {
            &[]
        } else {
            // SAFETY: the array is a living object.
            let data = unsafe { (*array.as_array_ptr()).fields.data };
            // SAFETY: an array in C order has so many bytes from its data pointer on. `array` keeps them, and no Python code runs before the last use of
            // the slice that could change them, as this thread does not give up the interpreter lock.
            unsafe { std::slice::from_raw_parts(data.cast(), len) }
        };
        let mut inner = self.inner.lock(array.py())?;
        let writer = inner.as_mut().ok_or_else(|| closed_handle("writer"))?;
        writer.write_bytes(dtype, array.shape(), bytes).map(drop).map_err(to_exception)
    }

    #[getter]
    fn payload_name(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(self.inner.lock(py)?.as_ref().and_then(compat::AnyWriter::payload_name))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        // In a forked child it is the parent's, and is dropped without a trace.
        let taken = self.inner.at_once().and_then(|mut writer| writer.take());
        // May wait for readers that poll.
        py.detach(|| drop(taken));
        Ok(())
    }
}

/// The reading end. In a forked child it opens itself anew.
#[pyclass(frozen, module = "ndsharray_rs._native")]
pub(crate) struct WireReader {
    name: String,
    dir: Option<PathBuf>,
    /// This process's. Locked for moments, with the interpreter lock, so that no fork finds it locked.
    own: Mutex<Arc<Own<Option<compat::Reader>>>>,
    /// Whether it has been closed. A thread that reads then lets go of the reader itself.
    closed: AtomicBool,
}

impl WireReader {
    fn own(&self) -> PyResult<Arc<Own<Option<compat::Reader>>>> {
        let own = Arc::clone(&unpoisoned(&self.own));
        if own.home().is_here() {
            return Ok(own);
        }
        let reader = if self.is_closed() { None } else { Some(open(&self.name, self.dir.clone())?) };
        let opened = Arc::new(Own::new(reader));
        *unpoisoned(&self.own) = Arc::clone(&opened);
        Ok(opened)
    }

    // Relaxed: the interpreter lock orders it.
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    fn ask<T>(&self, f: impl FnOnce(&compat::Reader) -> T) -> PyResult<Option<T>> {
        let own = self.own()?;
        let locked = own.try_lock()?.ok_or_else(|| in_use("reader"))?;
        Ok(locked.as_ref().map(f))
    }
}

fn open(name: &str, dir: Option<PathBuf>) -> PyResult<compat::Reader> {
    options(dir).open(name).map_err(to_exception)
}

#[pymethods]
impl WireReader {
    #[new]
    #[pyo3(signature = (name, *, dir=None))]
    fn new(name: String, dir: Option<PathBuf>) -> PyResult<Self> {
        let own = Mutex::new(Arc::new(Own::new(Some(open(&name, dir.clone())?))));
        Ok(Self { name, dir, own, closed: AtomicBool::new(false) })
    }

    /// A copy of the current value that nobody else has, if it is newer than the last one read.
    fn read<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyUntypedArray>>> {
        let own = self.own()?;
        let mut locked = own.try_lock()?.ok_or_else(|| in_use("reader"))?;
        let reader = locked.as_mut().ok_or_else(|| closed_handle("reader"))?;
        // Waits for a value that is being written, for two seconds at most.
        let copy = py.detach(|| reader.read());
        let taken = if self.is_closed() { locked.take() } else { None };
        drop(locked);
        drop(taken);
        copy.map_err(to_exception)?.map(|copy| to_array(py, copy)).transpose()
    }

    #[getter]
    fn payload_name(&self) -> PyResult<Option<String>> {
        Ok(self.ask(compat::Reader::payload_name)?.flatten())
    }

    #[getter]
    fn read_time_ms(&self) -> PyResult<f64> {
        Ok(self.ask(compat::Reader::read_time_ms)?.unwrap_or(0.0))
    }

    #[getter]
    fn is_valid(&self) -> PyResult<bool> {
        Ok(self.ask(compat::Reader::is_valid)?.unwrap_or(false))
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        let own = Arc::clone(&unpoisoned(&self.own));
        // If another thread has it, that one drops it; in a forked child it stays as it is.
        let taken = own.at_once().and_then(|mut reader| reader.take());
        drop(taken);
    }
}

/// Keeps the elements of an array.
#[pyclass(frozen, module = "ndsharray_rs._native")]
pub(crate) struct Copy {
    array: OwnedArray,
}

fn to_array(py: Python<'_>, array: OwnedArray) -> PyResult<Bound<'_, PyUntypedArray>> {
    if array.dtype() == DType::Bool {
        // NumPy counts on it that bools are 0 or 1.
        array.any_view().map_err(to_exception)?;
    }
    let owner = Bound::new(py, Copy { array })?;
    let array = &owner.get().array;
    let data = array.as_bytes().as_ptr().cast_mut();
    // SAFETY: the elements live, unchanged, as long as their owner, which is frozen, and are aligned for every dtype; bools have just been checked.
    unsafe { memory::array_over(owner.clone().into_any(), array.dtype(), array.shape(), data, Access::Read) }
}

/// Removes the payload files that the tag does not name and that nobody has changed for so many seconds; tells which they were.
#[pyfunction]
#[pyo3(signature = (name, older_than=0.0, *, dir=None))]
pub(crate) fn remove_leftovers(name: &str, older_than: f64, dir: Option<PathBuf>) -> PyResult<Vec<PathBuf>> {
    let age = Duration::try_from_secs_f64(older_than)
        .map_err(|_| PyValueError::new_err("older_than must be a number of seconds, not below zero"))?;
    let removed = options(dir).remove_leftovers(name, age).map_err(to_exception)?;
    Ok(removed.into_iter().map(|leftover| leftover.path).collect())
}

/// Removes all files of a channel.
#[pyfunction]
#[pyo3(signature = (name, *, dir=None))]
pub(crate) fn remove_wire(name: &str, dir: Option<PathBuf>) -> PyResult<()> {
    options(dir).remove(name).map_err(to_exception)
}
