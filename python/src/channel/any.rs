//! Waiting for several readers at once.

use crate::channel::reader::Reader;
use crate::errors::{closed_handle, in_use, to_exception};
use crate::fork::reopening::Mine;
use crate::time::{Deadline, SLICE};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Waits until any of the readers has news, and returns those that have, in order.
///
/// News are a value newer than the last one read, or the end of the channel: its writer has closed
/// it, and the last value has been read. `Reader.read` then gets the value, or `None` at an end;
/// see `Reader.is_channel_closed`. An end is news once. All readers are looked at each time, so a
/// channel that is written to without pause does not hide another. The list is empty when
/// `timeout` seconds have passed. Without a `timeout`, the default, the wait has no end.
///
/// The thread sleeps in the kernel, on all channels at once, and without the interpreter lock.
/// Signals are answered within 50 milliseconds. If another thread closes one of the readers, the
/// wait ends with a `ValueError`.
///
/// Raises
/// ------
/// NothingToWaitFor
///     When there are no readers. Also a `ValueError`.
/// ValueError
///     When a reader is there twice, or closed.
/// RuntimeError
///     When another thread uses one of them.
/// Corrupt, Contended, Forked
///     When no reader has news.
///
/// Examples
/// --------
/// >>> import ndsharray_rs as nd
/// >>> left, right = nd.Writer("doc-left"), nd.Writer("doc-right")
/// >>> readers = [nd.Reader("doc-left"), nd.Reader("doc-right")]
/// >>> nd.wait_any(readers, timeout=0)
/// []
/// >>> right.write([1.0])
/// 1
/// >>> for reader in nd.wait_any(readers, timeout=1.0):
/// ...     print(reader.read())
/// Sample(name='doc-right', dtype=float64, shape=(1,), seq=1)
#[pyfunction]
#[pyo3(signature = (readers, timeout=None))]
pub(crate) fn wait_any<'py>(
    py: Python<'py>,
    readers: Vec<Bound<'py, Reader>>,
    timeout: Option<f64>,
) -> PyResult<Vec<Bound<'py, Reader>>> {
    for (index, reader) in readers.iter().enumerate() {
        if readers.iter().take(index).any(|other| other.is(reader)) {
            let name = reader.get().name();
            return Err(PyValueError::new_err(format!("the Reader of channel {name:?} is there twice")));
        }
    }
    let deadline = Deadline::after(timeout)?;
    let mine = readers.iter().map(|reader| reader.get().mine()).collect::<PyResult<Vec<_>>>()?;
    let locked = mine.iter().map(|mine| mine.try_lock()?.ok_or_else(|| in_use("Reader")));
    let mut locked = locked.collect::<PyResult<Vec<_>>>()?;
    let found = (|| {
        let inner = locked.iter_mut().map(|reader| reader.as_mut().ok_or_else(|| closed_handle("Reader")));
        let mut inner = inner.collect::<PyResult<Vec<_>>>()?;
        for (reader, inner) in readers.iter().zip(&inner) {
            reader.get().note_waker(inner.waker());
        }
        loop {
            let left = deadline.left();
            let slice = left.min(SLICE);
            let ready = py.detach(|| ndsharray::wait_any(&mut inner, slice)).map_err(to_exception)?;
            if !ready.is_empty() {
                return Ok(ready.iter().filter_map(|index| readers.get(index).cloned()).collect());
            }
            py.check_signals()?;
            for (reader, mine) in readers.iter().zip(&mine) {
                reader.get().check_open()?;
                // A signal's handler may have forked, and this be the child.
                mine.home().check()?;
            }
            if left <= slice && deadline.is_over() {
                return Ok(Vec::new());
            }
        }
    })();
    // Another thread may have closed some, and left it to this one to drop them.
    let locked = readers.iter().zip(locked);
    let closed: Vec<_> = locked.map(|(reader, own)| Mine::take_if(own, reader.get().is_closed())).collect();
    drop(closed);
    found
}
