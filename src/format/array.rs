//! The first bytes of a shared array's file: its kind and its layout.
//!
//! Written once, before the file counts as made, and never changed. The bytes are copied and the
//! copy is decoded by a pure function, in checked arithmetic. `docs/FORMAT.md` describes the
//! same in prose.
//!
//! | bytes | field |
//! |---|---|
//! | 0..8 | magic `NDSHARRY`; all zero while the array is being made |
//! | 8..12 | byte order mark 0x01020304 |
//! | 12..16 | format version |
//! | 16 | dtype tag |
//! | 17 | ndim, 0..=64 |
//! | 18..20 | reserved, zero |
//! | 20..24 | dtype parameter: as [`ElementType`] has it |
//! | 24..28 | entries of the lock, 1..=448 |
//! | 28..32 | for records: bytes of their description, which follows the lock; else ignored |
//! | 32..40 | where the elements begin: a multiple of 64 |
//! | 40..48 | byte length of the elements |
//! | 48..64 | reserved, ignored |
//! | 64..576 | ndim axis lengths of 8 bytes each |

use super::error::HeaderError;
use super::extent::Extent;
use super::file::FORMAT_VERSION;
use super::slot;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::record::limits::MAX_BYTES;
use crate::view::shape::{self, MAX_NDIM, ShapeError};
use ndsharray_protocol::members::Members;

const MAGIC: [u8; 8] = *b"NDSHARRY";
const BYTE_ORDER: u32 = 0x0102_0304;

/// Bytes of a head.
pub(crate) const HEAD_BYTES: usize = Extent::HEAD;

/// Bytes before the axes.
const FIXED: usize = 64;

static_assertions::const_assert_eq!(FIXED + MAX_NDIM * 8, HEAD_BYTES);

/// A validated head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayHeader {
    pub(crate) element: ElementType,
    pub(crate) shape: Vec<usize>,
    pub(crate) extent: Extent,
    /// Bytes of the description of its records; 0 for all other elements.
    pub(crate) description: usize,
}

impl ArrayHeader {
    /// The head of a new array, with so many bytes of description.
    pub(crate) fn new(
        element: ElementType,
        description: usize,
        shape: &[usize],
        entries: usize,
    ) -> Result<Self, ShapeError> {
        let byte_len = shape::byte_len(shape, element.size())?;
        Ok(Self { element, shape: shape.to_vec(), extent: Extent::new(entries, description, byte_len), description })
    }

    /// Where the description begins.
    pub(crate) fn description_at(&self) -> usize {
        Extent::lock_end(self.extent.entries)
    }

