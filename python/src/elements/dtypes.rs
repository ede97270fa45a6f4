//! The crate's dtypes and NumPy's.

use crate::fork::known::Known;
use ndsharray::{DType, ElementType};
use numpy::{PyArrayDescr, PyArrayDescrMethods};
use pyo3::exceptions::{PyModuleNotFoundError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyList;

/// NumPy's dtypes in the order of [`DType`]'s numbers, made at first use.
///
/// Those of dtypes without a parameter.
static KNOWN: [Known<PyArrayDescr>; 32] = [const { Known::new() }; 32];

/// Returns NumPy's dtype for one of the crate's element types.
pub(crate) fn to_numpy<'py>(py: Python<'py>, element: ElementType) -> PyResult<Bound<'py, PyArrayDescr>> {
    let dtype = element.dtype();
    let is_alone = !matches!(dtype, DType::DateTime64 | DType::TimeDelta64 | DType::Bytes | DType::Text | DType::Void);
    match KNOWN.get(usize::from(dtype as u8)).filter(|_| is_alone) {
        Some(known) => known.get_or_make(py, || make(py, element)),
        None => Ok(make(py, element)?.into_bound(py)),
    }
}

/// Whether NumPy has the dtype from the package `ml_dtypes`.
fn is_of_ml_dtypes(dtype: DType) -> bool {
    matches!(dtype, DType::BF16 | DType::F8E4M3FN | DType::F8E5M2 | DType::F8E8M0FNU)
}

fn make(py: Python<'_>, element: ElementType) -> PyResult<Py<PyArrayDescr>> {
    let dtype = element.dtype();
    if dtype == DType::Record {
        return Err(PyTypeError::new_err("records cannot be read from Python yet: their fields are not told here"));
    }
    let made = if is_of_ml_dtypes(dtype) {
        let module = py.import("ml_dtypes").map_err(|error| {
            if error.is_instance_of::<PyModuleNotFoundError>(py) {
                let message = format!("{dtype} arrays need the package ml_dtypes: pip install ml_dtypes");
                PyModuleNotFoundError::new_err(message)
            } else {
                error
            }
        })?;
        let scalar = module.getattr(dtype.name()).map_err(|error| {
            // Older versions have fewer.
            let message = format!("this version of the package ml_dtypes has no {dtype}: pip install -U ml_dtypes");
            let missing = PyModuleNotFoundError::new_err(message);
            missing.set_cause(py, Some(error));
            missing
        })?;
        PyArrayDescr::new(py, scalar)?
    } else {
        // What NumPy takes for a dtype: its name, with unit or width.
        PyArrayDescr::new(py, element.to_string())?
    };
    if made.itemsize() != element.size() {
        // As NumPy's longdouble on machines where it is a double.
        return Err(PyTypeError::new_err(format!(
            "{element} takes {} bytes here, {} in shared memory",
            made.itemsize(),
            element.size()
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
    match OVER.get(itemsize.trailing_zeros() as usize).filter(|_| itemsize.is_power_of_two()) {
        Some(over) => over.get_or_make(py, make),
        None => make().map(|over| over.into_bound(py)),
    }
}

/// Returns the crate's element type for one of NumPy's dtypes, in either byte order.
pub(crate) fn from_numpy(descr: &Bound<'_, PyArrayDescr>) -> PyResult<ElementType> {
    let refused = || PyTypeError::new_err(format!("arrays of dtype {descr} cannot be shared"));
    if matches!((descr.kind(), descr.itemsize()), (b'V', 1 | 2) | (b'f', 1))
        && let Some(dtype) = of_ml_dtypes(descr)?
    {
        return Ok(dtype.into());
    }
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
        // Their type strings say unit and width, and the byte order first.
        (b'M' | b'm' | b'S' | b'U', _) => return from_string(descr),
        // Without fields, and no extension type of another package.
        (b'V', _) if !descr.has_fields() && !descr.has_subarray() && descr.typeobj().name()? == "void" => {
            return from_string(descr);
        }
        _ => return Err(refused()),
    };
    Ok(found.into())
}

/// Returns the element type of a dtype whose type string says all of it but the byte order.
fn from_string(descr: &Bound<'_, PyArrayDescr>) -> PyResult<ElementType> {
    let string = descr.getattr("str")?.extract::<String>()?;
    let word = string.trim_start_matches(['<', '>', '=', '|']);
    ElementType::from_npy_descr(word)
        .map_err(|error| PyTypeError::new_err(format!("arrays of dtype {descr} cannot be shared: {error}")))
}

/// Returns the element type for any object that NumPy takes for a dtype; float64 for `None`.
pub(crate) fn parse(py: Python<'_>, dtype: Option<&Bound<'_, PyAny>>) -> PyResult<ElementType> {
    let Some(dtype) = dtype.filter(|dtype| !dtype.is_none()) else { return Ok(DType::F64.into()) };
    if let Ok(name) = dtype.extract::<&str>()
        && let Ok(extension) = name.parse::<DType>()
        && is_of_ml_dtypes(extension)
    {
        // NumPy knows the name only once ml_dtypes is loaded.
        to_numpy(py, extension.into())?;
    }
    from_numpy(&PyArrayDescr::new(py, dtype)?)
}

/// Returns the dtype of an extension type: where there is an array of it, its package is loaded.
fn of_ml_dtypes(descr: &Bound<'_, PyArrayDescr>) -> PyResult<Option<DType>> {
    let name = descr.typeobj().name()?;
    let Ok(dtype) = name.to_string_lossy().parse::<DType>() else { return Ok(None) };
    let is_same = is_of_ml_dtypes(dtype) && descr.is_equiv_to(&to_numpy(descr.py(), dtype.into())?);
    Ok(is_same.then_some(dtype))
}
