//! Reading an MCAP file from its beginning, however it ends.

use super::super::elements::Elements;
use super::super::entry::Entry;
use super::super::message;
use super::records::{self, Channel, Chunk, Message, START, Schema, Statistics, bad};
use super::{MESSAGE_ENCODING, SCHEMA_ENCODING};
use crate::array::no_memory;
use crate::failure::{Exit, Failure, Result};
use crate::output::printable;
use mcap::MAGIC;
use mcap::records::op;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

/// An MCAP file, complete or as far as it got.
pub(in super::super) struct McapFile {
    file: File,
    len: u64,
    /// Where chunks, and records outside of any, lie.
    pieces: Vec<Piece>,
    /// Which of them comes next.
    next: usize,
    /// Those of a finished file.
    statistics: Option<Statistics>,
    is_finished: bool,
    schemas: BTreeMap<u16, Elements>,
    /// Channels with such messages as this tool writes.
    channels: BTreeMap<u16, (String, Elements)>,
    /// Encodings of the others, by topic.
    foreign: BTreeMap<String, String>,
    /// The content of the chunk that is being read, and the messages in it that are still to come.
    content: Vec<u8>,
    messages: Vec<Place>,
    /// When the recording begins.
    origin: Option<u64>,
}

/// A part of the file.
struct Piece {
    op: u8,
    content: Range<u64>,
    /// Time of the last message in a chunk.
    end_time: u64,
}

/// A message in a chunk.
struct Place {
    log_time: u64,
    channel: u16,
    data: Range<usize>,
}

/// Longest beginning of a chunk: its fields, and the name of a compression.
const CHUNK_START: usize = 128;

impl McapFile {
    pub(in super::super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        let mut opened = Self {
            file,
            len,
            pieces: Vec::new(),
            next: 0,
            statistics: None,
            is_finished: false,
            schemas: BTreeMap::new(),
            channels: BTreeMap::new(),
            foreign: BTreeMap::new(),
            content: Vec::new(),
            messages: Vec::new(),
            origin: None,
        };
        opened.scan()?;
        Ok(opened)
    }

    /// Finds the pieces, without reading what is in them.
    fn scan(&mut self) -> Result<()> {
        let mut magic = [0; MAGIC.len()];
        if self.len < magic.len() as u64 {
            return Err(bad("it is too short"));
        }
        self.file.read_exact_at(&mut magic, 0)?;
        if magic != MAGIC {
            return Err(bad("it starts as something else"));
        }
        let (mut at, mut chunks) = (magic.len() as u64, 0);
        while let Some((op, content)) = self.record_at(at)? {
            at = content.end;
            match op {
                0 => return Err(bad(format!("a record at {} is of no kind", content.start - START as u64))),
                op::DATA_END => self.is_finished = true,
                op::CHUNK if !self.is_finished => {
                    let mut start = [0; CHUNK_START];
                    let len = CHUNK_START.min(usize::try_from(content.end - content.start).unwrap_or(usize::MAX));
                    let (start, _) = start.split_at_mut(len);
                    self.file.read_exact_at(start, content.start)?;
                    let end_time = Chunk::read(start)?.end_time;
                    self.pieces.push(Piece { op, content, end_time });
                    chunks += 1;
                }
                op::SCHEMA | op::CHANNEL | op::MESSAGE if !self.is_finished => {
                    self.pieces.push(Piece { op, content, end_time: u64::MAX });
                }
                // The summary's.
                op::SCHEMA | op::CHANNEL => {
                    let content = self.read(content)?;
                    self.learn(op, &content)?;
                }
                op::STATISTICS => self.statistics = Some(Statistics::read(&self.read(content)?)?),
                op::FOOTER => break,
                _ => {}
            }
        }
        // Otherwise something within has led astray, and values would be lost without a word.
        match &self.statistics {
            Some(statistics) if u64::from(statistics.chunks) != chunks => {
                Err(bad(format!("it has {chunks} chunks, and should have {}", statistics.chunks)))
            }
            _ if !self.is_finished && self.has_end()? => Err(bad("it has an end, and before it something damaged")),
            _ => Ok(()),
        }
    }

    /// The record at a position; `None` where the file ends within it.
    fn record_at(&self, at: u64) -> Result<Option<(u8, Range<u64>)>> {
        let mut head = [0; START];
        let begin = at + START as u64;
        if begin > self.len {
            return Ok(None);
        }
        self.file.read_exact_at(&mut head, at)?;
        let (op, len) = records::start(head);
        Ok(begin.checked_add(len).filter(|end| *end <= self.len).map(|end| (op, begin..end)))
    }

    /// Whether the file ends as a finished one.
    fn has_end(&self) -> Result<bool> {
        let mut end = [0; MAGIC.len()];
        let Some(at) = self.len.checked_sub(2 * MAGIC.len() as u64) else { return Ok(false) };
        self.file.read_exact_at(&mut end, at + MAGIC.len() as u64)?;
        Ok(end == MAGIC)
    }

    /// Reads a part of the file, which is known to be there.
    fn read(&self, content: Range<u64>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read_into(&mut bytes, content)?;
        Ok(bytes)
    }

    fn read_into(&self, bytes: &mut Vec<u8>, content: Range<u64>) -> Result<()> {
        let len = usize::try_from(content.end - content.start).map_err(|_| no_memory(usize::MAX))?;
        bytes.clear();
        bytes.try_reserve_exact(len).map_err(|_| no_memory(len))?;
        bytes.resize(len, 0);
        Ok(self.file.read_exact_at(bytes, content.start)?)
    }

