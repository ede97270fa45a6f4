//! Writable arrays that are lent for a time: a loan's, a guard's.
//!
//! A NumPy array cannot be taken back. When its time is over, variables, views, memoryviews and
//! tensors of other packages may still lead to its memory. Nothing tells one from the other. So the
//! question is only whether anything is left:
//!
//! - The array that is lent is a view of another one, the *root*, which is kept here. NumPy gives a
//!   view of a view the first array as its base. So all that is made of the lent array refers to it
//!   or to the root. If the only references to either are those kept here, nothing has the memory's
//!   address (other than as a number), and nothing needs to be done.
//! - Otherwise the memory is [detached](ndsharray::raw::DetachedMemory): from then on the addresses
//!   lead to private memory. The root's owner, the [`Anchor`], keeps that memory for the arrays
//!   that are left. What they write there stays there. The lent array itself is most likely among
//!   them. It becomes empty and read-only, and gets a dtype that says so: using it is an error.
//!
//! Reference counts are read under the interpreter lock. All that is done by what they say is done
//! before that lock is released.

use crate::elements::array::{self, Access};
use crate::elements::described::Elements;
use crate::elements::dtypes;
use crate::fork::lending::Entry;
use crate::fork::own::unpoisoned;
use ndsharray::raw::{ArrayLockGuard, ArrayMapping, DetachedMemory};
use numpy::npyffi::{NPY_ARRAY_WRITEABLE, PyArrayObject};
use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use std::sync::{Arc, Mutex};

/// Owns the memory of arrays whose time is over.
#[pyclass(frozen, module = "ndsharray_rs._native")]
pub(crate) struct Anchor {
    kept: Mutex<Vec<Kept>>,
}

impl Anchor {
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::new(Vec::new()) }
    }
}

/// Memory that keeps the addresses of lent arrays valid.
#[allow(dead_code, reason = "held to be dropped")]
pub(crate) enum Kept {
    /// Private memory. It has an entry if a forked child would share it.
    Detached(Option<Entry>, DetachedMemory),
    /// Memory that could not be detached, with the lock that keeps others out.
    Held(Entry, ArrayMapping, Arc<ArrayLockGuard>),
}

/// An array that is lent.
pub(crate) struct Lent {
    root: Py<PyUntypedArray>,
    array: Py<PyUntypedArray>,
    anchor: Py<Anchor>,
}

impl Lent {
    /// Makes the array.
    ///
    /// # Safety
    ///
    /// As [`array::array_over`], until [`end`](Self::end).
    #[inline]
    pub(crate) unsafe fn new(
        py: Python<'_>,
        elements: &Elements,
        shape: &[usize],
        data: *mut u8,
        access: Access,
    ) -> PyResult<Self> {
        let anchor = Bound::new(py, Anchor::new())?;
        // SAFETY: the data are valid until the end by the caller's word. After that they are valid
        // as long as the root's owner, the anchor.
        let root = unsafe { array::array_over(anchor.clone().into_any(), elements, shape, data, access) }?;
        // SAFETY: as above; the root keeps the anchor.
        let array = unsafe { array::array_over(root.clone().into_any(), elements, shape, data, access) }?;
        Ok(Self { root: root.unbind(), array: array.unbind(), anchor: anchor.unbind() })
    }

    pub(crate) fn array<'py>(&self, py: Python<'py>) -> Bound<'py, PyUntypedArray> {
        self.array.bind(py).clone()
    }

    /// Ends the array's time. If anything leads to its memory, `keep` gives what it is from now on.
    #[inline]
    pub(crate) fn end(self, py: Python<'_>, keep: impl FnOnce() -> Option<Kept>) {
        // The root has two references: the lent array's and the one here. The lent array has one.
        if references(self.root.bind(py)) <= 2 && references(self.array.bind(py)) <= 1 {
            return;
        }
        disable(self.array.bind(py));
        disable(self.root.bind(py));
        let kept = keep();
        unpoisoned(&self.anchor.get().kept).extend(kept);
    }
}

/// Counts the references to an array.
fn references(object: &Bound<'_, PyUntypedArray>) -> isize {
    // SAFETY: an object, alive while borrowed. This thread has the interpreter lock.
    unsafe { pyo3::ffi::Py_REFCNT(object.as_ptr()) }
}

/// Makes an array empty and read-only, and gives it a dtype that says why.
///
/// It stays read-only, as its base offers no way to write. Errors of all arithmetic show the dtype.
fn disable(array: &Bound<'_, PyUntypedArray>) {
    let over = dtypes::over(array.py(), array.dtype().itemsize());
    let array: *mut PyArrayObject = array.as_array_ptr();
    // SAFETY: an array made here, alive while borrowed. Under the interpreter lock no other thread
    // looks at its fields during this function. Nothing depends on flags and lengths to stay:
    // NumPy's loops, and buffers, have copied them.
    let fields = unsafe { &mut (*array).fields };
    fields.flags &= !NPY_ARRAY_WRITEABLE;
    if fields.nd > 0 {
        // SAFETY: there are `nd` lengths, so there is a first.
        unsafe { *fields.dimensions = 0 };
    }
    // Without memory for the dtype, the array is merely empty.
    if let Ok(over) = over {
        // As many bytes an element as before, so sizes worked out from the old dtype fit the
        // memory.
        let old = std::mem::replace(&mut fields.descr, over.into_dtype_ptr());
        // SAFETY: the array's own reference. The dtype stays, as `dtypes` has another.
        unsafe { pyo3::ffi::Py_DECREF(old.cast()) };
    }
}
