//! The bytes of both files: encode, decode, and nothing else. Pure functions over copies, in
//! checked arithmetic.
//!
//! The tag file, `NAME`, holds `NAME_` and 32 hexadecimal digits, nothing else. The payload file,
//! `NAME_` and these digits, holds
//!
//! | bytes | field |
//! |---|---|
//! | 0..8 | write time: `time.monotonic()`, an IEEE double in the machine's byte order |
//! | 8..16 | number of the dtype, big-endian |
//! | 16..24 | ndim, big-endian |
//! | 24.. | one length of 8 bytes for each axis, big-endian |
//! | then | the elements in C order and the machine's byte order |
//! | last 8 | the write time again |
//!
//! and has exactly this length.

use super::python_dtypes::DTypeTable;
use crate::element::dtype::DType;
use crate::view::shape::{self, MAX_NDIM, ShapeError};
use thiserror::Error;

/// Why a file is not what Python's ndsharray writes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WireError {
    /// The tag file has another length than its name demands.
    ///
    /// Perhaps its writer is just starting.
    #[error("the tag file has {found} bytes, but {expected} are needed")]
    TagLength {
        /// Length of `NAME_` and 32 digits.
        expected: usize,
        /// Length of the file.
        found: u64,
    },
    /// The tag file does not hold its name and 32 hexadecimal digits.
    ///
    /// Perhaps its writer is just starting.
    #[error("the tag file holds {found:?}, which is not the name of a payload file")]
    TagText {
        /// What it holds, with anything that is not UTF-8 replaced.
        found: String,
    },
    /// The payload file ends before its header does.
    #[error("the payload file has {found} bytes, but at least {expected} are needed")]
    Truncated {
        /// Bytes needed.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// No list has a dtype with this number.
    #[error("dtype number {found}, but there are {count} dtypes at most")]
    DTypeIndex {
        /// The number.
        found: u64,
        /// Dtypes in the longer list.
        count: usize,
    },
    /// More axes than an array has.
    #[error("{found} dimensions, but an array has at most {MAX_NDIM}")]
    Ndim {
        /// The ndim found.
        found: u64,
    },
    /// An axis that does not fit this machine's address space.
    #[error("axis {axis} has length {len}, which this machine cannot address")]
    Axis {
        /// The axis.
        axis: usize,
        /// Its length.
        len: u64,
    },
    /// A shape that no array has.
    #[error("impossible shape")]
    Shape(#[from] ShapeError),
    /// The payload file's length differs from its header's, by either list of dtypes.
    #[error("the payload file has {found} bytes, but dtype and shape make {expected}")]
    Length {
        /// Length that the header makes, by the list that was expected.
        expected: u64,
        /// Length of the file.
        found: u64,
    },
    /// Written on a machine of the other byte order.
    #[error("write time {found:#018x}: written on a machine of another byte order")]
    ByteOrder {
        /// The write time's bits as this machine reads them.
        found: u64,
    },
}

/// Whether a write time makes sense only with its bytes the other way round.
///
/// The format has no mark of byte order. Its dtype, ndim and axes are big-endian on all machines.
/// Write times are seconds since the machine's start: of the bytes of such a number in wrong order,
/// one or two in a hundred make a number of that kind.
fn is_of_other_order(stamp: [u8; STAMP]) -> bool {
    let is_time = |bits: u64| (1e-3..1e10).contains(&f64::from_bits(bits));
    let bits = u64::from_ne_bytes(stamp);
    // 0 while the file is being made.
    bits != 0 && !is_time(bits) && is_time(bits.swap_bytes())
}

/// Hexadecimal digits in a payload file's name.
pub const DIGITS: usize = 32;

/// The digits that distinguish payload files.
pub(crate) type Hex = [u8; DIGITS];

/// Bytes of a write time.
pub const STAMP: usize = 8;

/// Bytes before the axes.
const FIXED: usize = 24;

/// Bytes of the longest header.
pub const MAX_HEAD: usize = FIXED + 8 * MAX_NDIM;

/// Length of a tag file.
pub const fn tag_len(name: &str) -> usize {
    name.len() + 1 + DIGITS
}

/// What stands in a tag file.
pub fn encode_tag(name: &str, hex: &Hex) -> Vec<u8> {
    let mut tag = Vec::with_capacity(tag_len(name));
    tag.extend_from_slice(name.as_bytes());
    tag.push(b'_');
    tag.extend_from_slice(hex);
    tag
}

/// Decodes a tag file of `len` bytes.
///
/// `bytes` are all of them, or at least one more than a tag has.
///
/// # Errors
///
/// [`WireError::TagText`] when it holds another name, or no digits.
pub fn decode_tag(name: &str, bytes: &[u8], len: u64) -> Result<Hex, WireError> {
    let expected = tag_len(name);
    if bytes.len() != expected {
        return Err(WireError::TagLength { expected, found: len });
    }
    let hex = bytes.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"_"));
    hex.and_then(digits).ok_or_else(|| WireError::TagText { found: String::from_utf8_lossy(bytes).into_owned() })
}

