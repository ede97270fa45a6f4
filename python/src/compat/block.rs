//! Blocks of Python's `multiprocessing.shared_memory`.

use crate::elements::array::{self, Access};
use memmap2::{MmapOptions, MmapRaw};
use ndsharray::DType;
use numpy::PyUntypedArray;
use pyo3::prelude::*;
use std::os::fd::RawFd;

/// Keeps a block mapped.
#[pyclass(frozen, module = "ndsharray_rs._native")]
pub(crate) struct Block {
    map: MmapRaw,
}

/// Maps the first `size` bytes of an open file, which has at least as many.
///
/// Unlike `mmap.mmap`, the mapping keeps no descriptor.
#[pyfunction]
pub(crate) fn map_block(py: Python<'_>, descriptor: RawFd, size: usize) -> PyResult<Bound<'_, PyUntypedArray>> {
    let block = Bound::new(py, Block { map: MmapOptions::new().len(size).map_raw(descriptor)? })?;
    let data = block.get().map.as_mut_ptr();
    // SAFETY: the block keeps the mapping, of so many bytes, for reads and writes. The caller says
    // that the file has them. The mapping starts at a page.
    unsafe { array::array_over(block.into_any(), DType::U8, &[size], data, Access::Write) }
}
