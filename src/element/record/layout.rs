//! The description of a record, known at compile time, and how it is matched.

use super::error::{Mismatch, RecordError};
use super::record_type::{Field, FieldType, RecordType};
use crate::element::element_type::ElementType;
use crate::element::validity;

/// A struct that can be an element, as `#[derive(Record)]` says.
///
/// # Safety
///
/// - The struct has a layout that does not depend on the compiler: `repr(C)`, packed or not.
/// - `LAYOUT` lists its fields: each once, under its name, at its offset, and as what it is. Its
///   item size is the struct's.
/// - Each byte of the struct belongs to a field that `LAYOUT` lists, or to one that takes any bytes
///   and has no padding, such as `[u8; N]`. So each byte of a value is initialised, and zeros are a
///   value.
/// - Bytes that are values of all listed fields are a value of the struct.
/// - Its alignment is 64 at most: elements of a shared array may begin at any multiple of that.
pub unsafe trait Record: Copy + Send + Sync + 'static {
    /// What the struct consists of.
    const LAYOUT: RecordLayout;
}

/// What a struct consists of.
#[derive(Debug)]
pub struct RecordLayout {
    /// Its size.
    pub item_size: usize,
    /// Its fields, but for padding.
    pub fields: &'static [FieldLayout],
}

/// A field of a struct.
#[derive(Debug)]
pub struct FieldLayout {
    /// Its name for other programs.
    pub name: &'static str,
    /// Where it begins.
    pub offset: usize,
    /// What it holds.
    pub kind: KindLayout,
}

/// What a field of a struct holds.
#[derive(Debug)]
pub enum KindLayout {
    /// An element.
    Element(ElementType),
    /// A struct with fields of its own.
    Record(&'static RecordLayout),
    /// An array of this length.
    Array(usize, &'static KindLayout),
}

/// A byte of a record that is not what its field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidByte {
    /// Where in the record.
    pub(crate) at: usize,
    pub(crate) value: u8,
}

impl RecordLayout {
    /// Whether any bytes are a value.
    pub(crate) const fn takes_any_bytes(&self) -> bool {
        let mut rest = self.fields;
        while let [field, others @ ..] = rest {
            if !field.kind.takes_any_bytes() {
                return false;
            }
            rest = others;
        }
        true
    }

    /// The first byte that no value has there; `bytes` are those of one record.
    pub(crate) fn invalid_byte(&self, bytes: &[u8]) -> Option<InvalidByte> {
        self.fields.iter().find_map(|field| field.kind.invalid_byte(bytes, field.offset))
    }

    /// The same description as a value.
    ///
    /// # Errors
    ///
    /// Those of [`RecordType::new`]: too many fields, too deep.
    pub(crate) fn to_type(&self) -> Result<RecordType, RecordError> {
        let fields = self.fields.iter().map(|field| {
            let (axes, kind) = field.kind.flatten();
            let kind = match kind {
                KindLayout::Record(layout) => FieldType::Record(layout.to_type()?),
                KindLayout::Element(element) => FieldType::Element(*element),
                KindLayout::Array(..) => unreachable!("flattened"),
            };
            Ok(Field::new(field.name, field.offset, kind).with_shape(&axes))
        });
        RecordType::new(self.item_size, fields.collect::<Result<Vec<_>, RecordError>>()?)
    }

    /// What is not as in `found`, if anything.
    pub(crate) fn difference(&self, found: &RecordType) -> Option<Box<Mismatch>> {
        match self.to_type() {
            Ok(own) => own.difference(found),
            // No records are like a struct that is none.
            Err(error) => Mismatch::new("", error.to_string(), found.to_string()),
        }
    }
}

impl KindLayout {
    const fn takes_any_bytes(&self) -> bool {
        match self {
            Self::Element(element) => validity::takes_any_bytes(*element),
            Self::Record(layout) => layout.takes_any_bytes(),
            Self::Array(_, inner) => inner.takes_any_bytes(),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Element(element) => element.size(),
            Self::Record(layout) => layout.item_size,
            Self::Array(len, inner) => len.saturating_mul(inner.size()),
        }
    }

    fn invalid_byte(&self, bytes: &[u8], at: usize) -> Option<InvalidByte> {
        if self.takes_any_bytes() {
            return None;
        }
        match self {
            Self::Element(element) => {
                let own = bytes.get(at..at.checked_add(element.size())?)?;
                let wrong = validity::invalid_byte(*element, own)?;
                Some(InvalidByte { at: at + wrong, value: own.get(wrong).copied()? })
            }
            Self::Record(layout) => {
                let wrong = layout.invalid_byte(bytes.get(at..)?)?;
                Some(InvalidByte { at: at + wrong.at, ..wrong })
            }
            Self::Array(len, inner) => (0..*len).find_map(|i| inner.invalid_byte(bytes, at + i * inner.size())),
        }
    }

    /// The axes of all arrays within each other, and what they hold.
    fn flatten(&self) -> (Vec<usize>, &Self) {
        let (mut axes, mut kind) = (Vec::new(), self);
        while let Self::Array(len, inner) = kind {
            axes.push(*len);
            kind = inner;
        }
        (axes, kind)
    }
}