/// What a tag file is, of which there is proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagProof {
    /// A whole tag, which names this payload file.
    Whole(Hex),
    /// Its maker has not come to the end. Python's writer empties the file, sets its length, which
    /// fills it with zeros, and copies the text in, in any order; this library's does the same.
    Unfinished,
}

/// Proves that a file is the tag file of `name`.
///
/// `bytes` are all of the file, or at least one more than a tag has.
///
/// # Errors
///
/// The file is another program's: it must not be written, cut or removed.
pub fn prove_tag(name: &str, bytes: &[u8], len: u64) -> Result<TagProof, WireError> {
    let refused = match decode_tag(name, bytes, len) {
        Ok(hex) => return Ok(TagProof::Whole(hex)),
        Err(refused) => refused,
    };
    let expected = tag_len(name);
    let is_full = bytes.len() == expected;
    let text = name.bytes().chain([b'_']).map(Some).chain(std::iter::repeat_n(None, DIGITS));
    let fits = |(byte, text): (&u8, Option<u8>)| match text {
        _ if is_full && *byte == 0 => true,
        Some(text) => *byte == text,
        None => is_digit(*byte),
    };
    let is_start = bytes.len() <= expected && bytes.iter().zip(text).all(fits);
    if is_start { Ok(TagProof::Unfinished) } else { Err(refused) }
}

/// What a payload file is, of which there is proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadProof {
    /// A header, and the length that it makes.
    Whole,
    /// Its maker has not come to the end.
    Unfinished,
    /// A tag file that was put aside to be removed.
    Tag,
}

/// Proves that a file called `NAME_` and `hex` is a payload file of channel `name`.
///
/// `front` is all of the file, or its first [`MAX_HEAD`] bytes, which is more than any tag has.
///
/// Many programs give names of that form, with checksums for digits. So the content has to prove
/// it: a header that makes the file's very length. A maker that was killed leaves no header. Then
/// there must be nothing where dtype and ndim go, and the digits have to be a random UUID's:
/// version 4, as Python and this library make them. Digits that `is_known` vouches for need no such
/// form.
///
/// # Errors
///
/// The file is another program's: it must not be written, cut or removed.
pub fn prove_payload(name: &str, hex: &Hex, front: &[u8], len: u64, is_known: bool) -> Result<PayloadProof, WireError> {
    let refused = match decode(front, len, DTypeTable::default()) {
        Ok(_) => return Ok(PayloadProof::Whole),
        Err(refused) => refused,
    };
    let by_name = is_known || hex.get(VERSION_AT) == Some(&b'4');
    let is_zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    if by_name && (front.is_empty() || front.get(STAMP..FIXED).is_some_and(is_zero)) {
        return Ok(PayloadProof::Unfinished);
    }
    match prove_tag(name, front, len) {
        Ok(_) if by_name => Ok(PayloadProof::Tag),
        _ => Err(refused),
    }
}

/// Index of the digit that holds a UUID's version.
const VERSION_AT: usize = 12;

const fn is_digit(digit: u8) -> bool {
    matches!(digit, b'0'..=b'9' | b'a'..=b'f')
}

/// 32 digits as `uuid4().hex` writes them. Others, such as capitals, would be names of other files.
pub(crate) fn digits(hex: &[u8]) -> Option<Hex> {
    let hex = Hex::try_from(hex).ok()?;
    hex.iter().all(|digit| is_digit(*digit)).then_some(hex)
}

/// A header as it stands in a payload file, without the write time before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PayloadHeader {
    bytes: Vec<u8>,
    body: usize,
}

