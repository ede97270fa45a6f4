//! Access to elements without a guard: atomic for one at a time, or unsafe for all of them.

use super::SharedArray;
use super::guards::atomic::AtomicGuard;
use crate::element::ShElement;
use crate::element::atomic::{AtomicElement, AtomicInteger};
use crate::view;
use crate::view::error::ViewError;
use ndsharray_protocol::rwlock::Share;
use std::ops::Range;

/// # Single elements
///
/// Each of these takes what [`atomic`](SharedArray::atomic) lends for just one access: some ten
/// nanoseconds beside the access itself. Others who do the same do not exclude each other. A
/// [`ReadGuard`](crate::ReadGuard), whose elements do not change while it lives, keeps all but
/// `load` waiting, and a [`WriteGuard`](crate::WriteGuard) keeps all of them waiting: a thread that
/// has a guard of this array itself would wait for ever (with a `ReadGuard`, even for a `load`,
/// once a writer waits for that guard). Ask the guard instead. Poison is not looked at. On an array
/// from [`attach_raw`](SharedArray::attach_raw) there is no lock and no waiting.
///
/// Orderings are those of [`AtomicGuard`].
///
/// # Panics
///
/// When `index`, which counts in C order, is not below the number of elements; and in a forked
/// child, which must open the array anew.
impl<T: AtomicElement> SharedArray<T> {
    /// The element's value.
    ///
    /// # Panics
    ///
    /// As said above, as do all of these.
    #[inline]
    #[must_use]
    #[track_caller]
    pub fn load(&self, index: usize) -> T {
        AtomicGuard::brief(self, Share::Peek).load(index)
    }

    /// Replaces the element's value.
    #[inline]
    #[track_caller]
    pub fn store(&self, index: usize, value: T) {
        AtomicGuard::brief(self, Share::Atomic).store(index, value);
    }

    /// Replaces the element's value and returns the one before.
    #[inline]
    #[track_caller]
    pub fn swap(&self, index: usize, value: T) -> T {
        AtomicGuard::brief(self, Share::Atomic).swap(index, value)
    }

    /// Replaces the element's value by `new` if it is, bit by bit, `current`.
    ///
    /// # Errors
    ///
    /// The element's value, when it is not `current`.
    #[inline]
    #[track_caller]
    pub fn compare_exchange(&self, index: usize, current: T, new: T) -> Result<T, T> {
        AtomicGuard::brief(self, Share::Atomic).compare_exchange(index, current, new)
    }

    /// Replaces the element's value by `change` of it, however often that takes, and returns the
    /// value before. `change` must not use the array.
    #[inline]
    #[track_caller]
    pub fn update(&self, index: usize, change: impl FnMut(T) -> T) -> T {
        AtomicGuard::brief(self, Share::Atomic).update(index, change)
    }
}

/// # Integers
impl<T: AtomicInteger> SharedArray<T> {
    /// Adds to the element, wrapping around, and returns the value before.
    #[inline]
    #[track_caller]
    pub fn fetch_add(&self, index: usize, value: T) -> T {
        AtomicGuard::brief(self, Share::Atomic).fetch_add(index, value)
    }

    /// Subtracts from the element, wrapping around, and returns the value before.
    #[inline]
    #[track_caller]
    pub fn fetch_sub(&self, index: usize, value: T) -> T {
        AtomicGuard::brief(self, Share::Atomic).fetch_sub(index, value)
    }
}

/// # Without the lock
///
/// For those who know by other means who is where: workers that fill disjoint parts, stages that
/// take turns.
impl<T: ShElement> SharedArray<T> {
    /// All elements.
    ///
    /// # Safety
    ///
    /// While the slice is in use, nobody changes an element, in this process or in another: not
    /// through a guard, not atomically, not through slices like this, not from another language.
    /// For `bool`, every byte is 0 or 1.
    #[must_use]
    pub unsafe fn as_slice_unlocked(&self) -> &[T] {
        // SAFETY: the caller's word.
        unsafe { self.part_unlocked(0..self.len()) }
    }

    /// All elements, to be changed.
    ///
    /// # Safety
    ///
    /// While the slice is in use, nobody else reads or changes an element, in this process or in
    /// another, by whatever means. For `bool`, every byte is 0 or 1.
    #[must_use]
    pub unsafe fn as_mut_slice_unlocked(&mut self) -> &mut [T] {
        // SAFETY: the caller's word.
        unsafe { self.part_mut_unlocked(0..self.len()) }
    }

    /// The elements `range`, counted in C order.
    ///
    /// # Safety
    ///
    /// As [`as_slice_unlocked`](Self::as_slice_unlocked), for these elements.
    ///
    /// # Panics
    ///
    /// When there are not so many elements.
    #[must_use]
    #[track_caller]
    pub unsafe fn part_unlocked(&self, range: Range<usize>) -> &[T] {
        // SAFETY: that nobody changes these elements is the caller's word.
        let part = byte_range::<T>(&range).and_then(|bytes| unsafe { self.at.memory().bytes(bytes) });
        match part.map(view::slice::<T>) {
            Some(Ok(elements)) => elements,
            Some(Err(error)) => wrong(&error),
            None => outside(&range, self.len()),
        }
    }

    /// The elements `range`, counted in C order, to be changed: several parts can be in use at
    /// once, here and in other processes.
    ///
    /// # Safety
    ///
    /// As [`as_mut_slice_unlocked`](Self::as_mut_slice_unlocked), for these elements.
    ///
    /// # Panics
    ///
    /// When there are not so many elements.
    #[allow(clippy::mut_from_ref, reason = "that nobody else has them is the caller's word")]
    #[must_use]
    #[track_caller]
    pub unsafe fn part_mut_unlocked(&self, range: Range<usize>) -> &mut [T] {
        // SAFETY: that nobody else has these elements is the caller's word.
        let part = byte_range::<T>(&range).and_then(|bytes| unsafe { self.at.memory().bytes_mut(bytes) });
        match part.map(view::slice_mut::<T>) {
            Some(Ok(elements)) => elements,
            Some(Err(error)) => wrong(&error),
            None => outside(&range, self.len()),
        }
    }
}

fn byte_range<T>(range: &Range<usize>) -> Option<Range<usize>> {
    Some(range.start.checked_mul(size_of::<T>())?..range.end.checked_mul(size_of::<T>())?)
}

#[cold]
#[track_caller]
#[expect(clippy::panic, reason = "as for slices")]
fn outside(range: &Range<usize>, len: usize) -> ! {
    panic!("range {range:?} is out of range for an array of {len} elements")
}

#[cold]
#[track_caller]
#[expect(clippy::panic, reason = "a broken promise of the caller, better told than ignored")]
fn wrong(error: &ViewError) -> ! {
    panic!("the elements cannot be lent: {error}")
}
