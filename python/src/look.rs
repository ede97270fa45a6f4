//! Looks at channels and arrays without taking part, for `_look.py`.

use crate::elements::described::Elements;
use crate::errors::to_exception;
use crate::options::{Location, Owners};
use ndsharray::inspect::{Details, Kind, Life, Owner, Report, Role};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::path::PathBuf;

/// Main files shorter than this, in bytes, are incomplete: nothing shows what they are.
const SHORT: u64 = 64;

fn kind(name: &str) -> PyResult<Kind> {
    let kinds = [Kind::Channel, Kind::Array, Kind::Python];
    let known = kinds.into_iter().find(|kind| kind.to_string() == name);
    known.ok_or_else(|| PyValueError::new_err(format!("kind is {name:?}, not \"channel\", \"array\" or \"python\"")))
}

/// Returns whether an owner lives; `None` if that is unknown.
fn lives(owner: Owner) -> Option<bool> {
    match owner.life {
        Life::Alive => Some(true),
        Life::Gone => Some(false),
        _ => None,
    }
}

/// Lists names and kinds.
#[pyfunction]
#[pyo3(signature = (dir=None))]
pub(crate) fn _list(py: Python<'_>, dir: Option<PathBuf>) -> PyResult<Vec<(String, String)>> {
    let options = Location::new(dir, None)?.options();
    let listed = py.detach(|| options.list()).map_err(to_exception)?;
    Ok(listed.into_iter().map(|one| (one.name, one.kind.to_string())).collect())
}

/// Returns the fields of a `_look.Report`.
#[pyfunction]
#[pyo3(signature = (name, kind, dir=None))]
pub(crate) fn _look<'py>(
    py: Python<'py>,
    name: &str,
    kind: &str,
    dir: Option<PathBuf>,
) -> PyResult<Bound<'py, PyDict>> {
    let (options, kind) = (Location::new(dir, None)?.options(), self::kind(kind)?);
    let report = py.detach(|| options.look(name, kind)).map_err(to_exception)?;
    fields(py, &report)
}

fn fields<'py>(py: Python<'py>, report: &Report) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    fields.set_item("name", &report.name)?;
    fields.set_item("kind", report.kind.to_string())?;
    let (state, epoch, history, waits) = match &report.details {
        Details::Channel { state, epoch, history, waits, .. } => {
            // 0 stands for a number that is not known.
            let history = Some(*history).filter(|&history| history > 0);
            (state.map(|state| state.to_string()), Some(*epoch), history, Some(*waits))
        }
        _ => (None, None, None, None),
    };
    fields.set_item("state", state)?;
    fields.set_item("epoch", epoch)?;
    fields.set_item("history", history)?;
    fields.set_item("waits", waits)?;
    let value = report.value.as_ref();
    let elements = value.map(|value| Elements::of(value.element_type, value.record.as_ref()));
    fields.set_item("dtype", elements.map(|elements| elements.to_string()))?;
    fields.set_item("shape", value.map(|value| &value.shape))?;
    fields.set_item("nbytes", value.map(|value| value.byte_len))?;
    fields.set_item("seq", value.and_then(|value| value.seq))?;
    fields.set_item("age", value.and_then(|value| value.age).map(|age| age.as_secs_f64()))?;
    fields.set_item("attributes", value.map(|value| PyBytes::new(py, &value.attributes)))?;
    fields.set_item("writer_alive", lives(report.writer))?;
    fields.set_item("writer_pid", report.writer.pid)?;
    let party = |reader: &ndsharray::inspect::Reader| {
        // All ones stand for a reader that reads no more.
        let seen = Some(reader.seen).filter(|&seen| seen != u64::MAX);
        (lives(reader.owner), reader.owner.pid, reader.pins.len(), seen, reader.behind, reader.lossless)
    };
    fields.set_item("readers", report.readers.iter().map(party).collect::<Vec<_>>())?;
    fields.set_item("readers_known", report.readers_known)?;
    fields.set_item("max_readers", report.max_readers)?;
    fields.set_item("pinned", report.pinned())?;
    fields.set_item("memory", report.memory())?;
    fields.set_item("in_use", report.is_in_use())?;
    let (poisoned, finished) = match &report.details {
        Details::Array { lock } => (lock.map(|lock| lock.poisoned), lock.is_some()),
        _ => (None, true),
    };
    fields.set_item("poisoned", poisoned)?;
    fields.set_item("finished", finished)?;
    let main = |role| matches!(role, Role::Board | Role::Readers | Role::Array);
    let short = report.files.iter().any(|file| main(file.role) && file.len < SHORT);
    fields.set_item("short", short)?;
    fields.set_item("files", report.files.iter().map(|file| &file.path).collect::<Vec<_>>())?;
    fields.set_item("problems", report.problems.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    Ok(fields)
}

/// Removes a channel or array, unless a living process uses it.
#[pyfunction]
#[pyo3(signature = (name, kind, dir=None, owners=None))]
pub(crate) fn _remove_unused(
    py: Python<'_>,
    name: &str,
    kind: &str,
    dir: Option<PathBuf>,
    owners: Option<Owners>,
) -> PyResult<()> {
    let (options, kind) = (Location::new(dir, owners)?.options(), self::kind(kind)?);
    let removed = py.detach(|| match kind {
        Kind::Array => options.remove_unused_array(name),
        _ => options.remove_unused(name),
    });
    removed.map_err(to_exception)
}
