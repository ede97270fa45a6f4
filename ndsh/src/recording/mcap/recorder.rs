//! Writing an MCAP file.

use super::super::elements::Elements;
use super::super::made::Made;
use super::super::message::Message;
use super::super::note::{Note, exists};
use super::{MESSAGE_ENCODING, SCHEMA_ENCODING};
use crate::failure::{Failure, Result};
use crate::files::of_file;
use crate::output::quoted;
use mcap::records::MessageHeader;
use mcap::{McapError, WriteOptions, Writer};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Bytes from which on a chunk is complete.
const CHUNK: u64 = 8 << 20;
/// Bytes of a buffer for what is smaller.
const BUFFER: usize = 1 << 16;
/// Age at which a chunk is completed, however small.
const OLDEST: Duration = Duration::from_millis(500);

pub(crate) struct McapRecorder {
    path: PathBuf,
    made: Made,
    /// `None` once it is finished.
    writer: Option<Writer<BufWriter<File>>>,
    /// The channels in the file: a name, what its values were, and the channel's number.
    channels: Vec<(String, Elements, u16)>,
    /// When the first value of the unfinished chunk came.
    since: Option<Instant>,
    count: u64,
}

impl McapRecorder {
    pub(in super::super) fn create(path: &Path) -> Result<Self> {
        let file = match File::create_new(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(exists(path)),
            other => of_file(path, other)?,
        };
        let made = of_file(path, Made::of(&file))?;
        let options = WriteOptions::new()
            .compression(None)
            .chunk_size(Some(CHUNK))
            .library(concat!("ndsh ", env!("CARGO_PKG_VERSION")))
            // Each chunk has one, which also serves where there is no end.
            .calculate_data_section_crc(false);
        let writer = of_file(path, options.create(BufWriter::with_capacity(BUFFER, file)).map_err(failure))?;
        Ok(Self { path: path.to_owned(), made, writer: Some(writer), channels: Vec::new(), since: None, count: 0 })
    }

    pub(in super::super) fn add(
        &mut self,
        name: &str,
        elements: &Elements,
        note: &Note,
        log_time: u64,
        message: &Message,
    ) -> Result<()> {
        let added = self.write(name, elements, note, log_time, message.as_bytes());
        self.explained(added)?;
        self.count += 1;
        self.since.get_or_insert_with(Instant::now);
        self.tick()
    }

    fn write(&mut self, name: &str, elements: &Elements, note: &Note, log_time: u64, data: &[u8]) -> Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let known = self.channels.iter().find(|(known, its, _)| known == name && its == elements);
        let channel_id = match known {
            Some((.., id)) => *id,
            None => {
                let schema = writer.add_schema(&elements.name(), SCHEMA_ENCODING, &elements.to_json()?);
                let schema = schema.map_err(failure)?;
                let id = writer.add_channel(schema, name, MESSAGE_ENCODING, &BTreeMap::new()).map_err(failure)?;
                self.channels.push((name.to_owned(), elements.clone(), id));
                id
            }
        };
        #[expect(clippy::cast_possible_truncation, reason = "the whole number is in the message")]
        let sequence = note.seq.unwrap_or(0) as u32;
        // MCAP has no times before 1970.
        let publish_time = note.time_ns.and_then(|time| u64::try_from(time).ok()).unwrap_or(log_time);
        let header = MessageHeader { channel_id, sequence, log_time, publish_time };
        writer.write_to_known_channel(&header, data).map_err(failure)
    }

    /// Completes a chunk that is old enough, so that a kill cannot take it.
    pub(in super::super) fn tick(&mut self) -> Result<()> {
        if self.since.is_some_and(|since| since.elapsed() >= OLDEST) { self.complete() } else { Ok(()) }
    }

    /// Completes the chunk.
    pub(in super::super) fn complete(&mut self) -> Result<()> {
        self.since = None;
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let flushed = writer.flush().map_err(failure);
        self.explained(flushed)
    }

    pub(in super::super) fn finish(mut self) -> Result<()> {
        let Some(mut writer) = self.writer.take() else { return Ok(()) };
        let finished = writer.finish().map_err(failure).and_then(|_| Ok(writer.into_inner().flush()?));
        self.explained(finished)
    }

    /// Adds to a failure which file it was, and that the values before it are safe.
    fn explained(&self, result: Result<()>) -> Result<()> {
        of_file(&self.path, result).map_err(|failure| match self.count {
            0 => failure,
            _ => failure.advise(format!(
                "what has been recorded until then is there: `ndsh play {}`",
                quoted(&self.path.to_string_lossy())
            )),
        })
    }
}

impl Drop for McapRecorder {
    fn drop(&mut self) {
        drop(self.writer.take());
        // A file without values is of no use.
        if self.count == 0 {
            self.made.remove(&self.path);
        }
    }
}

fn failure(error: McapError) -> Failure {
    match error {
        McapError::Io(error) => error.into(),
        other => std::io::Error::other(other).into(),
    }
}
