//! The bytes that describe one published array: encode, decode, and nothing else.
//!
//! The bytes of headers stand on the board, where other processes wrote them. They are copied out
//! once and the copy is decoded here: a pure function from bytes to a [`SlotHeader`] or a
//! [`HeaderError`], in checked arithmetic. `docs/FORMAT.md` describes the same in prose.
//!
//! | bytes | field |
//! |---|---|
//! | 0..16 | payload: the uuid in the payload file's name |
//! | 16..24 | byte length of the array |
//! | 24..32 | write time, nanoseconds of the machine's monotonic clock |
//! | 32 | dtype tag |
//! | 33 | ndim, 0..=64 |
//! | 34..36 | reserved, zero |
//! | 36..40 | dtype parameter: as [`ElementType`] has it |
//! | 40.. | ndim axis lengths of 8 bytes each |
//!
//! Integers are in the machine's own byte order, which the board's head states.

use super::error::HeaderError;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::long_double::LongDouble;
use crate::element::rule::Rule;
use crate::view::shape::{self, MAX_NDIM, ShapeError};
use uuid::Uuid;

/// Words before the axes.
const FIXED: usize = 5;

/// Words of the longest header.
pub(crate) const WORDS: usize = FIXED + MAX_NDIM;

/// Words that share a cache line with the slot's number.
///
/// They hold the whole header of an array with at most two axes.
pub(crate) const FRONT: usize = 7;

/// Index of the word that holds the write time.
pub(crate) const TIME_WORD: usize = 3;

/// A validated header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotHeader {
    pub payload: Uuid,
    pub byte_len: usize,
    pub written_ns: u64,
    pub element: ElementType,
    pub shape: Vec<usize>,
}

/// A slot header as 64-bit words in native order, as they stand on the board.
///
/// Copied, but not yet checked.
#[derive(Clone, Debug)]
pub struct RawHeader {
    words: [u64; WORDS],
    used: usize,
}

impl RawHeader {
    /// A header of no array: all zero, which decodes to an error.
    pub(crate) const ZERO: Self = Self { words: [0; WORDS], used: FIXED };

    /// Encodes a header.
    ///
    /// The shape has at most [`MAX_NDIM`] axes, and `byte_len` is its length in bytes. Later axes
    /// would be cut off, and [`decode`] would refuse the result.
    pub fn encode(payload: Uuid, byte_len: usize, written_ns: u64, element: ElementType, shape: &[usize]) -> Self {
        let mut raw = Self::ZERO;
        let [a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7] = *payload.as_bytes();
        #[allow(clippy::cast_possible_truncation, reason = "bounded by MAX_NDIM")]
        let ndim = shape.len().min(MAX_NDIM) as u8;
        let [p0, p1, p2, p3] = element.parameter().to_ne_bytes();
        let fixed = [
            u64::from_ne_bytes([a0, a1, a2, a3, a4, a5, a6, a7]),
            u64::from_ne_bytes([b0, b1, b2, b3, b4, b5, b6, b7]),
            byte_len as u64,
            written_ns,
            u64::from_ne_bytes([element.tag(), ndim, 0, 0, p0, p1, p2, p3]),
        ];
        let axes = shape.iter().map(|&len| len as u64);
        for (word, value) in raw.words.iter_mut().zip(fixed.into_iter().chain(axes)) {
            *word = value;
        }
        raw.used = FIXED + usize::from(ndim);
        raw
    }

    /// Copies a header out through `load`, which returns word `i`.
    ///
    /// Loads no more words than its ndim says.
    pub fn copy_out(load: impl Fn(usize) -> u64) -> Self {
        let mut raw = Self::ZERO;
        let mut words = raw.words.iter_mut().enumerate();
        for (i, word) in words.by_ref().take(FIXED) {
            *word = load(i);
        }
        let ndim = raw.ndim();
        for (i, word) in raw.words.iter_mut().enumerate().skip(FIXED).take(ndim) {
            *word = load(i);
        }
        raw.used = FIXED + ndim;
        raw
    }

    /// The payload's id, valid or not.
    pub(crate) fn payload(&self) -> Uuid {
        let [a, b, ..] = self.words;
        Uuid::from_bytes(bytemuck::cast([a, b]))
    }

    /// The words in use.
    pub(crate) fn words(&self) -> &[u64] {
        self.words.get(..self.used).unwrap_or(&self.words)
    }

    /// The words to be stored: those in use, then zeros up to the [front](FRONT).
    pub(crate) fn stored(&self) -> &[u64] {
        self.words.get(..self.used.max(FRONT)).unwrap_or(&self.words)
    }

    /// The first words, zero where the header is shorter; `None` where it is longer.
    pub(crate) fn front(&self) -> Option<&[u64; FRONT]> {
        if self.used <= FRONT { self.words.first_chunk() } else { None }
    }

