//! The file of a channel's records: what each of them consists of.
//!
//! A slot's header names a description by its number in this file. Descriptions are added behind
//! each other, and none is ever changed. The bytes are read with system calls, and the copy is
//! decoded by pure functions. `docs/FORMAT.md` describes the same in prose.
//!
//! | bytes | field |
//! |---|---|
//! | 0..8 | magic `NDSHTYPE`; all zero while the file is being made |
//! | 8..12 | byte order mark 0x01020304 |
//! | 12..16 | format version |
//! | 16..32 | lineage of the channel |
//! | 32..64 | reserved, ignored |
//! | 64.. | the descriptions, one behind the other |
//!
//! A description begins with its length in 4 bytes and 4 reserved ones, which are ignored. Zeros
//! follow it up to a multiple of 8.

use super::error::HeaderError;
use super::file::FORMAT_VERSION;
use crate::element::record::limits::MAX_BYTES;
use uuid::Uuid;

/// The first bytes of a finished file.
pub(crate) const MAGIC: [u8; 8] = *b"NDSHTYPE";
const BYTE_ORDER: u32 = 0x0102_0304;

/// Bytes before the first description.
pub(crate) const HEAD_BYTES: usize = 64;

/// Bytes before a description.
pub(crate) const ENTRY_HEAD: usize = 8;

/// Descriptions in a file.
pub(crate) const MAX_TYPES: usize = 256;

/// The head of the file of a channel with this lineage.
#[must_use]
pub fn encode_head(lineage: Uuid) -> [u8; HEAD_BYTES] {
    let mut bytes = [0; HEAD_BYTES];
    let fixed = MAGIC
        .into_iter()
        .chain(BYTE_ORDER.to_ne_bytes())
        .chain(FORMAT_VERSION.to_ne_bytes())
        .chain(lineage.into_bytes());
    bytes.iter_mut().zip(fixed).for_each(|(byte, value)| *byte = value);
    bytes
}

/// The lineage that a head names; `None` while the file is being made.
///
/// # Errors
///
/// [`HeaderError`] for the head of another file, byte order or version.
pub fn decode_head(bytes: &[u8]) -> Result<Option<Uuid>, HeaderError> {
    if bytes.iter().take(MAGIC.len()).all(|byte| *byte == 0) {
        return Ok(None);
    }
    // A file that is none of this library's is that first of all, however short it is.
    if let Some(magic) = bytes.first_chunk().filter(|magic| **magic != MAGIC) {
        return Err(HeaderError::Magic { found: *magic });
    }
    let truncated = || HeaderError::Truncated { expected: HEAD_BYTES as u64, found: bytes.len() as u64 };
    let head: &[u8; HEAD_BYTES] = bytes.first_chunk().ok_or_else(truncated)?;
    let [_, order, lineage @ .., _, _, _, _] = head.as_chunks::<8>().0 else { return Err(truncated()) };
    let [o0, o1, o2, o3, v0, v1, v2, v3] = *order;
    let found = u32::from_ne_bytes([o0, o1, o2, o3]);
    if found != BYTE_ORDER {
        return Err(HeaderError::ByteOrder { found });
    }
    let found = u32::from_ne_bytes([v0, v1, v2, v3]);
    if found != FORMAT_VERSION {
        return Err(HeaderError::Version { expected: FORMAT_VERSION, found });
    }
    Ok(Uuid::from_slice(lineage.as_flattened()).ok())
}

/// A description as it stands in the file.
#[must_use]
pub fn encode_entry(description: &[u8]) -> Vec<u8> {
    #[allow(clippy::cast_possible_truncation, reason = "at most MAX_BYTES")]
    let len = description.len() as u32;
    let mut bytes = [&len.to_ne_bytes(), &[0; 4], description].concat();
    bytes.resize(entry_bytes(description.len()), 0);
    bytes
}

/// The length of the description that begins with these bytes.
///
/// # Errors
///
/// [`HeaderError::RecordTypes`] for a length that no description has: what follows cannot be found.
pub(crate) fn decode_entry_head(head: [u8; ENTRY_HEAD], number: usize) -> Result<usize, HeaderError> {
    let [l0, l1, l2, l3, ..] = head;
    let found = u32::from_ne_bytes([l0, l1, l2, l3]);
    let len = usize::try_from(found).unwrap_or(usize::MAX);
    if len == 0 || len > MAX_BYTES {
        return Err(HeaderError::RecordTypes { number, found });
    }
    Ok(len)
}

