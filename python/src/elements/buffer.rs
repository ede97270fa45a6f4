//! The buffer protocol, for elements that are only read.

use ndsharray::{DType, ElementType};
use numpy::PyUntypedArray;
use pyo3::exceptions::PyBufferError;
use pyo3::ffi::{self, Py_ssize_t};
use pyo3::prelude::*;
use std::ffi::{CStr, c_int};
use std::ptr;

/// The memory that a view points to: lengths of the axes, then strides.
struct Layout(Box<[Py_ssize_t]>);

impl Layout {
    /// Makes the layout of C order.
    fn new(shape: &[usize], itemsize: usize) -> PyResult<Self> {
        let shape = shape.iter().map(|&len| Py_ssize_t::try_from(len)).collect::<Result<Vec<_>, _>>()?;
        let mut strides = Vec::with_capacity(shape.len());
        let mut stride = Py_ssize_t::try_from(itemsize)?;
        for &len in shape.iter().rev() {
            strides.push(stride);
            stride = stride.saturating_mul(len.max(1));
        }
        Ok(Self(shape.into_iter().chain(strides.into_iter().rev()).collect()))
    }
}

/// Returns a dtype's name in the module `struct`, or in NumPy's extension of it.
fn format(dtype: DType) -> Option<&'static CStr> {
    Some(match dtype {
        DType::Bool => c"?",
        DType::I8 => c"b",
        DType::I16 => c"h",
        DType::I32 => c"i",
        DType::I64 => c"q",
        DType::U8 => c"B",
        DType::U16 => c"H",
        DType::U32 => c"I",
        DType::U64 => c"Q",
        DType::F16 => c"e",
        DType::F32 => c"f",
        DType::F64 => c"d",
        DType::C64 => c"Zf",
        DType::C128 => c"Zd",
        DType::LongDouble => c"g",
        DType::ComplexLongDouble => c"Zg",
        // The others have no name, or one of NumPy's own.
        _ => return None,
    })
}

/// The same elements as numbers, which every protocol has.
fn as_numbers(dtype: DType) -> Option<&'static str> {
    match dtype {
        DType::DateTime64 | DType::TimeDelta64 => Some("numpy.asarray(sample).view('i8')"),
        DType::BF16 => Some("numpy.asarray(sample).view('u2')"),
        DType::F8E4M3FN | DType::F8E5M2 | DType::F8E8M0FNU => Some("numpy.asarray(sample).view('u1')"),
        _ => None,
    }
}

/// Says why there is no view of elements of `dtype`, and the way round.
fn no_name(dtype: ElementType) -> String {
    let way = as_numbers(dtype.dtype()).unwrap_or("numpy.asarray(sample)");
    format!("the buffer protocol has no name for {dtype}: take {way}")
}

/// Fails where DLPack has no such elements, and says the way round.
pub(crate) fn check_dlpack(dtype: ElementType) -> PyResult<()> {
    let way = match (dtype.dtype(), as_numbers(dtype.dtype())) {
        (_, Some(way)) => way,
        (DType::Record, None) => "one field, as numpy.from_dlpack(numpy.asarray(sample)['x'])",
        (DType::Bytes | DType::Text | DType::Void, None) => "numpy.asarray(sample)",
        _ => return Ok(()),
    };
    Err(PyBufferError::new_err(format!("NumPy's DLPack carries numbers alone, no {dtype}: take {way}")))
}

/// Refuses a request that no sample can meet.
pub(crate) fn check_request(shape: &[usize], flags: c_int) -> PyResult<()> {
    let wants = |what: c_int| flags & what == what;
    if wants(ffi::PyBUF_WRITABLE) {
        return Err(PyBufferError::new_err("a sample cannot be written to"));
    }
    if wants(ffi::PyBUF_F_CONTIGUOUS) && shape.iter().filter(|&&len| len != 1).count() > 1 {
        return Err(PyBufferError::new_err("a sample lies in C order"));
    }
    Ok(())
}

/// Whether NumPy names such elements its own way: records by their fields, text by its width.
pub(crate) fn is_numpys(dtype: DType) -> bool {
    matches!(dtype, DType::Bytes | DType::Text | DType::Void | DType::Record)
}

/// Fills in `view` as an array does, which is its owner then and releases it.
///
/// # Safety
///
/// `view` is valid for writes.
pub(crate) unsafe fn of_array(
    array: &Bound<'_, PyUntypedArray>,
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> PyResult<()> {
    // SAFETY: an object, and a view by the caller's word.
    match unsafe { ffi::PyObject_GetBuffer(array.as_ptr(), view, flags) } {
        0 => Ok(()),
        _ => {
            let py = array.py();
            let cause = PyErr::fetch(py);
            let message = format!(
                "the buffer protocol cannot carry these elements ({}): take a field, as numpy.asarray(sample)['x']",
                cause.value(py)
            );
            let error = PyBufferError::new_err(message);
            error.set_cause(py, Some(cause));
            Err(error)
        }
    }
}

/// Fills in `view` with `bytes`, an array of `dtype` and `shape` in C order.
///
/// # Safety
///
/// `view` is valid for writes. `bytes` stay valid and unchanged as long as `owner` lives.
pub(crate) unsafe fn fill(
    owner: Bound<'_, PyAny>,
    bytes: &[u8],
    dtype: ElementType,
    shape: &[usize],
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> PyResult<()> {
    let wants = |what: c_int| flags & what == what;
    // SAFETY: the caller's word. Without an owner it is no view, if the lines below fail.
    unsafe { (*view).obj = ptr::null_mut() };
    let format = match format(dtype.dtype()) {
        None if wants(ffi::PyBUF_FORMAT) => {
            return Err(PyBufferError::new_err(no_name(dtype)));
        }
        format => format.filter(|_| wants(ffi::PyBUF_FORMAT)),
    };
    let ndim = c_int::try_from(shape.len())?;
    let layout = Box::new(Layout::new(shape, dtype.size())?);
    let axes = layout.0.as_ptr().cast_mut();
    let (len, itemsize) = (Py_ssize_t::try_from(bytes.len())?, Py_ssize_t::try_from(dtype.size())?);
    let strides = axes.wrapping_add(shape.len());
    let filled = ffi::Py_buffer {
        buf: bytes.as_ptr().cast_mut().cast(),
        obj: owner.into_ptr(),
        len,
        itemsize,
        readonly: 1,
        ndim: if wants(ffi::PyBUF_ND) { ndim } else { 1 },
        format: format.map_or(ptr::null_mut(), |format| format.as_ptr().cast_mut()),
        shape: if wants(ffi::PyBUF_ND) { axes } else { ptr::null_mut() },
        strides: if wants(ffi::PyBUF_STRIDES) { strides } else { ptr::null_mut() },
        suboffsets: ptr::null_mut(),
        internal: Box::into_raw(layout).cast(),
    };
    // SAFETY: the caller's word. It points to the layout, which `release` frees, and to memory of
    // the owner, to which it has a reference.
    unsafe { view.write(filled) };
    Ok(())
}

/// Frees the layout that [`fill`] has made for `view`.
///
/// # Safety
///
/// `view` has been filled in by [`fill`], and this is its only release.
pub(crate) unsafe fn release(view: *mut ffi::Py_buffer) {
    // SAFETY: the caller's word.
    let layout = unsafe { (*view).internal.cast::<Layout>() };
    // SAFETY: from `Box::into_raw` in `fill`. As this is the view's only release, it has no other
    // use.
    drop(unsafe { Box::from_raw(layout) });
}
