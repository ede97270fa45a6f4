//! Arrays of records, and their fields as strided arrays.

use super::ArrayView;
use super::error::{FieldError, ViewError};
use super::look::AnyView;
use super::shape::{MAX_NDIM, byte_len};
use super::strided::{Offsets, Strided};
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::record::layout::{InvalidByte, RecordLayout};
use crate::element::record::limits::MAX_AXES;
use crate::element::record::record_type::{Field, FieldType, RecordType};
use crate::element::table::for_each_dtype;
use crate::element::{ShElement, is_element};
use core::fmt;
use core::marker::PhantomData;

static_assertions::const_assert_eq!(MAX_AXES, MAX_NDIM);

/// A read-only array of records in C order, whose fields are found by name.
///
/// It is what [`AnyArrayView::Record`](crate::AnyArrayView::Record) holds: the type of the records
/// is known at run time alone. With a struct at hand, `sample.view::<Point>()` is shorter.
///
/// # Example
///
/// ```
/// use ndsharray::{DType, RecordType, RecordView};
///
/// let record = RecordType::packed([("x", DType::U8), ("y", DType::U16)])?;
/// let bytes = [[1].as_slice(), &7_u16.to_ne_bytes(), &[2], &8_u16.to_ne_bytes()].concat();
/// let view = RecordView::new(&record, &[2], &bytes)?;
///
/// let y = view.field("y")?; // one element in every three bytes, none of them aligned
/// let y = y.as_typed::<u16>().unwrap();
/// assert_eq!(y.get(&[1]), Some(8));
/// assert_eq!(y.iter().sum::<u16>(), 15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
// Invariant: `bytes` is as long as the shape and the item size say.
#[derive(Clone, Copy, PartialEq)]
pub struct RecordView<'a> {
    record: &'a RecordType,
    shape: &'a [usize],
    bytes: &'a [u8],
}

impl<'a> RecordView<'a> {
    /// Looks at bytes as an array of records of this shape. They need no alignment.
    ///
    /// # Errors
    ///
    /// [`ViewError::Length`] when there are more or fewer bytes; [`ViewError::Shape`] when no array
    /// has this shape.
    pub fn new(record: &'a RecordType, shape: &'a [usize], bytes: &'a [u8]) -> Result<Self, ViewError> {
        let expected = byte_len(shape, record.item_size())?;
        if expected != bytes.len() {
            return Err(ViewError::Length { expected, found: bytes.len() });
        }
        Ok(Self { record, shape, bytes })
    }

    /// What the records consist of.
    #[must_use]
    pub fn record_type(&self) -> &'a RecordType {
        self.record
    }

    /// The fields of a record, in the order in which they were described.
    #[must_use]
    pub fn fields(&self) -> &'a [Field] {
        self.record.fields()
    }

    /// The field `name` of all records, in place.
    ///
    /// Its axes are those of the array, then those of the field's sub-array. For `bool` all its
    /// bytes are looked at; otherwise it costs nothing per record.
    ///
    /// # Errors
    ///
    /// [`FieldError::NoField`]; [`FieldError::View`] when the axes are more than 64 in all, and for
    /// a `bool` that is neither 0 nor 1.
    pub fn field(&self, name: &str) -> Result<AnyFieldView<'a>, FieldError> {
        AnyFieldView::of(self.record, name, &Strided::contiguous(self.bytes, self.shape, self.record.item_size()))
    }

    /// The length of each axis, in records; `[]` for a 0-d array.
    #[must_use]
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// How many axes there are.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// How many records there are, over all axes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() / self.record.item_size()
    }

    /// Whether there are no records, that is, whether an axis is zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The records as they lie in memory, in this machine's byte order.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The same array of structs, when their fields are those of the records.
    ///
    /// `None` also when the records do not lie where a `T` may lie, or hold a byte that is no
    /// `bool`.
    #[must_use]
    pub fn as_typed<T: ShElement>(&self) -> Option<ArrayView<'a, T>> {
        if T::RECORD?.difference(self.record).is_some() {
            return None;
        }
        ArrayView::from_bytes(self.bytes, self.shape).ok()
    }
}

