//! The description of a record, known at run time.

use super::error::RecordError;
use super::limits::{
    AXIS_BYTES, FIELD_BYTES, MAX_AXES, MAX_BYTES, MAX_DEPTH, MAX_FIELDS, MAX_ITEM_SIZE, MAX_NAME, RECORD_BYTES,
};
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use core::fmt;
use std::sync::Arc;

/// What the elements of a structured array are: fields, each with a name and a place.
///
/// The run-time twin of a struct with `#[derive(Record)]`, and of NumPy's structured dtypes. Two
/// records are equal if they have the same size, and the same fields in the same order.
///
/// A clone is cheap, and shares the description.
///
/// # Example
///
/// ```
/// use ndsharray::{DType, Field, RecordType};
///
/// let point = RecordType::new(12, [
///     Field::new("position", 0, DType::F32).with_shape(&[2]),
///     Field::new("ring", 8, DType::U16),
/// ])?;
/// assert_eq!(point.item_size(), 12);
/// assert_eq!(point.field("ring").map(Field::offset), Some(8));
/// # Ok::<(), ndsharray::RecordError>(())
/// ```
// Invariant, upheld by `new`: what its errors say does not hold. So sums and products of sizes and
// offsets are at most `MAX_ITEM_SIZE`, and recursion ends at `MAX_DEPTH`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RecordType(Arc<Inner>);

#[derive(PartialEq, Eq, Hash)]
struct Inner {
    item_size: usize,
    fields: Box<[Field]>,
    /// Records within each other, this one included.
    depth: usize,
    /// Fields, those of nested records included.
    count: usize,
    /// Bytes of the description, encoded.
    encoded: usize,
}

/// A field of a [`RecordType`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    name: String,
    offset: usize,
    kind: FieldType,
    shape: Box<[usize]>,
}

/// What a field holds, once or as a sub-array.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldType {
    /// Elements of one type.
    Element(ElementType),
    /// Records, which have fields of their own.
    Record(RecordType),
}

impl RecordType {
    /// The record of `item_size` bytes with these fields.
    ///
    /// Fields may leave bytes out, as those of an aligned NumPy dtype do. Their order is kept.
    ///
    /// # Errors
    ///
    /// [`RecordError`] when two fields overlap or have one name, a field ends behind the record,
    /// there are none or too many of them, or a name or size is out of range.
    pub fn new(item_size: usize, fields: impl IntoIterator<Item = Field>) -> Result<Self, RecordError> {
        let fields: Box<[Field]> = fields.into_iter().take(MAX_FIELDS + 1).collect();
        if item_size == 0 || item_size > MAX_ITEM_SIZE {
            return Err(RecordError::ItemSize { found: item_size as u64 });
        }
        if fields.is_empty() {
            return Err(RecordError::NoFields);
        }
        let (mut depth, mut count, mut encoded) = (0, 0, RECORD_BYTES);
        for field in &fields {
            field.check(item_size)?;
            count += 1;
            encoded += FIELD_BYTES + AXIS_BYTES * field.shape.len() + field.name.len();
            if let FieldType::Record(inner) = &field.kind {
                depth = depth.max(inner.0.depth);
                count += inner.0.count;
                encoded += inner.0.encoded;
            }
        }
        depth += 1;
        if count > MAX_FIELDS {
            return Err(RecordError::TooManyFields);
        }
        if depth > MAX_DEPTH {
            return Err(RecordError::TooDeep);
        }
        if encoded > MAX_BYTES {
            return Err(RecordError::TooLong { found: encoded });
        }
        check_names(&fields)?;
        check_overlap(&fields)?;
        Ok(Self(Arc::new(Inner { item_size, fields, depth, count, encoded })))
    }

    /// The record whose fields follow each other without a gap, in this order.
    ///
    /// ```
    /// use ndsharray::{DType, RecordType};
    ///
    /// let tick = RecordType::packed([("side", DType::U8), ("price", DType::F64)])?;
    /// assert_eq!(tick.item_size(), 9);
    /// # Ok::<(), ndsharray::RecordError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn packed<N: Into<String>, K: Into<FieldType>>(
        fields: impl IntoIterator<Item = (N, K)>,
    ) -> Result<Self, RecordError> {
        let mut end = 0_usize;
        let fields: Vec<Field> = fields
            .into_iter()
            .take(MAX_FIELDS + 1)
            .map(|(name, kind)| {
                let field = Field::new(name, end, kind);
                end = end.saturating_add(field.kind.size());
                field
            })
            .collect();
        Self::new(end, fields)
    }

    /// Bytes that one record takes (NumPy: `itemsize`); never 0.
    #[must_use]
    #[inline]
    pub fn item_size(&self) -> usize {
        self.0.item_size
    }

    /// The fields, in the order in which they were described.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.0.fields
    }

    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// Whether this is a clone of `other`, or the other way round.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Bytes of the description, encoded.
    pub(crate) fn encoded_len(&self) -> usize {
        self.0.encoded
    }
}

