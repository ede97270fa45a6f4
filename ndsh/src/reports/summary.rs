//! What is known of a channel or array, for JSON and tables.

use super::processes::Mapper;
use ndsharray::inspect::{ArrayLock, ChannelState, Details, Kind, Life, Owner, Report};
use serde::Serialize;

/// One line of `ndsh ls`. Scripts rely on the fields' names and meaning.
#[derive(Serialize)]
pub(crate) struct Summary {
    pub(crate) name: String,
    pub(crate) kind: String,
    /// Of a channel: `starting`, `open`, `closed` or `kept`.
    pub(crate) state: Option<String>,
    pub(crate) dtype: Option<String>,
    pub(crate) shape: Option<Vec<usize>>,
    /// Bytes of the elements.
    pub(crate) bytes: Option<usize>,
    pub(crate) seq: Option<u64>,
    /// Values a second; `null` where they have no numbers, or the time was too short.
    pub(crate) rate: Option<f64>,
    pub(crate) writer: ProcessInfo,
    /// Living readers, or living handles of an array; `null` if unknown.
    pub(crate) readers: Option<usize>,
    /// Dead readers whose entries the writer has not cleared yet; `null` if unknown.
    pub(crate) dead_readers: Option<usize>,
    pub(crate) max_readers: usize,
    /// Slots that readers hold; `null` if unknown.
    pub(crate) pinned: Option<usize>,
    /// Bytes that all files take.
    pub(crate) memory: u64,
    pub(crate) age_seconds: Option<f64>,
    pub(crate) poisoned: bool,
    /// False if permissions, or a file that ndsharray did not create, are in the way.
    pub(crate) readable: bool,
    pub(crate) problems: Vec<String>,
}

/// A process that takes part in a channel or array.
#[derive(Clone, Serialize)]
pub(crate) struct ProcessInfo {
    /// Whether it lives; `null` if the kernel cannot say.
    pub(crate) alive: Option<bool>,
    /// A hint: what the process noted about itself.
    pub(crate) pid: Option<u32>,
}

impl From<Owner> for ProcessInfo {
    fn from(owner: Owner) -> Self {
        Self { alive: alive(owner.life), pid: owner.pid }
    }
}

fn alive(life: Life) -> Option<bool> {
    match life {
        Life::Alive => Some(true),
        Life::Gone => Some(false),
        _ => None,
    }
}

impl ProcessInfo {
    /// `alive (1234)`, `gone`, `perhaps (1234)`, `?`.
    pub(crate) fn words(&self) -> String {
        let word = match (self.alive, self.pid) {
            (Some(true), _) => "alive",
            // The id may belong to another process by now.
            (Some(false), _) => return "gone".to_owned(),
            (None, Some(_)) => "perhaps",
            (None, None) => return "?".to_owned(),
        };
        match self.pid {
            Some(pid) => format!("{word} ({pid})"),
            None => word.to_owned(),
        }
    }
}

impl Summary {
    /// `mappers` are the processes that map the tag of a Python channel.
    pub(crate) fn new(report: &Report, rate: Option<f64>, mappers: &[Mapper]) -> Self {
        let value = report.value.as_ref();
        let (living, dead): (Vec<_>, Vec<_>) =
            report.readers.iter().partition(|reader| reader.owner.life != Life::Gone);
        // This user may not be allowed to read the reader table.
        let hidden = report.kind == Kind::Channel && !report.readers_known;
        let mut writer = ProcessInfo::from(report.writer);
        if report.kind == Kind::Python {
            writer.pid = mappers.iter().find(|mapper| mapper.writes).map(|mapper| mapper.pid);
        }
        Self {
            name: report.name.clone(),
            kind: report.kind.to_string(),
            state: state(report).map(|state| state.to_string()),
            dtype: value.map(|value| value.element_type.to_string()),
            shape: value.map(|value| value.shape.clone()),
            bytes: value.map(|value| value.byte_len),
            seq: value.and_then(|value| value.seq),
            rate,
            writer,
            readers: report.readers_known.then_some(living.len()),
            dead_readers: (!hidden).then_some(dead.len()),
            max_readers: report.max_readers,
            pinned: (!hidden).then(|| report.pinned()),
            memory: report.memory(),
            age_seconds: value.and_then(|value| value.age).map(|age| age.as_secs_f64()),
            readable: report.is_readable(),
            poisoned: lock(report).is_some_and(|lock| lock.poisoned),
            problems: report.problems.iter().map(ToString::to_string).collect(),
        }
    }

    /// Bytes a second; `None` where the rate is unknown.
    pub(crate) fn bandwidth(&self) -> Option<f64> {
        Some(self.rate? * self.bytes? as f64)
    }

    /// Remarks beside the figures, such as `damaged` or `closed`.
    pub(crate) fn note(&self) -> String {
        let mut notes = Vec::new();
        if !self.readable {
            notes.push("not readable: see `ndsh info`");
        } else if !self.problems.is_empty() {
            notes.push("damaged: see `ndsh info`");
        }
        if self.pinned.is_none() && self.readable {
            notes.push("readers unknown");
        }
        match self.state.as_deref() {
            Some("kept") => notes.push("kept by its writer"),
            Some("open") if self.writer.alive == Some(false) => notes.push("its writer died"),
            Some("closed") => notes.push("closed"),
            Some("starting") => notes.push("being made"),
            _ => {}
        }
        if self.poisoned {
            notes.push("poisoned");
        }
        notes.join(", ")
    }
}

pub(crate) fn state(report: &Report) -> Option<ChannelState> {
    match &report.details {
        Details::Channel { state, .. } => *state,
        _ => None,
    }
}

pub(crate) fn lock(report: &Report) -> Option<ArrayLock> {
    match &report.details {
        Details::Array { lock } => *lock,
        _ => None,
    }
}