impl PayloadHeader {
    /// Encodes the header of an array.
    pub(crate) fn encode(index: u64, shape: &[usize], itemsize: usize) -> Result<Self, ShapeError> {
        let body = shape::byte_len(shape, itemsize)?;
        let mut bytes = Vec::with_capacity(FIXED - STAMP + 8 * shape.len());
        bytes.extend_from_slice(&index.to_be_bytes());
        bytes.extend_from_slice(&(shape.len() as u64).to_be_bytes());
        for &axis in shape {
            bytes.extend_from_slice(&(axis as u64).to_be_bytes());
        }
        // The whole file must be addressable as well, since it is mapped.
        let overflow = ShapeError::Overflow { axis: 0, len: body };
        body.checked_add(2 * STAMP + bytes.len()).filter(|&n| isize::try_from(n).is_ok()).ok_or(overflow)?;
        Ok(Self { bytes, body })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether this is the header of such an array.
    pub(crate) fn is_for(&self, index: u64, shape: &[usize]) -> bool {
        let be = |word: &[u8], value: u64| *word == value.to_be_bytes();
        let mut words = self.bytes.chunks_exact(8);
        self.bytes.len() == FIXED - STAMP + 8 * shape.len()
            && words.next().is_some_and(|word| be(word, index))
            && words.next().is_some_and(|word| be(word, shape.len() as u64))
            && words.zip(shape).all(|(word, &axis)| be(word, axis as u64))
    }

    /// Where the elements start.
    pub fn body_at(&self) -> usize {
        STAMP + self.bytes.len()
    }

    /// Where the second write time stands.
    pub fn end_at(&self) -> usize {
        self.body_at() + self.body
    }

    /// Length of the file.
    pub fn file_len(&self) -> usize {
        self.end_at() + STAMP
    }
}

/// What a payload file holds and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub dtype: DType,
    pub shape: Vec<usize>,
    pub head: PayloadHeader,
    /// The list of dtypes, where the file's length proves which one it is.
    pub table: Option<DTypeTable>,
}