    /// Notes a schema or channel.
    fn learn(&mut self, op: u8, content: &[u8]) -> Result<()> {
        if op == op::SCHEMA {
            let schema = Schema::read(content)?;
            if schema.encoding == SCHEMA_ENCODING {
                self.schemas.insert(schema.id, Elements::from_json(schema.data)?);
            }
            return Ok(());
        }
        let channel = Channel::read(content)?;
        match self.schemas.get(&channel.schema) {
            Some(elements) if channel.encoding == MESSAGE_ENCODING => {
                self.channels.insert(channel.id, (channel.topic.to_owned(), elements.clone()));
            }
            _ => drop(self.foreign.insert(channel.topic.to_owned(), channel.encoding.to_owned())),
        }
        Ok(())
    }

    /// The names of the channels, as far as they are known; all of a finished file are.
    pub(in super::super) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.channels.values().map(|(name, _)| name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Number of values, where that is known.
    pub(in super::super) fn count(&self) -> Option<u64> {
        self.statistics.as_ref().map(|statistics| statistics.messages)
    }

    /// Whether its recorder ended as it should.
    pub(in super::super) fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// Goes back to the beginning.
    pub(in super::super) fn rewind(&mut self) {
        self.next = 0;
        self.messages.clear();
    }

    /// The next value at or after `start`, in seconds since the beginning; `None` at the end.
    pub(in super::super) fn next(&mut self, start: f64) -> Result<Option<Entry<'_>>> {
        let place = loop {
            let Some(place) = self.messages.pop() else {
                if !self.load(start)? {
                    return Ok(None);
                }
                continue;
            };
            let origin = *self.origin.get_or_insert(place.log_time);
            if self.channels.contains_key(&place.channel) && seconds(origin, place.log_time) >= start {
                break place;
            }
        };
        let Some((name, elements)) = self.channels.get(&place.channel) else { return Ok(None) };
        let data = self.content.get(place.data).unwrap_or_default();
        let mut decoded = message::decode(elements, data)?;
        decoded.note.time = seconds(self.origin.unwrap_or(place.log_time), place.log_time);
        if decoded.note.time_ns.is_none() {
            decoded.note.unix_time = place.log_time as f64 / 1e9;
        }
        Ok(Some(Entry {
            name: Some(name),
            note: decoded.note,
            elements: Cow::Borrowed(elements),
            shape: decoded.shape.into(),
            bytes: decoded.bytes.into(),
            attributes: decoded.attributes.into(),
        }))
    }

    /// Loads the next piece; false at the end of the file.
    fn load(&mut self, start: f64) -> Result<bool> {
        let Some(piece) = self.pieces.get(self.next) else { return Ok(false) };
        self.next += 1;
        let (op, content, end) = (piece.op, piece.content.clone(), piece.end_time);
        // The beginning is known from the first message, and channels from the summary, if at all.
        if self.statistics.is_some() && self.origin.is_some_and(|origin| seconds(origin, end) < start) {
            return Ok(true);
        }
        let mut bytes = std::mem::take(&mut self.content);
        self.read_into(&mut bytes, content)?;
        let done = self.sort(op, &bytes);
        self.content = bytes;
        done.map(|()| true)
    }

    /// Finds the messages in a piece.
    fn sort(&mut self, op: u8, bytes: &[u8]) -> Result<()> {
        if op != op::CHUNK {
            return self.note(op, bytes, 0);
        }
        let chunk = Chunk::read(bytes)?;
        match chunk.compression {
            "" => {}
            name @ ("lz4" | "zstd") => {
                return Err(Failure::new(Exit::Failure, format!("its chunks are compressed with {name}"))
                    .advise("`mcap compress --compression none IN -o OUT` makes a file that can be played"));
            }
            name => return Err(bad(format!("a chunk is compressed with \"{}\"", printable(name)))),
        }
        if chunk.content.len() as u64 != chunk.len {
            return Err(bad(format!("a chunk of {} bytes has {}", chunk.len, chunk.content.len())));
        }
        if chunk.crc != 0 && crc32fast::hash(chunk.content) != chunk.crc {
            return Err(bad("a chunk has changed: its check sum is another one"));
        }
        let begin = bytes.len() - chunk.content.len();
        for record in records::all(chunk.content) {
            let (op, content) = record?;
            let at = begin + content.start;
            self.note(op, chunk.content.get(content).unwrap_or_default(), at)?;
        }
        // The next one is the last.
        self.messages.sort_by_key(|place| place.log_time);
        self.messages.reverse();
        Ok(())
    }

    /// Notes a record, whose content begins at `at` in the piece.
    fn note(&mut self, op: u8, content: &[u8], at: usize) -> Result<()> {
        match op {
            op::SCHEMA | op::CHANNEL => self.learn(op, content),
            op::MESSAGE => {
                let message = Message::read(content)?;
                let end = at + content.len();
                let data = end - message.data.len()..end;
                self.messages.push(Place { log_time: message.log_time, channel: message.channel, data });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The failure of a file without values, which may be of another program.
    pub(in super::super) fn no_values(&self) -> Failure {
        match self.foreign.first_key_value() {
            Some((topic, encoding)) => Failure::new(
                Exit::Corrupt,
                format!("it has no values of ndsh: messages of \"{}\" are encoded as {encoding:?}", printable(topic)),
            ),
            None => Failure::new(Exit::Failure, "it has no values"),
        }
    }
}

/// Seconds from one time to another.
fn seconds(from: u64, to: u64) -> f64 {
    Duration::from_nanos(to.saturating_sub(from)).as_secs_f64()
}
