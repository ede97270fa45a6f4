//! NumPy's dtypes without fields, and the crate's element types.

use crate::fork::known::Known;
use ndsharray::{DType, ElementType, RecordError};
use numpy::{PyArrayDescr, PyArrayDescrMethods};
use pyo3::exceptions::{PyModuleNotFoundError, PyTypeError};
use pyo3::prelude::*;

/// NumPy's dtypes in the order of [`DType`]'s numbers, made at first use.
///
/// Those of dtypes without a parameter.
static KNOWN: [Known<PyArrayDescr>; 32] = [const { Known::new() }; 32];

/// Why a dtype is none that can be shared, or an exception on the way.
pub(super) enum Refused {
    /// About the field that is looked at.
    Because(String),
    /// About all of the dtype.
    Whole(String),
    Raised(PyErr),
}

impl From<PyErr> for Refused {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl From<RecordError> for Refused {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::TooDeep | RecordError::TooManyFields => Self::Whole(error.to_string()),
            other => Self::Because(other.to_string()),
        }
    }
}

impl Refused {
    /// The same, about a field of the field `name`.
    pub(super) fn within(self, name: &str) -> Self {
        match self {
            Self::Because(reason) => Self::Because(match reason.strip_prefix("field \"") {
                Some(rest) => format!("field \"{}.{rest}", name.escape_debug()),
                None => format!("field {name:?}: {reason}"),
            }),
            other => other,
        }
    }
}

/// Returns NumPy's dtype for one of the crate's element types.
pub(super) fn of_element(py: Python<'_>, element: ElementType) -> PyResult<Bound<'_, PyArrayDescr>> {
    let dtype = element.dtype();
    let is_alone = !matches!(dtype, DType::DateTime64 | DType::TimeDelta64 | DType::Bytes | DType::Text | DType::Void);
    match KNOWN.get(usize::from(dtype as u8)).filter(|_| is_alone) {
        Some(known) => known.get_or_make(py, || make(py, element)),
        None => Ok(make(py, element)?.into_bound(py)),
    }
}

/// Whether NumPy has the dtype from the package `ml_dtypes`.
pub(super) fn is_of_ml_dtypes(dtype: DType) -> bool {
    matches!(dtype, DType::BF16 | DType::F8E4M3FN | DType::F8E5M2 | DType::F8E8M0FNU)
}

fn make(py: Python<'_>, element: ElementType) -> PyResult<Py<PyArrayDescr>> {
    let dtype = element.dtype();
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

/// Returns the element type for a dtype without fields, in either byte order.
pub(super) fn element(descr: &Bound<'_, PyArrayDescr>) -> Result<ElementType, Refused> {
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
        (b'O', _) => {
            return Err(because(
                "they hold objects of this process: convert them to elements of a fixed size, such as 'f8' or 'U20'",
            ));
        }
        _ if descr.has_subarray() => {
            return Err(because("it has a shape of its own: give that to the array, behind the array's own"));
        }
        // Without fields, and no extension type of another package.
        (b'V', _) if descr.typeobj().name()? == "void" => return from_string(descr),
        _ => return Err(because("the library has no such elements")),
    };
    Ok(found.into())
}

fn because(reason: &str) -> Refused {
    Refused::Because(reason.to_owned())
}

/// Returns the element type of a dtype whose type string says all of it but the byte order.
fn from_string(descr: &Bound<'_, PyArrayDescr>) -> Result<ElementType, Refused> {
    let string = descr.getattr("str")?.extract::<String>()?;
    let word = string.trim_start_matches(['<', '>', '=', '|']);
    ElementType::from_npy_descr(word).map_err(|error| Refused::Because(error.to_string()))
}

/// Returns the dtype of an extension type: where there is an array of it, its package is loaded.
fn of_ml_dtypes(descr: &Bound<'_, PyArrayDescr>) -> PyResult<Option<DType>> {
    let name = descr.typeobj().name()?;
    let Ok(dtype) = name.to_string_lossy().parse::<DType>() else { return Ok(None) };
    let is_same = is_of_ml_dtypes(dtype) && descr.is_equiv_to(&of_element(descr.py(), dtype.into())?);
    Ok(is_same.then_some(dtype))
}
