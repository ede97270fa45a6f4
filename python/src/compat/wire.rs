//! The two ends of the wire format of Python's ndsharray.

use crate::elements::array::{self, Access};
use crate::elements::described::Elements;
use crate::elements::dtypes;
use crate::errors::{closed_handle, to_exception};
use crate::exit;
use crate::fork::own::Own;
use crate::fork::reopening::Reopening;
use ndsharray::compat;
use ndsharray::{DType, OwnedArray};
use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use std::path::PathBuf;
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
    /// Locked only under the interpreter lock: no thread finds it locked, and no fork.
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
        let (elements, is_native) = dtypes::read(&array.dtype())?;
        let Elements::Plain(element) = elements else {
            return Err(PyTypeError::new_err("the wire of Python's ndsharray has no structured arrays"));
        };
        if !array.is_c_contiguous() || !is_native {
            return Err(PyValueError::new_err("the array is not in C order and native byte order"));
        }
        let mut inner = self.inner.lock(array.py())?;
        // SAFETY: in C order, as checked. This thread keeps the interpreter lock until the last use
        // of the slice, so no Python code changes the bytes.
        let bytes = unsafe { array::bytes_of(array, element.size()) };
        let writer = inner.as_mut().ok_or_else(|| closed_handle("writer"))?;
        writer.write_bytes(element, array.shape(), bytes).map(drop).map_err(to_exception)
    }

    /// The file of the value written last.
    #[getter]
    fn payload_name(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(self.inner.lock(py)?.as_ref().and_then(compat::AnyWriter::payload_name))
    }

    /// Ends the channel, and removes its files unless it persists.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        // In a forked child it is the parent's, and dropping it has no effect.
        let taken = self.inner.at_once().and_then(|mut writer| writer.take());
        // May wait for readers that poll.
        py.detach(|| drop(taken));
        Ok(())
    }
}

/// The reading end. A forked child opens it again for itself.
#[pyclass(frozen, module = "ndsharray_rs._native")]
pub(crate) struct WireReader {
    name: String,
    dir: Option<PathBuf>,
    reader: Reopening<compat::Reader>,
    used: Used,
}

/// Memory of the last copy that Python has let go.
///
/// Locked only under the interpreter lock and for a moment, so no thread ever waits for it.
type Used = Arc<Mutex<Option<OwnedArray>>>;

impl WireReader {
    /// Calls `f` with this process's reader, unless another thread uses it.
    fn with<T>(&self, f: impl FnOnce(&mut compat::Reader) -> PyResult<T>) -> PyResult<T> {
        self.reader.with(|| open(&self.name, self.dir.clone()), |_, reader| f(reader))
    }

    /// Asks the reader; `None` once it is closed.
    fn ask<T>(&self, f: impl FnOnce(&compat::Reader) -> T) -> PyResult<Option<T>> {
        if self.reader.is_closed() { Ok(None) } else { self.with(|reader| Ok(Some(f(reader)))) }
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
        let reader = Reopening::new("reader", open(&name, dir.clone())?);
        Ok(Self { name, dir, reader, used: Used::default() })
    }

    /// Returns a private copy of the current value, if newer than the last one read.
    fn read<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyUntypedArray>>> {
        // Waits for a value that is being written, for two seconds at most.
        let used = self.used.try_lock().ok().and_then(|mut used| used.take());
        let copy = self.with(|reader| {
            Ok(py.detach(|| {
                used.into_iter().for_each(|used| reader.recycle(used));
                reader.read()
            }))
        })?;
        copy.map_err(to_exception)?.map(|copy| to_array(py, copy, Arc::clone(&self.used))).transpose()
    }

    /// The file of the value read last.
    #[getter]
    fn payload_name(&self) -> PyResult<Option<String>> {
        Ok(self.ask(compat::Reader::payload_name)?.flatten())
    }

    /// Milliseconds from writing to reading the last value.
    #[getter]
    fn read_time_ms(&self) -> PyResult<f64> {
        Ok(self.ask(compat::Reader::read_time_ms)?.unwrap_or(0.0))
    }

    /// Whether the last read found a sound value, new or not.
    #[getter]
    fn is_valid(&self) -> PyResult<bool> {
        Ok(self.ask(compat::Reader::is_valid)?.unwrap_or(false))
    }

    /// Releases the channel.
    fn close(&self) {
        self.reader.close();
    }
}

/// Keeps the elements of an array, until no object of Python's has them.
#[pyclass(frozen, module = "ndsharray_rs._native")]
pub(crate) struct Copy {
    /// There until this is dropped.
    array: Option<OwnedArray>,
    /// Where the memory goes then.
    used: Used,
}

impl Drop for Copy {
    fn drop(&mut self) {
        if let Ok(mut used) = self.used.try_lock() {
            *used = self.array.take();
        }
    }
}

fn to_array(py: Python<'_>, array: OwnedArray, used: Used) -> PyResult<Bound<'_, PyUntypedArray>> {
    if array.dtype() == DType::Bool {
        // NumPy relies on bools that are 0 or 1.
        array.any_view().map_err(to_exception)?;
    }
    let owner = Bound::new(py, Copy { array: Some(array), used })?;
    let Some(array) = &owner.get().array else { return Err(closed_handle("array")) };
    let (elements, data) = (array.element_type().into(), array.as_bytes().as_ptr().cast_mut());
    // SAFETY: the elements stay, unchanged, as long as their owner, which is frozen. They are
    // aligned for every dtype. Bools have just been checked.
    unsafe { array::array_over(owner.clone().into_any(), &elements, array.shape(), data, Access::Read) }
}

/// Removes payload files older than so many seconds that the tag does not name.
///
/// Returns their paths.
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
