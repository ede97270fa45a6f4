//! The Python class of a value that a reader has read.

use crate::channel::target;
use crate::elements::array::{self, Access};
use crate::elements::described::Elements;
use crate::elements::{buffer, dtypes, release};
use crate::fork::lending::ValueEntry;
use ndsharray::{DType, OwnedSample};
use numpy::npyffi::PY_ARRAY_API;
use numpy::{PyArrayDescr, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// One value of a channel, from `Reader.read`, `Reader.latest` or `Reader.wait`.
///
/// It holds the value in place. The value does not change as long as the sample, its array or
/// anything made of them lives, whatever happens to the reader and the writer. Each value that is
/// held takes one of the channel's slots from the writer. The last reference returns the slot.
///
/// `numpy.asarray(sample)`, `memoryview(sample)` and `numpy.from_dlpack(sample)` show the same
/// memory. Pickled, as by `multiprocessing`, a sample becomes a NumPy array of the other process.
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
/// >>> print(np.asarray(sample).sum())
/// 0.0
/// >>> memoryview(sample).readonly
/// True
/// >>> sample.array[0, 0] = 1
/// Traceback (most recent call last):
///     ...
/// ValueError: assignment destination is read-only
#[pyclass(frozen, weakref, module = "ndsharray_rs")]
pub(crate) struct Sample {
    /// Before the value, which must be dropped after it. Empty for a copy.
    entry: ValueEntry,
    value: OwnedSample,
    channel: Arc<str>,
    /// Whether NumPy may see the elements. For `bool` that is known once all have been checked.
    sound: AtomicBool,
}

impl Sample {
    /// Makes a sample of a value. It lies in a payload if `in_place`, otherwise in this process.
    #[inline]
    pub(super) fn new<'py>(
        py: Python<'py>,
        channel: &Arc<str>,
        value: OwnedSample,
        in_place: bool,
    ) -> PyResult<Bound<'py, Self>> {
        // Those of records say themselves whether there is anything to check.
        let sound = AtomicBool::new(!matches!(value.dtype(), DType::Bool | DType::Record));
        let entry = ValueEntry::new();
        let made = Bound::new(py, Self { entry, value, channel: Arc::clone(channel), sound })?;
        if in_place {
            let this = made.get();
            // SAFETY: once, as the sample is new. A Python object does not move, and drops its
            // fields in order. A payload is a mapping of its own, read-only, and lasts as long as
            // the value.
            unsafe { this.entry.enter(py, &this.value) };
        }
        Ok(made)
    }

    fn elements(&self) -> Elements {
        Elements::of(self.value.element_type(), self.value.record_type())
    }

    /// Returns the elements, if NumPy takes all of them for values of the dtype.
    fn bytes(&self) -> PyResult<&[u8]> {
        let bytes = self.value.as_bytes();
        // Relaxed: it follows from bytes that do not change.
        if !self.sound.load(Ordering::Relaxed) {
            // SAFETY: a slice's own pointer and length.
            unsafe { array::check_bools(&self.elements(), bytes.as_ptr(), bytes.len()) }?;
            self.sound.store(true, Ordering::Relaxed);
        }
        Ok(bytes)
    }

    /// Copies the elements to `out`, a [`Target`](super::target::Target) that takes them, or to a
    /// new array.
    ///
    /// Returns an `Info` with the array.
    pub(super) fn copy_into<'py>(
        slf: &Bound<'py, Self>,
        out: Option<&Bound<'py, PyUntypedArray>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let (value, source) = (&slf.get().value, Self::array(slf)?);
        let array = match out {
            None => source.call_method0("copy")?,
            Some(out) => {
                // SAFETY: two arrays; NumPy refuses if `out` is not writable, or of another shape
                // by now.
                if unsafe { PY_ARRAY_API.PyArray_CopyInto(py, out.as_array_ptr(), source.as_array_ptr()) } != 0 {
                    return Err(PyErr::fetch(py));
                }
                out.clone().into_any()
            }
        };
        target::info(py, &array, value.seq(), value.missed(), value.age(), value.attributes())
    }
}

#[pymethods]
impl Sample {
    /// The value as a NumPy array: no copy, not writable. It keeps its memory.
    ///
    /// A new array each time, over the same memory.
    ///
    /// Raises
    /// ------
    /// ModuleNotFoundError
    ///     For bfloat16, when the package `ml_dtypes` is not installed.
    /// InvalidBool
    ///     When a byte of a bool array is neither 0 nor 1.
    #[getter]
    fn array<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyUntypedArray>> {
        let this = slf.get();
        let data = this.bytes()?.as_ptr().cast_mut();
        let (elements, shape) = (this.elements(), this.value.shape());
        // SAFETY: the array's owner is the sample, which is frozen. Its bytes stay, unchanged, as
        // long as it lives. Payloads start at a page, and copies are aligned for every dtype. Bools
        // have just been checked.
        unsafe { array::array_over(slf.clone().into_any(), &elements, shape, data, Access::Read) }
    }

    /// The value's sequence number. A channel's first value has 1, each next one more.
    #[getter]
    fn seq(&self) -> u64 {
        self.value.seq()
    }

