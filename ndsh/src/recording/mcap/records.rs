//! The records of an MCAP file, as far as playing needs them.
//!
//! What stands there may be anything, and is never taken for a size of memory.

use crate::failure::{Failure, Result};
use crate::files::bad_file;
use std::ops::Range;

/// Bytes before the content of a record: its kind and its length.
pub(super) const START: usize = 9;

/// Splits the start of a record into its kind and length.
pub(super) fn start([op, len @ ..]: [u8; START]) -> (u8, u64) {
    (op, u64::from_le_bytes(len))
}

/// The records of a chunk: their kinds, and where their content is.
pub(super) fn all(bytes: &[u8]) -> impl Iterator<Item = Result<(u8, Range<usize>)>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let next = rest.first_chunk().map(|head| start(*head)).and_then(|(op, len)| {
            let begin = at + START;
            let end = begin.checked_add(usize::try_from(len).ok()?)?;
            (end <= bytes.len()).then_some((op, begin..end))
        });
        at = next.as_ref().map_or(bytes.len(), |(_, content)| content.end);
        Some(next.ok_or_else(|| bad("a record reaches beyond its chunk")))
    })
}

/// A schema: its number and encoding, and what it says.
pub(super) struct Schema<'a> {
    pub(super) id: u16,
    pub(super) encoding: &'a str,
    pub(super) data: &'a [u8],
}

/// A channel: its number, that of its schema, its name, and what messages are encoded as.
pub(super) struct Channel<'a> {
    pub(super) id: u16,
    pub(super) schema: u16,
    pub(super) topic: &'a str,
    pub(super) encoding: &'a str,
}

/// A message of a channel.
pub(super) struct Message<'a> {
    pub(super) channel: u16,
    /// In nanoseconds since 1970.
    pub(super) log_time: u64,
    pub(super) data: &'a [u8],
}

/// The beginning of a chunk.
#[derive(Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub(super) end_time: u64,
    pub(super) len: u64,
    /// Check sum of the content; 0 for none.
    pub(super) crc: u32,
    pub(super) compression: &'a str,
    /// As far as it was given here.
    pub(super) content: &'a [u8],
}

/// The counts of a finished file.
pub(super) struct Statistics {
    pub(super) messages: u64,
    pub(super) chunks: u32,
}

impl<'a> Schema<'a> {
    pub(super) fn read(content: &'a [u8]) -> Result<Self> {
        let read = || {
            let mut fields = Fields(content);
            let (id, _name, encoding) = (fields.u16()?, fields.text()?, fields.text()?);
            let len = fields.u32()?;
            Some(Self { id, encoding, data: fields.bytes(len.into())? })
        };
        read().ok_or_else(|| bad("a schema is not complete"))
    }
}

impl<'a> Channel<'a> {
    pub(super) fn read(content: &'a [u8]) -> Result<Self> {
        let read = || {
            let mut fields = Fields(content);
            let (id, schema, topic, encoding) = (fields.u16()?, fields.u16()?, fields.text()?, fields.text()?);
            Some(Self { id, schema, topic, encoding })
        };
        read().ok_or_else(|| bad("a channel is not complete"))
    }
}

impl<'a> Message<'a> {
    pub(super) fn read(content: &'a [u8]) -> Result<Self> {
        let read = || {
            let mut fields = Fields(content);
            let (channel, _sequence, log_time, _publish_time) =
                (fields.u16()?, fields.u32()?, fields.u64()?, fields.u64()?);
            Some(Self { channel, log_time, data: fields.0 })
        };
        read().ok_or_else(|| bad("a message is not complete"))
    }
}

impl<'a> Chunk<'a> {
    /// Reads a chunk, of which the end may be missing.
    pub(super) fn read(content: &'a [u8]) -> Result<Self> {
        let read = || {
            let mut fields = Fields(content);
            let (_start, end_time, _uncompressed, crc) = (fields.u64()?, fields.u64()?, fields.u64()?, fields.u32()?);
            let (compression, len) = (fields.text()?, fields.u64()?);
            Some(Self { end_time, len, crc, compression, content: fields.0 })
        };
        read().ok_or_else(|| bad("a chunk is not complete"))
    }
}

impl Statistics {
    pub(super) fn read(content: &[u8]) -> Result<Self> {
        let read = || {
            let mut fields = Fields(content);
            let messages = fields.u64()?;
            let (_schemas, _channels, _attachments, _metadata) =
                (fields.u16()?, fields.u32()?, fields.u32()?, fields.u32()?);
            Some(Self { messages, chunks: fields.u32()? })
        };
        read().ok_or_else(|| bad("its statistics are not complete"))
    }
}

/// The fields of a record that are still to be read.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn bytes(&mut self, len: u64) -> Option<&'a [u8]> {
        let (field, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(field)
    }

    fn text(&mut self) -> Option<&'a str> {
        let len = self.u32()?;
        std::str::from_utf8(self.bytes(len.into())?).ok()
    }
}

pub(super) fn bad(what: impl Into<String>) -> Failure {
    bad_file(".mcap", what.into())
}
