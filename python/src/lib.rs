//! The native half of the Python package `ndsharray_rs`: Python objects over the crate `ndsharray`.
//!
//! What needs no access to memory is written in Python, beside this.

#[cfg(unix)]
mod block;
mod bools;
mod buffer;
mod dtypes;
mod errors;
mod exit;
mod forks;
mod inherited;
mod lent;
mod memory;

mod options;
mod pinned;
mod time;
mod turn;

mod atomics;
mod guard;
mod loan;
mod reader;
mod sample;
mod shared;
mod wire;
mod writer;

use ndsharray::DType;
use numpy::PyUntypedArrayMethods;
use pyo3::prelude::*;
use pyo3::types::PySequence;
use std::path::Path;
use std::ptr;

/// The native half of `ndsharray_rs`; use that.
// The global interpreter lock is relied on where a loaned array's references are counted.
#[pymodule(gil_used = true)]
mod _native {
    use super::PyResult;
    use super::prepare;
    use pyo3::prelude::*;

    #[cfg(unix)]
    #[pymodule_export]
    use super::block::map_block;
    #[pymodule_export]
    use super::guard::ArrayGuard;
    #[pymodule_export]
    use super::inherited::{_after_fork_in_child, _after_fork_in_parent, _before_fork};
    #[pymodule_export]
    use super::loan::Loan;
    #[pymodule_export]
    use super::reader::{_reopen_reader, Reader};
    #[pymodule_export]
    use super::sample::Sample;
    #[pymodule_export]
    use super::shared::{_reopen_array, SharedArray, remove_array};
    #[pymodule_export]
    use super::wire::{WireReader, WireWriter, remove_leftovers, remove_wire};
    #[pymodule_export]
    use super::writer::{Writer, remove};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        prepare(module.py())
    }
}

/// Does at once what PyO3 and NumPy's bindings do at first use.
///
/// They do it in cells that give the interpreter lock back while they are locked. A fork of another
/// thread just then would leave the cell locked in the child, for ever.
fn prepare(py: Python<'_>) -> PyResult<()> {
    forks::watch();
    let anchor = Bound::new(py, lent::Anchor::new())?;
    // SAFETY: an array without elements; their address is never used, and aligned.
    let array =
        unsafe { memory::array_over(anchor.into_any(), DType::U8, &[0], ptr::dangling_mut(), memory::Access::Read) }?;
    dtypes::from_numpy(&array.dtype())?;
    let _ = array.cast::<PySequence>();
    Path::new("").into_pyobject(py)?;
    py.get_type::<shared::SharedMemory>();
    py.get_type::<wire::Copy>();
    #[cfg(unix)]
    py.get_type::<block::Block>();
    bools::keep_singletons(py)
}
