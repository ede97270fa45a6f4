//! Writable arrays that are lent for a time: a loan's, a guard's.
//!
//! A NumPy array cannot be taken back. When its time is over there may be variables that name it, views made of it, memoryviews, tensors of other
//! packages, and nothing tells one from the other. So it is not asked who is left, only whether anybody is:
//!
//! - The array that is lent is a view of another one, the *root*, which is kept here. NumPy gives every view of a view the first array as its base: what is made of the lent array
//!   refers to the lent array or to the root. If nobody refers to either but this, nobody has the memory's address (other than as a number), and nothing needs to
//!   be done.
//! - Otherwise the memory is [severed](ndsharray::raw::DetachedMemory): the addresses lead to private memory from then on, and the root's owner, the [`Anchor`], keeps that memory for those
//!   who are left. They can write there as they like; nobody sees it. The lent array itself, which most likely is what is left, is made empty and read-only, and gets a
//!   dtype that says so, so that using it is an error.
//!
//! Reference counts are read with the interpreter lock held, and whatever is then done on the strength of them is done before it is given back.

use crate::dtypes;
use crate::inherited::Entry;
use crate::memory::{self, Access};
use ndsharray::{
    DType,
    raw::{ArrayLockGuard, ArrayMapping, DetachedMemory},
};
use numpy::npyffi::{NPY_ARRAY_WRITEABLE, PyArrayObject};
use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};

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

/// What keeps the addresses of lent arrays valid.
#[allow(dead_code, reason = "held to be dropped")]
pub(crate) enum Kept {
    /// Memory that no other process has. With its entry, if a forked child would share it.
    Severed(Option<Entry>, DetachedMemory),
    /// Memory that could not be severed, with the lock that makes it ours.
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
    /// As [`memory::array_over`], until [`end`](Self::end).
    pub(crate) unsafe fn new(
        py: Python<'_>,
        dtype: DType,
        shape: &[usize],
        data: *mut u8,
        access: Access,
    ) -> PyResult<Self> {
        let anchor = Bound::new(py, Anchor::new())?;
        // SAFETY: the data are valid until the end by the caller's word, and beyond it as long as the anchor lives, which is the root's owner.
        let root = unsafe { memory::array_over(anchor.clone().into_any(), dtype, shape, data, access) }?;
        // SAFETY: as above; the root keeps the anchor.
        let array = unsafe { memory::array_over(root.clone().into_any(), dtype, shape, data, access) }?;
        Ok(Self { root: root.unbind(), array: array.unbind(), anchor: anchor.unbind() })
    }

    pub(crate) fn array<'py>(&self, py: Python<'py>) -> Bound<'py, PyUntypedArray> {
        self.array.bind(py).clone()
    }

    /// Ends the array's time. If anybody is left who has it, or something made of it, `keep` says what its memory is from now on.
    pub(crate) fn end(self, py: Python<'_>, keep: impl FnOnce() -> Option<Kept>) {
        // The lent array refers to the root, and we do; we alone refer to the lent array.
        if references(self.root.bind(py)) <= 2 && references(self.array.bind(py)) <= 1 {
            return;
        }
        disable(self.array.bind(py));
        disable(self.root.bind(py));
        let kept = keep();
        self.anchor.get().kept.lock().unwrap_or_else(PoisonError::into_inner).extend(kept);
    }
}

/// How many references there are, at least.
fn references(object: &Bound<'_, PyUntypedArray>) -> isize {
    // SAFETY: an object, alive while borrowed; the interpreter lock is held.
    unsafe { pyo3::ffi::Py_REFCNT(object.as_ptr()) }
}

/// Makes an array empty and read-only, for ever: its base offers no way to write. Its dtype says why from then on, in the errors of all arithmetic too.
fn disable(array: &Bound<'_, PyUntypedArray>) {
    let over = dtypes::over(array.py(), array.dtype().itemsize());
    let array: *mut PyArrayObject = array.as_array_ptr();
    // SAFETY: an array made here, alive while borrowed, and the interpreter lock is held, so that nobody else looks at its fields during this function. Nobody depends on flags
    // and lengths to stay: NumPy's loops, and buffers, have copied them.
    let fields = unsafe { &mut (*array).fields };
    fields.flags &= !NPY_ARRAY_WRITEABLE;
    if fields.nd > 0 {
        // SAFETY: there are `nd` lengths, and thus a first.
        unsafe { *fields.dimensions = 0 };
    }
    // Without memory for the dtype, the array is merely empty.
    if let Ok(over) = over {
        // As many bytes an element as before, so whatever has been worked out from the old one fits the memory.
        let old = std::mem::replace(&mut fields.descr, over.into_dtype_ptr());
        // SAFETY: the array's own reference. The dtype stays, as `dtypes::KNOWN` has another.
        unsafe { pyo3::ffi::Py_DECREF(old.cast()) };
    }
}
