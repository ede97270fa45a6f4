//! A view of elements whose width is known at run time only.

use super::ArrayView;
use super::error::ViewError;
use super::index;
use super::look::AnyView;
use super::shape::byte_len;
use crate::element::element_type::ElementType;
use crate::element::fixed::{TextError, to_text, trimmed};
use crate::element::rule::CHAR;
use crate::element::{ShElement, is_element};
use core::fmt;

/// A read-only array of elements of a fixed width, each of which is looked at as bytes.
///
/// Of NumPy's `S`, `U` and `V`, where the width is not known at compile time. From
/// [`AnyArrayView`](crate::AnyArrayView), whose
/// [`as_typed`](crate::AnyArrayView::as_typed) gives a view of `FixedBytes<N>` and its like.
///
/// ```
/// use ndsharray::{AnyArrayView, ElementType};
///
/// let view = AnyArrayView::from_bytes(ElementType::bytes(3)?, &[2], b"a\0\0bcd")?;
/// let AnyArrayView::Bytes(names) = view else { panic!("they are bytes") };
/// assert_eq!((names.width(), names.get(&[1])), (3, Some(b"bcd".as_slice())));
/// let all: Result<Vec<String>, _> = names.texts().collect();
/// assert_eq!(all?, ["a", "bcd"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
// Invariant: `bytes` are as long as an array of `element` and `shape`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct WideArrayView<'a> {
    element: ElementType,
    shape: &'a [usize],
    bytes: &'a [u8],
}

impl<'a> WideArrayView<'a> {
    /// Bytes of an element.
    #[must_use]
    pub fn width(&self) -> usize {
        self.element.size()
    }

    /// The length of each axis, in elements; `[]` for a 0-d array.
    #[must_use]
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// How many elements there are, over all axes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() / self.width()
    }

    /// Whether there are no elements, that is, whether an axis is zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All elements in C order, one after the other.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes of the element at an index; `None` outside the array.
    #[must_use]
    pub fn get(&self, index: &[usize]) -> Option<&'a [u8]> {
        let at = index::offset(self.shape, index)? * self.width();
        self.bytes.get(at..at + self.width())
    }

    /// The bytes of each element, in C order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        self.bytes.chunks_exact(self.width())
    }

    /// Each element as text, in C order, without zeros at its end.
    ///
    /// Bytes are taken for UTF-8, and what is none is replaced by U+FFFD. Numbers of a `str` must
    /// be characters.
    pub fn texts(&self) -> impl ExactSizeIterator<Item = Result<String, TextError>> + use<'a> {
        let is_wide = self.element.align() == CHAR as usize;
        self.iter().map(move |bytes| {
            if is_wide {
                let (numbers, _) = bytes.as_chunks::<{ CHAR as usize }>();
                to_text(numbers.iter().map(|number| u32::from_ne_bytes(*number)))
            } else {
                Ok(String::from_utf8_lossy(trimmed(bytes)).into_owned())
            }
        })
    }
}

impl<'a> AnyView<'a> for WideArrayView<'a> {
    fn from_bytes(element: ElementType, shape: &'a [usize], bytes: &'a [u8]) -> Result<Self, ViewError> {
        let expected = byte_len(shape, element.size())?;
        if expected != bytes.len() {
            return Err(ViewError::Length { expected, found: bytes.len() });
        }
        let align = element.align();
        if !bytes.is_empty() && !bytes.as_ptr().addr().is_multiple_of(align) {
            return Err(ViewError::Misaligned { align });
        }
        Ok(Self { element, shape, bytes })
    }

    fn element_type(&self) -> ElementType {
        self.element
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
        if is_element::<T>(self.element) { ArrayView::from_bytes(self.bytes, self.shape).ok() } else { None }
    }
}

/// More elements than this are not shown.
const SHOWN: usize = 64;

/// Shows the element type, the shape and the first elements; `..` stands for the rest.
impl fmt::Debug for WideArrayView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self.iter().take(SHOWN).map(|bytes| bytes.escape_ascii().to_string()).collect();
        let mut this = f.debug_struct("WideArrayView");
        this.field("element", &self.element).field("shape", &self.shape).field("data", &shown);
        if self.len() > SHOWN { this.finish_non_exhaustive() } else { this.finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::fixed::{FixedBytes, FixedText};
    use crate::view::any::AnyArrayView;

    #[test]
    fn elements_lie_side_by_side() {
        let element = ElementType::bytes(3).unwrap();
        let any = AnyArrayView::from_bytes(element, &[2, 1], b"abcde\0").unwrap();
        let AnyArrayView::Bytes(view) = any else { panic!("{any:?}") };
        assert_eq!((view.len(), view.is_empty(), view.width()), (2, false, 3));
        assert_eq!(view.iter().collect::<Vec<_>>(), [b"abc", b"de\0"]);
        assert_eq!((view.get(&[1, 0]), view.get(&[2, 0]), view.get(&[1])), (Some(b"de\0".as_slice()), None, None));
        assert_eq!(any.as_typed::<FixedBytes<3>>().unwrap()[[1, 0]].as_bytes(), b"de");
        assert!(any.as_typed::<FixedBytes<2>>().is_none() && any.as_typed::<u8>().is_none());
        assert_eq!(format!("{view:?}"), r#"WideArrayView { element: S3, shape: [2, 1], data: ["abc", "de\\x00"] }"#);
    }

    #[test]
    fn texts_are_checked() {
        let numbers = [FixedText::<2>::new("é").unwrap(), FixedText::from([0xd800, 0])];
        let any = AnyArrayView::from(ArrayView::new(&numbers, &[2]).unwrap());
        let AnyArrayView::Text(view) = any else { panic!("{any:?}") };
        let texts: Vec<_> = view.texts().collect();
        assert_eq!(texts, [Ok("é".to_owned()), Err(TextError::NoCharacter { index: 0, value: 0xd800 })]);
        assert_eq!(any.element_type(), ElementType::text(2).unwrap());
    }

    #[test]
    fn length_and_alignment_are_checked() {
        let element = ElementType::text(1).unwrap();
        let numbers = [0_u32; 3];
        let bytes: &[u8] = bytemuck::cast_slice(&numbers);
        assert!(AnyArrayView::from_bytes(element, &[3], bytes).is_ok());
        let long = AnyArrayView::from_bytes(element, &[2], bytes);
        assert_eq!(long, Err(ViewError::Length { expected: 8, found: 12 }));
        let odd = AnyArrayView::from_bytes(element, &[2], &bytes[1..9]);
        assert_eq!(odd, Err(ViewError::Misaligned { align: 4 }));
    }
}
