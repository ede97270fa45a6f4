//! Which release of NumPy this process has.

use pyo3::prelude::*;

/// Returns the first two numbers of NumPy's version.
///
/// A number that is none, as in a build of one's own, counts as the newest.
pub(crate) fn numpy(py: Python<'_>) -> PyResult<(u32, u32)> {
    let version = py.import("numpy")?.getattr("__version__")?.extract::<String>()?;
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(u32::MAX));
    Ok((numbers.next().unwrap_or(u32::MAX), numbers.next().unwrap_or(u32::MAX)))
}
