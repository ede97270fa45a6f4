//! The description of a record as bytes: encode, decode, and nothing else.
//!
//! Descriptions stand in files that other processes may write. The bytes are copied, and the copy
//! is decoded by a pure function, in checked arithmetic. `docs/FORMAT.md` describes the same in
//! prose.
//!
//! A record:
//!
//! | bytes | field |
//! |---|---|
//! | 0..4 | item size |
//! | 4..8 | number of fields |
//! | 8.. | the fields, one behind the other |
//!
//! A field:
//!
//! | bytes | field |
//! |---|---|
//! | 0..4 | offset in its record |
//! | 4..8 | dtype parameter; 0 for a record |
//! | 8 | dtype tag; 0 for a record |
//! | 9 | axes of the sub-array, 0..=64 |
//! | 10..12 | bytes of the name, 1..=255 |
//! | 12.. | axes of 4 bytes each, then the name in UTF-8, then for a record its description |
//!
//! Integers are in the machine's own byte order. A record holds no reference to another, so none
//! can hold itself.

use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::record::error::RecordError;
use crate::element::record::limits::{MAX_BYTES, MAX_DEPTH, MAX_FIELDS};
use crate::element::record::record_type::{Field, FieldType, RecordType};

/// Stands for a nested record where a dtype has its tag.
const RECORD_TAG: u8 = 0;

/// Encodes a description.
#[must_use]
pub fn encode(record: &RecordType) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(record.encoded_len());
    put_record(record, &mut bytes);
    bytes
}

#[allow(clippy::cast_possible_truncation, reason = "bounded by the invariant of `RecordType`")]
fn put_record(record: &RecordType, bytes: &mut Vec<u8>) {
    bytes.extend((record.item_size() as u32).to_ne_bytes());
    bytes.extend((record.fields().len() as u32).to_ne_bytes());
    for field in record.fields() {
        let (tag, parameter) = match field.kind() {
            FieldType::Element(element) => (element.tag(), element.parameter()),
            FieldType::Record(_) => (RECORD_TAG, 0),
        };
        bytes.extend((field.offset() as u32).to_ne_bytes());
        bytes.extend(parameter.to_ne_bytes());
        bytes.extend([tag, field.shape().len() as u8]);
        bytes.extend((field.name().len() as u16).to_ne_bytes());
        field.shape().iter().for_each(|&axis| bytes.extend((axis as u32).to_ne_bytes()));
        bytes.extend(field.name().as_bytes());
        if let FieldType::Record(inner) = field.kind() {
            put_record(inner, bytes);
        }
    }
}

/// Decodes a description; all bytes belong to it.
///
/// # Errors
///
/// [`RecordError`] for bytes that describe no record that [`RecordType::new`] makes.
pub fn decode(bytes: &[u8]) -> Result<RecordType, RecordError> {
    if bytes.len() > MAX_BYTES {
        return Err(RecordError::TooLong { found: bytes.len() });
    }
    let mut decoder = Decoder { rest: bytes, len: bytes.len(), fields: 0 };
    let record = decoder.record(1)?;
    match decoder.rest.len() {
        0 => Ok(record),
        found => Err(RecordError::Trailing { found }),
    }
}

struct Decoder<'a> {
    rest: &'a [u8],
    /// Bytes of the whole description.
    len: usize,
    /// Fields so far.
    fields: usize,
}

impl<'a> Decoder<'a> {
    fn record(&mut self, depth: usize) -> Result<RecordType, RecordError> {
        if depth > MAX_DEPTH {
            return Err(RecordError::TooDeep);
        }
        let item_size = u32::from_ne_bytes(self.take()?);
        let count = u32::from_ne_bytes(self.take()?);
        let mut fields = Vec::new();
        for _ in 0..count {
            // Before it is looked at: what a description costs is bounded by what it may hold.
            if self.fields == MAX_FIELDS {
                return Err(RecordError::TooManyFields);
            }
            fields.push(self.field(depth)?);
        }
        RecordType::new(item_size as usize, fields)
    }

    fn field(&mut self, depth: usize) -> Result<Field, RecordError> {
        let index = self.fields;
        self.fields += 1;
        let offset = u32::from_ne_bytes(self.take()?);
        let parameter = u32::from_ne_bytes(self.take()?);
        let [tag, ndim] = self.take()?;
        let name_len = u16::from_ne_bytes(self.take()?);
        let axes = self.bytes(usize::from(ndim) * 4)?;
        let shape: Vec<usize> = axes.as_chunks().0.iter().map(|&axis| u32::from_ne_bytes(axis) as usize).collect();
        let name = core::str::from_utf8(self.bytes(usize::from(name_len))?)
            .map_err(|error| RecordError::Utf8 { index, valid: error.valid_up_to() })?;
        let kind = match (tag, parameter) {
            (RECORD_TAG, 0) => FieldType::Record(self.record(depth + 1)?),
            _ => FieldType::Element(
                DType::from_tag(tag)
                    .and_then(|dtype| ElementType::new(dtype, parameter).ok())
                    .ok_or_else(|| RecordError::Type { name: name.to_owned(), tag, parameter })?,
            ),
        };
        Ok(Field::new(name, offset as usize, kind).with_shape(&shape))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (front, back) = self.rest.split_first_chunk().ok_or(RecordError::Truncated { found: self.len })?;
        self.rest = back;
        Ok(*front)
    }

