//! The crate's errors as the exceptions of `ndsharray_rs.errors`: same names, same numbers.

use ndsharray::Error;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use std::error::Error as _;
use std::fmt::Write as _;

/// An error on its way to Python.
#[derive(Debug)]
pub(crate) struct Raised(Error);

impl From<Error> for Raised {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<Raised> for PyErr {
    fn from(raised: Raised) -> Self {
        Python::attach(|py| raise(py, &raised.0).unwrap_or_else(|problem| problem))
    }
}

/// Converts an error to its exception.
pub(crate) fn to_exception(error: Error) -> PyErr {
    Raised(error).into()
}

fn raise(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let fields = PyDict::new(py);
    let name = match error {
        Error::InvalidName { name, reason, .. } => {
            fields.set_item("name", name)?;
            fields.set_item("reason", reason)?;
            "InvalidName"
        }
        Error::InvalidOption { option, found, min, max, .. } => {
            fields.set_item("option", option)?;
            fields.set_item("found", found)?;
            fields.set_item("min", min)?;
            fields.set_item("max", max)?;
            "InvalidOption"
        }
        Error::NotFound { path, .. } => {
            fields.set_item("path", path.to_string_lossy())?;
            "NotFound"
        }
        Error::MissingDirectory { dir, .. } => {
            fields.set_item("path", dir.to_string_lossy())?;
            "MissingDirectory"
        }
        Error::AlreadyExists { path, .. } => {
            fields.set_item("path", path.to_string_lossy())?;
            "AlreadyExists"
        }
        Error::WriterExists { name, pid, .. } => {
            fields.set_item("name", name)?;
            fields.set_item("pid", pid)?;
            "WriterExists"
        }
        Error::InUse { name, living, .. } => {
            fields.set_item("name", name)?;
            fields.set_item("living", living)?;
            "InUse"
        }
        Error::Closed { name, .. } => {
            fields.set_item("name", name)?;
            "Closed"
        }
        Error::DTypeMismatch { expected, found, .. } => {
            fields.set_item("expected", expected.name())?;
            fields.set_item("found", found.name())?;
            "DTypeMismatch"
        }
        Error::ShapeMismatch { expected, found, .. } => {
            fields.set_item("expected", expected)?;
            fields.set_item("found", found)?;
            "ShapeMismatch"
        }
        Error::TooManyDims { found, max, .. } => {
            fields.set_item("found", found)?;
            fields.set_item("max", max)?;
            "TooManyDims"
        }
        Error::TooLarge { axis, len, .. } => {
            fields.set_item("axis", axis)?;
            fields.set_item("len", len)?;
            "TooLarge"
        }
        Error::ValueTooLarge { found, max, .. } => {
            fields.set_item("found", found)?;
            fields.set_item("max", max)?;
            "ValueTooLarge"
        }
        Error::NumbersExhausted { max, .. } => {
            fields.set_item("max", max)?;
            "NumbersExhausted"
        }
        Error::OutOfMemory { requested, available, memory, .. } => {
            fields.set_item("requested", requested)?;
            fields.set_item("available", available)?;
            fields.set_item("memory", memory.to_string())?;
            "OutOfMemory"
        }
        Error::AllSlotsPinned { slots, .. } => {
            fields.set_item("slots", slots)?;
            fields.set_item("holders", PyDict::new(py))?;
            "AllSlotsPinned"
        }
        Error::TooManyReaders { max, .. } => {
            fields.set_item("max", max)?;
            "TooManyReaders"
        }
        Error::PermissionDenied { path, .. } => {
            fields.set_item("path", path.to_string_lossy())?;
            "PermissionDenied"
        }
        Error::ForeignOwner { path, owner, what, .. } => {
            fields.set_item("path", path.to_string_lossy())?;
            fields.set_item("owner", owner)?;
            fields.set_item("what", what.to_string())?;
            "ForeignOwner"
        }
        Error::NotOurs { path, wanted, .. } => {
            fields.set_item("path", path.to_string_lossy())?;
            fields.set_item("wanted", wanted)?;
            "NotOurs"
        }
        Error::Corrupt(_) => "Corrupt",
        Error::Wire(_) => "Wire",
        Error::InvalidBool { index, value, .. } => {
            fields.set_item("index", index)?;
            fields.set_item("value", value)?;
            "InvalidBool"
        }
        Error::Contended { attempts, .. } => {
            fields.set_item("attempts", attempts)?;
            "Contended"
        }
        Error::Poisoned(_) => "Poisoned",
        Error::Forked => "Forked",
        Error::Unsupported { what, .. } => {
            fields.set_item("what", what)?;
            "Unsupported"
        }
        Error::Io { doing, path, source, .. } => {
            fields.set_item("doing", doing)?;
            fields.set_item("path", path.to_string_lossy())?;
            fields.set_item("os_error", source.raw_os_error())?;
            "Io"
        }
        // Errors newer than this list, and those of arrays in private memory.
        _ => "NdsharrayError",
    };
    let exception = class(py, name)?.call((message(error),), Some(&fields))?;
    Ok(PyErr::from_value(exception))
}

/// Writes an error and its causes in one line.
fn message(error: &Error) -> String {
    let mut message = error.to_string();
    if let Error::WriterExists { pid, .. } = error
        && *pid == Some(std::process::id())
    {
        message.push_str(". (A notebook cell that has run twice leaves its first Writer open: close() it at the cell's start, or use `with`.)");
    }
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a string cannot fail.
        let _ = write!(message, ": {cause}");
        source = cause.source();
    }
    message
}

/// Returns the class of that name in `ndsharray_rs.errors`.
pub(crate) fn class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyType>> {
    Ok(py.import("ndsharray_rs.errors")?.getattr(name)?.cast_into()?)
}

/// Makes the exception for a handle that NumPy takes for an array.
#[cold]
pub(crate) fn no_array(what: &str, way: &str) -> PyErr {
    PyTypeError::new_err(format!("a {what} is no array: {way}"))
}

/// Makes the exception for an array of another dtype than expected.
#[cold]
pub(crate) fn dtype_mismatch(py: Python<'_>, expected: &str, found: &str) -> PyResult<PyErr> {
    let fields = PyDict::new(py);
    fields.set_item("expected", expected)?;
    fields.set_item("found", found)?;
    let message = format!("expected dtype {expected}, found {found}");
    Ok(PyErr::from_value(class(py, "DTypeMismatch")?.call((message,), Some(&fields))?))
}

/// Makes the exception for a handle that another thread uses.
#[cold]
pub(crate) fn in_use(what: &str) -> PyErr {
    PyRuntimeError::new_err(format!("this {what} is in use in another thread; give each thread its own"))
}

/// Makes the exception for a handle after its `close`.
#[cold]
pub(crate) fn closed_handle(what: &str) -> PyErr {
    PyValueError::new_err(format!("this {what} has been closed"))
}
