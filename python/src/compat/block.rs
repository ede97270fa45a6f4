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
#[pyo3(signature = (descriptor, size, writable=true))]
pub(crate) fn map_block(
    py: Python<'_>,
    descriptor: RawFd,
    size: usize,
    writable: bool,
) -> PyResult<Bound<'_, PyUntypedArray>> {
    let mut options = MmapOptions::new();
    let map = options.len(size);
    let (map, access) = if writable {
        (map.map_raw(descriptor)?, Access::Write)
    } else {
        (map.map_raw_read_only(descriptor)?, Access::Read)
    };
    let block = Bound::new(py, Block { map })?;
    let data = block.get().map.as_mut_ptr();
    // SAFETY: the block keeps the mapping, of so many bytes, for reads, and for writes if
    // `writable`. The caller says that the file has them. The mapping starts at a page.
    unsafe { array::array_over(block.into_any(), &DType::U8.into(), &[size], data, access) }
}