    fn bytes(&mut self, len: usize) -> Result<&'a [u8], RecordError> {
        let (front, back) = self.rest.split_at_checked(len).ok_or(RecordError::Truncated { found: self.len })?;
        self.rest = back;
        Ok(front)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point() -> RecordType {
        let x = Field::new("x", 0, DType::F32);
        RecordType::new(8, [x, Field::new("rgb", 4, DType::U8).with_shape(&[3])]).unwrap()
    }

    fn with(range: core::ops::Range<usize>, bytes: &[u8]) -> Result<RecordType, RecordError> {
        let mut all = encode(&point());
        all[range].copy_from_slice(bytes);
        decode(&all)
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn the_documented_example_decodes() {
        let bytes = crate::format::slot::documented_hex("record");
        assert_eq!(decode(&bytes), Ok(point()));
        assert_eq!(encode(&point()), bytes);
    }

    #[test]
    fn each_lie_has_its_own_error() {
        let encoded = encode(&point());
        assert_eq!(encoded.len(), point().encoded_len());
        let truncated = |found| Err(RecordError::Truncated { found });
        for len in 0..encoded.len() {
            assert_eq!(decode(&encoded[..len]), truncated(len));
        }
        assert_eq!(decode(&[encoded.as_slice(), &[0]].concat()), Err(RecordError::Trailing { found: 1 }));
        assert_eq!(decode(&vec![0; MAX_BYTES + 1]), Err(RecordError::TooLong { found: MAX_BYTES + 1 }));
        assert_eq!(with(0..4, &0_u32.to_ne_bytes()), Err(RecordError::ItemSize { found: 0 }));
        assert_eq!(with(0..4, &u32::MAX.to_ne_bytes()), Err(RecordError::ItemSize { found: u64::from(u32::MAX) }));
        assert!(matches!(with(0..4, &7_u32.to_ne_bytes()), Ok(packed) if packed.item_size() == 7));
        assert!(matches!(with(0..4, &6_u32.to_ne_bytes()), Err(RecordError::Beyond { end: 7, item_size: 6, .. })));
        assert_eq!(
            decode(&encoded[..8].iter().enumerate().map(|(i, b)| if i < 4 { *b } else { 0 }).collect::<Vec<_>>()),
            Err(RecordError::NoFields)
        );
        assert!(matches!(with(4..8, &1_u32.to_ne_bytes()), Err(RecordError::Trailing { .. })));
        assert_eq!(with(4..8, &10_000_u32.to_ne_bytes()), truncated(encoded.len()));
        // The first field, from byte 8.
        assert!(matches!(with(8..12, &2_u32.to_ne_bytes()), Err(RecordError::Overlap { end: 6, begin: 4, .. })));
        assert!(matches!(with(8..12, &u32::MAX.to_ne_bytes()), Err(RecordError::Beyond { .. })));
        assert!(matches!(with(12..16, &1_u32.to_ne_bytes()), Err(RecordError::Type { parameter: 1, .. })));
        assert!(matches!(with(16..17, &[255]), Err(RecordError::Type { tag: 255, .. })));
        assert!(with(16..17, &[RECORD_TAG]).is_err(), "what follows is no record");
        assert!(matches!(
            with(18..20, &0_u16.to_ne_bytes()),
            Err(RecordError::Type { .. } | RecordError::Name { .. } | RecordError::Truncated { .. })
        ));
        assert_eq!(with(20..21, &[0xff]), Err(RecordError::Utf8 { index: 0, valid: 0 }));
        assert_eq!(with(20..21, &[0]), Err(RecordError::Name { name: "\0".to_owned() }));
    }

    #[test]
    fn names_come_once() {
        let two = RecordType::packed([("aa", DType::U8), ("bb", DType::U8)]).unwrap();
        let bytes = encode(&two);
        let twice: Vec<u8> = bytes.iter().map(|&byte| if byte == b'b' { b'a' } else { byte }).collect();
        assert_eq!(decode(&twice), Err(RecordError::NameTwice { name: "aa".to_owned() }));
    }

    /// A record in a record, again and again: the depth is bounded, and so is the stack.
    #[test]
    fn depth_is_bounded() {
        let level = |bytes: &mut Vec<u8>| {
            bytes.extend([1_u32.to_ne_bytes(), 1_u32.to_ne_bytes(), 0_u32.to_ne_bytes(), 0_u32.to_ne_bytes()].concat());
            bytes.extend([RECORD_TAG, 0]);
            bytes.extend(1_u16.to_ne_bytes());
            bytes.push(b'x');
        };
        let mut bytes = Vec::new();
        (0..MAX_BYTES / 21).for_each(|_| level(&mut bytes));
        assert_eq!(decode(&bytes), Err(RecordError::TooDeep));
    }

    #[test]
    fn fields_are_counted_before_they_are_read() {
        let field = [
            0_u32.to_ne_bytes().as_slice(),
            &0_u32.to_ne_bytes(),
            &[DType::U8.tag(), 1],
            &1_u16.to_ne_bytes(),
            &0_u32.to_ne_bytes(),
            b"x",
        ]
        .concat();
        let mut bytes = [1_u32.to_ne_bytes(), 10_000_u32.to_ne_bytes()].concat();
        (0..MAX_BYTES / field.len() - 1).for_each(|_| bytes.extend(&field));
        assert_eq!(decode(&bytes), Err(RecordError::TooManyFields));
    }

    proptest! {
        #[test]
        fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200), at: prop::sample::Index, value: u8) {
            let _ = decode(&bytes);
            let mut near = encode(&point());
            let at = at.index(near.len());
            near[at] = value;
            if let Ok(record) = decode(&near) {
                prop_assert_eq!(encode(&record), near);
            }
        }
    }
}