impl Field {
    /// A field that begins `offset` bytes into its record, and holds one value of `kind`.
    pub fn new(name: impl Into<String>, offset: usize, kind: impl Into<FieldType>) -> Self {
        Self { name: name.into(), offset, kind: kind.into(), shape: Box::default() }
    }

    /// The same field with a sub-array of this shape, in C order.
    #[must_use]
    pub fn with_shape(self, shape: &[usize]) -> Self {
        Self { shape: shape.into(), ..self }
    }

    /// Its name.
    ///
    /// Another process may have written it: escape what is not harmless before it goes to a
    /// terminal.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it begins, in bytes from the beginning of its record.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What it holds.
    #[must_use]
    pub fn kind(&self) -> &FieldType {
        &self.kind
    }

    /// The length of each axis of its sub-array; `[]` for a single value.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Bytes that it takes. In a field of a [`RecordType`] it is exact.
    #[must_use]
    pub fn size(&self) -> usize {
        self.shape.iter().fold(self.kind.size(), |bytes, axis| bytes.saturating_mul(*axis))
    }

    fn check(&self, item_size: usize) -> Result<(), RecordError> {
        let name = || self.name.clone();
        if self.name.is_empty() || self.name.len() > MAX_NAME || self.name.contains('\0') {
            return Err(RecordError::Name { name: self.name.chars().take(MAX_NAME).collect() });
        }
        if self.shape.len() > MAX_AXES {
            return Err(RecordError::Axes { name: name(), found: self.shape.len() });
        }
        // Axes of zero hide no other: as for arrays, the product of the others has to fit as well.
        let axes = self.shape.iter().filter(|axis| **axis != 0);
        let largest = axes.fold(self.kind.size() as u64, |bytes, axis| bytes.saturating_mul(*axis as u64));
        let bytes = if largest > MAX_ITEM_SIZE as u64 { largest } else { self.size() as u64 };
        let end = bytes.saturating_add(self.offset as u64);
        if end > item_size as u64 {
            return Err(RecordError::Beyond { name: name(), end, item_size });
        }
        Ok(())
    }

    /// The byte behind the field.
    fn end(&self) -> usize {
        self.offset.saturating_add(self.size())
    }
}

impl FieldType {
    /// Bytes of one value.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Element(element) => element.size(),
            Self::Record(record) => record.item_size(),
        }
    }
}

impl From<ElementType> for FieldType {
    fn from(element: ElementType) -> Self {
        Self::Element(element)
    }
}

impl From<DType> for FieldType {
    fn from(dtype: DType) -> Self {
        Self::Element(dtype.into())
    }
}

impl From<RecordType> for FieldType {
    fn from(record: RecordType) -> Self {
        Self::Record(record)
    }
}

/// Writes what the field holds, with its sub-array: `float32`, `3x2 float32`, `a record`.
impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Element(element) => element.fmt(f),
            Self::Record(record) => write!(f, "a record of {} bytes", record.item_size()),
        }
    }
}

/// Writes the fields: `{x: float32, y: float32, rgb: 3 uint8}`.
///
/// Control characters and quotes in names are escaped.
impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, field) in self.fields().iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{}: ", field.name.escape_debug())?;
            write_axes(f, field.shape.iter().copied())?;
            match &field.kind {
                FieldType::Element(element) => write!(f, "{element}")?,
                FieldType::Record(record) => write!(f, "{record}")?,
            }
        }
        f.write_str("}")
    }
}

impl fmt::Debug for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordType({self}, {} bytes)", self.item_size())
    }
}

/// Writes `3x2 `, or nothing for no axes.
pub(super) fn write_axes(f: &mut impl fmt::Write, axes: impl IntoIterator<Item = usize>) -> fmt::Result {
    let mut any = false;
    for axis in axes {
        let times = if any { "x" } else { "" };
        write!(f, "{times}{axis}")?;
        any = true;
    }
    if any { f.write_str(" ") } else { Ok(()) }
}

fn check_names(fields: &[Field]) -> Result<(), RecordError> {
    let mut names: Vec<&str> = fields.iter().map(Field::name).collect();
    names.sort_unstable();
    for (first, second) in names.iter().zip(names.iter().skip(1)) {
        if first == second {
            return Err(RecordError::NameTwice { name: (*first).to_owned() });
        }
    }
    Ok(())
}

