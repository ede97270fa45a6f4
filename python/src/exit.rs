//! Handles that are closed when the program ends; see `_exit.py`.

use pyo3::prelude::*;

/// Has a writer closed when the program ends.
pub(crate) fn note_writer(writer: &Bound<'_, PyAny>) -> PyResult<()> {
    writer.py().import("ndsharray_rs._exit")?.getattr("note_writer")?.call1((writer,)).map(|_| ())
}

/// Has a reader closed when the program ends.
pub(crate) fn note_reader(reader: &Bound<'_, PyAny>) -> PyResult<()> {
    reader.py().import("ndsharray_rs._exit")?.getattr("note_reader")?.call1((reader,)).map(|_| ())
}

/// Has what a forked child has inherited, and opened for itself, closed when the child ends.
pub(crate) fn watch(py: Python<'_>) -> PyResult<()> {
    py.import("ndsharray_rs._exit")?.getattr("watch")?.call0().map(|_| ())
}
