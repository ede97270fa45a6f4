//! The crate's dtypes and NumPy's.

use crate::fork::known::Known;
use ndsharray::DType;
use numpy::{PyArrayDescr, PyArrayDescrMethods};
use pyo3::exceptions::{PyModuleNotFoundError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyList;

/// NumPy's dtypes in the order of [`DType`]'s numbers, made at first use.
static KNOWN: [Known<PyArrayDescr>; 32] = [const { Known::new() }; 32];

/// Returns NumPy's dtype for one of the crate's.
pub(crate) fn to_numpy<'py>(py: Python<'py>, dtype: DType) -> PyResult<Bound<'py, PyArrayDescr>> {
    match KNOWN.get(usize::from(dtype as u8)) {
        Some(known) => known.get_or_make(py, || make(py, dtype)),
        None => Ok(make(py, dtype)?.into_bound(py)),
    }
}

fn make(py: Python<'_>, dtype: DType) -> PyResult<Py<PyArrayDescr>> {
    let made = match dtype {
        DType::BF16 => {
            let module = py.import("ml_dtypes").map_err(|error| {
                if error.is_instance_of::<PyModuleNotFoundError>(py) {
                    PyModuleNotFoundError::new_err("bfloat16 arrays need the package ml_dtypes: pip install ml_dtypes")
                } else {
                    error
                }
            })?;
            PyArrayDescr::new(py, module.getattr("bfloat16")?)?
        }
        other => PyArrayDescr::new(py, other.name())?,
    };
    if made.itemsize() != dtype.size() {
        // As NumPy's longdouble on machines where it is a double.
        return Err(PyTypeError::new_err(format!(
            "{dtype} takes {} bytes here, {} in shared memory",
            made.itemsize(),
            dtype.size()
        )));
    }
    Ok(made.unbind())
}

/// Returns the dtype of an array whose guard or loan is over.
///
/// NumPy computes nothing with it. Errors and `repr` show the name of its field.
pub(crate) fn over<'py>(py: Python<'py>, itemsize: usize) -> PyResult<Bound<'py, PyArrayDescr>> {
    /// One a size, in the order of its logarithm.
    static OVER: [Known<PyArrayDescr>; 6] = [const { Known::new() }; 6];
    let make = || {
        let fields = PyList::new(py, [("this array was lent, and its block or loan is over", format!("V{itemsize}"))])?;
        Ok(PyArrayDescr::new(py, fields)?.unbind())
    };
    match OVER.get(itemsize.trailing_zeros() as usize) {
        Some(over) => over.get_or_make(py, make),
        None => make().map(|over| over.into_bound(py)),
    }
}

/// Returns the crate's dtype for one of NumPy's, in either byte order.
pub(crate) fn from_numpy(descr: &Bound<'_, PyArrayDescr>) -> PyResult<DType> {
    let found = match (descr.kind(), descr.itemsize()) {
        (b'b', 1) => DType::Bool,
        (b'i', 1) => DType::I8,
        (b'i', 2) => DType::I16,
        (b'i', 4) => DType::I32,
        (b'i', 8) => DType::I64,
        (b'u', 1) => DType::U8,
        (b'u', 2) => DType::U16,
        (b'u', 4) => DType::U32,
        (b'u', 8) => DType::U64,
        (b'f', 2) => DType::F16,
        (b'f', 4) => DType::F32,
        (b'f', 8) => DType::F64,
        (b'f', 16) => DType::LongDouble,
        (b'c', 8) => DType::C64,
        (b'c', 16) => DType::C128,
        (b'c', 32) => DType::ComplexLongDouble,
        // An extension type: where there is an array of it, its package is loaded.
        (b'V', 2) if is_bfloat16(descr)? => DType::BF16,
        _ => return Err(PyTypeError::new_err(format!("arrays of dtype {descr} cannot be shared"))),
    };
    Ok(found)
}

/// Returns the crate's dtype for any object that NumPy takes for one; float64 for `None`.
pub(crate) fn parse(py: Python<'_>, dtype: Option<&Bound<'_, PyAny>>) -> PyResult<DType> {
    let Some(dtype) = dtype.filter(|dtype| !dtype.is_none()) else { return Ok(DType::F64) };
    if let Ok(name) = dtype.extract::<&str>()
        && name == "bfloat16"
    {
        // NumPy knows the name only once ml_dtypes is loaded.
        to_numpy(py, DType::BF16)?;
    }
    from_numpy(&PyArrayDescr::new(py, dtype)?)
}

fn is_bfloat16(descr: &Bound<'_, PyArrayDescr>) -> PyResult<bool> {
    Ok(descr.typeobj().name()? == "bfloat16" && descr.is_equiv_to(&to_numpy(descr.py(), DType::BF16)?))
}