fn check_overlap(fields: &[Field]) -> Result<(), RecordError> {
    // One that takes no bytes may begin where another does, and not within it: NumPy could not
    // write that.
    let mut sorted: Vec<&Field> = fields.iter().collect();
    sorted.sort_by_key(|field| (field.offset, field.size()));
    for (first, second) in sorted.iter().zip(sorted.iter().skip(1)) {
        if second.offset < first.end() {
            return Err(RecordError::Overlap {
                first: first.name.clone(),
                second: second.name.clone(),
                end: first.end(),
                begin: second.offset,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    static_assertions::assert_impl_all!(RecordType: Send, Sync);

    fn xy() -> [Field; 2] {
        [Field::new("x", 0, DType::F32), Field::new("y", 4, DType::F32)]
    }

    #[test]
    fn each_lie_has_its_own_error() {
        let at = |offset| Field::new("z", offset, DType::F32);
        let with = |field: Field| RecordType::new(12, xy().into_iter().chain([field]));
        assert_eq!(RecordType::new(0, xy()), Err(RecordError::ItemSize { found: 0 }));
        let huge = MAX_ITEM_SIZE + 1;
        assert_eq!(RecordType::new(huge, xy()), Err(RecordError::ItemSize { found: huge as u64 }));
        assert_eq!(RecordType::new(8, []), Err(RecordError::NoFields));
        let beyond = |end| Err(RecordError::Beyond { name: "z".to_owned(), end, item_size: 12 });
        assert_eq!(with(at(9)), beyond(13));
        assert_eq!(with(at(usize::MAX)), beyond((usize::MAX as u64).saturating_add(4)));
        assert_eq!(with(at(8).with_shape(&[2])), beyond(16));
        assert_eq!(with(at(8).with_shape(&[usize::MAX, 0, usize::MAX])), beyond(u64::MAX));
        let overlap = RecordError::Overlap { first: "y".to_owned(), second: "z".to_owned(), end: 8, begin: 6 };
        assert_eq!(with(at(6)), Err(overlap));
        assert_eq!(with(Field::new("x", 8, DType::F32)), Err(RecordError::NameTwice { name: "x".to_owned() }));
        for name in ["", "a\0", &"n".repeat(MAX_NAME + 1)] {
            let answer = with(Field::new(name, 8, DType::F32));
            assert!(matches!(answer, Err(RecordError::Name { .. })), "{name:?}");
        }
        assert!(with(Field::new("n".repeat(MAX_NAME), 8, DType::F32)).is_ok());
        let axes = with(at(8).with_shape(&[1; MAX_AXES + 1]));
        assert_eq!(axes, Err(RecordError::Axes { name: "z".to_owned(), found: MAX_AXES + 1 }));
        assert!(with(at(8).with_shape(&[1; MAX_AXES])).is_ok());
    }

    #[test]
    fn fields_and_depth_are_bounded() {
        let many = |n: usize| (0..n).map(|i| (format!("{i}"), DType::U8));
        assert!(RecordType::packed(many(MAX_FIELDS)).is_ok());
        assert_eq!(RecordType::packed(many(MAX_FIELDS + 1)), Err(RecordError::TooManyFields));
        assert_eq!(RecordType::packed(many(10_000)), Err(RecordError::TooManyFields));
        let half = RecordType::packed(many(MAX_FIELDS / 2)).unwrap();
        let twice = RecordType::packed([("a", half.clone()), ("b", half)]);
        assert_eq!(twice, Err(RecordError::TooManyFields), "nested fields count");

        let mut nested = RecordType::packed([("x", DType::U8)]).unwrap();
        for _ in 1..MAX_DEPTH {
            nested = RecordType::packed([("x", nested)]).unwrap();
        }
        assert_eq!(RecordType::packed([("x", nested)]), Err(RecordError::TooDeep));

        let long = |i: usize| format!("{i:0>250}");
        let wordy = RecordType::packed((0..300).map(|i| (long(i), DType::U8)));
        assert!(matches!(wordy, Err(RecordError::TooLong { found: MAX_BYTES.. })));
    }

    #[test]
    fn what_takes_no_bytes_is_between_others() {
        let with = |at| {
            let none = Field::new("none", at, DType::F64).with_shape(&[0]);
            RecordType::new(16, [none, Field::new("x", 0, DType::F64), Field::new("y", 8, DType::F64)])
        };
        for at in [0, 8, 16] {
            let record = with(at).unwrap();
            assert_eq!(record.field("none").map(Field::size), Some(0));
            assert_eq!(RecordType::from_npy_descr(&record.to_npy_descr()).unwrap().field("none").unwrap().offset(), at);
        }
        let overlap = RecordError::Overlap { first: "x".to_owned(), second: "none".to_owned(), end: 8, begin: 2 };
        assert_eq!(with(2), Err(overlap));
        assert_eq!(with(0).unwrap().field("z"), None);
    }

    #[test]
    fn shown_in_short_and_harmless() {
        let inner = RecordType::packed([("a\n", DType::U8)]).unwrap();
        let fields = [Field::new("x", 0, DType::F32).with_shape(&[3, 2]), Field::new("in", 24, inner)];
        let record = RecordType::new(25, fields).unwrap();
        assert_eq!(record.to_string(), "{x: 3x2 float32, in: {a\\n: uint8}}");
    }
}
