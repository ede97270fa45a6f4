//! All that is known of a channel or array, for JSON.

use crate::output::attributes::to_json;
use crate::output::unix_time;
use crate::reports::{Mapper, ProcessInfo, Summary, lock};
use ndsharray::inspect::{Details, File, Reader, Report, Slot};
use serde::Serialize;
use std::path::Path;

/// All that is known.
#[derive(Serialize)]
pub(super) struct Full {
    #[serde(flatten)]
    pub(super) summary: Summary,
    /// Number of writers that the channel has had.
    pub(super) epoch: Option<u64>,
    /// How many values the channel's writer keeps.
    pub(super) history: Option<usize>,
    /// Whether it waits for lossless readers.
    pub(super) waits: Option<bool>,
    /// The current value's attributes: `null` without, JSON or text where they are that.
    pub(super) attributes: Option<serde_json::Value>,
    /// What the current value was at its source, if it was imported.
    pub(super) origin: Option<OriginInfo>,
    pub(super) files: Vec<FileInfo>,
    pub(super) slots: Vec<SlotInfo>,
    pub(super) entries: Vec<EntryInfo>,
    /// Entry of the handle that holds the array's lock alone.
    pub(super) holder: Option<usize>,
    /// Whether the two write times of a Python value agree.
    pub(super) whole: Option<bool>,
    /// Processes that map the tag of a Python channel.
    pub(super) mapped_by: Vec<Mapper>,
}

#[derive(Serialize)]
pub(super) struct OriginInfo {
    pub(super) incarnation: String,
    pub(super) epoch: u64,
    /// When it was written, in seconds since 1970.
    pub(super) unix_time: f64,
}

#[derive(Serialize)]
pub(super) struct FileInfo {
    pub(super) path: String,
    pub(super) role: String,
    pub(super) bytes: u64,
    pub(super) memory: u64,
    pub(super) user: u32,
    pub(super) mode: String,
}

#[derive(Serialize)]
pub(super) struct SlotInfo {
    pub(super) slot: usize,
    pub(super) state: String,
    pub(super) seq: Option<u64>,
    pub(super) dtype: Option<String>,
    pub(super) shape: Option<Vec<usize>>,
    pub(super) bytes: Option<usize>,
    /// Bytes of attributes.
    pub(super) attributes_bytes: Option<usize>,
    pub(super) capacity: Option<u64>,
    pub(super) age_seconds: Option<f64>,
    pub(super) pinned_by: Vec<usize>,
    pub(super) payload: Option<String>,
}

#[derive(Serialize)]
pub(super) struct EntryInfo {
    pub(super) entry: usize,
    #[serde(flatten)]
    pub(super) owner: ProcessInfo,
    pub(super) pins: Vec<usize>,
    pub(super) seen: u64,
    pub(super) behind: u64,
    pub(super) lossless: bool,
    pub(super) retries: u64,
    pub(super) sharing: u64,
}

impl Full {
    pub(super) fn new(report: &Report, rate: Option<f64>, mapped_by: Vec<Mapper>) -> Self {
        let (epoch, slots) = match &report.details {
            Details::Channel { epoch, slots, .. } => (Some(*epoch), slots.iter().map(SlotInfo::new).collect()),
            _ => (None, Vec::new()),
        };
        let (history, waits) = match report.details {
            Details::Channel { history, waits, .. } if history > 0 => (Some(history), Some(waits)),
            _ => (None, None),
        };
        let value = report.value.as_ref();
        let attributes = value.map(|value| value.attributes.as_slice()).filter(|attributes| !attributes.is_empty());
        let origin = value.and_then(|value| value.origin).map(|origin| OriginInfo {
            incarnation: origin.incarnation.to_string(),
            epoch: origin.epoch,
            unix_time: unix_time(origin.time),
        });
        Self {
            summary: Summary::new(report, rate, &mapped_by),
            epoch,
            history,
            waits,
            attributes: attributes.map(to_json),
            origin,
            files: report.files.iter().map(FileInfo::new).collect(),
            slots,
            entries: report.readers.iter().map(EntryInfo::new).collect(),
            holder: lock(report).and_then(|lock| lock.holder),
            whole: match report.details {
                Details::Python { whole } => Some(whole),
                _ => None,
            },
            mapped_by,
        }
    }
}

impl FileInfo {
    fn new(file: &File) -> Self {
        Self {
            path: file.path.to_string_lossy().into_owned(),
            role: format!("{:?}", file.role).to_lowercase(),
            bytes: file.len,
            memory: file.allocated,
            user: file.user,
            mode: format!("{:04o}", file.mode),
        }
    }
}

impl SlotInfo {
    fn new(slot: &Slot) -> Self {
        let value = slot.value.as_ref();
        Self {
            slot: slot.index,
            state: slot.state.to_string(),
            seq: value.and_then(|value| value.seq),
            dtype: value.map(|value| value.element_type.to_string()),
            shape: value.map(|value| value.shape.clone()),
            bytes: value.map(|value| value.byte_len),
            attributes_bytes: value.map(|value| value.attributes_len),
            capacity: slot.capacity,
            age_seconds: value.and_then(|value| value.age).map(|age| age.as_secs_f64()),
            pinned_by: slot.pinned_by.clone(),
            payload: slot.payload.as_deref().map(file_name),
        }
    }
}

impl EntryInfo {
    fn new(reader: &Reader) -> Self {
        Self {
            entry: reader.index,
            owner: reader.owner.into(),
            pins: reader.pins.clone(),
            seen: reader.seen,
            behind: reader.behind,
            lossless: reader.lossless,
            retries: reader.retries,
            sharing: reader.sharing,
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
