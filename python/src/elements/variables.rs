//! The variables of the Python code that is calling.

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
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
    // SAFETY: this thread has the interpreter lock.
    let frame = unsafe { ffi::PyEval_GetFrame() };
    // SAFETY: a borrowed reference, or null where no Python code runs.
    let frame = unsafe { Bound::from_borrowed_ptr_or_opt(py, frame.cast()) };
    let Some(frame) = frame else { return Ok(false) };
    let is_function = is_function(&frame)?;
    if is_function && borrows(py) {
        return Ok(false);
    }
    let variables = frame.getattr(intern!(py, "f_locals"))?;
    let Ok(dict) = variables.cast::<PyDict>() else {
        // A mapping of the program's own, as `exec` and metaclasses take them, runs its code and
        // says what it likes.
        if !is_function {
            return Ok(false);
        }
        // From Python 3.13 on, a function's variables are looked at in place.
        let values = variables.call_method0(intern!(py, "values"))?;
        let found = values.try_iter()?.take(MOST).filter(|value| value.as_ref().is_ok_and(|it| it.is(object))).count();
        drop(values);
        let is_only = found == 1 && references(object) == 2;
        if is_only {
            f();
        }
        return Ok(is_only);
    };
    // Before Python 3.13, a dictionary of a function's variables is a copy, which the frame keeps.
    let expected = if is_function { 3 } else { 2 };
    let is_only = dict.len() <= MOST && count(dict, object) == 1 && references(object) == expected;
    if is_only {
        f();
    }
    // The frame's reference and the one here: no other part of the program has asked for the copy,
    // so it must not keep what the variables refer to.
    if is_function && references(dict) == 2 {
        dict.clear();
    }
    Ok(is_only)
}

/// Whether a function's variables may be in use without a reference of that use's own.
///
/// From Python 3.14 on, calls borrow what a variable refers to. So code in C that a function has
/// called with the array, and that calls back to here, may still write to it.
fn borrows(py: Python<'_>) -> bool {
    static BORROWS: OnceLock<bool> = OnceLock::new();
    *BORROWS.get_or_init(|| py.version_info() >= (3, 14))
}

/// Whether a frame is that of a function, whose variables are not those of a dictionary.
fn is_function(frame: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = frame.py();
    // SAFETY: a frame, alive while borrowed.
    let code = unsafe { ffi::PyFrame_GetCode(frame.as_ptr().cast()) };
    // SAFETY: a new reference.
    let code = unsafe { Bound::from_owned_ptr_or_err(py, code.cast()) }?;
    Ok(code.getattr(intern!(py, "co_flags"))?.extract::<u32>()? & OPTIMIZED != 0)
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