impl fmt::Debug for RecordView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordView").field("shape", &self.shape).field("record", self.record).finish_non_exhaustive()
    }
}

/// Checks the bytes of an array of structs.
#[inline]
pub(crate) fn check_records(layout: &RecordLayout, bytes: &[u8]) -> Result<(), ViewError> {
    if layout.takes_any_bytes() {
        return Ok(());
    }
    for (index, item) in bytes.chunks_exact(layout.item_size.max(1)).enumerate() {
        if let Some(InvalidByte { at, value }) = layout.invalid_byte(item) {
            return Err(ViewError::InvalidRecord { index, at, value });
        }
    }
    Ok(())
}

/// Checks the bytes of an array of records that are known at run time.
pub(crate) fn check_described(record: &RecordType, bytes: &[u8]) -> Result<(), ViewError> {
    if record.takes_any_bytes() {
        return Ok(());
    }
    for (index, item) in bytes.chunks_exact(record.item_size()).enumerate() {
        if let Some(InvalidByte { at, value }) = record.invalid_byte(item) {
            return Err(ViewError::InvalidRecord { index, at, value });
        }
    }
    Ok(())
}

/// Which byte of an element is none of any element.
#[cold]
fn invalid<T: ShElement>(index: usize, bytes: &[u8]) -> ViewError {
    match T::RECORD.and_then(|layout| layout.invalid_byte(bytes)) {
        Some(InvalidByte { at, value }) => ViewError::InvalidRecord { index, at, value },
        None => ViewError::InvalidBool { index, value: bytes.first().copied().unwrap_or(0) },
    }
}

/// A field of an array of records: an array with gaps between its elements.
///
/// Elements come by value, as they may lie at any address.
#[derive(Clone)]
pub struct FieldView<'a, T> {
    at: Strided<'a>,
    element: PhantomData<&'a [T]>,
}

impl<'a, T: ShElement> FieldView<'a, T> {
    /// A view of elements that are valid.
    ///
    /// The bytes are looked at where not all bytes are a `T`.
    fn new(at: Strided<'a>) -> Result<Self, ViewError> {
        let view = Self { at, element: PhantomData };
        if !T::TAKES_ANY_BYTES {
            for (index, bytes) in view.at.offsets().filter_map(|at| view.at.item(at)).enumerate() {
                if T::read(bytes).is_none() {
                    return Err(invalid::<T>(index, bytes));
                }
            }
        }
        Ok(view)
    }

    /// The element at these coordinates, one for each axis.
    ///
    /// `None` when a coordinate lies outside of its axis, or when there are more or fewer
    /// coordinates than axes.
    #[must_use]
    pub fn get(&self, index: &[usize]) -> Option<T> {
        T::read(self.at.item(self.at.offset(index)?)?)
    }

    /// All elements by value, in C order.
    pub fn iter(&self) -> FieldIter<'_, T> {
        FieldIter { view: self, offsets: self.at.offsets() }
    }

    /// A copy of all elements in C order.
    #[must_use]
    pub fn to_vec(&self) -> Vec<T> {
        self.iter().collect()
    }

    /// The same elements as an array without gaps, in place.
    ///
    /// `None` where there are gaps, or the elements do not lie where a `T` may lie.
    #[must_use]
    pub fn as_array_view(&self) -> Option<ArrayView<'_, T>> {
        ArrayView::from_bytes(self.at.without_gaps()?, self.at.shape()).ok()
    }

    /// A copy of the field as an [`ndarray`](::ndarray) array.
    #[cfg(feature = "ndarray")]
    #[must_use]
    pub fn to_ndarray(&self) -> ndarray::ArrayD<T> {
        let at = |index: ndarray::IxDyn| self.get(ndarray::Dimension::slice(&index)).unwrap_or_else(T::zeroed);
        ndarray::ArrayD::from_shape_fn(self.at.shape(), at)
    }
}