    /// Values that the reader missed since its last read. The first counts from its opening.
    #[getter]
    fn missed(&self) -> u64 {
        self.value.missed()
    }

    /// Seconds since the value was published.
    #[getter]
    fn age(&self) -> f64 {
        self.value.age().as_secs_f64()
    }

    /// The bytes that the writer has given the value; empty without any.
    #[getter]
    fn attributes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.value.attributes())
    }

    /// How many writers the channel had had when the value was published, its own included.
    #[getter]
    fn epoch(&self) -> u64 {
        self.value.epoch()
    }

    /// The channel that the value was published on, one for each time that the name was made anew.
    ///
    /// Sequence numbers are of one incarnation. A `uuid.UUID`.
    #[getter]
    fn incarnation<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let options = PyDict::new(py);
        options.set_item("bytes", PyBytes::new(py, self.value.incarnation().as_bytes()))?;
        py.import("uuid")?.getattr("UUID")?.call((), Some(&options))
    }

    /// When the value was published, in seconds since 1970.
    #[getter]
    fn time(&self) -> f64 {
        match self.value.time().duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_secs_f64(),
            Err(before) => -before.duration().as_secs_f64(),
        }
    }

    /// When the value was published, in nanoseconds since 1970.
    #[getter]
    fn time_ns(&self) -> i128 {
        let nanoseconds = |time: Duration| i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
        match self.value.time().duration_since(UNIX_EPOCH) {
            Ok(since) => nanoseconds(since),
            Err(before) => -nanoseconds(before.duration()),
        }
    }

    /// When the value was published, by the clock of `time.clock_gettime_ns(time.CLOCK_MONOTONIC)`.
    #[getter]
    fn monotonic_ns(&self) -> u64 {
        self.value.monotonic_ns()
    }

    /// The channel's name.
    #[getter]
    fn name(&self) -> &str {
        &self.channel
    }

    /// The dtype of the elements.
    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArrayDescr>> {
        dtypes::to_numpy(py, &self.elements())
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

    /// Answers `numpy.asarray`.
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

    /// Answers `from_dlpack` of NumPy, PyTorch, JAX and others.
    ///
    /// The capsule is marked as read-only. Old capsules have no such mark: a consumer that knows
    /// only those gets a `BufferError`, unless it asks for a copy. So does every consumer where
    /// NumPy is older than 2.1, which has no others.
    #[pyo3(signature = (*, stream=None, max_version=None, dl_device=None, copy=None))]
    fn __dlpack__<'py>(
        slf: &Bound<'py, Self>,
        stream: Option<&Bound<'py, PyAny>>,
        max_version: Option<(i32, i32)>,
        dl_device: Option<(i32, i32)>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        buffer::check_dlpack(slf.get().value.element_type())?;
        let py = slf.py();
        let options = PyDict::new(py);
        options.set_item("stream", stream)?;
        if release::numpy(py)? < (2, 1) {
            // It has old capsules alone, and none of them for an array that must not be written to.
            if dl_device.is_some_and(|device| device != (1, 0)) {
                return Err(PyBufferError::new_err("a sample is in the memory of the CPU, device (1, 0)"));
            }
            if copy != Some(true) {
                return Err(PyBufferError::new_err(
                    "NumPy below 2.1 cannot mark a capsule as read-only: take copy=True, or numpy.asarray(sample)",
                ));
            }
            return Self::array(slf)?.call_method0("copy")?.call_method("__dlpack__", (), Some(&options));
        }
        options.set_item("max_version", max_version)?;
        options.set_item("dl_device", dl_device)?;
        options.set_item("copy", copy)?;
        Self::array(slf)?.call_method("__dlpack__", (), Some(&options))
    }

    /// Says where the elements are: the CPU.
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
        buffer::check_request(this.value.shape(), flags)?;
        if buffer::is_numpys(this.value.dtype()) {
            // SAFETY: `view` is the caller's word.
            return unsafe { buffer::of_array(&Self::array(&slf)?, view, flags) };
        }
        let bytes = this.bytes()?;
        let (dtype, shape) = (this.value.element_type(), this.value.shape());
        // SAFETY: `view` is the caller's word. The bytes stay, unchanged, as long as the sample,
        // which the view keeps.
        unsafe { buffer::fill(slf.clone().into_any(), bytes, dtype, shape, view, flags) }
    }

    /// Frees the layout of a view.
    ///
    /// # Safety
    ///
    /// As CPython calls it: `view` has been filled in by `__getbuffer__`.
    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: the caller's word.
        unsafe { buffer::release(view) };
    }

    // As the array: the other process gets the elements, and holds no slot.
    fn __reduce_ex__<'py>(slf: &Bound<'py, Self>, protocol: i32) -> PyResult<Bound<'py, PyAny>> {
        Self::array(slf)?.call_method1("__reduce_ex__", (protocol,))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (elements, shape, seq) = (self.elements(), self.shape(py)?, self.seq());
        Ok(format!("Sample(name='{}', dtype={elements}, shape={shape}, seq={seq})", self.channel))
    }
}
