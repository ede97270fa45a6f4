//! The first 64 bytes of a channel's board and of its reader table.
//!
//! They say what the file is and how it is laid out.
//!
//! Written once, before the file counts as made, and never changed. As with [`super::slot`], the
//! bytes are copied and the copy is decoded by a pure function.
//!
//! | bytes | field |
//! |---|---|
//! | 0..8 | magic: `NDSHBORD` or `NDSHREAD`; all zero while the file is being made |
//! | 8..12 | byte order mark 0x01020304 |
//! | 12..16 | format version |
//! | 16..32 | channel id, a uuid that ties board and table together |
//! | 32..36 | number of slots, 1..=64 |
//! | 36..40 | number of reader entries, 1..=448 |
//! | 40..56 | lineage: the id of the first of the channels that this one goes on with, its own if it is the first |
//! | 56..64 | reserved, zero; ignored |

use super::error::HeaderError;
use ndsharray_protocol::channel::MAX_SLOTS;
use ndsharray_protocol::members::Members;
use uuid::Uuid;

/// Bytes of a head.
pub(crate) const HEAD_BYTES: usize = 64;

/// The format described in `docs/FORMAT.md`.
pub(crate) const FORMAT_VERSION: u32 = 1;

const BYTE_ORDER: u32 = 0x0102_0304;

/// The file that a head belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `NAME.ndsh`.
    Board,
    /// `NAME.ndsh-readers`.
    Readers,
}

impl FileKind {
    pub(crate) const fn magic(self) -> [u8; 8] {
        match self {
            Self::Board => *b"NDSHBORD",
            Self::Readers => *b"NDSHREAD",
        }
    }
}

/// A validated head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    pub(crate) channel: Uuid,
    pub(crate) slots: u32,
    pub(crate) readers: u32,
    /// The id of the first of the channels that this one goes on with; its own if it is the first.
    /// A board that replaces one that could not be kept inherits it, and goes on with the numbers.
    pub(crate) lineage: Uuid,
}

impl FileHeader {
    /// Encodes; the magic stands in the first eight bytes.
    pub fn encode(&self, kind: FileKind) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        let fields = kind
            .magic()
            .into_iter()
            .chain(BYTE_ORDER.to_ne_bytes())
            .chain(FORMAT_VERSION.to_ne_bytes())
            .chain(*self.channel.as_bytes())
            .chain(self.slots.to_ne_bytes())
            .chain(self.readers.to_ne_bytes())
            .chain(*self.lineage.as_bytes());
        for (byte, value) in bytes.iter_mut().zip(fields) {
            *byte = value;
        }
        bytes
    }

    /// Decodes the head of a file of `kind`.
    ///
    /// The magic comes first, then the byte order, then the version: each makes sense only when
    /// those before it hold.
    ///
    /// # Errors
    ///
    /// [`HeaderError::Count`] for a number of slots or readers that is out of range.
    pub fn decode(kind: FileKind, bytes: &[u8]) -> Result<Self, HeaderError> {
        let Some((head, _)) = bytes.split_first_chunk::<HEAD_BYTES>() else {
            return Err(HeaderError::Truncated { expected: HEAD_BYTES as u64, found: bytes.len() as u64 });
        };
        let mut rest = head.as_slice();
        let magic = take::<8>(&mut rest);
        if magic != kind.magic() {
            return Err(HeaderError::Magic { found: magic });
        }
        let order = u32::from_ne_bytes(take(&mut rest));
        if order != BYTE_ORDER {
            return Err(HeaderError::ByteOrder { found: order });
        }
        let version = u32::from_ne_bytes(take(&mut rest));
        if version != FORMAT_VERSION {
            return Err(HeaderError::Version { expected: FORMAT_VERSION, found: version });
        }
        let channel = Uuid::from_bytes(take(&mut rest));
        let slots = count("slots", u32::from_ne_bytes(take(&mut rest)), MAX_SLOTS)?;
        let readers = count("reader entries", u32::from_ne_bytes(take(&mut rest)), Members::MAX)?;
        let lineage = Uuid::from_bytes(take(&mut rest));
        Ok(Self { channel, slots, readers, lineage })
    }
}

fn count(what: &'static str, found: u32, max: usize) -> Result<u32, HeaderError> {
    #[allow(clippy::cast_possible_truncation, reason = "both limits are small constants")]
    let max = max as u32;
    if (1..=max).contains(&found) { Ok(found) } else { Err(HeaderError::Count { what, found, max }) }
}

/// Takes `N` bytes off the front.
///
/// Zeros when there are fewer, which never happens with a whole head.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    match rest.split_first_chunk::<N>() {
        Some((front, back)) => {
            *rest = back;
            *front
        }
        None => [0; N],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: FileHeader = FileHeader {
        channel: Uuid::from_u128(0x0011_2233),
        slots: 64,
        readers: 64,
        lineage: Uuid::from_u128(0x0011_2233),
    };

    fn with(range: std::ops::Range<usize>, bytes: &[u8]) -> Result<FileHeader, HeaderError> {
        let mut all = HEAD.encode(FileKind::Board);
        all[range].copy_from_slice(bytes);
        FileHeader::decode(FileKind::Board, &all)
    }

    #[test]
    fn what_is_encoded_decodes() {
        for kind in [FileKind::Board, FileKind::Readers] {
            assert_eq!(FileHeader::decode(kind, &HEAD.encode(kind)), Ok(HEAD));
        }
    }

    /// The example in the documentation, byte for byte.
    #[test]
    #[cfg(target_endian = "little")]
    fn the_documented_example_decodes() {
        let bytes = crate::format::slot::documented_hex("board-head");
        let head = FileHeader::decode(FileKind::Board, &bytes).unwrap();
        assert_eq!(head.channel.to_string(), "f47ac10b-58cc-4372-a567-0e02b2c3d479");
        assert_eq!((head.slots, head.readers, head.lineage), (64, 64, head.channel));
        assert_eq!(head.encode(FileKind::Board).as_slice(), bytes);
    }

    #[test]
    fn each_lie_has_its_own_error() {
        assert_eq!(
            FileHeader::decode(FileKind::Board, &[0; 63]),
            Err(HeaderError::Truncated { expected: 64, found: 63 })
        );
        assert_eq!(
            FileHeader::decode(FileKind::Readers, &HEAD.encode(FileKind::Board)),
            Err(HeaderError::Magic { found: *b"NDSHBORD" })
        );
        let swapped = BYTE_ORDER.swap_bytes();
        assert_eq!(with(8..12, &swapped.to_ne_bytes()), Err(HeaderError::ByteOrder { found: swapped }));
        assert_eq!(with(12..16, &2u32.to_ne_bytes()), Err(HeaderError::Version { expected: 1, found: 2 }));
        for bad in [0, 65] {
            assert_eq!(
                with(32..36, &u32::to_ne_bytes(bad)),
                Err(HeaderError::Count { what: "slots", found: bad, max: 64 })
            );
        }
        for bad in [0, 449] {
            assert!(with(36..40, &u32::to_ne_bytes(bad)).is_err());
        }
    }
}
