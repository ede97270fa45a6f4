//! The crate's dtypes and NumPy's.

use crate::elements::described::Elements;
use crate::elements::plain::{Refused, element, is_of_ml_dtypes, of_element};
use crate::elements::structured;
use crate::fork::known::Known;
use ndsharray::DType;
use numpy::{PyArrayDescr, PyArrayDescrMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

/// Returns NumPy's dtype for elements of the crate.
pub(crate) fn to_numpy<'py>(py: Python<'py>, elements: &Elements) -> PyResult<Bound<'py, PyArrayDescr>> {
    match elements {
        Elements::Plain(element) => of_element(py, *element),
        Elements::Records(record) => structured::to_numpy(py, record),
    }
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

/// Returns the crate's elements for one of NumPy's dtypes, in either byte order.
#[inline]
pub(crate) fn from_numpy(descr: &Bound<'_, PyArrayDescr>) -> PyResult<Elements> {
    read(descr).map(|(elements, _)| elements)
}

/// As [`from_numpy`], and says whether all numbers are in this machine's byte order.
pub(crate) fn read(descr: &Bound<'_, PyArrayDescr>) -> PyResult<(Elements, bool)> {
    let found = if descr.has_fields() {
        structured::read(descr).map(|found| (found.record.into(), found.native))
    } else {
        element(descr).map(|element| (element.into(), descr.is_native_byteorder() != Some(false)))
    };
    found.map_err(|refused| match refused {
        Refused::Because(reason) | Refused::Whole(reason) => {
            PyTypeError::new_err(format!("arrays of dtype {} cannot be shared: {reason}", shown(descr)))
        }
        Refused::Raised(error) => error,
    })
}

/// Writes a dtype, and not all of one that has thousands of fields.
fn shown(descr: &Bound<'_, PyArrayDescr>) -> String {
    const SHOWN: usize = 200;
    // One that holds itself has no text.
    let text = descr.str().map_or_else(|_| format!("of {} bytes", descr.itemsize()), |text| text.to_string());
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Returns the elements for any object that NumPy takes for a dtype; float64 for `None`.
pub(crate) fn parse(py: Python<'_>, dtype: Option<&Bound<'_, PyAny>>) -> PyResult<Elements> {
    let Some(dtype) = dtype.filter(|dtype| !dtype.is_none()) else { return Ok(DType::F64.into()) };
    if let Ok(name) = dtype.cast::<PyString>()
        && let Ok(extension) = name.to_str()?.parse::<DType>()
        && is_of_ml_dtypes(extension)
    {
        // NumPy knows the name only once ml_dtypes is loaded.
        of_element(py, extension.into())?;
    }
    from_numpy(&PyArrayDescr::new(py, dtype)?)
}
