//! The native half of the Python package `ndsharray_rs`: Python objects over the crate `ndsharray`.
//!
//! Code that needs no access to memory is written in Python, in the folder `package`.

mod channel;
mod compat;
mod elements;
mod errors;
mod exit;
mod fork;
mod look;
mod options;
mod shared;
mod time;

use elements::array::{self, Access};
use elements::lent::Anchor;
use elements::{bools, dtypes};
use fork::home;
use ndsharray::DType;
use numpy::PyUntypedArrayMethods;
use pyo3::prelude::*;
use pyo3::types::PySequence;
use shared::handle::SharedMemory;
use std::path::Path;
use std::ptr;

/// The native half of `ndsharray_rs`; use that.
// Two things rely on the global interpreter lock: the reference counts of lent arrays, and the list
// of lent memory.
#[pymodule(gil_used = true)]
mod _native {
    use super::PyResult;
    use super::prepare;
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::channel::any::wait_any;
    #[pymodule_export]
    use super::channel::loan::Loan;
    #[pymodule_export]
    use super::channel::reader::{_reopen_reader, Reader};
    #[pymodule_export]
    use super::channel::sample::Sample;
    #[pymodule_export]
    use super::channel::writer::{Writer, remove};
    #[cfg(unix)]
    #[pymodule_export]
    use super::compat::block::map_block;
    #[pymodule_export]
    use super::compat::wire::{WireReader, WireWriter, remove_leftovers, remove_wire};
    #[pymodule_export]
    use super::fork::lending::{_after_fork_in_child, _after_fork_in_parent, _before_fork};
    #[pymodule_export]
    use super::look::{_list, _look, _remove_unused};
    #[pymodule_export]
    use super::shared::array::{_reopen_array, SharedArray, remove_array};
    #[pymodule_export]
    use super::shared::guard::ArrayGuard;

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "its name in Python")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "its name in Python")]
    const _debug: bool = cfg!(debug_assertions);

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        prepare(module.py())
    }
}

/// Does at once the work that PyO3 and NumPy's bindings leave for the first use.
///
/// They do it in cells that release the interpreter lock while they are locked. A fork in another
/// thread just then would leave the cell locked in the child.
fn prepare(py: Python<'_>) -> PyResult<()> {
    home::watch();
    let anchor = Bound::new(py, Anchor::new())?;
    // SAFETY: an array without elements. Their address is aligned, and never used.
    let array =
        unsafe { array::array_over(anchor.into_any(), &DType::U8.into(), &[0], ptr::dangling_mut(), Access::Read) }?;
    dtypes::from_numpy(&array.dtype())?;
    let _ = array.cast::<PySequence>();
    Path::new("").into_pyobject(py)?;
    py.get_type::<SharedMemory>();
    py.get_type::<compat::wire::Copy>();
    #[cfg(unix)]
    py.get_type::<compat::block::Block>();
    bools::keep_singletons(py)
}