/// Decodes the header of a payload file of `file_len` bytes.
///
/// `front` is all of the file, or its first [`MAX_HEAD`] bytes. `likely` is the list of dtypes to
/// assume where the file's length proves neither.
///
/// # Errors
///
/// [`WireError::Length`] when the file is not as long as its header says.
pub fn decode(front: &[u8], file_len: u64, likely: DTypeTable) -> Result<Layout, WireError> {
    let truncated = |expected: usize| WireError::Truncated { expected: expected as u64, found: file_len };
    let word = |at: usize, needed: usize| {
        let bytes = at.checked_add(8).and_then(|end| front.get(at..end)).and_then(|word| word.try_into().ok());
        bytes.map(u64::from_be_bytes).ok_or_else(|| truncated(needed))
    };
    let index = word(8, FIXED + STAMP)?;
    let ndim = word(16, FIXED + STAMP)?;
    let axes = usize::try_from(ndim).ok().filter(|&n| n <= MAX_NDIM).ok_or(WireError::Ndim { found: ndim })?;
    let needed = FIXED + 8 * axes + STAMP;
    let mut shape = Vec::with_capacity(axes);
    for axis in 0..axes {
        let len = word(FIXED + 8 * axis, needed)?;
        shape.push(usize::try_from(len).map_err(|_| WireError::Axis { axis, len })?);
    }

    let in_table = |table: DTypeTable| table.dtype_at(index).map(|dtype| (table, dtype));
    let candidates = [in_table(likely), in_table(likely.other())];
    let mut fits: Option<Layout> = None;
    let mut expected = None;
    for (table, dtype) in candidates.into_iter().flatten() {
        let head = PayloadHeader::encode(index, &shape, dtype.size())?;
        if head.file_len() as u64 != file_len {
            expected.get_or_insert(head.file_len() as u64);
        } else if let Some(fits) = &mut fits {
            // Both lists do: the same dtype, or no elements.
            fits.table = None;
        } else {
            fits = Some(Layout { dtype, shape: shape.clone(), head, table: Some(table) });
        }
    }
    if let (Some(_), Some(&stamp)) = (&fits, front.first_chunk())
        && is_of_other_order(stamp)
    {
        return Err(WireError::ByteOrder { found: u64::from_ne_bytes(stamp) });
    }
    fits.ok_or(match expected {
        Some(expected) => WireError::Length { expected, found: file_len },
        None => WireError::DTypeIndex { found: index, count: DTypeTable::V1_1_1.dtypes().len() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEX: &Hex = b"0123456789abcdef0123456789abcdef";

    #[test]
    fn tags_come_back() {
        let tag = encode_tag("cam", HEX);
        assert_eq!(tag, b"cam_0123456789abcdef0123456789abcdef");
        assert_eq!(decode_tag("cam", &tag, 36), Ok(*HEX));
    }

    #[test]
    fn other_tags_are_refused() {
        let tag = encode_tag("cam", HEX);
        for len in 0..tag.len() {
            let expected = Err(WireError::TagLength { expected: 36, found: len as u64 });
            assert_eq!(decode_tag("cam", &tag[..len], len as u64), expected);
        }
        let mut capital = tag.clone();
        capital[20] = b'A';
        for bad in [encode_tag("cat", HEX), vec![0; 36], capital, vec![0xff; 36]] {
            assert!(matches!(decode_tag("cam", &bad, 36), Err(WireError::TagText { .. })));
        }
    }

    #[test]
    fn tags_are_proved() {
        let tag = encode_tag("cam", HEX);
        let prove = |bytes: &[u8]| prove_tag("cam", bytes, bytes.len() as u64);
        assert_eq!(prove(&tag), Ok(TagProof::Whole(*HEX)));
        for len in 0..tag.len() {
            assert_eq!(prove(&tag[..len]), Ok(TagProof::Unfinished), "what has been written of it");
            let mut rest = tag.clone();
            rest[..len].fill(0);
            let mut front = tag.clone();
            front[len..].fill(0);
            for part in [rest, front] {
                assert!(matches!(prove(&part), Ok(TagProof::Unfinished | TagProof::Whole(_))), "{part:?}");
            }
        }
        let longer = [&tag[..], b"\n"].concat();
        for foreign in [&b"x"[..], b"cam_0\0", b"\0", &[0; 35], &[0; 37], &[b'y'; 36], &encode_tag("cat", HEX), &longer]
        {
            assert!(prove(foreign).is_err(), "{foreign:?}");
        }
        assert!(prove_tag("cam", &longer, 1 << 20).is_err(), "a longer file, whose start looks like a tag");
    }

    #[test]
    fn payloads_are_proved() {
        const RANDOM: &Hex = b"0123456789ab4def0123456789abcdef";
        let prove = |hex, bytes: &[u8]| {
            let front = &bytes[..bytes.len().min(MAX_HEAD)];
            prove_payload("cam", hex, front, bytes.len() as u64, false)
        };
        let whole = file(9, &[2, 3], 4);
        assert_eq!(prove(HEX, &whole), Ok(PayloadProof::Whole), "whatever its digits");
        let long_zero = [0; 5000];
        for bytes in [&b""[..], &[0; 40], &long_zero] {
            assert_eq!(prove(RANDOM, bytes), Ok(PayloadProof::Unfinished));
            assert!(prove(HEX, bytes).is_err(), "digits that are no random UUID");
        }
        for bytes in [&[1; 8][..], &[0; 23]] {
            assert!(prove(RANDOM, bytes).is_err(), "no header has room there");
        }
        let mut stamped = [0; 100];
        stamped[..8].fill(1);
        stamped[60..].fill(1);
        assert_eq!(prove(RANDOM, &stamped), Ok(PayloadProof::Unfinished), "its head comes last");
        let tag = encode_tag("cam", HEX);
        assert_eq!(prove(RANDOM, &tag), Ok(PayloadProof::Tag));
        assert!(prove(HEX, &tag).is_err());
        assert!(prove(RANDOM, b"some bytes").is_err() && prove(RANDOM, &[b'x'; 5000]).is_err());
        assert!(prove(RANDOM, &whole[..whole.len() - 1]).is_err());
    }

    fn file(index: u64, shape: &[usize], itemsize: usize) -> Vec<u8> {
        let head = PayloadHeader::encode(index, shape, itemsize).unwrap();
        let mut file = vec![0; head.file_len()];
        file[STAMP..head.body_at()].copy_from_slice(head.bytes());
        file
    }

    fn decode_all(file: &[u8], likely: DTypeTable) -> Result<Layout, WireError> {
        decode(&file[..file.len().min(MAX_HEAD)], file.len() as u64, likely)
    }

    #[test]
    fn lengths_tell_the_lists_apart() {
        // Number 12 is complex64 in the old list and complex128 in the new one.
        for likely in DTypeTable::ALL {
            let old = decode_all(&file(12, &[3], 8), *likely).unwrap();
            assert_eq!((old.dtype, old.table), (DType::C64, Some(DTypeTable::V1_1_1)));
            let new = decode_all(&file(12, &[3], 16), *likely).unwrap();
            assert_eq!((new.dtype, new.table), (DType::C128, Some(DTypeTable::V1_1_4)));
            let same = decode_all(&file(2, &[3], 4), *likely).unwrap();
            assert_eq!((same.dtype, same.table), (DType::I32, None));
        }
    }

    #[test]
    fn empty_arrays_go_by_the_likely_list() {
        let empty = file(13, &[0, 7], 1);
        assert_eq!(decode_all(&empty, DTypeTable::V1_1_4).unwrap().dtype, DType::Bool);
        assert_eq!(decode_all(&empty, DTypeTable::V1_1_1).unwrap().dtype, DType::C128);
        // Number 15 is in one list only, which proves it.
        assert_eq!(decode_all(&file(15, &[0], 1), DTypeTable::V1_1_4).unwrap().table, Some(DTypeTable::V1_1_1));
    }

    #[test]
    fn damage_is_named() {
        let good = file(9, &[2, 3], 4);
        let likely = DTypeTable::V1_1_4;
        assert!(matches!(decode_all(&good[..20], likely), Err(WireError::Truncated { expected: 32, found: 20 })));
        assert!(matches!(decode_all(&good[..30], likely), Err(WireError::Truncated { expected: 48, found: 30 })));
        let short = decode_all(&good[..good.len() - 1], likely);
        assert_eq!(short, Err(WireError::Length { expected: 72, found: 71 }));
        let put = |at: usize, value: u64| {
            let mut bad = good.clone();
            bad[at..at + 8].copy_from_slice(&value.to_be_bytes());
            decode_all(&bad, likely)
        };
        assert_eq!(put(8, 16), Err(WireError::DTypeIndex { found: 16, count: 16 }));
        assert_eq!(put(8, u64::MAX), Err(WireError::DTypeIndex { found: u64::MAX, count: 16 }));
        assert_eq!(put(16, 65), Err(WireError::Ndim { found: 65 }));
        assert!(matches!(put(16, 64), Err(WireError::Truncated { .. })));
        assert!(matches!(put(16, 1), Err(WireError::Length { .. })));
        assert!(matches!(put(24, u64::MAX), Err(WireError::Shape(_) | WireError::Axis { .. })));
        assert!(matches!(put(24, 1 << 20), Err(WireError::Length { .. })));
    }

    #[test]
    fn the_other_byte_order_is_named() {
        let with = |stamp: f64, swap: bool| {
            let mut file = file(2, &[3], 4);
            let bits = if swap { stamp.to_bits().swap_bytes() } else { stamp.to_bits() };
            file[..STAMP].copy_from_slice(&bits.to_ne_bytes());
            decode_all(&file, DTypeTable::V1_1_4)
        };
        for seconds in [0.012_345_678, 1.0, 1_234.567_890_123, 1e7 + 0.123_456_789] {
            assert!(with(seconds, false).is_ok());
            assert!(matches!(with(seconds, true), Err(WireError::ByteOrder { .. })), "{seconds}");
        }
        assert!(with(0.0, true).is_ok(), "nothing written yet");
        assert!(with(f64::NAN, false).is_ok(), "odd, but no odder the other way round");
    }

    proptest! {
        #[test]
        fn any_bytes_have_an_answer(front in prop::collection::vec(any::<u8>(), 0..600), len: u64) {
            for table in DTypeTable::ALL {
                let _ = decode(&front, len, *table);
            }
            let _ = decode_tag("cam", &front, len);
        }

        #[test]
        fn headers_come_back(
            table in prop::sample::select(DTypeTable::ALL),
            index in 0_usize..14,
            shape in prop::collection::vec(1_usize..4, 0..5),
        ) {
            let dtype = table.dtypes()[index];
            let file = file(index as u64, &shape, dtype.size());
            let layout = decode_all(&file, table).unwrap();
            prop_assert_eq!(&layout.shape, &shape);
            prop_assert_eq!(layout.dtype, dtype);
            prop_assert_eq!(layout.head.bytes(), &file[8..24 + 8 * shape.len()]);
            prop_assert!(layout.head.is_for(index as u64, &shape));
            prop_assert!(!layout.head.is_for(index as u64 + 1, &shape));
        }
    }
}
