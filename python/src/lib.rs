//! The native half of the Python package `ndsharray_rs`: Python objects over the crate `ndsharray`.
//!
//! What needs no access to memory is written in Python, beside this.

mod buffer;
mod dtypes;
mod errors;
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

use pyo3::prelude::*;

/// The native half of `ndsharray_rs`; use that.
// The global interpreter lock is relied on where a loaned array's references are counted.
#[pymodule(gil_used = true)]
mod _native {
    #[pymodule_export]
    use super::guard::ArrayGuard;
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
}
