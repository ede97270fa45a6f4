//! NumPy arrays over memory that is not NumPy's.

use crate::elements::described::Elements;
use crate::elements::dtypes;
use crate::errors::to_exception;
use crate::fork::known::Known;
use ndsharray::{DType, ElementType};
use numpy::npyffi::{NPY_ARRAY_ENSUREARRAY, NPY_ARRAY_WRITEABLE, PY_ARRAY_API, npy_intp};
use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::PyTypeInfo;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyTuple};
use std::ptr;

/// Whether an array may be written to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// Makes an array in C order over the memory at `data`. It keeps `owner` alive.
///
/// # Safety
///
/// As long as `owner` lives, `data` is valid for reads of as many elements as the shape has, and
/// with [`Access::Write`] for writes, whatever other threads or processes do there. It is aligned
/// for the elements. For `bool` every byte is 0 or 1.
pub(crate) unsafe fn array_over<'py>(
    owner: Bound<'py, PyAny>,
    elements: &Elements,
    shape: &[usize],
    data: *mut u8,
    access: Access,
) -> PyResult<Bound<'py, PyUntypedArray>> {
    let py = owner.py();
    let descr = dtypes::to_numpy(py, elements)?;
    let mut axes = [0 as npy_intp; ndsharray::MAX_NDIM];
    for (axis, &len) in axes.iter_mut().zip(shape) {
        // An array's byte length fits isize, and so do its axes, but not beside an axis of length
        // 0.
        *axis = npy_intp::try_from(len)?;
    }
    let ndim = i32::try_from(shape.len())?;
    let flags = if access == Access::Write { NPY_ARRAY_WRITEABLE } else { 0 };
    let array_type = PyUntypedArray::type_object_raw(py);
    // SAFETY: type and dtype are NumPy's own, and `axes` has `ndim` lengths. NumPy makes the
    // strides of C order. By the caller's word, the data are valid as long as `owner`, which the
    // array is about to keep. The call takes the dtype's reference.
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
    // SAFETY: `array` is an array without a base. The call takes the reference to `owner`, also
    // when it fails.
    let set = unsafe { PY_ARRAY_API.PyArray_SetBaseObject(py, array.as_ptr().cast(), owner.into_ptr()) };
    if set != 0 {
        return Err(PyErr::fetch(py));
    }
    // SAFETY: made as an array.
    Ok(unsafe { array.cast_into_unchecked() })
}

/// A shape as NumPy's functions take it: a length, or several.
pub(crate) struct Shape(pub(crate) Vec<usize>);

impl<'py> FromPyObject<'_, 'py> for Shape {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        // First what most programs give, as the refusal of a wrong type makes an exception.
        if let Ok(lens) = given.cast::<PyTuple>() {
            if let Ok(lens) = lens.iter_borrowed().map(usize::extract).collect::<Result<Vec<_>, _>>() {
                return Ok(Self(lens));
            }
            return Err(no_shape(given));
        }
        if let Ok(len) = given.extract::<usize>() {
            return Ok(Self(vec![len]));
        }
        if let Ok(lens) = given.extract::<Vec<usize>>() {
            return Ok(Self(lens));
        }
        Err(no_shape(given))
    }
}

/// Makes the exception for an object that is no shape.
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

/// Refuses arrays with masked or null elements.
///
/// NumPy alone would take the bytes under a mask for values.
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

/// Makes an array of any object that NumPy takes for one. Masked and null elements are refused.
pub(crate) fn as_array<'py>(py: Python<'py>, given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyUntypedArray>> {
    if let Ok(array) = given.cast_exact::<PyUntypedArray>() {
        return Ok(array.clone());
    }
    check_whole(given)?;
    // SAFETY: `given` is an object. Null stands for no dtype and no context.
    let array = unsafe {
        PY_ARRAY_API.PyArray_FromAny(py, given.as_ptr(), ptr::null_mut(), 0, 0, NPY_ARRAY_ENSUREARRAY, ptr::null_mut())
    };
    // SAFETY: a new reference, or null with an exception set.
    let array = unsafe { Bound::from_owned_ptr_or_err(py, array) }?;
    // SAFETY: made as an array.
    Ok(unsafe { array.cast_into_unchecked() })
}

