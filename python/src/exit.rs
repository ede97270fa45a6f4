//! Handles that are closed when the program ends; see `_exit.py`.

use pyo3::prelude::*;

/// Registers a writer to be closed when the program ends.
pub(crate) fn note_writer(writer: &Bound<'_, PyAny>) -> PyResult<()> {
    writer.py().import("ndsharray_rs._exit")?.getattr("note_writer")?.call1((writer,)).map(|_| ())
}

/// Returns the writers that are registered.
pub(crate) fn writers(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyAny>>> {
    py.import("ndsharray_rs._exit")?.getattr("writers")?.call0()?.extract()
}

/// Registers a reader to be closed when the program ends.
pub(crate) fn note_reader(reader: &Bound<'_, PyAny>) -> PyResult<()> {
    reader.py().import("ndsharray_rs._exit")?.getattr("note_reader")?.call1((reader,)).map(|_| ())
}

/// Registers this process, a forked child, to close the readers that it opened again.
pub(crate) fn watch(py: Python<'_>) -> PyResult<()> {
    py.import("ndsharray_rs._exit")?.getattr("watch")?.call0().map(|_| ())
}
