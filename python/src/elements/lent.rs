//! Writable arrays that are lent for a time: a loan's, a guard's.
//!
//! A NumPy array cannot be taken back. When its time is over, variables, views, memoryviews and
//! tensors of other packages may still lead to its memory. All of them refer to the lent array: its
//! base is no array, so NumPy gives it to each view as the base. A reference does not say whether
//! its holder knows the address of the memory, as a tensor does, or uses the array by NumPy alone.
//!
//! - Without another reference nothing has the memory's address (other than as a number), and
//!   nothing needs to be done.
//! - If the one reference is a variable of the code that ends the loan, as after a `with` block,
//!   then NumPy alone can get at the memory, and is not at work there. The array becomes empty and
//!   read-only, and gets a dtype that says so, and an address without elements: using it is an
//!   error.
//! - Otherwise the memory is [detached](ndsharray::raw::DetachedMemory): from then on the addresses
//!   lead to private memory. The array's base, an [`Anchor`], keeps that memory for all that is
//!   left. What is written there stays there. The array itself is disabled as above.
//!
//! Reference counts are read under the interpreter lock. All that is done by what they say is done
//! before that lock is released.

use crate::elements::array::{self, Access};
use crate::elements::described::Elements;
use crate::elements::dtypes;
use crate::elements::variables;
use crate::fork::known::Known;
use crate::fork::lending::Entry;
use crate::fork::own::unpoisoned;
use ndsharray::raw::{ArrayLockGuard, ArrayMapping, DetachedMemory};
use numpy::npyffi::{NPY_ARRAY_OWNDATA, NPY_ARRAY_WRITEABLE, PyArrayObject};
use numpy::{PyArrayDescr, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use std::sync::{Arc, Mutex};

/// Owns the memory of arrays whose time is over.
#[pyclass(frozen, weakref, module = "ndsharray_rs._native")]
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
    /// The dtype that an array had. NumPy's code that is at work on the array only borrows it.
    DType(Py<PyArrayDescr>),
}

/// An array that is lent.
pub(crate) struct Lent {
    array: Py<PyUntypedArray>,
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
        // Most arrays need an anchor of their own only until their end.
        static COMMON: Known<Anchor> = Known::new();
        let anchor = COMMON.get_or_make(py, || Py::new(py, Anchor::new()))?;
        // SAFETY: the data are valid until the end by the caller's word. After that the array has
        // no elements; what is made of it by then keeps its base, and that the data.
        let array = unsafe { array::array_over(anchor.into_any(), elements, shape, data, access) }?;
        Ok(Self { array: array.unbind() })
    }

    pub(crate) fn array<'py>(&self, py: Python<'py>) -> Bound<'py, PyUntypedArray> {
        self.array.bind(py).clone()
    }

    /// Ends the array's time. If anything leads to its memory, `keep` gives what it is from now on.
    #[inline]
    pub(crate) fn end(self, py: Python<'_>, keep: impl FnOnce() -> Option<Kept>) {
        let array = self.array.bind(py);
        if variables::references(array) <= 1 {
            return;
        }
        if owns_memory(array) {
            // What was made of it before still leads to the lent memory.
            keep_by(array, keep());
            return;
        }
        // Without memory for the dtype, the array is merely empty.
        let over = dtypes::over(py, array.dtype().itemsize()).ok();
        // A scalar cannot be made empty.
        let may_lose_address = array.ndim() > 0;
        let mut dtype = over.clone();
        if may_lose_address && variables::if_only_a_variable(array, || take_address(array, dtype.take())) {
            return;
        }
        let dtype = disable(array, over).map(Kept::DType);
        keep_by(array, keep().into_iter().chain(dtype));
    }
}

/// Has an array made here keep memory and dtype.
fn keep_by(array: &Bound<'_, PyUntypedArray>, kept: impl IntoIterator<Item = Kept>) {
    match Py::new(array.py(), Anchor::new()) {
        Ok(anchor) => {
            unpoisoned(&anchor.get().kept).extend(kept);
            set_base(array, anchor);
        }
        // Without memory for the object, what it would keep is never freed.
        Err(_) => kept.into_iter().for_each(std::mem::forget),
    }
}

/// Whether an array made here has been given memory of its own, as `__setstate__` does.
fn owns_memory(array: &Bound<'_, PyUntypedArray>) -> bool {
    // SAFETY: an array object, alive while borrowed.
    let flags = unsafe { (*array.as_array_ptr()).fields.flags };
    flags & NPY_ARRAY_OWNDATA != 0
}

/// Gives an array made here another base.
fn set_base(array: &Bound<'_, PyUntypedArray>, base: Py<Anchor>) {
    let fields: *mut PyArrayObject = array.as_array_ptr();
    // SAFETY: an array made here, alive while borrowed. Under the interpreter lock no other thread
    // looks at its fields during this line.
    let old = unsafe { std::mem::replace(&mut (*fields).fields.base, base.into_ptr()) };
    // SAFETY: the array's own reference, which it has no more.
    drop(unsafe { Bound::from_owned_ptr_or_opt(array.py(), old) });
}

/// An address for arrays without elements, aligned for every dtype.
#[repr(align(64))]
struct Nothing([u8; 64]);

static NOTHING: Nothing = Nothing([0; 64]);

/// Disables an array, and takes its address.
fn take_address(array: &Bound<'_, PyUntypedArray>, over: Option<Bound<'_, PyArrayDescr>>) {
    // No code of NumPy's is at work on an array that a variable alone refers to.
    drop(disable(array, over));
    let fields: *mut PyArrayObject = array.as_array_ptr();
    // SAFETY: an array made here, alive while borrowed. It has no elements, and is not writable.
    // Under the interpreter lock no other thread looks at its fields during this line.
    unsafe { (*fields).fields.data = NOTHING.0.as_ptr().cast_mut().cast() };
}

/// Makes an array empty and read-only, and gives it a dtype that says why. Returns the one before.
///
/// It stays read-only, as its base offers no way to write. Errors of all arithmetic show the dtype.
fn disable(array: &Bound<'_, PyUntypedArray>, over: Option<Bound<'_, PyArrayDescr>>) -> Option<Py<PyArrayDescr>> {
    let py = array.py();
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
    let over = over?;
    // As many bytes an element as before, so sizes worked out from the old dtype fit the memory.
    let old = std::mem::replace(&mut fields.descr, over.into_dtype_ptr());
    // SAFETY: the array's own reference, which it has no more.
    let old = unsafe { Bound::from_owned_ptr_or_opt(py, old.cast()) }?;
    // SAFETY: an array's dtype.
    Some(unsafe { old.cast_into_unchecked() }.unbind())
}
