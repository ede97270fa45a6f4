//! NumPy arrays over memory that is not NumPy's.

use crate::dtypes;
use crate::errors::to_exception;
use crate::forks::Known;
use ndsharray::{DType, raw};
use numpy::npyffi::{NPY_ARRAY_ENSUREARRAY, NPY_ARRAY_WRITEABLE, PY_ARRAY_API, npy_intp};
use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::PyTypeInfo;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt};
use std::ptr;

/// Whether an array may be written to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// An array in C order over the memory from `data` on, which keeps `owner` alive.
///
/// # Safety
///
/// As long as `owner` lives, `data` is valid for reads, and for writes with [`Access::Write`], of as many elements as the shape has, whoever else reads or writes them.
/// It is aligned for `dtype`. For `bool` every byte is 0 or 1.
pub(crate) unsafe fn array_over<'py>(
    owner: Bound<'py, PyAny>,
    dtype: DType,
    shape: &[usize],
    data: *mut u8,
    access: Access,
) -> PyResult<Bound<'py, PyUntypedArray>> {
    let py = owner.py();
    let descr = dtypes::to_numpy(py, dtype)?;
    let mut axes = [0 as npy_intp; ndsharray::MAX_NDIM];
    for (axis, &len) in axes.iter_mut().zip(shape) {
        // An array's byte length fits isize, and so do its axes; one beside an axis of length zero need not.
        *axis = npy_intp::try_from(len)?;
    }
    let ndim = i32::try_from(shape.len())?;
    let flags = if access == Access::Write { NPY_ARRAY_WRITEABLE } else { 0 };
    let array_type = PyUntypedArray::type_object_raw(py);
    // SAFETY: type and dtype are NumPy's own, `axes` has `ndim` lengths, and NumPy makes the strides, those of C order. The data are valid by the caller's
    // word for as long as `owner`, which the array is about to keep. The dtype's reference is handed over.
    let array = unsafe {
        PY_ARRAY_API.PyArray_NewFromDescr(
            py,
            array_type,
            descr.into_dtype_ptr(),
            ndim,
            axes.as_mut_ptr(),
            ptr::null_mut(),
            data.cast(),
            flags,
            ptr::null_mut(),
        )
    };
    // SAFETY: a new reference, or null with an exception set.
    let array = unsafe { Bound::from_owned_ptr_or_err(py, array) }?;
    // SAFETY: `array` is an array without a base; the reference to `owner` is handed over, also on failure.
    let set = unsafe { PY_ARRAY_API.PyArray_SetBaseObject(py, array.as_ptr().cast(), owner.into_ptr()) };
    if set != 0 {
        return Err(PyErr::fetch(py));
    }
    // SAFETY: made as an array.
    Ok(unsafe { array.cast_into_unchecked() })
}

/// A shape, as NumPy's functions take it: a length, or several.
pub(crate) struct Shape(pub(crate) Vec<usize>);

impl<'py> FromPyObject<'_, 'py> for Shape {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(len) = given.extract::<usize>() {
            return Ok(Self(vec![len]));
        }
        if let Ok(lens) = given.extract::<Vec<usize>>() {
            return Ok(Self(lens));
        }
        Err(no_shape(given))
    }
}

/// Says what is wrong with what was given for a shape.
#[cold]
fn no_shape(given: Borrowed<'_, '_, PyAny>) -> PyErr {
    let shown = given.repr().map_or_else(|_| String::from("that"), |text| text.to_string());
    let lens = given.extract::<Vec<Bound<'_, PyAny>>>().unwrap_or_else(|_| vec![(*given).clone()]);
    let is_integer = |len: &Bound<'_, PyAny>| len.hasattr("__index__").unwrap_or(false);
    match lens.iter().all(is_integer) {
        true if lens.iter().any(|len| len.lt(0).unwrap_or(false)) => {
            PyValueError::new_err(format!("{shown} is no shape: a length cannot be below zero"))
        }
        true => PyValueError::new_err(format!("{shown} is no shape: a length does not fit this machine's integers")),
        false => PyTypeError::new_err(format!(
            "{shown} is no shape: that is an integer, or several in a tuple, as (720, 1280, 3)"
        )),
    }
}

/// Refuses arrays of which a part is missing: NumPy alone would take what lies under a mask for values.
pub(crate) fn check_whole(given: &Bound<'_, PyAny>) -> PyResult<()> {
    let is_plain = given.cast_exact::<PyUntypedArray>().is_ok()
        || given.is_exact_instance_of::<PyFloat>()
        || given.is_exact_instance_of::<PyInt>()
        || given.is_exact_instance_of::<PyBool>();
    if is_plain {
        return Ok(());
    }
    static CHECK: Known<PyAny> = Known::new();
    let py = given.py();
    let find = || Ok(py.import("ndsharray_rs._missing")?.getattr("check")?.unbind());
    CHECK.get_or_make(py, find)?.call1((given,)).map(|_| ())
}

