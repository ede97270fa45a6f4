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
//! | 34 | flags: what stands behind the elements, see [`tail`](super::tail) |
//! | 35 | for records: the number of their description in [`super::record_types`]; else zero |
//! | 36..40 | dtype parameter: as [`ElementType`] has it |
//! | 40.. | ndim axis lengths of 8 bytes each |
//!
//! A word apart from these has the length of the attributes, if there are any.
//!
//! Integers are in the machine's own byte order, which the board's head states.

use super::error::HeaderError;
use super::tail::Tail;
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
    /// What stands behind the elements.
    pub tail: Tail,
}

/// A slot header as 64-bit words in native order, as they stand on the board.
///
/// Copied, but not yet checked.
#[derive(Clone, Debug)]
pub struct RawHeader {
    words: [u64; WORDS],
    used: usize,
    /// The length of the attributes as it stands on the board; not looked at without their flag.
    attributes: u32,
}

impl RawHeader {
    /// A header of no array: all zero, which decodes to an error.
    pub(crate) const ZERO: Self = Self { words: [0; WORDS], used: FIXED, attributes: 0 };

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
            u64::from_ne_bytes([element.tag(), ndim, 0, element.description(), p0, p1, p2, p3]),
        ];
        let axes = shape.iter().map(|&len| len as u64);
        for (word, value) in raw.words.iter_mut().zip(fixed.into_iter().chain(axes)) {
            *word = value;
        }
        raw.used = FIXED + usize::from(ndim);
        raw
    }

    /// The same header for a value with this behind its elements.
    #[must_use]
    pub fn with_tail(mut self, tail: Tail) -> Self {
        if let Some(kind) = self.words.get_mut(FIXED - 1) {
            let mut bytes = kind.to_ne_bytes();
            let [_, _, flags, ..] = &mut bytes;
            *flags = tail.flags();
            *kind = u64::from_ne_bytes(bytes);
        }
        self.attributes = tail.attributes();
        self
    }

    /// Copies a header out through `load`, which returns word `i`.
    ///
    /// Loads no more words than its ndim says, and the length of the `attributes` only if there are
    /// some.
    pub fn copy_out(load: impl Fn(usize) -> u64, attributes: impl FnOnce() -> u32) -> Self {
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
        if raw.has_attributes() {
            raw.attributes = attributes();
        }
        raw
    }

    /// Decodes it.
    ///
    /// # Errors
    ///
    /// As [`decode`].
    pub fn decode(&self) -> Result<SlotHeader, HeaderError> {
        decode(self.as_bytes(), self.attributes)
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
    ///
    /// Also `None` for a value with attributes, as they have a word of their own.
    pub(crate) fn front(&self) -> Option<&[u64; FRONT]> {
        if self.used <= FRONT && !self.has_attributes() { self.words.first_chunk() } else { None }
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

    /// Whether the flags say that there are attributes.
    pub(crate) fn has_attributes(&self) -> bool {
        let [_, _, flags, ..] = self.kind().to_ne_bytes();
        Tail::has_length(flags)
    }

    /// The length of the attributes, valid or not.
    pub(crate) fn attributes(&self) -> u32 {
        self.attributes
    }

    /// The dtype's number, valid or not.
    pub(crate) fn dtype_tag(&self) -> u8 {
        let [tag, ..] = self.kind().to_ne_bytes();
        tag
    }

    fn kind(&self) -> u64 {
        self.words.get(FIXED - 1).copied().unwrap_or(0)
    }
}

/// Decodes header bytes, and the length of the attributes beside them.
///
/// Bytes after the last axis are ignored.
///
/// # Errors
///
/// [`HeaderError::Length`] when the byte length is not that of the shape and the dtype;
/// [`HeaderError::Attributes`] when there are attributes, but no value has so many.
pub fn decode(bytes: &[u8], attributes: u32) -> Result<SlotHeader, HeaderError> {
    let (fixed, axes) = bytes.split_first_chunk::<{ FIXED * 8 }>().ok_or_else(|| truncated(FIXED * 8, bytes.len()))?;
    let (payload, rest) = split::<16>(fixed);
    let (byte_len, rest) = split::<8>(rest);
    let (written_ns, rest) = split::<8>(rest);
    let (&kind, _) = split::<8>(rest);

    let [tag, ndim, flags, kind @ ..] = kind;
    let known = Tail::known(flags);
    let [r1, p0, p1, p2, p3] = kind;
    let (element, ndim) = decode_kind([tag, ndim, flags & !known, r1, p0, p1, p2, p3])?;
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
    let tail = Tail::decode(known, attributes)?;
    Ok(SlotHeader {
        payload: Uuid::from_bytes(*payload),
        byte_len: expected,
        written_ns: u64::from_ne_bytes(*written_ns),
        element,
        shape,
        tail,
    })
}

/// The element type and ndim in a header's word of both, reserved bytes and parameter.
///
/// ndim may be too large.
pub(crate) fn decode_kind([tag, ndim, r0, r1, p0, p1, p2, p3]: [u8; 8]) -> Result<(ElementType, usize), HeaderError> {
    let dtype = DType::from_tag(tag).ok_or(HeaderError::DType { tag })?;
    let parameter = u32::from_ne_bytes([p0, p1, p2, p3]);
    if let (0, Ok(element)) = (r0, ElementType::new(dtype, parameter))
        && (r1 == 0 || dtype == DType::Record)
    {
        return Ok((element.with_description(r1), usize::from(ndim)));
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
        let header = example().decode().unwrap();
        assert_eq!(header.payload, Uuid::from_u128(7));
        assert_eq!(header.element, DType::F32.into());
        assert_eq!(header.shape, [2, 3]);
        assert_eq!((header.byte_len, header.written_ns), (24, 5));
    }

    #[test]
    fn each_lie_has_its_own_error() {
        assert_eq!(decode(&[], 0), Err(HeaderError::Truncated { expected: 40, found: 0 }));
        assert_eq!(decode(&example().as_bytes()[..48], 0), Err(HeaderError::Truncated { expected: 56, found: 48 }));
        assert_eq!(decode(&with_byte(32, 0), 0), Err(HeaderError::DType { tag: 0 }));
        assert_eq!(decode(&with_byte(32, 255), 0), Err(HeaderError::DType { tag: 255 }));
        assert!(matches!(decode(&with_byte(34, 4), 0), Err(HeaderError::Parameter { .. })));
        assert!(matches!(decode(&with_byte(35, 1), 0), Err(HeaderError::Parameter { .. })));
        assert_eq!(decode(&with_byte(34, 1), 0), Err(HeaderError::Attributes { found: 0, max: 4096 }));
        assert_eq!(decode(&with_byte(34, 3), 4097), Err(HeaderError::Attributes { found: 4097, max: 4096 }));
        assert!(matches!(decode(&with_byte(39, 1), 0), Err(HeaderError::Parameter { .. })));
        assert_eq!(decode(&with_byte(33, 65), 0), Err(HeaderError::Shape(ShapeError::TooManyDims { ndim: 65 })));
        assert_eq!(
            RawHeader::encode(Uuid::nil(), 25, 0, DType::F32.into(), &[2, 3]).decode(),
            Err(HeaderError::Length { expected: 24, found: 25 })
        );
        assert!(matches!(
            RawHeader::encode(Uuid::nil(), 0, 0, DType::F64.into(), &[usize::MAX, 2]).decode(),
            Err(HeaderError::Shape(ShapeError::Overflow { .. }))
        ));
        assert!(RawHeader::ZERO.decode().is_err());
    }

    #[test]
    fn long_doubles_say_which() {
        for dtype in [DType::LongDouble, DType::ComplexLongDouble] {
            let raw = RawHeader::encode(Uuid::nil(), dtype.size(), 0, dtype.into(), &[]);
            assert_eq!(raw.decode().unwrap().element, dtype.into());
            let with = |parameter: u32| {
                let mut bytes = raw.as_bytes().to_vec();
                bytes[36..40].copy_from_slice(&parameter.to_ne_bytes());
                decode(&bytes, 0)
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
        assert!(matches!(decode(&bytes, 0), Err(HeaderError::Parameter { .. })), "a float32 has none");
    }

    #[test]
    fn copying_out_takes_no_more_words_than_there_are() {
        let mut longest = RawHeader::encode(Uuid::nil(), 1, 0, DType::U8.into(), &[1; 64]);
        let copy = RawHeader::copy_out(|i| longest.words[i], || 0);
        assert_eq!(copy.words(), longest.words());
        longest.words[FIXED - 1] = u64::MAX;
        assert_eq!(RawHeader::copy_out(|i| longest.words[i], || 0).words().len(), WORDS);
    }

    /// The example in the documentation, byte for byte.
    #[test]
    #[cfg(target_endian = "little")]
    fn the_documented_example_decodes() {
        let bytes = documented_hex("slot-header");
        let header = decode(&bytes, 0).unwrap();
        assert_eq!(header.payload.to_string(), "7c9e6679-7425-40de-944b-e07fc1f90ae7");
        assert_eq!((header.byte_len, header.written_ns), (24, 1_500_000_000));
        assert_eq!((header.element, header.shape.as_slice()), (DType::F32.into(), [2, 3].as_slice()));
        let again = RawHeader::encode(header.payload, 24, header.written_ns, header.element, &header.shape);
        assert_eq!(again.as_bytes(), bytes);
    }

    proptest! {
        #[test]
        fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..600), attributes in any::<u32>()) {
            if let Ok(header) = decode(&bytes, attributes) {
                let again = RawHeader::encode(header.payload, header.byte_len, header.written_ns, header.element, &header.shape);
                prop_assert_eq!(again.with_tail(header.tail).decode().unwrap(), header);
            }
        }

        #[test]
        fn round_trip(payload in any::<u128>(), time in any::<u64>(), tag in 0..DType::ALL.len(), shape in prop::collection::vec(0usize..4, 0..=16), record in any::<bool>(), attributes in 0_usize..=4096) {
            let element = ElementType::from(DType::ALL[tag]);
            let byte_len = shape::byte_len(&shape, element.size()).unwrap();
            let tail = Tail::new(record, attributes).unwrap();
            let raw = RawHeader::encode(Uuid::from_u128(payload), byte_len, time, element, &shape).with_tail(tail);
            let header = RawHeader::copy_out(|i| raw.words[i], || raw.attributes).decode().unwrap();
            prop_assert_eq!(header, SlotHeader { payload: Uuid::from_u128(payload), byte_len, written_ns: time, element, shape, tail });
        }
    }
}