/// Returns the bytes of an array in C order.
///
/// # Safety
///
/// The array's elements lie in C order, and take `size` bytes each. They do not change
/// while the slice is used.
///
/// Other threads can break the latter: while the interpreter lock is released, or by functions of
/// NumPy that run without it. Then the slice reads as a mixture of old and new, as any copy by
/// NumPy would be.
pub(crate) unsafe fn bytes_of<'a>(array: &'a Bound<'_, PyUntypedArray>, size: usize) -> &'a [u8] {
    let len = array.len() * size;
    if len == 0 {
        return &[];
    }
    // SAFETY: an array object, alive while borrowed.
    let data = unsafe { (*array.as_array_ptr()).fields.data };
    // SAFETY: in C order, the elements are so many bytes from there on. The caller says that they
    // do not change.
    unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) }
}

/// Returns the bytes of a writable array in C order.
///
/// # Safety
///
/// As [`bytes_of`], and nothing else uses the elements while the slice is used.
#[expect(clippy::mut_from_ref, reason = "the array is a handle; the caller answers for its elements")]
pub(crate) unsafe fn bytes_of_mut<'a>(array: &'a Bound<'_, PyUntypedArray>, size: usize) -> &'a mut [u8] {
    let len = array.len() * size;
    if len == 0 {
        return &mut [];
    }
    // SAFETY: an array object, alive while borrowed.
    let data = unsafe { (*array.as_array_ptr()).fields.data };
    // SAFETY: in C order, the elements are so many bytes from there on. The caller says that
    // nothing else uses them.
    unsafe { std::slice::from_raw_parts_mut(data.cast::<u8>(), len) }
}

/// Copies all elements to `bytes`, in C order and native byte order.
pub(crate) fn copy_to(array: &Bound<'_, PyUntypedArray>, elements: &Elements, bytes: &mut [u8]) -> PyResult<()> {
    let py = array.py();
    if bytes.len() != array.len() * elements.size() {
        return Err(PyValueError::new_err("the array has changed its shape"));
    }
    let no_owner = py.None().into_bound(py);
    // SAFETY: nothing else refers to the array, so it goes before `bytes` does, at the end of this
    // function. `bytes` has the length of the source. As those of a payload or an array, they are
    // aligned for it. The bytes of a bool are overwritten unread.
    let target = unsafe { array_over(no_owner, elements, array.shape(), bytes.as_mut_ptr(), Access::Write) }?;
    // SAFETY: two arrays of one shape.
    if unsafe { PY_ARRAY_API.PyArray_CopyInto(py, target.as_array_ptr(), array.as_array_ptr()) } != 0 {
        return Err(PyErr::fetch(py));
    }
    Ok(())
}

/// Memory for one element of any dtype that can be accessed atomically.
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

    /// Returns the first `N` bytes, of 32 at most.
    pub(crate) fn front<const N: usize>(&self) -> [u8; N] {
        self.0.first_chunk().copied().unwrap_or([0; N])
    }
}

/// Converts a value as NumPy does when it is assigned to an element.
pub(crate) fn to_element(dtype: ElementType, given: &Bound<'_, PyAny>) -> PyResult<Element> {
    let py = given.py();
    check_whole(given)?;
    let mut element = Element::new(&[]);
    let no_owner = py.None().into_bound(py);
    // SAFETY: the memory fits one element of any dtype, aligned and zero. Nothing else refers to
    // the array, so it goes before the memory does.
    let target = unsafe { array_over(no_owner, &dtype.into(), &[], element.0.as_mut_ptr(), Access::Write) }?;
    // SAFETY: an array and an object.
    if unsafe { PY_ARRAY_API.PyArray_CopyObject(py, target.as_array_ptr(), given.as_ptr()) } != 0 {
        return Err(PyErr::fetch(py));
    }
    drop(target);
    Ok(element)
}

/// Converts an element to NumPy's scalar.
pub(crate) fn from_element(py: Python<'_>, dtype: ElementType, mut element: Element) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: as in `to_element`; the scalar is a copy.
    let array =
        unsafe { array_over(py.None().into_bound(py), &dtype.into(), &[], element.0.as_mut_ptr(), Access::Read) }?;
    array.get_item(())
}

/// Fails if a byte that stands for a `bool` is neither 0 nor 1.
///
/// # Safety
///
/// `len` bytes from `data` on are valid for reads. If they change meanwhile, the answer means
/// nothing.
pub(crate) unsafe fn check_bools(elements: &Elements, data: *const u8, len: usize) -> PyResult<()> {
    let is_plain = matches!(elements, Elements::Plain(element) if element.dtype() != DType::Bool);
    if is_plain || len == 0 {
        return Ok(());
    }
    // SAFETY: the caller's word.
    let bytes = unsafe { std::slice::from_raw_parts(data, len) };
    elements.check(bytes).map_err(to_exception)
}
