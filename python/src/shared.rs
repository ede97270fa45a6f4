//! One array for all.

use crate::dtypes;
use crate::errors::{closed_handle, to_exception};
use crate::memory::{self, Access};
use crate::options::{OwnersArgument, options};
use crate::time::Deadline;
use ndsharray::{AnySharedArray, ArrayHold, HoldKind};
use numpy::{PyArrayDescr, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Time between two looks at Python's signals.
const SLICE: Duration = Duration::from_millis(50);

/// A named array in shared memory.
#[pyclass(frozen, module = "ndsharray_rs")]
pub(crate) struct SharedArray {
    name: String,
    /// Never held while Python code runs or somebody waits.
    inner: Mutex<Option<Arc<AnySharedArray>>>,
}

/// Keeps the mapping for arrays.
#[pyclass(frozen, module = "ndsharray_rs._native")]
pub(crate) struct SharedMemory {
    _array: Arc<AnySharedArray>,
}

/// The lock, as a context manager.
#[pyclass(frozen, module = "ndsharray_rs")]
pub(crate) struct ArrayGuard {
    array: Arc<AnySharedArray>,
    access: Access,
    timeout: Option<f64>,
    accept_poison: bool,
    hold: Mutex<Option<ArrayHold>>,
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SharedArray {
    fn of(array: AnySharedArray) -> Self {
        Self { name: array.name().to_owned(), inner: Mutex::new(Some(Arc::new(array))) }
    }

    fn get(&self) -> PyResult<Arc<AnySharedArray>> {
        unpoisoned(&self.inner).clone().ok_or_else(|| closed_handle("SharedArray"))
    }
}

fn array_of<'py>(py: Python<'py>, array: &Arc<AnySharedArray>, access: Access) -> PyResult<Bound<'py, PyUntypedArray>> {
    let owner = Bound::new(py, SharedMemory { _array: Arc::clone(array) })?.into_any();
    // SAFETY: the owner keeps the mapping, which is valid for reads and writes.
    unsafe { memory::array_over(owner, array.dtype(), array.shape(), array.as_mut_ptr(), access) }
}

#[pymethods]
impl SharedArray {
    /// Makes an array of zeros.
    #[staticmethod]
    #[pyo3(signature = (name, shape, dtype=None, *, dir=None, mode=None, max_handles=None, prefault=false, owners=None))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn create(
        py: Python<'_>,
        name: &str,
        shape: memory::Shape,
        dtype: Option<&Bound<'_, PyAny>>,
        dir: Option<PathBuf>,
        mode: Option<u32>,
        max_handles: Option<usize>,
        prefault: bool,
        owners: Option<OwnersArgument>,
    ) -> PyResult<Self> {
        let dtype = dtypes::parse(py, dtype)?;
        let options = array_options(dir, mode, max_handles, prefault, owners)?;
        options.create_any_array(name, dtype, &shape.0, |_| ()).map(Self::of).map_err(to_exception)
    }

    /// Makes an array with a copy of another.
    #[staticmethod]
    #[pyo3(signature = (name, array, *, dir=None, mode=None, max_handles=None, prefault=false, owners=None))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn from_array(
        py: Python<'_>,
        name: &str,
        array: &Bound<'_, PyAny>,
        dir: Option<PathBuf>,
        mode: Option<u32>,
        max_handles: Option<usize>,
        prefault: bool,
        owners: Option<OwnersArgument>,
    ) -> PyResult<Self> {
        let array = memory::as_array(py, array)?;
        let dtype = dtypes::from_numpy(&array.dtype())?;
        let options = array_options(dir, mode, max_handles, prefault, owners)?;
        let mut copied = Ok(());
        let made = options
            .create_any_array(name, dtype, array.shape(), |bytes| copied = memory::copy_to(&array, dtype, bytes))
            .map_err(to_exception)?;
        copied?;
        Ok(Self::of(made))
    }

    /// Opens an array.
    #[staticmethod]
    #[pyo3(signature = (name, *, dir=None, owners=None))]
    fn open(name: &str, dir: Option<PathBuf>, owners: Option<OwnersArgument>) -> PyResult<Self> {
        options(dir, owners)?.open_any_array(name).map(Self::of).map_err(to_exception)
    }

    /// Takes a block without a head for an array.
    #[staticmethod]
    #[pyo3(signature = (name, shape, dtype=None, *, dir=None, owners=None))]
    fn attach_raw(
        py: Python<'_>,
        name: &str,
        shape: memory::Shape,
        dtype: Option<&Bound<'_, PyAny>>,
        dir: Option<PathBuf>,
        owners: Option<OwnersArgument>,
    ) -> PyResult<Self> {
        let dtype = dtypes::parse(py, dtype)?;
        options(dir, owners)?.attach_raw_any(name, dtype, &shape.0).map(Self::of).map_err(to_exception)
    }

    #[pyo3(signature = (timeout=None, *, accept_poison=false))]
    fn read(&self, timeout: Option<f64>, accept_poison: bool) -> PyResult<ArrayGuard> {
        Ok(ArrayGuard { array: self.get()?, access: Access::Read, timeout, accept_poison, hold: Mutex::new(None) })
    }

    #[pyo3(signature = (timeout=None, *, accept_poison=false))]
    fn write(&self, timeout: Option<f64>, accept_poison: bool) -> PyResult<ArrayGuard> {
        Ok(ArrayGuard { array: self.get()?, access: Access::Write, timeout, accept_poison, hold: Mutex::new(None) })
    }

    #[getter]
    fn unlocked<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyUntypedArray>> {
        array_of(py, &self.get()?, Access::Write)
    }

    fn reshape(&self, shape: memory::Shape) -> PyResult<()> {
        let mut array = AnySharedArray::clone(&*self.get()?);
        array.reshape(&shape.0).map_err(to_exception)?;
        *unpoisoned(&self.inner) = Some(Arc::new(array));
        Ok(())
    }

    fn unlink(&self) -> PyResult<()> {
        self.get()?.unlink().map_err(to_exception)
    }

    #[getter]
    fn is_poisoned(&self) -> PyResult<bool> {
        self.get()?.is_poisoned().map_err(to_exception)
    }

    fn clear_poison(&self) -> PyResult<()> {
        self.get()?.clear_poison().map_err(to_exception)
    }

    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArrayDescr>> {
        dtypes::to_numpy(py, self.get()?.dtype())
    }

    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.get()?.shape())
    }

    #[getter]
    fn ndim(&self) -> PyResult<usize> {
        Ok(self.get()?.shape().len())
    }

    #[getter]
    fn size(&self) -> PyResult<usize> {
        let array = self.get()?;
        Ok(array.byte_len() / array.dtype().size())
    }

    #[getter]
    fn nbytes(&self) -> PyResult<usize> {
        Ok(self.get()?.byte_len())
    }

    fn close(&self) {
        let taken = unpoisoned(&self.inner).take();
        drop(taken);
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __exit__(&self, _kind: &Bound<'_, PyAny>, _error: &Bound<'_, PyAny>, _trace: &Bound<'_, PyAny>) {
        self.close();
    }
}

