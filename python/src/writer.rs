//! The writing end.

use crate::dtypes;
use crate::errors::{closed_handle, to_exception};
use crate::options::{OwnersArgument, options};
use ndsharray::AnyWriter;
use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use std::path::PathBuf;
use std::sync::Mutex;

/// The one writer of a channel.
#[pyclass(frozen, module = "ndsharray_rs")]
pub(crate) struct Writer {
    name: String,
    inner: Mutex<Option<AnyWriter>>,
}

#[pymethods]
impl Writer {
    #[new]
    #[pyo3(signature = (name, *, dir=None, max_slots=None, max_readers=None, mode=None, readers_mode=None, capacity_bytes=None, persist=false, prefault=false, owners=None))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        name: String,
        dir: Option<PathBuf>,
        max_slots: Option<usize>,
        max_readers: Option<usize>,
        mode: Option<u32>,
        readers_mode: Option<u32>,
        capacity_bytes: Option<usize>,
        persist: bool,
        prefault: bool,
        owners: Option<OwnersArgument>,
    ) -> PyResult<Self> {
        let mut options = options(dir, owners)?.persist(persist).prefault(prefault);
        if let Some(slots) = max_slots {
            options = options.max_slots(slots);
        }
        if let Some(readers) = max_readers {
            options = options.max_readers(readers);
        }
        if let Some(mode) = mode {
            options = options.mode(mode);
        }
        if let Some(mode) = readers_mode {
            options = options.readers_mode(mode);
        }
        if let Some(bytes) = capacity_bytes {
            options = options.capacity_bytes(bytes);
        }
        let inner = options.create_any(&name).map_err(to_exception)?;
        Ok(Self { name, inner: Mutex::new(Some(inner)) })
    }

    fn write(&self, py: Python<'_>, array: &Bound<'_, PyAny>) -> PyResult<u64> {
        let numpy = py.import("numpy")?;
        let array = numpy.call_method1("asarray", (array,))?;
        let array = array.cast_into::<PyUntypedArray>()?;
        let dtype = dtypes::from_numpy(&array.dtype())?;
        let array = if array.is_c_contiguous() && array.dtype().is_native_byteorder() != Some(false) {
            array
        } else {
            let options = pyo3::types::PyDict::new(py);
            options.set_item("order", "C")?;
            options.set_item("dtype", dtypes::to_numpy(py, dtype)?)?;
            numpy.call_method("array", (array,), Some(&options))?.cast_into()?
        };
        let mut inner = self.inner.lock_py_attached(py).unwrap_or_else(std::sync::PoisonError::into_inner);
        let writer = inner.as_mut().ok_or_else(|| closed_handle("Writer"))?;
        let len = array.len() * dtype.size();
        // SAFETY: an array in C order, kept alive by `array`, has so many bytes from its data pointer on.
        let bytes = unsafe {
            if len == 0 {
                &[]
            } else {
                std::slice::from_raw_parts((*array.as_array_ptr()).fields.data.cast::<u8>(), len)
            }
        };
        writer.write_bytes(dtype, array.shape(), bytes).map_err(to_exception)
    }

    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    fn close(&self, py: Python<'_>) {
        let taken = self.inner.lock_py_attached(py).unwrap_or_else(std::sync::PoisonError::into_inner).take();
        // Closing may wait for the readers to take the last value.
        py.detach(|| drop(taken));
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __exit__(&self, py: Python<'_>, _kind: &Bound<'_, PyAny>, _error: &Bound<'_, PyAny>, _trace: &Bound<'_, PyAny>) {
        self.close(py);
    }
}

/// Removes a channel that has no living writer.
#[pyfunction]
#[pyo3(signature = (name, *, dir=None, owners=None))]
pub(crate) fn remove(name: &str, dir: Option<PathBuf>, owners: Option<OwnersArgument>) -> PyResult<()> {
    options(dir, owners)?.remove(name).map_err(to_exception)
}
