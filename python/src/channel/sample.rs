//! A value that a reader has read.

use crate::buffer;
use crate::dtypes;
use crate::errors;
use crate::inherited::{Entry, Keep};
use crate::memory::{self, Access};
use ndsharray::{DType, OwnedSample};
use numpy::npyffi::{NPY_ARRAY_WRITEABLE, PY_ARRAY_API};
use numpy::{PyArrayDescr, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One value of a channel, from `Reader.read`, `Reader.latest` or `Reader.wait`.
///
/// It holds the value in place: it does not change as long as the sample, its array or anything made of them lives, whatever becomes of the reader and the writer. Each value that is held
/// takes one of the channel's slots from the writer; the slot goes back with the last reference.
///
/// `numpy.asarray(sample)`, `memoryview(sample)` and `numpy.from_dlpack(sample)` show the same memory.
///
/// Examples
/// --------
/// >>> import numpy as np
/// >>> from ndsharray_rs import Reader, Writer
/// >>> writer = Writer("doc-sample")
/// >>> writer.write(np.zeros((2, 3), "float32"))
/// 1
/// >>> sample = Reader("doc-sample").read()
/// >>> sample
/// Sample(name='doc-sample', dtype=float32, shape=(2, 3), seq=1)
/// >>> np.asarray(sample).sum()
/// np.float32(0.0)
/// >>> memoryview(sample).readonly
/// True
/// >>> sample.array[0, 0] = 1
/// Traceback (most recent call last):
///     ...
/// ValueError: assignment destination is read-only
#[pyclass(frozen, module = "ndsharray_rs")]
pub(crate) struct Sample {
    /// Goes before the value, whose memory it stands for; `None` for a copy.
    _entry: Option<Entry>,
    value: OwnedSample,
    channel: Arc<str>,
    /// Whether the elements can be shown to NumPy: not known for `bool`, until all of them have been looked at.
    sound: AtomicBool,
}

impl Sample {
    /// A value that lies in a payload if `in_place`, else in this process.
    #[inline]
    pub(crate) fn new(channel: &Arc<str>, value: OwnedSample, in_place: bool) -> Self {
        let sound = AtomicBool::new(value.dtype() != DType::Bool);
        let entry = in_place.then(|| {
            let bytes = value.as_bytes();
            // SAFETY: a payload is a mapping of its own, read-only, and lasts as long as the value.
            unsafe { Entry::new(bytes.as_ptr(), bytes.len(), false, Keep::Pin(value.clone())) }
        });
        Self { _entry: entry, value, channel: Arc::clone(channel), sound }
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

    /// Copies the elements to `out`, a [`Target`] that takes them, or to a new array, and says which and what.
    pub(crate) fn copy_into<'py>(
        self,
        py: Python<'py>,
        out: Option<&Bound<'py, PyUntypedArray>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let sample = Bound::new(py, self)?;
        let (value, source) = (&sample.get().value, Self::array(&sample)?);
        let array = match out {
            None => source.call_method0("copy")?,
            Some(out) => {
                // SAFETY: two arrays; NumPy refuses if `out` is not writable, or of another shape by now.
                if unsafe { PY_ARRAY_API.PyArray_CopyInto(py, out.as_array_ptr(), source.as_array_ptr()) } != 0 {
                    return Err(PyErr::fetch(py));
                }
                out.clone().into_any()
            }
        };
        let info = py.import("ndsharray_rs._info")?.getattr("Info")?;
        info.call1((array, value.seq(), value.missed(), value.age().as_secs_f64()))
    }
}

/// An array to copy values to.
pub(crate) struct Target<'a, 'py> {
    out: &'a Bound<'py, PyUntypedArray>,
}

impl<'a, 'py> Target<'a, 'py> {
    pub(crate) fn new(out: &'a Bound<'py, PyUntypedArray>) -> PyResult<Self> {
        memory::check_whole(out)?;
        // SAFETY: an array object, alive while borrowed.
        let flags = unsafe { (*out.as_array_ptr()).fields.flags };
        if flags & NPY_ARRAY_WRITEABLE == 0 {
            return Err(PyValueError::new_err("out is read-only"));
        }
        Ok(Self { out })
    }

    /// Refuses values of another dtype or shape.
    pub(crate) fn check(&self, py: Python<'py>, dtype: DType, shape: &[usize]) -> PyResult<()> {
        let fields = PyDict::new(py);
        let expected = self.out.dtype();
        // Without the package of an extension type there is no array of it.
        if !dtypes::to_numpy(py, dtype).is_ok_and(|found| expected.is_equiv_to(&found)) {
            fields.set_item("expected", expected.str()?)?;
            fields.set_item("found", dtype.name())?;
            let message = format!("expected dtype {expected}, found {dtype}");
            return Err(PyErr::from_value(errors::class(py, "DTypeMismatch")?.call((message,), Some(&fields))?));
        }
        if self.out.shape() != shape {
            fields.set_item("expected", self.out.len())?;
            fields.set_item("found", shape.iter().product::<usize>())?;
            let (expected, found) = (PyTuple::new(py, self.out.shape())?, PyTuple::new(py, shape)?);
            let message = format!("expected shape {expected}, found {found}");
            return Err(PyErr::from_value(errors::class(py, "ShapeMismatch")?.call((message,), Some(&fields))?));
        }
        Ok(())
    }
}

#[pymethods]
impl Sample {
    /// The value as a NumPy array: no copy, not writable, and as long-lived as anybody wants it.
    ///
    /// A new array each time, over the same memory.
    ///
    /// Raises
    /// ------
    /// ModuleNotFoundError
    ///     For bfloat16, when the package `ml_dtypes` is not there.
    /// InvalidBool
    ///     When a byte of a bool array is neither 0 nor 1.
    #[getter]
    fn array<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyUntypedArray>> {
        let this = slf.get();
        let data = this.bytes()?.as_ptr().cast_mut();
        let (dtype, shape) = (this.value.dtype(), this.value.shape());
        // SAFETY: the bytes live, unchanged, as long as the sample, which is what owns the array: it is frozen. Payloads start at a page, and copies are
        // aligned for every dtype; bools have just been checked.
        unsafe { memory::array_over(slf.clone().into_any(), dtype, shape, data, Access::Read) }
    }

    /// The value's sequence number: 1 for the first value of a channel, and one more with each.
    #[getter]
    fn seq(&self) -> u64 {
        self.value.seq()
    }

    /// Values that were published and not seen since the reader's last read; at its first read,
    /// since it was opened.
    #[getter]
    fn missed(&self) -> u64 {
        self.value.missed()
    }

    /// Seconds since the value was published.
    #[getter]
    fn age(&self) -> f64 {
        self.value.age().as_secs_f64()
    }

    /// The channel's name.
    #[getter]
    fn name(&self) -> &str {
        &self.channel
    }

    /// The dtype of the elements.
    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArrayDescr>> {
        dtypes::to_numpy(py, self.value.dtype())
    }

    /// The length of each axis.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.value.shape())
    }

    /// How many axes there are.
    #[getter]
    fn ndim(&self) -> usize {
        self.value.shape().len()
    }

    /// How many elements there are.
    #[getter]
    fn size(&self) -> usize {
        self.value.shape().iter().product()
    }

    /// Bytes of all elements.
    #[getter]
    fn nbytes(&self) -> usize {
        self.value.as_bytes().len()
    }

    /// What `numpy.asarray` asks for.
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
            Some(wanted) => array.call_method1("astype", (wanted,)),
            None if copy == Some(true) => array.call_method0("copy"),
            None => Ok(array.into_any()),
        }
    }

    /// What `from_dlpack` of NumPy, PyTorch, JAX and others asks for. The capsule is marked as read-only; a consumer that knows only the old capsules, which have no such
    /// mark, is refused with a `BufferError`, unless it asks for a copy.
    #[pyo3(signature = (*, stream=None, max_version=None, dl_device=None, copy=None))]
    fn __dlpack__<'py>(
        slf: &Bound<'py, Self>,
        stream: Option<&Bound<'py, PyAny>>,
        max_version: Option<(i32, i32)>,
        dl_device: Option<(i32, i32)>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let options = PyDict::new(py);
        options.set_item("stream", stream)?;
        options.set_item("max_version", max_version)?;
        options.set_item("dl_device", dl_device)?;
        options.set_item("copy", copy)?;
        Self::array(slf)?.call_method("__dlpack__", (), Some(&options))
    }

    /// Where the elements are: the CPU.
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
