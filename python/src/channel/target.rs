//! Arrays that values are copied to.

use crate::elements::array;
use crate::elements::described::Elements;
use crate::elements::dtypes;
use crate::errors::{self, to_exception};
use crate::fork::known::Known;
use ndsharray::{DType, ElementType, Error, Reader};
use numpy::npyffi::NPY_ARRAY_WRITEABLE;
use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use std::time::Duration;

/// The least size of a value, in bytes, that is copied without the interpreter lock.
///
/// Such a copy takes some 20 microseconds. Acquiring the lock again may cost as much.
const LARGE: usize = 1 << 20;

/// An array that values are copied to.
pub(super) struct Target<'a, 'py> {
    out: &'a Bound<'py, PyUntypedArray>,
}

impl<'a, 'py> Target<'a, 'py> {
    pub(super) fn new(out: &'a Bound<'py, PyUntypedArray>) -> PyResult<Self> {
        array::check_whole(out)?;
        // SAFETY: an array object, alive while borrowed.
        let flags = unsafe { (*out.as_array_ptr()).fields.flags };
        if flags & NPY_ARRAY_WRITEABLE == 0 {
            return Err(PyValueError::new_err("out is read-only"));
        }
        Ok(Self { out })
    }

    /// Refuses values of another dtype or shape.
    pub(super) fn check(&self, py: Python<'py>, elements: &Elements, shape: &[usize]) -> PyResult<()> {
        let expected = self.out.dtype();
        // Without the package of an extension type there is no array of it.
        let is_same = match elements {
            // The order of fields matters, as NumPy copies them in order; titles do not.
            Elements::Records(_) => dtypes::read(&expected).is_ok_and(|(own, is_native)| own == *elements && is_native),
            Elements::Plain(_) => dtypes::to_numpy(py, elements).is_ok_and(|found| expected.is_equiv_to(&found)),
        };
        if !is_same {
            return Err(errors::dtype_mismatch(py, &expected.str()?.to_string(), &elements.to_string())?);
        }
        if self.out.shape() != shape {
            let fields = PyDict::new(py);
            fields.set_item("expected", self.out.len())?;
            fields.set_item("found", shape.iter().product::<usize>())?;
            let (expected, found) = (PyTuple::new(py, self.out.shape())?, PyTuple::new(py, shape)?);
            let message = format!("expected shape {expected}, found {found}");
            return Err(PyErr::from_value(errors::class(py, "ShapeMismatch")?.call((message,), Some(&fields))?));
        }
        Ok(())
    }
}

/// A [`Target`] whose memory has the elements in the order that they have in a channel.
///
/// Values go there without a detour over NumPy.
pub(super) struct Plain<'a, 'py> {
    out: &'a Bound<'py, PyUntypedArray>,
    element: ElementType,
    shape: Vec<usize>,
}

/// What a copy to a [`Plain`] came to.
pub(super) enum Copied<'py> {
    /// The `Info`, or `None` if there was nothing newer.
    Done(Option<Bound<'py, PyAny>>),
    /// The value is another one. It is still unread.
    Other,
}

impl<'a, 'py> Plain<'a, 'py> {
    /// Returns the target as plain memory; `None` if it is none.
    pub(super) fn new(target: &Target<'a, 'py>) -> Option<Self> {
        let out = target.out;
        if !out.is_c_contiguous() {
            return None;
        }
        match dtypes::read(&out.dtype()) {
            // Bools are checked before NumPy has them, as are those in records.
            Ok((Elements::Plain(element), true)) if element.dtype() != DType::Bool => {
                Some(Self { out, element, shape: out.shape().to_vec() })
            }
            _ => None,
        }
    }

    /// Copies the current value, if it is newer than the last one read.
    pub(super) fn read(&self, reader: &mut Reader, read_only: bool) -> PyResult<Copied<'py>> {
        let py = self.out.py();
        let (element, shape) = (self.element, self.shape.as_slice());
        let mut is_other = false;
        let accept = |found: ElementType, lens: &[usize]| {
            is_other = found != element || lens != shape;
            // Any error: it is not shown.
            if is_other { Err(Error::Forked) } else { Ok(()) }
        };
        // SAFETY: the elements lie in C order and are as large as the dtype's, as `new` has
        // checked. A caller that uses them meanwhile in another thread meets a mixture, as with
        // any copy by NumPy.
        let bytes = unsafe { array::bytes_of_mut(self.out, element.size()) };
        let is_large = bytes.len() >= LARGE;
        let read = if read_only {
            let read = || reader.read_bytes_into(bytes, accept);
            let read = if is_large { py.detach(read) } else { read() };
            read.map(|read| {
                read.map(|value| info(py, self.out, value.seq, value.missed, value.age, value.attributes()))
            })
        } else {
            reader.read_owned_if_elements(accept).map(|read| {
                read.map(|value| {
                    let found = value.as_bytes();
                    if is_large {
                        py.detach(|| bytes.copy_from_slice(found));
                    } else {
                        bytes.copy_from_slice(found);
                    }
                    info(py, self.out, value.seq(), value.missed(), value.age(), value.attributes())
                })
            })
        };
        match read {
            Err(_) if is_other => Ok(Copied::Other),
            Err(error) => Err(to_exception(error)),
            Ok(read) => Ok(Copied::Done(read.transpose()?)),
        }
    }
}

/// Makes an `Info`.
pub(super) fn info<'py>(
    py: Python<'py>,
    array: &Bound<'py, PyAny>,
    seq: u64,
    missed: u64,
    age: Duration,
    attributes: &[u8],
) -> PyResult<Bound<'py, PyAny>> {
    static MAKE: Known<PyAny> = Known::new();
    let make = MAKE.get_or_make(py, || Ok(py.import("ndsharray_rs._info")?.getattr("make")?.unbind()))?;
    let fields = (array, seq, missed, age.as_secs_f64(), PyBytes::new(py, attributes));
    make.call1((fields,))
}
