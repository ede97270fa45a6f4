//! Making a recording.

use super::archive::ArchiveRecorder;
use super::directory::DirectoryRecorder;
use super::elements::Elements;
use super::mcap::McapRecorder;
use super::message::Message;
use super::note::{Kind, Note, exists};
use crate::failure::{Exit, Failure, Result};
use std::path::Path;

/// A recording under way.
pub(crate) enum Recorder {
    Directory(DirectoryRecorder),
    Archive(Box<ArchiveRecorder>),
    Mcap(Box<McapRecorder>),
}

/// A value on its way into a recording.
pub(crate) struct Taken {
    /// Which of the channels had it.
    pub(crate) channel: usize,
    pub(crate) elements: Elements,
    pub(crate) shape: Vec<usize>,
    pub(crate) note: Note,
    /// When it was written, in nanoseconds since 1970 by the recorder's clock.
    pub(crate) log_time: u64,
    pub(crate) message: Message,
}

impl Recorder {
    /// Creates an MCAP file or archive if the name ends so, else a directory. Overwrites nothing.
    pub(crate) fn create(path: &Path, channels: usize) -> Result<Self> {
        match Kind::of(path) {
            Kind::Mcap => Ok(Self::Mcap(Box::new(McapRecorder::create(path)?))),
            Kind::Archive if channels > 1 => {
                Err(Failure::new(Exit::Usage, format!("an archive has one channel, and there are {channels}"))
                    .advise("record them into a file that ends with .mcap, or into a directory"))
            }
            Kind::Archive if path.exists() => Err(exists(path)),
            Kind::Archive => Ok(Self::Archive(Box::new(ArchiveRecorder::create(path)?))),
            Kind::Directory => Ok(Self::Directory(DirectoryRecorder::create(path)?)),
        }
    }

    /// Adds a value of the channel called `name`.
    pub(crate) fn add(&mut self, name: &str, value: &Taken) -> Result<()> {
        let (note, message) = (value.note, &value.message);
        let (array, recorder) = match (self, &value.elements) {
            (Self::Mcap(recorder), elements) => {
                return recorder.add(name, elements, &note, value.log_time, message);
            }
            (recorder, elements) => (elements.array(&value.shape, message.elements())?, recorder),
        };
        match recorder {
            Self::Directory(recorder) => recorder.add(name, note, array, message.attributes()),
            Self::Archive(recorder) => recorder.add(note, array, message.attributes()),
            Self::Mcap(_) => Ok(()),
        }
    }

    /// Brings to the disk what has waited long enough.
    pub(crate) fn tick(&mut self) -> Result<()> {
        match self {
            Self::Mcap(recorder) => recorder.tick(),
            Self::Directory(_) | Self::Archive(_) => Ok(()),
        }
    }

    pub(crate) fn finish(self) -> Result<()> {
        match self {
            Self::Directory(_) => Ok(()),
            Self::Archive(recorder) => recorder.finish(),
            Self::Mcap(recorder) => recorder.finish(),
        }
    }
}
