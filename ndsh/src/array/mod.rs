//! An array of any dtype, as bytes, in a channel or in a file.

mod element;
pub(crate) mod literal;
pub(crate) mod numbers;
pub(crate) mod print;
mod quantiles;
mod selection;
mod statistics;

pub(crate) use element::Type;
pub(crate) use quantiles::quantiles;
pub(crate) use selection::{Selected, Selection};
pub(crate) use statistics::Statistics;

use crate::failure::{Exit, Failure, Result};
use ndsharray::DType;

/// A borrowed array: elements in C order and this machine's byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ArrayRef<'a> {
    pub(crate) dtype: DType,
    pub(crate) shape: &'a [usize],
    pub(crate) bytes: &'a [u8],
}

/// An array that owns its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Array {
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl ArrayRef<'_> {
    pub(crate) fn to_array(self) -> Result<Array> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(self.bytes.len()).map_err(|_| no_memory(self.bytes.len()))?;
        bytes.extend_from_slice(self.bytes);
        Ok(Array { dtype: self.dtype, shape: self.shape.to_vec(), bytes })
    }
}

impl Array {
    pub(crate) fn view(&self) -> ArrayRef<'_> {
        ArrayRef { dtype: self.dtype, shape: &self.shape, bytes: &self.bytes }
    }

    /// The parts of the array along the first axis; `None` if it has no axis.
    pub(crate) fn along_first_axis(&self) -> Option<impl Iterator<Item = ArrayRef<'_>> + Clone> {
        let (&count, shape) = self.shape.split_first()?;
        let len = self.bytes.len().checked_div(count).unwrap_or(0);
        let dtype = self.dtype;
        Some((0..count).map(move |index| ArrayRef {
            dtype,
            shape,
            bytes: self.bytes.get(index * len..(index + 1) * len).unwrap_or(&[]),
        }))
    }
}

/// Bytes of an array; `None` if no memory can be that large.
pub(crate) fn byte_len(dtype: DType, shape: &[usize]) -> Option<usize> {
    let largest = shape.iter().filter(|&&len| len != 0).try_fold(dtype.size(), |n, &len| n.checked_mul(len))?;
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
        let array = Array { dtype: DType::U8, shape: vec![2, 3], bytes: (0..6).collect() };
        let slices: Vec<_> = array.along_first_axis().unwrap().map(|slice| (slice.shape, slice.bytes)).collect();
        assert_eq!(slices, [(&[3][..], &[0, 1, 2][..]), (&[3], &[3, 4, 5])]);
        let scalar = Array { dtype: DType::U8, shape: vec![], bytes: vec![7] };
        assert!(scalar.along_first_axis().is_none());
        let empty = Array { dtype: DType::U8, shape: vec![2, 0], bytes: vec![] };
        assert_eq!(empty.along_first_axis().unwrap().count(), 2);
    }
}
