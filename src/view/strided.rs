//! Where the elements of an array with gaps lie.

/// Items in bytes, at regular distances along each axis.
///
/// Each constructor takes shapes whose items lie within the bytes.
#[derive(Clone, Debug)]
pub(super) struct Strided<'a> {
    bytes: &'a [u8],
    /// Where the first item begins.
    start: usize,
    /// Bytes of an item.
    item: usize,
    shape: Vec<usize>,
    /// From one item to the next along each axis, in bytes.
    strides: Vec<usize>,
}

impl<'a> Strided<'a> {
    /// Items of `item` bytes side by side, in C order. `bytes` is as long as that takes.
    pub(super) fn contiguous(bytes: &'a [u8], shape: &[usize], item: usize) -> Self {
        Self { bytes, start: 0, item, shape: shape.to_vec(), strides: strides(shape, item) }
    }

    /// What begins `offset` bytes into each item: an array of `shape` of smaller items of `item`
    /// bytes, which ends where the large one ends or before.
    pub(super) fn within(&self, offset: usize, shape: &[usize], item: usize) -> Self {
        Self {
            bytes: self.bytes,
            // An item lies within the bytes, and so does what is within the item. Without an item
            // nothing is ever looked at.
            start: self.start.saturating_add(offset),
            item,
            shape: self.shape.iter().chain(shape).copied().collect(),
            strides: self.strides.iter().copied().chain(strides(shape, item)).collect(),
        }
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(super) fn strides(&self) -> &[usize] {
        &self.strides
    }

    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Where the item at these coordinates begins.
    #[inline]
    pub(super) fn offset(&self, index: &[usize]) -> Option<usize> {
        if index.len() != self.shape.len() {
            return None;
        }
        let mut offset = self.start;
        for ((&coordinate, &axis), &stride) in index.iter().zip(&self.shape).zip(&self.strides) {
            if coordinate >= axis {
                return None;
            }
            offset += coordinate * stride;
        }
        Some(offset)
    }

    /// The item that begins at a byte that [`offset`](Self::offset) or [`offsets`](Self::offsets)
    /// named.
    #[inline]
    pub(super) fn item(&self, offset: usize) -> Option<&'a [u8]> {
        self.bytes.get(offset..offset.checked_add(self.item)?)
    }

    /// Where all items begin, in C order.
    pub(super) fn offsets(&self) -> Offsets<'_> {
        let shape = match self.shape.as_slice() {
            [outer @ .., inner] => (outer, *inner),
            [] => ([].as_slice(), 1),
        };
        Offsets {
            outer: shape.0,
            inner: shape.1,
            strides: &self.strides,
            left: self.len(),
            index: vec![0; shape.0.len()],
            row: self.start,
            done: 0,
            step: self.strides.last().copied().unwrap_or(0),
        }
    }

    /// The bytes of all items, if they lie side by side in C order.
    pub(super) fn without_gaps(&self) -> Option<&'a [u8]> {
        let len = self.len().checked_mul(self.item)?;
        if len == 0 {
            return Some(&[]);
        }
        // Along an axis of length 1 no step is made.
        let dense = strides(&self.shape, self.item);
        let mut axes = self.shape.iter().zip(&self.strides).zip(&dense);
        if !axes.all(|((&len, stride), dense)| len == 1 || stride == dense) {
            return None;
        }
        self.bytes.get(self.start..self.start.checked_add(len)?)
    }
}

/// The strides of an array without gaps. An axis of zero counts as one: no step is made then.
fn strides(shape: &[usize], item: usize) -> Vec<usize> {
    let mut stride = item;
    let mut strides: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&len| {
            let own = stride;
            stride = stride.saturating_mul(len.max(1));
            own
        })
        .collect();
    strides.reverse();
    strides
}

/// Where the items of a [`Strided`] begin, in C order.
pub(super) struct Offsets<'s> {
    outer: &'s [usize],
    inner: usize,
    strides: &'s [usize],
    /// Items to come.
    left: usize,
    /// The row's coordinates along the outer axes.
    index: Vec<usize>,
    /// Where the row begins.
    row: usize,
    /// Items of the row that have been named.
    done: usize,
    step: usize,
}

impl Iterator for Offsets<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        if self.done == self.inner {
            self.next_row();
        }
        let offset = self.row + self.done * self.step;
        self.done += 1;
        Some(offset)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl Offsets<'_> {
    fn next_row(&mut self) {
        self.done = 0;
        let axes = self.index.iter_mut().zip(self.outer).zip(self.strides);
        for ((coordinate, &len), &stride) in axes.rev() {
            *coordinate += 1;
            self.row += stride;
            if *coordinate < len {
                return;
            }
            self.row -= stride * *coordinate;
            *coordinate = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn offsets_are_those_of_all_coordinates_in_order(
            outer in prop::collection::vec(0_usize..4, 0..=3),
            inner in prop::collection::vec(0_usize..4, 0..=2),
            offset in 0_usize..5,
        ) {
            let item = 2 * inner.iter().product::<usize>() + offset + 1;
            let bytes = vec![0; item * outer.iter().product::<usize>()];
            let records = Strided::contiguous(&bytes, &outer, item);
            let field = records.within(offset, &inner, 2);
            let mut expected = Vec::new();
            let shape = [outer, inner].concat();
            let len = shape.iter().product::<usize>();
            for n in 0..len {
                let (mut rest, mut index) = (n, vec![0; shape.len()]);
                for (coordinate, axis) in index.iter_mut().zip(&shape).rev() {
                    (*coordinate, rest) = (rest % axis, rest / axis);
                }
                expected.push(field.offset(&index).unwrap());
            }
            prop_assert_eq!(field.offsets().collect::<Vec<_>>(), expected.clone());
            prop_assert!(expected.iter().all(|&at| field.item(at).is_some()));
            prop_assert_eq!(field.len(), len);
            prop_assert_eq!(field.offset(&vec![usize::MAX; shape.len() + 1]), None);
        }
    }

    #[test]
    fn side_by_side_is_without_gaps() {
        let bytes: Vec<u8> = (0..24).collect();
        let records = Strided::contiguous(&bytes, &[2, 1, 3], 4);
        assert_eq!(records.without_gaps(), Some(bytes.as_slice()));
        assert_eq!(records.within(1, &[], 2).without_gaps(), None);
        assert_eq!(records.within(0, &[2], 2).without_gaps(), Some(bytes.as_slice()));
        let one = Strided::contiguous(&bytes, &[1], 24);
        assert_eq!(one.within(5, &[3], 2).without_gaps(), Some(&bytes[5..11]));
        assert_eq!(Strided::contiguous(&[], &[0, 3], 4).without_gaps(), Some([].as_slice()));
    }
}
