//! The same elements as a view of the crate `ndarray`.

use ndarray::{ArrayViewD, IxDyn};

use super::ArrayView;

impl<'a, T> ArrayView<'a, T> {
    /// The same elements as an `ndarray` view, for `'a`. No element is copied, and it cannot fail.
    ///
    /// ```
    /// # use ndsharray::ArrayView;
    /// let view = ArrayView::new(&[1.0, 2.0, 3.0, 4.0], &[2, 2])?;
    /// assert_eq!(view.to_ndarray().mean(), Some(2.5));
    /// # Ok::<(), ndsharray::ViewError>(())
    /// ```
    #[must_use]
    pub fn to_ndarray(&self) -> ArrayViewD<'a, T> {
        match ArrayViewD::from_shape(IxDyn(self.shape), self.data) {
            Ok(array) => array,
            // `ndarray` asks that the product of the non-zero axes fit `isize` and that the slice
            // have as many elements as the shape. Both are invariants of this type.
            Err(_) => unreachable!("a view's shape fits its data"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::error::ViewError;
    use ::ndarray::Dimension;
    use proptest::prelude::*;

    #[test]
    fn scalars_and_many_axes() -> Result<(), ViewError> {
        assert_eq!(ArrayView::new(&[7], &[])?.to_ndarray()[IxDyn(&[])], 7);
        let many = ArrayView::new(&[7], &[1; 64])?.to_ndarray();
        assert_eq!(many.ndim(), 64);
        assert_eq!(many[IxDyn(&[0; 64])], 7);
        Ok(())
    }

    #[test]
    fn the_largest_shapes_without_elements() -> Result<(), ViewError> {
        let most = isize::MAX.cast_unsigned();
        for shape in [[most, 0, 1], [0, most, 1], [0, 1, most], [most / 2, 2, 0], [0, 0, 0]] {
            let array = ArrayView::<u8>::new(&[], &shape)?.to_ndarray();
            assert_eq!(array.shape(), shape);
            assert_eq!(array.iter().count(), 0);
        }
        let mut shape = [1; 64];
        shape[0] = most;
        shape[63] = 0;
        assert_eq!(ArrayView::<u8>::new(&[], &shape)?.to_ndarray().len(), 0);
        Ok(())
    }

    proptest! {
        #[test]
        fn elements_and_order_are_kept(shape in prop::collection::vec(0_usize..=4, 0..=5)) {
            let len: usize = shape.iter().product();
            let data: Vec<u16> = (0..=u16::MAX).take(len).collect();
            let view = ArrayView::new(&data, &shape).unwrap();
            let array = view.to_ndarray();
            prop_assert_eq!(array.shape(), shape.as_slice());
            prop_assert!(array.iter().eq(&data));
            prop_assert!(array.is_standard_layout());
            prop_assert!(array.indexed_iter().all(|(at, element)| view.get(at.slice()) == Some(element)));
        }
    }
}
