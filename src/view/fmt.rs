//! Showing a view without flooding a log.

use core::fmt;

use super::ArrayView;

/// More elements than this are not shown.
const SHOWN: usize = 64;

/// Shows the shape and the first elements; `..` stands for the rest.
impl<T: fmt::Debug> fmt::Debug for ArrayView<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrayView").field("shape", &self.shape).field("data", &Beginning(self.data)).finish()
    }
}

struct Beginning<'a, T>(&'a [T]);

impl<T: fmt::Debug> fmt::Debug for Beginning<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        list.entries(self.0.iter().take(SHOWN));
        if self.0.len() > SHOWN { list.finish_non_exhaustive() } else { list.finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_arrays_are_shown_whole() {
        let view = ArrayView::new(&[1_u8, 2], &[2, 1]);
        assert_eq!(format!("{view:?}"), "Ok(ArrayView { shape: [2, 1], data: [1, 2] })");
    }

    #[test]
    fn large_arrays_are_cut() {
        let data = [0_u8; SHOWN + 1];
        let shape = [data.len()];
        let shown = format!("{:?}", ArrayView::new(&data, &shape));
        assert!(shown.ends_with("0, 0, ..] })"), "{shown}");
        assert_eq!(shown.matches("0,").count(), SHOWN);
    }
}
