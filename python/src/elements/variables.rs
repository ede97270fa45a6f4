//! The variables of the Python code that is calling.

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::ptr;
use std::sync::OnceLock;

/// The most variables that are looked at. Notebooks have some hundreds.
const MOST: usize = 4096;

/// A code object's flag: its variables are not those of a dictionary.
const OPTIMIZED: u32 = 1;

/// Calls `f` if `object` has one reference beside the caller's own, and that is a variable.
///
/// Variables are those of the Python code that is running. Returns whether `f` was called. No
/// Python code runs between the look at the references and `f`.
pub(super) fn if_only_a_variable(object: &Bound<'_, PyAny>, f: impl FnOnce()) -> bool {
    if references(object) != 2 {
        return false;
    }
    // An error has no meaning here: the variables are merely not known.
    find(object, f).unwrap_or(false)
}

/// Counts the references to an object.
pub(super) fn references(object: &Bound<'_, PyAny>) -> isize {
    // SAFETY: an object, alive while borrowed. This thread has the interpreter lock.
    unsafe { ffi::Py_REFCNT(object.as_ptr()) }
}

fn find(object: &Bound<'_, PyAny>, f: impl FnOnce()) -> PyResult<bool> {
    let py = object.py();
    let release = release(py);
    if release < (3, 13) {
        return find_in_a_dictionary(object, f);
    }
    let Some(is_function) = is_function(py)? else { return Ok(false) };
    // From Python 3.14 on, calls borrow what a variable refers to. So code in C that a function has
    // called with the array, and that calls back to here, may still write to it.
    if is_function && release >= (3, 14) {
        return Ok(false);
    }
    // SAFETY: this thread has the interpreter lock.
    let frame = unsafe { ffi::PyEval_GetFrame() };
    // SAFETY: a borrowed reference, or null where no Python code runs.
    let Some(frame) = (unsafe { Bound::from_borrowed_ptr_or_opt(py, frame.cast()) }) else { return Ok(false) };
    let variables = frame.getattr(intern!(py, "f_locals"))?;
    let is_only = if is_function {
        // They are looked at in place.
        let values = variables.call_method0(intern!(py, "values"))?;
        let Ok(list) = values.cast_exact::<PyList>() else { return Ok(false) };
        let found = list.iter().take(MOST).filter(|value| value.is(object)).count();
        // It refers to the object too.
        drop(values);
        found == 1 && references(object) == 2
    } else {
        is_once_in(&variables, object) && references(object) == 2
    };
    if is_only {
        f();
    }
    Ok(is_only)
}

/// As [`find`], before Python 3.13: a function's variables come as a copy, which the frame keeps.
fn find_in_a_dictionary(object: &Bound<'_, PyAny>, f: impl FnOnce()) -> PyResult<bool> {
    let py = object.py();
    // SAFETY: this thread has the interpreter lock.
    let variables = unsafe { ffi::PyEval_GetLocals() };
    // SAFETY: a borrowed reference, or null with an exception set.
    let variables = unsafe { Bound::from_borrowed_ptr_or_err(py, variables) }?;
    // The object had two references. A third one is the copy's, of a single variable. Where nothing
    // is copied, none is added: to know that is quicker than to ask what kind of code runs.
    let is_copied = references(object) == 3 && is_once_in(&variables, object);
    if !is_copied && is_function(py)? == Some(false) {
        let is_only = is_once_in(&variables, object) && references(object) == 2;
        if is_only {
            f();
        }
        return Ok(is_only);
    }
    if is_copied {
        f();
    }
    // The frame's reference and the one here: no other part of the program has asked for the copy,
    // so it must not keep what the variables refer to.
    if let Ok(copy) = variables.cast::<PyDict>()
        && references(copy) == 2
    {
        copy.clear();
    }
    Ok(is_copied)
}

/// Whether `object` is the value of a single variable of a dictionary.
///
/// A mapping of the program's own, as `exec` and metaclasses take them, runs its code and says what
/// it likes. So it is not asked.
fn is_once_in(variables: &Bound<'_, PyAny>, object: &Bound<'_, PyAny>) -> bool {
    let Ok(variables) = variables.cast_exact::<PyDict>() else { return false };
    variables.len() <= MOST && count(variables, object) == 1
}

/// Returns the first two numbers of Python's version.
fn release(py: Python<'_>) -> (u8, u8) {
    static RELEASE: OnceLock<(u8, u8)> = OnceLock::new();
    *RELEASE.get_or_init(|| {
        let version = py.version_info();
        (version.major, version.minor)
    })
}

/// Whether a function runs, whose variables are not those of a dictionary; `None` without a frame.
fn is_function(py: Python<'_>) -> PyResult<Option<bool>> {
    // SAFETY: this thread has the interpreter lock.
    let frame = unsafe { ffi::PyEval_GetFrame() };
    // SAFETY: a borrowed reference, or null where no Python code runs.
    let Some(frame) = (unsafe { Bound::from_borrowed_ptr_or_opt(py, frame.cast()) }) else { return Ok(None) };
    // SAFETY: a frame, alive while borrowed.
    let code = unsafe { ffi::PyFrame_GetCode(frame.as_ptr().cast()) };
    // SAFETY: a new reference.
    let code = unsafe { Bound::from_owned_ptr_or_err(py, code.cast()) }?;
    Ok(Some(code.getattr(intern!(py, "co_flags"))?.extract::<u32>()? & OPTIMIZED != 0))
}

/// Counts the keys that have `object` as value. Runs no Python code.
fn count(dict: &Bound<'_, PyDict>, object: &Bound<'_, PyAny>) -> usize {
    let (mut position, mut value, mut found) = (0, ptr::null_mut(), 0);
    // SAFETY: a dictionary, alive while borrowed, which does not change meanwhile. The value is a
    // borrowed reference, and is only compared. Null stands for keys that are not wanted.
    while unsafe { ffi::PyDict_Next(dict.as_ptr(), &raw mut position, ptr::null_mut(), &raw mut value) } != 0 {
        found += usize::from(value == object.as_ptr());
    }
    found
}
