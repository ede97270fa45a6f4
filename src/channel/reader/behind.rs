//! What a value has behind its elements, as its reader sees it.

use crate::element::dtype::DType;
use crate::error::{Error, Result};
use crate::format::error::HeaderError;
use crate::format::slot::SlotHeader;
use crate::format::tail::{Record, Tail};
use crate::owned_array::OwnedArray;
use crate::sys;
use std::fs::File;
use std::io;
use std::time::{Duration, SystemTime};

/// Record and attributes of a value, wherever they are.
#[derive(Clone, Copy)]
pub(super) struct Behind<'a> {
    pub(super) record: Option<Record>,
    pub(super) attributes: &'a [u8],
}

/// No bytes are aligned too.
#[repr(align(16))]
struct Nothing([u8; 0]);

static NOTHING: Nothing = Nothing([]);

impl<'a> Behind<'a> {
    pub(super) const NONE: Self = Self { record: None, attributes: &NOTHING.0 };

    pub(super) fn of(tail: Tail, bytes: &'a [u8]) -> Self {
        // Bytes of another length come from no header that has been decoded.
        tail.split(bytes).map_or(Self::NONE, |(record, attributes)| Self { record, attributes })
    }

    /// When the value was written, at its source if it has been imported.
    pub(super) fn time(&self, written_ns: u64) -> SystemTime {
        match &self.record {
            Some(record) => record.time(),
            None => time_of(written_ns),
        }
    }
}

/// A stamp of the monotonic clock as a time of day, by the difference that the clocks have now.
fn time_of(written_ns: u64) -> SystemTime {
    let (now, monotonic) = (SystemTime::now(), sys::monotonic_ns());
    let distance = Duration::from_nanos(monotonic.abs_diff(written_ns));
    let time = if written_ns <= monotonic { now.checked_sub(distance) } else { now.checked_add(distance) };
    // Only a damaged stamp is further away than times go.
    time.unwrap_or(now)
}

/// A copy of what a value has behind its elements, aligned as it is there.
#[derive(Clone, Default)]
pub(super) struct CopiedBehind {
    tail: Tail,
    bytes: Option<OwnedArray>,
}

impl CopiedBehind {
    pub(super) fn get(&self) -> Behind<'_> {
        self.bytes.as_ref().map_or(Behind::NONE, |bytes| Behind::of(self.tail, bytes.as_bytes()))
    }

    /// Copies it from the payload file of a value with this `header`.
    ///
    /// The kernel makes the copy, as it does that of the elements. What `io` makes of an error, is
    /// the error.
    pub(super) fn read(file: &File, header: &SlotHeader, io: impl FnOnce(io::Error) -> Error) -> Result<Self> {
        let tail = header.tail;
        if tail.is_none() {
            return Ok(Self::default());
        }
        let mut bytes = OwnedArray::zeros(DType::U8.into(), None, &[tail.len()])?;
        let at = Tail::at(header.byte_len) as u64;
        match sys::read_at(file, bytes.bytes_mut(), at) {
            Ok(found) if found == tail.len() => Ok(Self { tail, bytes: Some(bytes) }),
            Ok(found) => {
                let expected = tail.end(header.byte_len) as u64;
                Err(HeaderError::Payload { expected, found: at.saturating_add(found as u64) }.into())
            }
            Err(error) => Err(io(error)),
        }
    }
}

impl PartialEq for CopiedBehind {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.get(), other.get());
        (a.record, a.attributes) == (b.record, b.attributes)
    }
}

impl Eq for CopiedBehind {}

impl std::fmt::Debug for CopiedBehind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Behind { record, attributes } = self.get();
        f.debug_struct("CopiedBehind").field("record", &record).field("attributes", &attributes).finish()
    }
}
