//! What is known of a channel or array, as JSON and as words.

use crate::processes::Mapper;
use ndsharray::inspect::{ArrayLock, ChannelState, Details, Kind, Life, Owner, Report};
use serde::Serialize;

/// One line of `ndsh ls`. Field names are for scripts, and keep their meaning.
#[derive(Serialize)]
pub(crate) struct Summary {
    pub(crate) name: String,
    pub(crate) kind: String,
    /// `starting`, `open`, `closed` or `kept`; of a channel.
    pub(crate) state: Option<String>,
    pub(crate) dtype: Option<String>,
    pub(crate) shape: Option<Vec<usize>>,
    /// Bytes of the elements.
    pub(crate) bytes: Option<usize>,
    pub(crate) seq: Option<u64>,
    /// Values a second; `null` where they are not numbered, or the time was too short.
    pub(crate) rate: Option<f64>,
    pub(crate) writer: Who,
    /// Readers, or handles of an array, that live; `null` when that is not known.
    pub(crate) readers: Option<usize>,
    /// Readers that died and have not been cleared away yet; `null` when that is not known.
    pub(crate) dead_readers: Option<usize>,
    pub(crate) max_readers: usize,
    /// Slots that readers hold; `null` when that is not known.
    pub(crate) pinned: Option<usize>,
    /// Bytes that all files take.
    pub(crate) memory: u64,
    pub(crate) age_seconds: Option<f64>,
    pub(crate) poisoned: bool,
    /// Whether permissions, or something that is no file of ours, are not in the way.
    pub(crate) readable: bool,
    pub(crate) problems: Vec<String>,
}

/// Somebody, alive or not.
#[derive(Clone, Serialize)]
pub(crate) struct Who {
    /// `null` when the kernel cannot say.
    pub(crate) alive: Option<bool>,
    /// A hint.
    pub(crate) pid: Option<u32>,
}

impl From<Owner> for Who {
    fn from(owner: Owner) -> Self {
        Self { alive: alive(owner.life), pid: owner.pid }
    }
}

pub(crate) fn alive(life: Life) -> Option<bool> {
    match life {
        Life::Alive => Some(true),
        Life::Gone => Some(false),
        _ => None,
    }
}

impl Who {
    /// `alive (1234)`, `gone`, `perhaps (1234)`, `?`.
    pub(crate) fn words(&self) -> String {
        let word = match (self.alive, self.pid) {
            (Some(true), _) => "alive",
            // Whose process id it was does not matter any more.
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
    /// `mappers` have the tag of a Python channel mapped.
    pub(crate) fn new(report: &Report, rate: Option<f64>, mappers: &[Mapper]) -> Self {
        let value = report.value.as_ref();
        let (living, dead): (Vec<_>, Vec<_>) =
            report.readers.iter().partition(|reader| reader.owner.life != Life::Gone);
        // The reader table of a channel may be for other users.
        let hidden = report.kind == Kind::Channel && !report.readers_known;
        let mut writer = Who::from(report.writer);
        if report.kind == Kind::Python {
            writer.pid = mappers.iter().find(|mapper| mapper.writes).map(|mapper| mapper.pid);
        }
        Self {
            name: report.name.clone(),
            kind: report.kind.to_string(),
            state: state(report).map(|state| state.to_string()),
            dtype: value.map(|value| value.dtype.to_string()),
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

    /// What is worth a word beside the figures.
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