/// Whatever NumPy takes for an array, as one; not if a part of it is missing.
pub(crate) fn as_array<'py>(py: Python<'py>, given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyUntypedArray>> {
    if let Ok(array) = given.cast_exact::<PyUntypedArray>() {
        return Ok(array.clone());
    }
    check_whole(given)?;
    // SAFETY: `given` is an object; no dtype, depth or context is asked for.
    let array = unsafe {
        PY_ARRAY_API.PyArray_FromAny(py, given.as_ptr(), ptr::null_mut(), 0, 0, NPY_ARRAY_ENSUREARRAY, ptr::null_mut())
    };
    // SAFETY: a new reference, or null with an exception set.
    let array = unsafe { Bound::from_owned_ptr_or_err(py, array) }?;
    // SAFETY: made as an array.
    Ok(unsafe { array.cast_into_unchecked() })
}

/// The bytes of an array in C order.
///
/// # Safety
///
/// The array's elements lie in C order and take as many bytes as `dtype`'s. Nobody changes them as long as the slice is used. (Other threads can, if the interpreter lock is given back, or by
/// NumPy functions that run without it; then the bytes that are read are a mixture of old and new, as for any copy made by NumPy.)
pub(crate) unsafe fn bytes_of<'a>(array: &'a Bound<'_, PyUntypedArray>, dtype: DType) -> &'a [u8] {
    let len = array.len() * dtype.size();
    if len == 0 {
        return &[];
    }
    // SAFETY: an array object, alive while borrowed.
    let data = unsafe { (*array.as_array_ptr()).fields.data };
    // SAFETY: in C order, the elements are so many bytes from there on. That they do not change is the caller's word.
    unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) }
}

/// Copies all elements to `bytes`, in C order and native byte order.
pub(crate) fn copy_to(array: &Bound<'_, PyUntypedArray>, dtype: DType, bytes: &mut [u8]) -> PyResult<()> {
    let py = array.py();
    if bytes.len() != array.len() * dtype.size() {
        return Err(PyValueError::new_err("the array has changed its shape"));
    }
    let nobody = py.None().into_bound(py);
    // SAFETY: the array is gone before `bytes` is, at the end of this function: nobody else gets hold of it. `bytes` has the length of the source and, as a payload's or an array's,
    // its alignment; a bool's bytes are not looked at, but overwritten.
    let target = unsafe { array_over(nobody, dtype, array.shape(), bytes.as_mut_ptr(), Access::Write) }?;
    // SAFETY: two arrays of one shape.
    if unsafe { PY_ARRAY_API.PyArray_CopyInto(py, target.as_array_ptr(), array.as_array_ptr()) } != 0 {
        return Err(PyErr::fetch(py));
    }
    Ok(())
}

/// Room for one element of any dtype.
#[repr(align(16))]
pub(crate) struct Element([u8; 32]);

impl Element {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut element = Self([0; 32]);
        for (to, from) in element.0.iter_mut().zip(bytes) {
            *to = *from;
        }
        element
    }

    /// The first `N` bytes, of 32 at most.
    pub(crate) fn front<const N: usize>(&self) -> [u8; N] {
        self.0.first_chunk().copied().unwrap_or([0; N])
    }
}

/// What NumPy makes of a value that is assigned to an element.
pub(crate) fn to_element(dtype: DType, given: &Bound<'_, PyAny>) -> PyResult<Element> {
    let py = given.py();
    check_whole(given)?;
    let mut element = Element::new(&[]);
    let nobody = py.None().into_bound(py);
    // SAFETY: the array is over room for one element, aligned for all dtypes and zero, and gone before it: nobody else gets hold of it.
    let target = unsafe { array_over(nobody, dtype, &[], element.0.as_mut_ptr(), Access::Write) }?;
    // SAFETY: an array and an object.
    if unsafe { PY_ARRAY_API.PyArray_CopyObject(py, target.as_array_ptr(), given.as_ptr()) } != 0 {
        return Err(PyErr::fetch(py));
    }
    drop(target);
    Ok(element)
}

/// An element as NumPy's scalar.
pub(crate) fn from_element(py: Python<'_>, dtype: DType, mut element: Element) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: as in `to_element`; the scalar is a copy.
    let array = unsafe { array_over(py.None().into_bound(py), dtype, &[], element.0.as_mut_ptr(), Access::Read) }?;
    array.get_item(())
}

/// For `bool`: fails if a byte is neither 0 nor 1.
///
/// # Safety
///
/// `len` bytes from `data` on are valid for reads; that nobody changes them meanwhile is asked of those who want the answer to hold.
pub(crate) unsafe fn check_bools(dtype: DType, data: *const u8, len: usize) -> PyResult<()> {
    if dtype != DType::Bool || len == 0 {
        return Ok(());
    }
    // SAFETY: the caller's word.
    let bytes = unsafe { std::slice::from_raw_parts(data, len) };
    raw::check_bools(bytes).map_err(to_exception)
}
