//! All elements, one after another.

use core::slice;

use super::ArrayView;

impl<'a, T> ArrayView<'a, T> {
    /// All elements in C order.
    ///
    /// ```
    /// # use ndsharray::ArrayView;
    /// let view = ArrayView::new(&[1, 2, 3, 4], &[2, 2])?;
    /// assert_eq!(view.iter().max(), Some(&4));
    /// # Ok::<(), ndsharray::ViewError>(())
    /// ```
    pub fn iter(&self) -> slice::Iter<'a, T> {
        self.data.iter()
    }
}

impl<'a, T> IntoIterator for ArrayView<'a, T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &ArrayView<'a, T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::error::ViewError;

    #[test]
    fn for_loops_take_views_and_references() -> Result<(), ViewError> {
        let view = ArrayView::new(&[1, 2, 3], &[3, 1])?;
        let mut sum = 0;
        for element in &view {
            sum += element;
        }
        for element in view {
            sum += element;
        }
        assert_eq!(sum, 12);
        Ok(())
    }
}
