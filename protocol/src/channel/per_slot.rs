//! One value for each slot that a channel can have.

use super::{MAX_SLOTS, SlotIndex};
use core::array;
use core::ops::{Index, IndexMut};

/// One `T` for each of [`MAX_SLOTS`] slots.
///
/// Indexing cannot fail, as a [`SlotIndex`] is below that.
///
/// A board may have fewer slots. The values beyond stay as they were made.
#[derive(Debug)]
pub struct PerSlot<T>(Box<[T; MAX_SLOTS]>);

impl<T: Default> Default for PerSlot<T> {
    fn default() -> Self {
        Self(Box::new(array::from_fn(|_| T::default())))
    }
}

impl<T> PerSlot<T> {
    /// All values, by slot.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }

    /// All values, by slot, to be changed.
    #[inline]
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut()
    }
}

impl<T> Index<SlotIndex> for PerSlot<T> {
    type Output = T;

    #[allow(clippy::indexing_slicing, reason = "the remainder is below the length of the array")]
    #[inline]
    fn index(&self, slot: SlotIndex) -> &T {
        // The index itself, which the compiler does not know to be below the length.
        &self.0[slot.get() % MAX_SLOTS]
    }
}

impl<T> IndexMut<SlotIndex> for PerSlot<T> {
    #[allow(clippy::indexing_slicing, reason = "as in `index`")]
    #[inline]
    fn index_mut(&mut self, slot: SlotIndex) -> &mut T {
        &mut self.0[slot.get() % MAX_SLOTS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_has_a_value_of_its_own() {
        let mut values = PerSlot::<usize>::default();
        let slots: Vec<_> = (0..MAX_SLOTS).filter_map(SlotIndex::new).collect();
        for &slot in &slots {
            values[slot] = slot.get() + 1;
        }
        assert!(slots.iter().all(|&slot| values[slot] == slot.get() + 1));
        assert!(values.iter().copied().eq(1..=MAX_SLOTS));
    }
}
