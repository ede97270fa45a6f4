//! A value that a reader has read.

use crate::dtypes;
use crate::errors::to_exception;
use crate::memory::{self, Access};
use ndsharray::{DType, OwnedSample};
use numpy::{PyArrayDescr, PyUntypedArray};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// One value of a channel.
#[pyclass(frozen, module = "ndsharray_rs")]
pub(crate) struct Sample {
    value: OwnedSample,
}

impl Sample {
    pub(crate) fn new(value: OwnedSample) -> Self {
        Self { value }
    }
}

#[pymethods]
impl Sample {
    #[getter]
    fn array<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyUntypedArray>> {
        let value = &slf.get().value;
        if value.dtype() == DType::Bool {
            // NumPy counts on it that bools are 0 or 1.
            value.any_view().map_err(to_exception)?;
        }
        let data = value.as_bytes().as_ptr().cast_mut();
        // SAFETY: the bytes live, unchanged, as long as the sample, which is what keeps them: it is frozen. Payloads start at a page, and copies are
        // aligned for every dtype; bools have just been checked.
        unsafe { memory::array_over(slf.clone().into_any(), value.dtype(), value.shape(), data, Access::Read) }
    }

    #[getter]
    fn seq(&self) -> u64 {
        self.value.seq()
    }

    #[getter]
    fn missed(&self) -> u64 {
        self.value.missed()
    }

    #[getter]
    fn age(&self) -> f64 {
        self.value.age().as_secs_f64()
    }

    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArrayDescr>> {
        dtypes::to_numpy(py, self.value.dtype())
    }

    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.value.shape())
    }
}