impl<T: ShElement> FieldView<'_, T> {
    fn element_type(&self) -> ElementType {
        T::ELEMENT
    }
}

impl<T> FieldView<'_, T> {
    /// The length of each axis: those of the array, then those of the field's sub-array.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.at.shape()
    }

    /// From one element to the next along each axis, in bytes.
    #[must_use]
    pub fn strides(&self) -> &[usize] {
        self.at.strides()
    }

    /// How many axes there are.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.at.shape().len()
    }

    /// How many elements there are, over all axes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether there are no elements, that is, whether an axis is zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at.len() == 0
    }
}

impl<T: ShElement + fmt::Debug> fmt::Debug for FieldView<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 64;
        let data: Vec<T> = self.iter().take(SHOWN).collect();
        f.debug_struct("FieldView").field("shape", &self.shape()).field("data", &data).finish_non_exhaustive()
    }
}

/// The elements of a [`FieldView`], by value.
pub struct FieldIter<'v, T> {
    view: &'v FieldView<'v, T>,
    offsets: Offsets<'v>,
}

impl<T: ShElement> Iterator for FieldIter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        T::read(self.view.at.item(self.offsets.next()?)?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.offsets.size_hint()
    }
}

impl<T: ShElement> ExactSizeIterator for FieldIter<'_, T> {}

impl<'v, T: ShElement> IntoIterator for &'v FieldView<'_, T> {
    type Item = T;
    type IntoIter = FieldIter<'v, T>;

    fn into_iter(self) -> FieldIter<'v, T> {
        self.iter()
    }
}

impl<'a> AnyView<'a> for RecordView<'a> {
    fn from_bytes(_: ElementType, _: &'a [usize], _: &'a [u8]) -> Result<Self, ViewError> {
        Err(ViewError::NoRecordType)
    }

    fn element_type(&self) -> ElementType {
        ElementType::of_record(self.record.item_size())
    }

    fn shape(&self) -> &'a [usize] {
        self.shape
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    fn as_typed<T: ShElement>(&self) -> Option<ArrayView<'a, T>> {
        self.as_typed()
    }
}

/// A field whose dtype has a parameter: times in their unit, text and voids of their width.
///
/// Its elements are looked at as bytes; [`AnyFieldView::as_typed`] has them as a type.
#[derive(Clone, Debug)]
pub struct ParameterFieldView<'a> {
    element: ElementType,
    at: Strided<'a>,
}

impl<'a> ParameterFieldView<'a> {
    /// What the elements are.
    #[must_use]
    pub fn element_type(&self) -> ElementType {
        self.element
    }

    /// The length of each axis: those of the array, then those of the field's sub-array.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.at.shape()
    }

    /// The bytes of each element, in C order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        self.at.offsets().filter_map(|offset| self.at.item(offset))
    }
}

/// The view that [`AnyFieldView`] has of a dtype, by the rule of the dtype's parameter.
macro_rules! field_of {
    (plain, $lifetime:lifetime, $ty:ty) => { FieldView<$lifetime, $ty> };
    (format, $lifetime:lifetime, $ty:ty) => { FieldView<$lifetime, $ty> };
    ($rule:ident, $lifetime:lifetime, $ty:ty) => { ParameterFieldView<$lifetime> };
}

/// Makes that view.
macro_rules! make_field {
    (plain, $variant:ident, $element:ident, $at:ident) => {
        FieldView::new($at).map(Self::$variant)
    };
    (format, $variant:ident, $element:ident, $at:ident) => {
        FieldView::new($at).map(Self::$variant)
    };
    ($rule:ident, $variant:ident, $element:ident, $at:ident) => {
        Ok(Self::$variant(ParameterFieldView { element: $element, at: $at }))
    };
}

