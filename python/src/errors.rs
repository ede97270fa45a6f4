//! The crate's errors as the exceptions of `ndsharray_rs.errors`: same names, same numbers.

use ndsharray::{Error, ViewError};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

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
    // Sets the fields of an exception, and names its class.
    macro_rules! with {
        ($class:literal: $($field:ident $(= $value:expr)?),+) => {{
            $(fields.set_item(stringify!($field), with!(@ $field $($value)?))?;)+
            $class
        }};
        (@ $field:ident) => { $field };
        (@ $field:ident $value:expr) => { $value };
    }
    let name = match error {
        Error::InvalidName { name, reason, .. } => with!("InvalidName": name, reason),
        Error::InvalidOption { option, found, min, max, .. } => with!("InvalidOption": option, found, min, max),
        Error::NotFound { path, .. } => with!("NotFound": path = path.to_string_lossy()),
        Error::MissingDirectory { dir, .. } => with!("MissingDirectory": path = dir.to_string_lossy()),
        Error::AlreadyExists { path, .. } => with!("AlreadyExists": path = path.to_string_lossy()),
        Error::WriterExists { name, pid, .. } => with!("WriterExists": name, pid),
        Error::InUse { name, living, .. } => with!("InUse": name, living),
        Error::Closed { name, .. } => with!("Closed": name),
        Error::DTypeMismatch { expected, found, .. } => {
            with!("DTypeMismatch": expected = expected.name(), found = found.name())
        }
        Error::ShapeMismatch { expected, found, .. } => with!("ShapeMismatch": expected, found),
        Error::TooManyDims { found, max, .. } => with!("TooManyDims": found, max),
        Error::TooLarge { axis, len, .. } => with!("TooLarge": axis, len),
        Error::ValueTooLarge { found, max, .. } => with!("ValueTooLarge": found, max),
        Error::NumbersExhausted { max, .. } => with!("NumbersExhausted": max),
        Error::OutOfMemory { requested, available, memory, .. } => {
            with!("OutOfMemory": requested, available, memory = memory.to_string())
        }
        Error::AllSlotsPinned { slots, .. } => with!("AllSlotsPinned": slots, holders = PyDict::new(py)),
        Error::ReadersBehind { readers, behind, waited, .. } => {
            with!("ReadersBehind": readers, behind, waited = waited.as_secs_f64())
        }
        Error::ElementMismatch { expected, found, .. } => {
            with!("ElementMismatch": expected = expected.to_string(), found = found.to_string())
        }
        Error::RecordMismatch { field, expected, found, .. } => with!("RecordMismatch": field, expected, found),
        Error::NoField { name, .. } => with!("NoField": name),
        Error::InvalidRecord(_) => "InvalidRecord",
        Error::TooManyRecordTypes { max, .. } => with!("TooManyRecordTypes": max),
        Error::NumberUsed { number, last, .. } => with!("NumberUsed": number, last),
        Error::WriterGone { name, .. } => with!("WriterGone": name),
        Error::AttributesTooLong { found, max, .. } => with!("AttributesTooLong": found, max),
        Error::LosslessRefused { name, .. } => with!("LosslessRefused": name),
        Error::TooManyReaders { max, .. } => with!("TooManyReaders": max),
        Error::PermissionDenied { path, .. } => with!("PermissionDenied": path = path.to_string_lossy()),
        Error::ForeignOwner { path, owner, what, .. } => {
            with!("ForeignOwner": path = path.to_string_lossy(), owner, what = what.to_string())
        }
        Error::NotOurs { path, wanted, .. } => with!("NotOurs": path = path.to_string_lossy(), wanted),
        Error::Corrupt(_) => "Corrupt",
        Error::Wire(_) => "Wire",
        Error::InvalidBool { index, value, .. } | Error::View(ViewError::InvalidRecord { index, value, .. }) => {
            with!("InvalidBool": index, value)
        }
        Error::Contended { attempts, .. } => with!("Contended": attempts),
        Error::Poisoned(_) => "Poisoned",
        Error::NothingToWaitFor => "NothingToWaitFor",
        Error::Forked => "Forked",
        Error::Unsupported { what, .. } => with!("Unsupported": what),
        Error::Io { doing, path, source, .. } => {
            with!("Io": doing, path = path.to_string_lossy(), os_error = source.raw_os_error())
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
        message.push_str(". (A notebook cell that has run twice leaves its first Writer open: close() it at the cell's start, use `with`, or pass exist=\"takeover\".)");
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

/// Makes the exception for readers that are behind after the whole of a writer's patience.
#[cold]
pub(crate) fn readers_behind(py: Python<'_>, last: &PyErr, waited: Duration) -> PyResult<PyErr> {
    let (last, fields) = (last.value(py), PyDict::new(py));
    let (readers, behind) = (last.getattr("readers")?, last.getattr("behind")?);
    let seconds = waited.as_secs_f64();
    let message =
        format!("{readers} lossless reader(s) are behind, the slowest by {behind} values, after {seconds:.3} s");
    fields.set_item("readers", readers)?;
    fields.set_item("behind", behind)?;
    fields.set_item("waited", seconds)?;
    Ok(PyErr::from_value(class(py, "ReadersBehind")?.call((message,), Some(&fields))?))
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
