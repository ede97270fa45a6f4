//! NumPy arrays over memory that is not NumPy's.

use crate::dtypes;
use ndsharray::DType;
use numpy::npyffi::{NPY_ARRAY_WRITEABLE, PY_ARRAY_API, npy_intp};
use numpy::{PyArrayDescrMethods, PyUntypedArray};
use pyo3::PyTypeInfo;
use pyo3::prelude::*;
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