/// Converts a typed view, where the dtype alone says its type.
macro_rules! convert_field {
    (plain, $ty:ty, $variant:ident) => { convert_field!(@ $ty, $variant); };
    (format, $ty:ty, $variant:ident) => { convert_field!(@ $ty, $variant); };
    (@ $ty:ty, $variant:ident) => {
        impl<'a> From<FieldView<'a, $ty>> for AnyFieldView<'a> {
            fn from(view: FieldView<'a, $ty>) -> Self {
                Self::$variant(view)
            }
        }
    };
    ($rule:ident, $ty:ty, $variant:ident) => {};
}

/// A field that holds records, in the records of an array.
#[derive(Clone)]
pub struct NestedView<'a> {
    record: RecordType,
    at: Strided<'a>,
}

impl<'a> NestedView<'a> {
    /// What the inner records consist of.
    #[must_use]
    pub fn record_type(&self) -> &RecordType {
        &self.record
    }

    /// The fields of an inner record.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        self.record.fields()
    }

    /// A field of the inner records, as [`RecordView::field`] gives one of the outer.
    ///
    /// # Errors
    ///
    /// As [`RecordView::field`].
    pub fn field(&self, name: &str) -> Result<AnyFieldView<'a>, FieldError> {
        AnyFieldView::of(&self.record, name, &self.at)
    }

    /// The length of each axis, in inner records.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.at.shape()
    }
}

impl fmt::Debug for NestedView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NestedView").field("shape", &self.shape()).field("record", &self.record).finish_non_exhaustive()
    }
}