fn array_options(
    dir: Option<PathBuf>,
    mode: Option<u32>,
    max_handles: Option<usize>,
    prefault: bool,
    owners: Option<OwnersArgument>,
) -> PyResult<ndsharray::Options> {
    let mut options = options(dir, owners)?.prefault(prefault);
    if let Some(mode) = mode {
        options = options.mode(mode);
    }
    if let Some(handles) = max_handles {
        options = options.max_readers(handles);
    }
    Ok(options)
}

#[pymethods]
impl ArrayGuard {
    fn __enter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyUntypedArray>> {
        let hold = self.acquire(py)?;
        let array = array_of(py, &self.array, self.access)?;
        *unpoisoned(&self.hold) = Some(hold);
        Ok(array)
    }

    fn __exit__(&self, _kind: &Bound<'_, PyAny>, _error: &Bound<'_, PyAny>, _trace: &Bound<'_, PyAny>) {
        drop(unpoisoned(&self.hold).take());
    }
}

impl ArrayGuard {
    fn acquire(&self, py: Python<'_>) -> PyResult<ArrayHold> {
        let kind = if self.access == Access::Read { HoldKind::Read } else { HoldKind::Write };
        let hold = hold(py, &self.array, kind, self.timeout)?;
        if hold.is_poisoned() && !self.accept_poison {
            let message = "a holder of the array's lock died or panicked, so its elements may be in pieces";
            return Err(PyErr::from_value(crate::errors::class(py, "Poisoned")?.call1((message,))?));
        }
        Ok(hold)
    }
}

/// Takes the lock; waits without the interpreter lock, and answers signals.
fn hold(py: Python<'_>, array: &AnySharedArray, kind: HoldKind, timeout: Option<f64>) -> PyResult<ArrayHold> {
    if let Some(hold) = array.try_hold(kind).map_err(to_exception)? {
        return Ok(hold);
    }
    let deadline = Deadline::after(timeout)?;
    let mut next = Instant::now() + SLICE;
    let mut signal = Ok(());
    let held = py.detach(|| {
        array.hold(kind, || {
            let now = Instant::now();
            if now >= next {
                next = now + SLICE;
                signal = Python::attach(|py| py.check_signals());
            }
            signal.is_ok() && !deadline.is_over()
        })
    });
    signal?;
    held.map_err(to_exception)?.ok_or_else(|| {
        let kind = if kind == HoldKind::Write { "write to" } else { "read" };
        pyo3::exceptions::PyTimeoutError::new_err(format!("no turn to {kind} the array {:?} in time", array.name()))
    })
}

/// Removes the name of an array.
#[pyfunction]
#[pyo3(signature = (name, *, dir=None, owners=None))]
pub(crate) fn remove_array(name: &str, dir: Option<PathBuf>, owners: Option<OwnersArgument>) -> PyResult<()> {
    options(dir, owners)?.remove_array(name).map_err(to_exception)
}
