//! What travels beside the elements of a value: encode, decode, and nothing else.
//!
//! The bytes come from another machine. They are decoded by a pure function, in checked arithmetic,
//! and there is one spelling of each attachment. Integers are little-endian; the description of
//! records, as the elements, is in the byte order that byte 1 names. `docs/LINK.md` has the same in
//! prose.
//!
//! | bytes | field |
//! |---|---|
//! | 0 | version: 1 |
//! | 1 | byte order of the elements: 1 little, 2 big |
//! | 2 | dtype tag; 0 in a notice that the writer has closed |
//! | 3 | axes, 0..=64 |
//! | 4..8 | dtype parameter |
//! | 8..12 | flags: 1 an answer is wanted, 2 the writer has closed |
//! | 12..16 | bytes of the description of records; 0 for all other elements |
//! | 16..20 | bytes of attributes, 0..=4096 |
//! | 20..24 | zero |
//! | 24..32 | bytes of elements |
//! | 32..40 | number at the source |
//! | 40..56 | incarnation at the source |
//! | 56..64 | epoch at the source |
//! | 64..72 | time of day of the write: nanoseconds since 1970, signed |
//! | 72..80 | the relay: random, another one for each |
//! | 80..88 | count of what this relay has sent, from 1 on |
//! | 88.. | axes of 8 bytes each, the description, the attributes |

use ndsharray::__decoders::{decode_record, encode_record};
use ndsharray::raw::Origin;
use ndsharray::{DType, ElementType, MAX_ATTRIBUTES, MAX_NDIM, OwnedSample, RecordType};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// The version that is written, and the one that is read.
pub const VERSION: u8 = 1;

/// Bytes before the axes.
const FIXED: usize = 88;

/// The longest description of records.
const MAX_DESCRIPTION: usize = 1 << 16;

/// The longest attachment.
pub const MAX_LEN: usize = FIXED + 8 * MAX_NDIM + MAX_DESCRIPTION + MAX_ATTRIBUTES;

/// This machine's byte order.
const ORDER: u8 = if cfg!(target_endian = "little") { 1 } else { 2 };

const ANSWER: u32 = 1;
const CLOSED: u32 = 2;

/// Where a message stands in what a relay sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The relay.
    pub relay: u64,
    /// Which of its messages this is; 1 is the first.
    pub count: u64,
    /// Whether the relay wants to know that it has arrived.
    pub wants_answer: bool,
}

impl Place {
    /// Where a message stands that has been refused; `None` if not even that is to be read.
    #[must_use]
    pub fn of_refused(bytes: &[u8]) -> Option<Self> {
        let long = |at: usize| bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
        (bytes.first() == Some(&VERSION)).then_some(())?;
        Some(Self { relay: long(72)?, count: long(80)?, wants_answer: true })
    }
}

/// What a value is, but for its elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// What the elements are.
    pub element: ElementType,
    /// What records consist of.
    pub record: Option<RecordType>,
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// The attributes of the writer's own.
    pub attributes: Vec<u8>,
}

/// What one attachment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Where it stands among the others.
    pub place: Place,
    /// The number at the source; in a notice of a close, of the last value.
    pub number: u64,
    /// What the value was at its source.
    pub origin: Origin,
    /// The value; `None` in a notice that its writer has closed the channel.
    pub value: Option<Described>,
}

/// Why a message is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Fewer or more bytes than its parts take.
    #[error("an attachment of {found} bytes where {expected} belong")]
    Length {
        /// What its parts take.
        expected: u64,
        /// What there is.
        found: u64,
    },
    /// Not this version.
    #[error("version {found}, where {VERSION} is read")]
    Version {
        /// The version.
        found: u8,
    },
    /// Elements in the byte order of another machine, or in none.
    #[error("byte order {found}, where {ORDER} is this machine's")]
    ByteOrder {
        /// The number of that order.
        found: u8,
    },
    /// Bits or bytes that have no meaning.
    #[error("bits without a meaning at byte {at}")]
    Reserved {
        /// Where.
        at: u64,
    },
    /// No element type.
    #[error("no element type: dtype {tag} with parameter {parameter}")]
    Element {
        /// The dtype's tag.
        tag: u8,
        /// Its parameter.
        parameter: u32,
    },
    /// A description that describes no records, or not those of the element type.
    #[error("no description of such records, in {found} bytes")]
    Description {
        /// Its bytes.
        found: u64,
    },
    /// Too many axes, or axes whose product is no number of bytes.
    #[error("no shape: {axes} axes")]
    Shape {
        /// How many.
        axes: u8,
    },
    /// The product of the axes is not the length.
    #[error("{found} bytes of elements said, where shape and dtype make {expected}")]
    Product {
        /// What shape and element type make.
        expected: u64,
        /// What the attachment says.
        found: u64,
    },
    /// The payload is not as long as the attachment says.
    #[error("a payload of {found} bytes, where {expected} are said")]
    Payload {
        /// What the attachment says.
        expected: u64,
        /// What there is.
        found: u64,
    },
    /// More bytes than this side takes.
    #[error("a value of {found} bytes, where {max} are taken")]
    TooLarge {
        /// Its bytes.
        found: u64,
        /// The limit.
        max: u64,
    },
    /// More attributes than there may be.
    #[error("{found} bytes of attributes, where {MAX_ATTRIBUTES} are allowed")]
    Attributes {
        /// Their bytes.
        found: u64,
    },
    /// A number that no value has.
    #[error("number {found} is no value's")]
    Number {
        /// The number.
        found: u64,
    },
    /// A byte of a bool array that is neither 0 nor 1.
    #[error("a bool that is neither 0 nor 1")]
    Bool,
}

