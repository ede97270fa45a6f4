//! A value that a reader has read.

use crate::buffer;
use crate::dtypes;
use crate::errors;
use crate::memory::{self, Access};
use ndsharray::{DType, OwnedSample};
use numpy::npyffi::PY_ARRAY_API;
use numpy::{PyArrayDescr, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One value of a channel.
#[pyclass(frozen, module = "ndsharray_rs")]
pub(crate) struct Sample {
    value: OwnedSample,
    channel: Arc<str>,
    /// Whether the elements can be shown to NumPy: not known for `bool`, until all of them have been looked at.
    sound: AtomicBool,
}

impl Sample {
    #[inline]
    pub(crate) fn new(channel: &Arc<str>, value: OwnedSample) -> Self {
        let sound = AtomicBool::new(value.dtype() != DType::Bool);
        Self { value, channel: Arc::clone(channel), sound }
    }

    /// The elements, if they are what NumPy takes for values of the dtype.
    fn bytes(&self) -> PyResult<&[u8]> {
        let bytes = self.value.as_bytes();
        // Relaxed: what it says follows from bytes that do not change.
        if !self.sound.load(Ordering::Relaxed) {
            // SAFETY: a slice's own pointer and length.
            unsafe { memory::check_bools(self.value.dtype(), bytes.as_ptr(), bytes.len()) }?;
            self.sound.store(true, Ordering::Relaxed);
        }
        Ok(bytes)
    }

    /// Copies the elements to `out`, or to a new array, and says which and what.
    pub(crate) fn copy_into<'py>(
        self,
        py: Python<'py>,
        out: Option<&Bound<'py, PyUntypedArray>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let sample = Bound::new(py, self)?;
        let (value, source) = (&sample.get().value, Self::array(&sample)?);
        let array = match out {
            None => source.call_method0(intern!(py, "copy"))?,
            Some(out) => {
                let fields = PyDict::new(py);
                let (expected, found) = (out.dtype(), source.dtype());
                if !expected.is_equiv_to(&found) {
                    fields.set_item("expected", expected.str()?)?;
                    fields.set_item("found", found.str()?)?;
                    let message = format!("expected dtype {expected}, found {found}");
                    return Err(PyErr::from_value(
                        errors::class(py, "DTypeMismatch")?.call((message,), Some(&fields))?,
                    ));
                }
                if out.shape() != source.shape() {
                    fields.set_item("expected", out.len())?;
                    fields.set_item("found", source.len())?;
                    let message = format!("expected shape {:?}, found {:?}", out.shape(), source.shape());
                    return Err(PyErr::from_value(
                        errors::class(py, "ShapeMismatch")?.call((message,), Some(&fields))?,
                    ));
                }
                // SAFETY: two arrays; NumPy refuses if `out` is not writable.
                if unsafe { PY_ARRAY_API.PyArray_CopyInto(py, out.as_array_ptr(), source.as_array_ptr()) } != 0 {
                    return Err(PyErr::fetch(py));
                }
                out.clone().into_any()
            }
        };
        let info = py.import(intern!(py, "ndsharray_rs._info"))?.getattr(intern!(py, "Info"))?;
        info.call1((array, value.seq(), value.missed(), value.age().as_secs_f64()))
    }
}

#[pymethods]
impl Sample {
    #[getter]
    fn array<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyUntypedArray>> {
        let this = slf.get();
        let data = this.bytes()?.as_ptr().cast_mut();
        let (dtype, shape) = (this.value.dtype(), this.value.shape());
        // SAFETY: the bytes live, unchanged, as long as the sample, which is what owns the array: it is frozen. Payloads start at a page, and copies are
        // aligned for every dtype; bools have just been checked.
        unsafe { memory::array_over(slf.clone().into_any(), dtype, shape, data, Access::Read) }
    }

    #[getter]
    fn seq(&self) -> u64 {
        self.value.seq()
    }

    #[getter]
    fn missed(&self) -> u64 {
        self.value.missed()
    }

    #[getter]
    fn age(&self) -> f64 {
        self.value.age().as_secs_f64()
    }

    #[getter]
    fn name(&self) -> &str {
        &self.channel
    }

    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArrayDescr>> {
        dtypes::to_numpy(py, self.value.dtype())
    }

    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.value.shape())
    }

    #[getter]
    fn ndim(&self) -> usize {
        self.value.shape().len()
    }

    #[getter]
    fn size(&self) -> usize {
        self.value.shape().iter().product()
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.value.as_bytes().len()
    }

    #[pyo3(signature = (dtype=None, *, copy=None))]
    fn __array__<'py>(
        slf: &Bound<'py, Self>,
        dtype: Option<&Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let array = Self::array(slf)?;
        let wanted = dtype.map(|dtype| PyArrayDescr::new(py, dtype)).transpose()?;
        match wanted.filter(|wanted| !wanted.is_equiv_to(&array.dtype())) {
            Some(_) if copy == Some(false) => {
                Err(PyValueError::new_err("another dtype takes a copy, and copy=False forbids one"))
            }
            Some(wanted) => array.call_method1(intern!(py, "astype"), (wanted,)),
            None if copy == Some(true) => array.call_method0(intern!(py, "copy")),
            None => Ok(array.into_any()),
        }
    }

    /// NumPy makes the capsule, which is marked as read-only if the consumer's version knows how to.
    #[pyo3(signature = (**options))]
    fn __dlpack__<'py>(slf: &Bound<'py, Self>, options: Option<&Bound<'py, PyDict>>) -> PyResult<Bound<'py, PyAny>> {
        Self::array(slf)?.call_method(intern!(slf.py(), "__dlpack__"), (), options)
    }

    /// The CPU.
    fn __dlpack_device__(&self) -> (i32, i32) {
        (1, 0)
    }

    /// Fills in a view of the elements.
    ///
    /// # Safety
    ///
    /// As CPython calls it: `view` is valid for writes.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let this = slf.get();
        let bytes = this.bytes()?;
        let (dtype, shape) = (this.value.dtype(), this.value.shape());
        // SAFETY: `view` is the caller's word; the bytes live unchanged as long as the sample, which the view keeps.
        unsafe { buffer::fill(slf.clone().into_any(), bytes, dtype, shape, view, flags) }
    }

    /// Frees what belongs to a view.
    ///
    /// # Safety
    ///
    /// As CPython calls it: `view` has been filled in by `__getbuffer__`.
    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: the caller's word.
        unsafe { buffer::release(view) };
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (dtype, shape, seq) = (self.value.dtype(), self.shape(py)?, self.seq());
        Ok(format!("Sample(name='{}', dtype={dtype}, shape={shape}, seq={seq})", self.channel))
    }
}