/// Bytes of a description with what is before and behind it.
pub(crate) const fn entry_bytes(len: usize) -> usize {
    ENTRY_HEAD + len.next_multiple_of(8)
}

/// The descriptions in all bytes of a file, and where the last whole one ends.
///
/// A writer that died may have left a piece of one behind them: it had not named it in any header.
///
/// # Errors
///
/// [`HeaderError::RecordTypes`] for a length that no description has; [`HeaderError::Truncated`]
/// without a head.
pub fn entries(bytes: &[u8]) -> Result<(Vec<&[u8]>, usize), HeaderError> {
    let mut at = HEAD_BYTES;
    let mut rest = bytes
        .get(HEAD_BYTES..)
        .ok_or(HeaderError::Truncated { expected: HEAD_BYTES as u64, found: bytes.len() as u64 })?;
    let mut entries = Vec::new();
    while let Some(head) = rest.first_chunk() {
        let len = decode_entry_head(*head, entries.len())?;
        if entries.len() == MAX_TYPES {
            break;
        }
        let Some((entry, behind)) = rest.split_at_checked(entry_bytes(len)) else { break };
        entries.extend(entry.get(ENTRY_HEAD..ENTRY_HEAD + len));
        (rest, at) = (behind, at + entry.len());
    }
    Ok((entries, at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn heads_come_back_and_each_lie_has_its_own_error() {
        let lineage = Uuid::from_u128(7);
        let head = encode_head(lineage);
        assert_eq!(decode_head(&head), Ok(Some(lineage)));
        assert_eq!(decode_head(&[]), Ok(None));
        assert_eq!(decode_head(&[0; 64]), Ok(None));
        assert_eq!(decode_head(&head[..63]), Err(HeaderError::Truncated { expected: 64, found: 63 }));
        let with = |at: usize, value: u8| {
            let mut head = head;
            head[at] = value;
            decode_head(&head)
        };
        assert!(matches!(with(0, b'X'), Err(HeaderError::Magic { .. })));
        assert!(matches!(with(8, 0), Err(HeaderError::ByteOrder { .. })));
        assert!(matches!(with(13, 7), Err(HeaderError::Version { expected: 1, .. })));
        assert_eq!(with(63, 7), Ok(Some(lineage)), "ignored");
    }

    #[test]
    fn a_piece_at_the_end_is_none() {
        let file = [encode_head(Uuid::nil()).as_slice(), &encode_entry(b"ab"), &encode_entry(b"12345678")].concat();
        assert_eq!(file.len(), 64 + 16 + 16);
        assert_eq!(entries(&file), Ok((vec![b"ab".as_slice(), b"12345678"], 96)));
        for len in 64..80 {
            assert_eq!(entries(&file[..len]), Ok((vec![], 64)), "{len}");
        }
        for len in 80..96 {
            assert_eq!(entries(&file[..len]), Ok((vec![b"ab".as_slice()], 80)), "{len}");
        }
        let mut damaged = file;
        damaged[80..84].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert_eq!(entries(&damaged), Err(HeaderError::RecordTypes { number: 1, found: u32::MAX }));
        assert!(entries(&[0; 63]).is_err());
    }

    #[test]
    fn no_more_than_possible() {
        let file = [encode_head(Uuid::nil()).to_vec(), encode_entry(b"x").repeat(MAX_TYPES + 3)].concat();
        let (found, end) = entries(&file).unwrap();
        assert_eq!((found.len(), end), (MAX_TYPES, 64 + 16 * MAX_TYPES));
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(descriptions in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..5)) {
            let mut file = encode_head(Uuid::nil()).to_vec();
            descriptions.iter().for_each(|description| file.extend(encode_entry(description)));
            let (found, end) = entries(&file).unwrap();
            prop_assert_eq!(end, file.len());
            prop_assert!(found.iter().eq(&descriptions));
        }

        #[test]
        fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_head(&bytes);
            let _ = entries(&bytes);
        }
    }
}