impl Refusal {
    /// A word for the reason, as reports have it.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Length { .. } => "length",
            Self::Version { .. } => "version",
            Self::ByteOrder { .. } => "byte-order",
            Self::Reserved { .. } => "reserved",
            Self::Element { .. } => "dtype",
            Self::Description { .. } => "description",
            Self::Shape { .. } => "shape",
            Self::Product { .. } => "product",
            Self::Payload { .. } => "payload",
            Self::TooLarge { .. } => "too-large",
            Self::Attributes { .. } => "attributes",
            Self::Number { .. } => "number",
            Self::Bool => "bool",
        }
    }
}

impl Attachment {
    /// The attachment of a sample.
    #[must_use]
    pub fn of(sample: &OwnedSample, place: Place) -> Self {
        Self {
            place,
            number: sample.seq(),
            origin: Origin { incarnation: sample.incarnation(), epoch: sample.epoch(), time: sample.time() },
            value: Some(Described {
                element: sample.element_type(),
                record: sample.record_type().cloned(),
                shape: sample.shape().to_vec(),
                attributes: sample.attributes().to_vec(),
            }),
        }
    }

    /// Bytes that the elements take; `None` if that is no number.
    #[must_use]
    pub fn byte_len(&self) -> Option<u64> {
        self.value.as_ref().map_or(Some(0), |value| product(&value.shape, value.element.size()))
    }

    /// Encodes it.
    ///
    /// What does not fit is cut off, and decoding refuses it: more axes, attributes or bytes of a
    /// description than the library allows.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "lengths are bounded by the types' invariants")]
    pub fn encode(&self) -> Vec<u8> {
        let description = self.value.as_ref().and_then(|value| value.record.as_ref()).map(encode_record);
        let description = description.unwrap_or_default();
        let (tag, parameter, shape, attributes): (u8, u32, &[usize], &[u8]) = match &self.value {
            Some(value) => (value.element.dtype() as u8, value.element.parameter(), &value.shape, &value.attributes),
            None => (0, 0, &[], &[]),
        };
        let flags = if self.place.wants_answer { ANSWER } else { 0 } | if self.value.is_none() { CLOSED } else { 0 };
        let mut bytes = Vec::with_capacity(FIXED + 8 * shape.len() + description.len() + attributes.len());
        bytes.extend([VERSION, ORDER, tag, shape.len() as u8]);
        bytes.extend(parameter.to_le_bytes());
        bytes.extend(flags.to_le_bytes());
        bytes.extend((description.len() as u32).to_le_bytes());
        bytes.extend((attributes.len() as u32).to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.byte_len().unwrap_or(u64::MAX).to_le_bytes());
        bytes.extend(self.number.to_le_bytes());
        bytes.extend(self.origin.incarnation.as_bytes());
        bytes.extend(self.origin.epoch.to_le_bytes());
        bytes.extend(nanoseconds(self.origin.time).to_le_bytes());
        bytes.extend(self.place.relay.to_le_bytes());
        bytes.extend(self.place.count.to_le_bytes());
        shape.iter().for_each(|&axis| bytes.extend((axis as u64).to_le_bytes()));
        bytes.extend(description);
        bytes.extend(attributes);
        bytes
    }

