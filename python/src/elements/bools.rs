//! Bools that change while NumPy reads them.

use crate::elements::release;
use pyo3::ffi;
use pyo3::prelude::*;

/// Makes reading single elements of a bool array safe while another process writes them.
///
/// NumPy below 2.4 loads the byte twice: once for which of `numpy.True_` and `numpy.False_` gets a
/// new reference, and once for which it returns. If the byte changes in between, one of the two
/// loses a reference that is still used. After some such reads its memory is freed, which ends the
/// process. So both get references that are never dropped. Either way the read returns a bool.
pub(crate) fn keep_singletons(py: Python<'_>) -> PyResult<()> {
    let numpy = py.import("numpy")?;
    // In builds without the interpreter lock, objects start with something else.
    let one_count = !py.import("sys")?.getattr("abiflags").is_ok_and(|flags| flags.contains("t").unwrap_or(false));
    if one_count && release::numpy(py)? < (2, 4) {
        for name in ["True_", "False_"] {
            keep(&numpy.getattr(name)?);
        }
    }
    Ok(())
}

/// Adds more references than are ever lost.
fn keep(object: &Bound<'_, PyAny>) {
    // SAFETY: an object, alive while borrowed. It starts with its count, as the caller has checked,
    // which the interpreter lock makes this thread's.
    let count = unsafe { &mut *object.as_ptr().cast::<ffi::Py_ssize_t>() };
    *count = kept(*count, object.py().version_info() >= (3, 12));
}

/// Returns a count from which losses never lead to zero.
///
/// From Python 3.12 on only the low 32 bits count. With the highest of them set, a count stays as
/// it is.
#[cfg(target_pointer_width = "64")]
fn kept(count: ffi::Py_ssize_t, immortal: bool) -> ffi::Py_ssize_t {
    if immortal { (count & !0xffff_ffff) | 0xc000_0000 } else { count | 1 << 60 }
}

/// Returns a count from which losses hardly lead to zero: 32 bits allow no more.
#[cfg(not(target_pointer_width = "64"))]
fn kept(count: ffi::Py_ssize_t, _immortal: bool) -> ffi::Py_ssize_t {
    count | 1 << 28
}