    /// The bytes in use.
    pub fn as_bytes(&self) -> &[u8] {
        bytemuck::cast_slice(self.words())
    }

    /// ndim as the bytes have it, but at most [`MAX_NDIM`]: only bounds what is copied.
    fn ndim(&self) -> usize {
        let [_, ndim, ..] = self.kind().to_ne_bytes();
        usize::from(ndim).min(MAX_NDIM)
    }

    fn kind(&self) -> u64 {
        self.words.get(FIXED - 1).copied().unwrap_or(0)
    }
}

/// Decodes header bytes; bytes after the last axis are ignored.
///
/// # Errors
///
/// [`HeaderError::Length`] when the byte length is not that of the shape and the dtype.
pub fn decode(bytes: &[u8]) -> Result<SlotHeader, HeaderError> {
    let (fixed, axes) = bytes.split_first_chunk::<{ FIXED * 8 }>().ok_or_else(|| truncated(FIXED * 8, bytes.len()))?;
    let (payload, rest) = split::<16>(fixed);
    let (byte_len, rest) = split::<8>(rest);
    let (written_ns, rest) = split::<8>(rest);
    let (&kind, _) = split::<8>(rest);

    let (element, ndim) = decode_kind(kind)?;
    if ndim > MAX_NDIM {
        return Err(ShapeError::TooManyDims { ndim }.into());
    }
    let axes = axes.get(..ndim * 8).ok_or_else(|| truncated((FIXED + ndim) * 8, bytes.len()))?;
    let (axes, _) = axes.as_chunks::<8>();
    let shape = axes
        .iter()
        .enumerate()
        .map(|(axis, &len)| {
            let len = u64::from_ne_bytes(len);
            usize::try_from(len).map_err(|_| HeaderError::Axis { axis, len })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let expected = shape::byte_len(&shape, element.size())?;
    let found = u64::from_ne_bytes(*byte_len);
    if found != expected as u64 {
        return Err(HeaderError::Length { expected: expected as u64, found });
    }
    Ok(SlotHeader {
        payload: Uuid::from_bytes(*payload),
        byte_len: expected,
        written_ns: u64::from_ne_bytes(*written_ns),
        element,
        shape,
    })
}

/// The element type and ndim in a header's word of both, reserved bytes and parameter.
///
/// ndim may be too large.
pub(crate) fn decode_kind([tag, ndim, r0, r1, p0, p1, p2, p3]: [u8; 8]) -> Result<(ElementType, usize), HeaderError> {
    let dtype = DType::from_tag(tag).ok_or(HeaderError::DType { tag })?;
    let parameter = u32::from_ne_bytes([p0, p1, p2, p3]);
    if let ([0, 0], Ok(element)) = ([r0, r1], ElementType::new(dtype, parameter)) {
        return Ok((element, usize::from(ndim)));
    }
    let name = LongDouble::format_name;
    // Processors of one byte order may differ in their long doubles.
    Err(match (dtype.rule(), name(LongDouble::FORMAT), name(parameter)) {
        (Rule::Format, Some(expected), Some(found)) if expected != found => HeaderError::LongDouble { expected, found },
        _ => HeaderError::Parameter { found: u64::from_ne_bytes([0, 0, r0, r1, p0, p1, p2, p3]) },
    })
}

fn truncated(expected: usize, found: usize) -> HeaderError {
    HeaderError::Truncated { expected: expected as u64, found: found as u64 }
}

/// The first `N` bytes of a slice known to be longer.
///
/// Zeros if it is not, which no caller relies on.
fn split<const N: usize>(bytes: &[u8]) -> (&[u8; N], &[u8]) {
    bytes.split_first_chunk::<N>().unwrap_or((&[0; N], &[]))
}

/// The bytes of an example in `docs/FORMAT.md`.
#[cfg(test)]
#[cfg(target_endian = "little")]
pub(crate) fn documented_hex(name: &str) -> Vec<u8> {
    let document = include_str!("../../docs/FORMAT.md");
    let (_, rest) = document.split_once(&format!("```hex {name}\n")).unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    block.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn example() -> RawHeader {
        RawHeader::encode(Uuid::from_u128(7), 24, 5, DType::F32.into(), &[2, 3])
    }

    fn with_byte(at: usize, value: u8) -> Vec<u8> {
        let mut bytes = example().as_bytes().to_vec();
        bytes[at] = value;
        bytes
    }

    #[test]
    fn what_is_encoded_decodes() {
        let header = decode(example().as_bytes()).unwrap();
        assert_eq!(header.payload, Uuid::from_u128(7));
        assert_eq!(header.element, DType::F32.into());
        assert_eq!(header.shape, [2, 3]);
        assert_eq!((header.byte_len, header.written_ns), (24, 5));
    }

    #[test]
    fn each_lie_has_its_own_error() {
        assert_eq!(decode(&[]), Err(HeaderError::Truncated { expected: 40, found: 0 }));
        assert_eq!(decode(&example().as_bytes()[..48]), Err(HeaderError::Truncated { expected: 56, found: 48 }));
        assert_eq!(decode(&with_byte(32, 0)), Err(HeaderError::DType { tag: 0 }));
        assert_eq!(decode(&with_byte(32, 255)), Err(HeaderError::DType { tag: 255 }));
        assert!(matches!(decode(&with_byte(34, 1)), Err(HeaderError::Parameter { .. })));
        assert!(matches!(decode(&with_byte(39, 1)), Err(HeaderError::Parameter { .. })));
        assert_eq!(decode(&with_byte(33, 65)), Err(HeaderError::Shape(ShapeError::TooManyDims { ndim: 65 })));
        assert_eq!(
            decode(RawHeader::encode(Uuid::nil(), 25, 0, DType::F32.into(), &[2, 3]).as_bytes()),
            Err(HeaderError::Length { expected: 24, found: 25 })
        );
        assert!(matches!(
            decode(RawHeader::encode(Uuid::nil(), 0, 0, DType::F64.into(), &[usize::MAX, 2]).as_bytes()),
            Err(HeaderError::Shape(ShapeError::Overflow { .. }))
        ));
        assert!(decode(RawHeader::ZERO.as_bytes()).is_err());
    }

    #[test]
    fn long_doubles_say_which() {
        for dtype in [DType::LongDouble, DType::ComplexLongDouble] {
            let raw = RawHeader::encode(Uuid::nil(), dtype.size(), 0, dtype.into(), &[]);
            assert_eq!(decode(raw.as_bytes()).unwrap().element, dtype.into());
            let with = |parameter: u32| {
                let mut bytes = raw.as_bytes().to_vec();
                bytes[36..40].copy_from_slice(&parameter.to_ne_bytes());
                decode(&bytes)
            };
            let other = 3 - LongDouble::FORMAT;
            assert!(matches!(with(other), Err(HeaderError::LongDouble { expected, found }) if expected != found));
            assert!(matches!(with(0), Err(HeaderError::Parameter { found: 0 })));
            assert!(matches!(with(3), Err(HeaderError::Parameter { .. })));
        }
        let parameter =
            (u64::from(LongDouble::FORMAT) << if cfg!(target_endian = "little") { 32 } else { 0 }).to_ne_bytes();
        let mut bytes = example().as_bytes().to_vec();
        bytes[32..40].iter_mut().zip(parameter).for_each(|(byte, more)| *byte |= more);
        assert!(matches!(decode(&bytes), Err(HeaderError::Parameter { .. })), "a float32 has none");
    }

    #[test]
    fn copying_out_takes_no_more_words_than_there_are() {
        let mut longest = RawHeader::encode(Uuid::nil(), 1, 0, DType::U8.into(), &[1; 64]);
        let copy = RawHeader::copy_out(|i| longest.words[i]);
        assert_eq!(copy.words(), longest.words());
        longest.words[FIXED - 1] = u64::MAX;
        assert_eq!(RawHeader::copy_out(|i| longest.words[i]).words().len(), WORDS);
    }

    /// The example in the documentation, byte for byte.
    #[test]
    #[cfg(target_endian = "little")]
    fn the_documented_example_decodes() {
        let bytes = documented_hex("slot-header");
        let header = decode(&bytes).unwrap();
        assert_eq!(header.payload.to_string(), "7c9e6679-7425-40de-944b-e07fc1f90ae7");
        assert_eq!((header.byte_len, header.written_ns), (24, 1_500_000_000));
        assert_eq!((header.element, header.shape.as_slice()), (DType::F32.into(), [2, 3].as_slice()));
        let again = RawHeader::encode(header.payload, 24, header.written_ns, header.element, &header.shape);
        assert_eq!(again.as_bytes(), bytes);
    }

    proptest! {
        #[test]
        fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(header) = decode(&bytes) {
                let again = RawHeader::encode(header.payload, header.byte_len, header.written_ns, header.element, &header.shape);
                prop_assert_eq!(decode(again.as_bytes()).unwrap(), header);
            }
        }

        #[test]
        fn round_trip(payload in any::<u128>(), time in any::<u64>(), tag in 0..DType::ALL.len(), shape in prop::collection::vec(0usize..4, 0..=16)) {
            let element = ElementType::from(DType::ALL[tag]);
            let byte_len = shape::byte_len(&shape, element.size()).unwrap();
            let raw = RawHeader::encode(Uuid::from_u128(payload), byte_len, time, element, &shape);
            let header = decode(raw.as_bytes()).unwrap();
            prop_assert_eq!(header, SlotHeader { payload: Uuid::from_u128(payload), byte_len, written_ns: time, element, shape });
        }
    }
}