/// The element type of each variant.
macro_rules! element_type_arms {
    (
        [$any:expr]
        $($(#[$doc:meta])* $variant:ident = $tag:literal: $ty:ty, $size:literal, $name:literal $(| $alias:literal)*, $kind:literal, $rule:ident;)*
    ) => {
        match $any {
            $(AnyFieldView::$variant(view) => view.element_type(),)*
            AnyFieldView::Record(nested) => ElementType::of_record(nested.record.item_size()),
        }
    };
}

/// Builds the enum from the table of dtypes.
macro_rules! define_any_field {
    (
        $($(#[$doc:meta])* $variant:ident = $tag:literal: $ty:ty, $size:literal, $name:literal $(| $alias:literal)*, $kind:literal, $rule:ident;)*
    ) => {
        /// A field of an array of records, whatever it holds: match on it, or ask with
        /// [`as_typed`](Self::as_typed).
        ///
        /// From [`RecordView::field`], which has an example.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum AnyFieldView<'a> {
            $(
                $(#[$doc])*
                $variant(field_of!($rule, 'a, $ty)),
            )*
            /// Records, with fields of their own.
            Record(NestedView<'a>),
        }

        impl<'a> AnyFieldView<'a> {
            fn of_element(element: ElementType, at: Strided<'a>) -> Result<Self, ViewError> {
                match element.dtype() {
                    $(DType::$variant => make_field!($rule, $variant, element, at),)*
                    // A record without its fields is no field's type: `RecordType::new` sees to it.
                    DType::Record => Err(ViewError::NoRecordType),
                }
            }
        }

        $(convert_field!($rule, $ty, $variant);)*
    };
}

for_each_dtype!(define_any_field);

/// Evaluates an expression with where the elements lie: `with_strided!(any, at => at.len())`.
macro_rules! with_strided {
    ($any:expr, $at:ident => $body:expr) => {
        for_each_dtype!(with_strided_arms, [$any, $at, $body])
    };
}

/// The `match` behind `with_strided`.
macro_rules! with_strided_arms {
    (
        [$any:expr, $at:ident, $body:expr]
        $($(#[$doc:meta])* $variant:ident = $tag:literal: $ty:ty, $size:literal, $name:literal $(| $alias:literal)*, $kind:literal, $rule:ident;)*
    ) => {
        match $any {
            $(AnyFieldView::$variant(view) => { let $at = &view.at; $body })*
            AnyFieldView::Record(NestedView { at: $at, .. }) => $body,
        }
    };
}

impl<'a> AnyFieldView<'a> {
    /// The field `name` of records that lie at `at`.
    fn of(record: &RecordType, name: &str, at: &Strided<'a>) -> Result<Self, FieldError> {
        let Some(field) = record.field(name) else { return Err(FieldError::NoField { name: name.to_owned() }) };
        let at = at.within(field.offset(), field.shape(), field.kind().size());
        // No shape that no array has: products of axes fit, here and in copies of the field.
        byte_len(at.shape(), field.kind().size()).map_err(ViewError::from)?;
        match field.kind() {
            FieldType::Record(record) => Ok(Self::Record(NestedView { record: record.clone(), at })),
            FieldType::Element(element) => Ok(Self::of_element(*element, at)?),
        }
    }

    /// What the elements are; [`DType::Record`] for records.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.element_type().dtype()
    }

    /// What the elements are, with the parameter of their dtype.
    #[must_use]
    pub fn element_type(&self) -> ElementType {
        for_each_dtype!(element_type_arms, [self])
    }

    /// The length of each axis: those of the array, then those of the field's sub-array.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        with_strided!(self, at => at.shape())
    }

    /// From one element to the next along each axis, in bytes.
    #[must_use]
    pub fn strides(&self) -> &[usize] {
        with_strided!(self, at => at.strides())
    }

    /// How many axes there are.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.shape().len()
    }

    /// How many elements there are, over all axes.
    #[must_use]
    pub fn len(&self) -> usize {
        with_strided!(self, at => at.len())
    }

    /// Whether there are no elements, that is, whether an axis is zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The field as one of `T`, when that is what it holds. Structs are compared by their fields.
    #[must_use]
    pub fn as_typed<T: ShElement>(&self) -> Option<FieldView<'a, T>> {
        let is_same = match (self, T::RECORD) {
            (Self::Record(nested), Some(layout)) => layout.difference(&nested.record).is_none(),
            (Self::Record(_), None) | (_, Some(_)) => false,
            _ => is_element::<T>(self.element_type()),
        };
        if !is_same {
            return None;
        }
        FieldView::new(with_strided!(self, at => at.clone())).ok()
    }

    /// The element at these coordinates, when the field holds `T`.
    #[must_use]
    pub fn get<T: ShElement>(&self, index: &[usize]) -> Option<T> {
        self.as_typed::<T>()?.get(index)
    }

    /// A copy of all elements in C order, in this machine's byte order.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        with_strided!(self, at => at.offsets().filter_map(|offset| at.item(offset)).flatten().copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan() -> RecordType {
        let pose = RecordType::packed([("at", DType::F64), ("ok", DType::Bool)]).unwrap();
        RecordType::new(
            32,
            [
                Field::new("id", 1, DType::U16),
                Field::new("rgb", 3, DType::U8).with_shape(&[3]),
                Field::new("poses", 7, pose).with_shape(&[2]),
            ],
        )
        .unwrap()
    }

    fn bytes() -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..=255).cycle().take(4 * 32).collect();
        for item in bytes.chunks_exact_mut(32) {
            (item[15], item[24]) = (0, 1);
        }
        bytes
    }

    #[test]
    fn fields_are_found_by_name_in_place() {
        let (record, bytes, shape) = (scan(), bytes(), [2, 2]);
        let view = RecordView::new(&record, &shape, &bytes).unwrap();
        assert_eq!((view.len(), view.ndim(), view.fields().len()), (4, 2, 3));

        let id = view.field("id").unwrap();
        assert_eq!((id.shape(), id.strides(), id.dtype()), ([2, 2].as_slice(), [64, 32].as_slice(), DType::U16));
        let expected = |item: usize| u16::from_ne_bytes([bytes[item * 32 + 1], bytes[item * 32 + 2]]);
        assert_eq!(id.get::<u16>(&[1, 0]), Some(expected(2)));
        assert_eq!(id.get::<i16>(&[1, 0]), None);
        assert_eq!(id.get::<u16>(&[2, 0]), None);
        let id = id.as_typed::<u16>().unwrap();
        assert_eq!(id.to_vec(), (0..4).map(expected).collect::<Vec<_>>());
        assert!(id.as_array_view().is_none(), "there are gaps");
        assert_eq!(id.iter().len(), 4);

        let rgb = view.field("rgb").unwrap();
        assert_eq!((rgb.shape(), rgb.get::<u8>(&[0, 1, 2])), ([2, 2, 3].as_slice(), Some(bytes[32 + 5])));
        assert_eq!(rgb.to_bytes().len(), 12);

        let AnyFieldView::Record(poses) = view.field("poses").unwrap() else { panic!("records") };
        assert_eq!(poses.shape(), [2, 2, 2]);
        let ok = poses.field("ok").unwrap().as_typed::<bool>().unwrap();
        assert_eq!(ok.to_vec(), [false, true].repeat(4));
        assert_eq!(poses.field("up").unwrap_err(), FieldError::NoField { name: "up".to_owned() });
    }

    #[test]
    fn a_wrong_bool_is_found_when_its_field_is_asked_for() {
        let (record, mut bytes, shape) = (scan(), bytes(), [4]);
        bytes[32 + 24] = 2;
        let view = RecordView::new(&record, &shape, &bytes).unwrap();
        let AnyFieldView::Record(poses) = view.field("poses").unwrap() else { panic!("records") };
        let error = poses.field("ok").unwrap_err();
        assert_eq!(error, ViewError::InvalidBool { index: 3, value: 2 }.into());
        assert!(poses.field("at").is_ok());
    }

    #[test]
    fn without_gaps_it_is_an_array() {
        #[repr(align(8))]
        struct Aligned([u8; 24]);
        let memory = Aligned([1; 24]);
        let record = RecordType::packed([("x", DType::F64)]).unwrap();
        let view = RecordView::new(&record, &[3], &memory.0).unwrap();
        let x = view.field("x").unwrap().as_typed::<f64>().unwrap();
        assert_eq!(x.as_array_view().unwrap().as_slice(), x.to_vec());
        let odd = RecordView::new(&record, &[2], &memory.0[1..17]).unwrap();
        assert!(odd.field("x").unwrap().as_typed::<f64>().unwrap().as_array_view().is_none(), "not aligned");
    }

    #[test]
    #[cfg(feature = "ndarray")]
    fn a_copy_for_ndarray() {
        let (record, bytes, shape) = (scan(), bytes(), [2, 2]);
        let view = RecordView::new(&record, &shape, &bytes).unwrap();
        let rgb = view.field("rgb").unwrap().as_typed::<u8>().unwrap();
        let array = rgb.to_ndarray();
        assert_eq!(array.shape(), [2, 2, 3]);
        assert!(array.iter().copied().eq(rgb.iter()));
    }

    #[test]
    fn shapes_that_no_array_has_are_refused() {
        let record = RecordType::new(200, [Field::new("x", 0, DType::U8).with_shape(&[200])]).unwrap();
        let most = isize::MAX.cast_unsigned() / 200;
        for shape in [[most, 0], [0, most]] {
            let view = RecordView::new(&record, &shape, &[]).unwrap();
            assert!(view.field("x").unwrap().is_empty());
        }
        let deep = Field::new("x", 0, DType::U8).with_shape(&[1; 64]);
        let record = RecordType::new(1, [deep]).unwrap();
        let error = RecordView::new(&record, &[1], &[0]).unwrap().field("x").unwrap_err();
        assert!(matches!(error, FieldError::View(ViewError::Shape(_))));
        assert!(matches!(RecordView::new(&record, &[2], &[0]), Err(ViewError::Length { expected: 2, found: 1 })));
    }
}
