//! An array of any dtype, as bytes, in a channel or in a file.

mod element;
pub(crate) mod literal;
pub(crate) mod numbers;
pub(crate) mod print;
mod quantiles;
mod selection;
mod statistics;
mod time;

pub(crate) use quantiles::quantiles;
pub(crate) use selection::{Selected, Selection};
pub(crate) use statistics::Statistics;

use crate::failure::{Exit, Failure, Result};
use ndsharray::{DType, ElementType, RecordType};

/// A borrowed array: elements in C order and this machine's byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ArrayRef<'a> {
    pub(crate) element: ElementType,
    /// What its elements consist of, if they are records.
    pub(crate) record: Option<&'a RecordType>,
    pub(crate) shape: &'a [usize],
    pub(crate) bytes: &'a [u8],
}

/// An array that owns its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Array {
    pub(crate) element: ElementType,
    /// As in [`ArrayRef`].
    pub(crate) record: Option<RecordType>,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl<'a> ArrayRef<'a> {
    /// An array of elements that are no records.
    pub(crate) fn new(element: impl Into<ElementType>, shape: &'a [usize], bytes: &'a [u8]) -> Self {
        Self { element: element.into(), record: None, shape, bytes }
    }

    /// The same array, whose elements are records where these are told.
    pub(crate) fn of(self, record: Option<&'a RecordType>) -> Self {
        Self { record, ..self }
    }

    pub(crate) fn dtype(&self) -> DType {
        self.element.dtype()
    }

    /// The element type, or what records consist of; its names may be another program's.
    pub(crate) fn type_name(&self) -> String {
        self.record.map_or_else(|| self.element.to_string(), ToString::to_string)
    }

    pub(crate) fn to_array(self) -> Result<Array> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(self.bytes.len()).map_err(|_| no_memory(self.bytes.len()))?;
        bytes.extend_from_slice(self.bytes);
        let (element, record) = (self.element, self.record.cloned());
        Ok(Array { element, record, shape: self.shape.to_vec(), bytes })
    }
}

impl Array {
    /// An array of elements that are no records.
    pub(crate) fn new(element: impl Into<ElementType>, shape: Vec<usize>, bytes: Vec<u8>) -> Self {
        Self { element: element.into(), record: None, shape, bytes }
    }

    pub(crate) fn dtype(&self) -> DType {
        self.element.dtype()
    }

    pub(crate) fn view(&self) -> ArrayRef<'_> {
        ArrayRef::new(self.element, &self.shape, &self.bytes).of(self.record.as_ref())
    }

    /// The parts of the array along the first axis; `None` if it has no axis.
    pub(crate) fn along_first_axis(&self) -> Option<impl Iterator<Item = ArrayRef<'_>> + Clone> {
        let (&count, shape) = self.shape.split_first()?;
        let len = self.bytes.len().checked_div(count).unwrap_or(0);
        let part = move |index: usize| self.bytes.get(index * len..(index + 1) * len).unwrap_or(&[]);
        Some((0..count).map(move |index| ArrayRef { shape, bytes: part(index), ..self.view() }))
    }
}

/// Bytes of an array; `None` if no memory can be that large.
pub(crate) fn byte_len(element: impl Into<ElementType>, shape: &[usize]) -> Option<usize> {
    let size = element.into().size();
    let largest = shape.iter().filter(|&&len| len != 0).try_fold(size, |n, &len| n.checked_mul(len))?;
    if isize::try_from(largest).is_err() {
        return None;
    }
    Some(if shape.contains(&0) { 0 } else { largest })
}

/// Returns the distance of neighbours along each axis, in elements, of an array in C order.
pub(crate) fn strides(shape: &[usize]) -> Vec<isize> {
    let next = |stride: &mut usize, len: &usize| Some(std::mem::replace(stride, stride.saturating_mul(*len)));
    let mut strides: Vec<_> = shape.iter().rev().scan(1, next).map(usize::cast_signed).collect();
    strides.reverse();
    strides
}

pub(crate) fn no_memory(bytes: usize) -> Failure {
    Failure::new(Exit::Failure, format!("this process gets no memory for an array of {bytes} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        assert_eq!(byte_len(DType::F32, &[]), Some(4));
        assert_eq!(byte_len(DType::F32, &[2, 3]), Some(24));
        assert_eq!(byte_len(DType::F32, &[2, 0, 3]), Some(0));
        assert_eq!(byte_len(DType::F32, &[usize::MAX / 2]), None);
        assert_eq!(byte_len(DType::F64, &[1 << 40, 1 << 40, 0]), None);
    }

    #[test]
    fn slices_along_the_first_axis() {
        let array = Array::new(DType::U8, vec![2, 3], (0..6).collect());
        let slices: Vec<_> = array.along_first_axis().unwrap().map(|slice| (slice.shape, slice.bytes)).collect();
        assert_eq!(slices, [(&[3][..], &[0, 1, 2][..]), (&[3], &[3, 4, 5])]);
        let scalar = Array::new(DType::U8, vec![], vec![7]);
        assert!(scalar.along_first_axis().is_none());
        let empty = Array::new(DType::U8, vec![2, 0], vec![]);
        assert_eq!(empty.along_first_axis().unwrap().count(), 2);
    }
}
