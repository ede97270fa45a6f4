//! One element by its coordinates.

use core::ops::Index;

use super::ArrayView;

impl<'a, T> ArrayView<'a, T> {
    /// The element at these coordinates, one for each axis.
    ///
    /// `[]` is the element of a 0-d array.
    ///
    /// `None` when a coordinate lies outside of its axis, or when there are more or fewer
    /// coordinates than axes.
    ///
    /// ```
    /// # use ndsharray::ArrayView;
    /// let view = ArrayView::new(&[1, 2, 3, 4], &[2, 2])?;
    /// assert_eq!(view.get(&[1, 0]), Some(&3));
    /// assert_eq!(view.get(&[0, 2]), None);
    /// assert_eq!(ArrayView::new(&[7], &[])?.get(&[]), Some(&7));
    /// # Ok::<(), ndsharray::ViewError>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn get(&self, index: &[usize]) -> Option<&'a T> {
        self.data.get(offset(self.shape, index)?)
    }
}

/// How many elements come before the one at these coordinates, in an array of `shape`.
#[inline]
pub(super) fn offset(shape: &[usize], index: &[usize]) -> Option<usize> {
    if index.len() != shape.len() {
        return None;
    }
    // Cannot overflow: each partial result is less than a product of non-zero axes, for an axis of
    // zero ends the loop, and such products are bounded.
    let mut offset = 0;
    for (&coordinate, &axis) in index.iter().zip(shape) {
        if coordinate >= axis {
            return None;
        }
        offset = offset * axis + coordinate;
    }
    Some(offset)
}

/// The element at these coordinates.
///
/// [`get`](ArrayView::get) is the twin that does not panic, and whose answer outlives the view.
///
/// # Panics
///
/// As slices do: when a coordinate lies outside of its axis. Also when `N` is not the number of
/// axes.
impl<T, const N: usize> Index<[usize; N]> for ArrayView<'_, T> {
    type Output = T;

    #[track_caller]
    #[inline]
    fn index(&self, index: [usize; N]) -> &T {
        match self.get(&index) {
            Some(element) => element,
            None => outside(&index, self.shape),
        }
    }
}

#[cold]
#[track_caller]
#[expect(clippy::panic, reason = "the documented answer of `Index`, which has no other way to say no")]
fn outside(index: &[usize], shape: &[usize]) -> ! {
    panic!("index {index:?} lies outside of an array of shape {shape:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::error::ViewError;
    use proptest::prelude::*;

    #[test]
    #[should_panic(expected = "index [2, 0] lies outside of an array of shape [2, 1]")]
    fn outside_panics() {
        let view = ArrayView::new(&[1, 2], &[2, 1]).unwrap();
        let _ = view[[2, 0]];
    }

    #[test]
    #[should_panic(expected = "index [1] lies outside of an array of shape [2, 1]")]
    fn too_few_coordinates_panic() {
        let view = ArrayView::new(&[1, 2], &[2, 1]).unwrap();
        let _ = view[[1]];
    }

    #[test]
    fn scalars_have_no_coordinates() -> Result<(), ViewError> {
        let view = ArrayView::new(&[7], &[])?;
        assert_eq!(view[[]], 7);
        assert_eq!(view.get(&[0]), None);
        Ok(())
    }

    #[test]
    fn empty_arrays_have_no_elements() -> Result<(), ViewError> {
        let half = isize::MAX.cast_unsigned() / 2;
        let shape = [half, 2, 0];
        let view = ArrayView::<u8>::new(&[], &shape)?;
        assert_eq!(view.get(&[half - 1, 1, 0]), None);
        Ok(())
    }

    proptest! {
        #[test]
        fn coordinates_count_in_c_order(shape in prop::collection::vec(1_usize..=4, 0..=4)) {
            let len = shape.iter().product();
            let data: Vec<u16> = (0..=u16::MAX).take(len).collect();
            let view = ArrayView::new(&data, &shape).unwrap();
            for (flat, element) in data.iter().enumerate() {
                // Digits of the flat index, the last axis first.
                let mut rest = flat;
                let mut index: Vec<usize> = shape.iter().rev().map(|axis| {
                    let digit = rest % axis;
                    rest /= axis;
                    digit
                }).collect();
                index.reverse();
                prop_assert_eq!(view.get(&index), Some(element));
            }
        }

        #[test]
        fn any_index_has_an_answer(
            shape in prop::collection::vec(0_usize..=3, 0..=3),
            index in prop::collection::vec(prop_oneof![any::<usize>(), 0_usize..4], 0..=4),
        ) {
            let data = vec![0_u8; shape.iter().product()];
            let view = ArrayView::new(&data, &shape).unwrap();
            let inside = index.len() == shape.len() && index.iter().zip(&shape).all(|(i, n)| i < n);
            prop_assert_eq!(view.get(&index).is_some(), inside);
        }
    }
}