    /// Encodes; the magic stands in the first eight bytes.
    pub fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        #[allow(clippy::cast_possible_truncation, reason = "bounded by MAX_NDIM and Members::MAX")]
        let (ndim, entries, description) =
            (self.shape.len() as u8, self.extent.entries as u32, self.description as u32);
        let fixed = MAGIC
            .into_iter()
            .chain(BYTE_ORDER.to_ne_bytes())
            .chain(FORMAT_VERSION.to_ne_bytes())
            .chain([self.element.tag(), ndim, 0, 0])
            .chain(self.element.parameter().to_ne_bytes())
            .chain(entries.to_ne_bytes())
            .chain(description.to_ne_bytes())
            .chain((self.extent.data_at as u64).to_ne_bytes())
            .chain((self.extent.byte_len as u64).to_ne_bytes())
            .chain([0; 16]);
        let axes = self.shape.iter().flat_map(|&len| (len as u64).to_ne_bytes());
        for (byte, value) in bytes.iter_mut().zip(fixed.chain(axes)) {
            *byte = value;
        }
        bytes
    }

    /// Whether these first bytes of a file belong to an unfinished array.
    ///
    /// It is still being made, or its maker died.
    pub(crate) fn is_unfinished(bytes: &[u8]) -> bool {
        bytes.iter().take(MAGIC.len()).all(|&byte| byte == 0)
    }

    /// Whether these first bytes are all zero, or an unfinished head.
    ///
    /// A maker that dies while it writes the head leaves byte order mark and version, which come
    /// first, without the magic, which comes last. A file that merely begins with zeros is another
    /// program's.
    pub(crate) fn is_left_unfinished(head: &[u8; HEAD_BYTES]) -> bool {
        let begun = BYTE_ORDER.to_ne_bytes().into_iter().chain(FORMAT_VERSION.to_ne_bytes());
        Self::is_unfinished(head)
            && (head.iter().all(|&byte| byte == 0) || head.iter().skip(MAGIC.len()).copied().take(8).eq(begun))
    }

    /// Whether these first bytes are those of an array, whatever follows.
    pub(crate) fn has_magic(head: &[u8; HEAD_BYTES]) -> bool {
        head.starts_with(&MAGIC)
    }

    /// Decodes; bytes after the last axis are ignored.
    ///
    /// The magic comes first, then the byte order, then the version: each makes sense only when
    /// those before it hold.
    ///
    /// # Errors
    ///
    /// [`HeaderError::Offset`] when the elements begin inside the lock, are not aligned, or end
    /// beyond the address space.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let mut rest = bytes
            .get(..HEAD_BYTES)
            .ok_or(HeaderError::Truncated { expected: HEAD_BYTES as u64, found: bytes.len() as u64 })?;
        let magic = take::<8>(&mut rest);
        if magic != MAGIC {
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
        let kind = take(&mut rest);
        let (element, ndim) = slot::decode_kind(kind)?;
        if element.description() != 0 {
            return Err(HeaderError::Parameter { found: u64::from_ne_bytes(kind) });
        }
        let entries = u32::from_ne_bytes(take(&mut rest));
        let count = usize::try_from(entries).unwrap_or(usize::MAX);
        if !(1..=Members::MAX).contains(&count) {
            #[allow(clippy::cast_possible_truncation, reason = "a small constant")]
            let max = Members::MAX as u32;
            return Err(HeaderError::Count { what: "entries", found: entries, max });
        }
        let description = description(element, u32::from_ne_bytes(take(&mut rest)))?;
        let data_at = u64::from_ne_bytes(take(&mut rest));
        let byte_len = u64::from_ne_bytes(take(&mut rest));
        let _reserved = take::<16>(&mut rest);

        if ndim > MAX_NDIM {
            return Err(ShapeError::TooManyDims { ndim }.into());
        }
        let shape = (0..ndim)
            .map(|axis| {
                let len = u64::from_ne_bytes(take(&mut rest));
                usize::try_from(len).map_err(|_| HeaderError::Axis { axis, len })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let expected = shape::byte_len(&shape, element.size())?;
        if byte_len != expected as u64 {
            return Err(HeaderError::Length { expected: expected as u64, found: byte_len });
        }
        let least = Extent::lock_end(count).saturating_add(description);
        let offset = HeaderError::Offset { found: data_at, least: least as u64 };
        let extent = match usize::try_from(data_at) {
            Ok(data_at) if data_at >= least && data_at.is_multiple_of(Extent::ALIGN) => {
                Extent { entries: count, data_at, byte_len: expected }
            }
            _ => return Err(offset),
        };
        if extent.file_len().is_none() {
            return Err(offset);
        }
        Ok(Self { element, shape, extent, description })
    }
}

/// Bytes of the description that such elements have.
fn description(element: ElementType, found: u32) -> Result<usize, HeaderError> {
    if element.dtype() != DType::Record {
        return Ok(0);
    }
    match usize::try_from(found) {
        Ok(len @ 1..=MAX_BYTES) => Ok(len),
        _ => Err(HeaderError::RecordTypes { number: 0, found }),
    }
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
    use crate::element::dtype::DType;
    use proptest::prelude::*;

    fn example() -> ArrayHeader {
        ArrayHeader::new(DType::F32.into(), 0, &[2, 3], 64).unwrap()
    }

    fn with(range: std::ops::Range<usize>, bytes: &[u8]) -> Result<ArrayHeader, HeaderError> {
        let mut all = example().encode();
        all[range].copy_from_slice(bytes);
        ArrayHeader::decode(&all)
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn the_documented_example_decodes() {
        let bytes = crate::format::slot::documented_hex("array-head");
        let mut whole = bytes.clone();
        whole.resize(HEAD_BYTES, 0);
        assert_eq!(ArrayHeader::decode(&whole), Ok(example()));
        assert!(example().encode().starts_with(&bytes));
    }

    #[test]
    fn each_lie_has_its_own_error() {
        assert_eq!(ArrayHeader::decode(&[0; 575]), Err(HeaderError::Truncated { expected: 576, found: 575 }));
        assert_eq!(with(0..8, b"NDSHBORD"), Err(HeaderError::Magic { found: *b"NDSHBORD" }));
        let swapped = BYTE_ORDER.swap_bytes();
        assert_eq!(with(8..12, &swapped.to_ne_bytes()), Err(HeaderError::ByteOrder { found: swapped }));
        assert_eq!(with(12..16, &2u32.to_ne_bytes()), Err(HeaderError::Version { expected: 1, found: 2 }));
        assert_eq!(with(16..17, &[0]), Err(HeaderError::DType { tag: 0 }));
        assert_eq!(with(17..18, &[65]), Err(ShapeError::TooManyDims { ndim: 65 }.into()));
        assert!(matches!(with(18..19, &[1]), Err(HeaderError::Parameter { .. })));
        assert!(matches!(with(23..24, &[1]), Err(HeaderError::Parameter { .. })));
        for bad in [0, 449] {
            let error = HeaderError::Count { what: "entries", found: bad, max: 448 };
            assert_eq!(with(24..28, &u32::to_ne_bytes(bad)), Err(error));
        }
        for bad in [0, 4800, 4864 + 8, u64::MAX, i64::MAX as u64] {
            let error = HeaderError::Offset { found: bad, least: 4864 };
            assert_eq!(with(32..40, &bad.to_ne_bytes()), Err(error));
        }
        assert!(with(32..40, &4864u64.to_ne_bytes()).is_ok());
        assert_eq!(with(40..48, &25u64.to_ne_bytes()), Err(HeaderError::Length { expected: 24, found: 25 }));
        assert!(matches!(with(64..72, &u64::MAX.to_ne_bytes()), Err(HeaderError::Shape(_) | HeaderError::Axis { .. })));
    }

    #[test]
    fn records_have_room_for_their_description() {
        let element = ElementType::of_record(12);
        let head = ArrayHeader::new(element, 5000, &[3], 64).unwrap();
        assert_eq!((head.description_at(), head.extent.data_at), (4864, 12288));
        assert_eq!(ArrayHeader::decode(&head.encode()), Ok(head.clone()));
        let with = |range: std::ops::Range<usize>, bytes: &[u8]| {
            let mut all = head.encode();
            all[range].copy_from_slice(bytes);
            ArrayHeader::decode(&all)
        };
        for found in [0, 65537, u32::MAX] {
            let error = HeaderError::RecordTypes { number: 0, found };
            assert_eq!(with(28..32, &found.to_ne_bytes()), Err(error));
        }
        let error = HeaderError::Offset { found: 4864, least: 9864 };
        assert_eq!(with(32..40, &4864_u64.to_ne_bytes()), Err(error));
        assert!(matches!(with(19..20, &[1]), Err(HeaderError::Parameter { .. })), "it has one description");
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(
            dtype in proptest::sample::select(DType::ALL),
            shape in prop::collection::vec(0_usize..25, 0..=5),
            entries in 1_usize..=448,
        ) {
            let head = ArrayHeader::new(dtype.into(), 0, &shape, entries).unwrap();
            prop_assert!(!ArrayHeader::is_unfinished(&head.encode()));
            prop_assert_eq!(ArrayHeader::decode(&head.encode()), Ok(head));
        }

        #[test]
        fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..700), at in 0_usize..576, value: u8) {
            prop_assert!(ArrayHeader::decode(&bytes).is_err());
            let mut near = example().encode();
            near[at] = value;
            if let Ok(head) = ArrayHeader::decode(&near) {
                // What decodes says of itself what it is.
                prop_assert_eq!(ArrayHeader::decode(&head.encode()), Ok(head.clone()));
                prop_assert!(head.extent.data_at >= Extent::lock_end(head.extent.entries));
            }
        }
    }
}