    /// Decodes it, for a payload of `payload` bytes; takes values of at most `max_bytes`.
    ///
    /// # Errors
    ///
    /// A [`Refusal`], which says what is wrong first.
    pub fn decode(bytes: &[u8], payload: u64, max_bytes: u64) -> Result<Self, Refusal> {
        let found = bytes.len() as u64;
        let mut reader = Reader { rest: bytes, expected: FIXED as u64, found };
        let [version, order, tag, axes] = reader.take::<4>()?;
        if version != VERSION {
            return Err(Refusal::Version { found: version });
        }
        if order != ORDER {
            return Err(Refusal::ByteOrder { found: order });
        }
        let parameter = reader.word()?;
        let flags = reader.word()?;
        if flags & !(ANSWER | CLOSED) != 0 {
            return Err(Refusal::Reserved { at: 8 });
        }
        let (description, attributes) = (reader.word()?, reader.word()?);
        if reader.word()? != 0 {
            return Err(Refusal::Reserved { at: 20 });
        }
        let len = reader.long()?;
        let number = reader.long()?;
        let incarnation = Uuid::from_bytes(reader.take::<16>()?);
        let (epoch, time_ns) = (reader.long()?, reader.long()?.cast_signed());
        let (relay, count) = (reader.long()?, reader.long()?);
        if usize::from(axes) > MAX_NDIM {
            return Err(Refusal::Shape { axes });
        }
        if attributes as usize > MAX_ATTRIBUTES {
            return Err(Refusal::Attributes { found: attributes.into() });
        }
        if description as usize > MAX_DESCRIPTION {
            return Err(Refusal::Description { found: description.into() });
        }
        let expected = FIXED as u64 + 8 * u64::from(axes) + u64::from(description) + u64::from(attributes);
        if found != expected {
            return Err(Refusal::Length { expected, found });
        }
        reader.expected = expected;
        let shape = (0..axes).map(|_| reader.long()).collect::<Result<Vec<_>, _>>()?;
        let described = reader.slice(description as usize)?;
        let attributes = reader.slice(attributes as usize)?;
        let is_closed = flags & CLOSED != 0;
        let value = if is_closed {
            if (tag, parameter, axes, len) != (0, 0, 0, 0) || !described.is_empty() || !attributes.is_empty() {
                return Err(Refusal::Reserved { at: 2 });
            }
            None
        } else {
            if number == 0 {
                return Err(Refusal::Number { found: number });
            }
            let (element, record) = element(tag, parameter, described)?;
            let shape: Option<Vec<usize>> = shape.iter().map(|&axis| usize::try_from(axis).ok()).collect();
            let sized = shape.and_then(|shape| product(&shape, element.size()).map(|bytes| (shape, bytes)));
            let Some((shape, bytes)) = sized else { return Err(Refusal::Shape { axes }) };
            if bytes != len {
                return Err(Refusal::Product { expected: bytes, found: len });
            }
            Some(Described { element, record, shape, attributes: attributes.to_vec() })
        };
        if len > max_bytes {
            return Err(Refusal::TooLarge { found: len, max: max_bytes });
        }
        if payload != len {
            return Err(Refusal::Payload { expected: len, found: payload });
        }
        let place = Place { relay, count, wants_answer: flags & ANSWER != 0 };
        let origin = Origin { incarnation, epoch, time: time(time_ns) };
        Ok(Self { place, number, origin, value })
    }
}

/// The element type, and what its records consist of.
fn element(tag: u8, parameter: u32, described: &[u8]) -> Result<(ElementType, Option<RecordType>), Refusal> {
    let wrong = Refusal::Element { tag, parameter };
    if tag == DType::Record as u8 {
        let refused = Refusal::Description { found: described.len() as u64 };
        let record = decode_record(described).map_err(|_| refused)?;
        let element = ElementType::new(DType::Record, parameter).map_err(|_| wrong)?;
        return if record.item_size() == element.size() { Ok((element, Some(record))) } else { Err(refused) };
    }
    if !described.is_empty() {
        return Err(Refusal::Description { found: described.len() as u64 });
    }
    let dtype = DType::ALL.iter().copied().find(|&dtype| dtype as u8 == tag).ok_or(wrong)?;
    Ok((ElementType::new(dtype, parameter).map_err(|_| wrong)?, None))
}

/// Bytes of an array. An axis of zero hides no other: the product of the rest has to fit too.
fn product(shape: &[usize], size: usize) -> Option<u64> {
    let largest =
        shape.iter().filter(|&&axis| axis != 0).try_fold(size as u64, |bytes, &axis| bytes.checked_mul(axis as u64))?;
    isize::try_from(largest).ok()?;
    Some(if shape.contains(&0) { 0 } else { largest })
}

/// A time as nanoseconds since 1970; the nearest that fits.
fn nanoseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |before| -before),
    }
}

fn time(nanoseconds: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanoseconds.unsigned_abs());
    let found = if nanoseconds < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
    found.unwrap_or(UNIX_EPOCH)
}

/// Reads bytes from the front.
struct Reader<'a> {
    rest: &'a [u8],
    expected: u64,
    found: u64,
}

impl<'a> Reader<'a> {
    fn slice(&mut self, len: usize) -> Result<&'a [u8], Refusal> {
        let (taken, rest) =
            self.rest.split_at_checked(len).ok_or(Refusal::Length { expected: self.expected, found: self.found })?;
        self.rest = rest;
        Ok(taken)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let mut taken = [0; N];
        taken.copy_from_slice(self.slice(N)?);
        Ok(taken)
    }

    fn word(&mut self) -> Result<u32, Refusal> {
        self.take().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Result<u64, Refusal> {
        self.take().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests;
