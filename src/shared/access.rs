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
/// Each of these acquires the guard of [`atomic`](SharedArray::atomic) for just one access. That
/// takes some ten nanoseconds beside the access itself. Such accesses do not exclude each other. A
/// [`WriteGuard`](crate::WriteGuard) keeps all of them waiting. A [`ReadGuard`](crate::ReadGuard),
/// whose elements do not change while it lives, keeps all but `load` waiting.
///
/// A thread that holds a guard of this array itself would deadlock. With a `ReadGuard`
/// even a `load` does so, once a writer waits for that guard. Use the guard instead.
///
/// Poison is ignored. An array from [`attach_raw`](SharedArray::attach_raw) has no lock, so nothing
/// waits. Orderings are those of [`AtomicGuard`].
///
/// # Panics
///
/// When `index`, counted in C order, is not below the number of elements. Also in a forked child,
/// which must open the array anew.
/// child, which must open the array anew.
impl<T: AtomicElement> SharedArray<T> {
    /// Loads the element's value.
    ///
    /// # Panics
    ///
    /// As said above; so do all of these.
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

    /// Replaces the element's value by `change` of it, and returns the value before.
    ///
    /// Retries until no other access intervenes. `change` must not use the array.
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
/// For callers that keep accesses apart by other means: workers that fill disjoint parts, stages
/// that take turns.
impl<T: ShElement> SharedArray<T> {
    /// Borrows all elements.
    ///
    /// # Safety
    ///
    /// While the slice is in use, no party changes an element, in this process or in another: not
    /// through a guard, not atomically, not through slices like this, not from another language.
    /// For `bool`, every byte is 0 or 1.
    #[must_use]
    pub unsafe fn as_slice_unlocked(&self) -> &[T] {
        // SAFETY: the caller's promise.
        unsafe { self.part_unlocked(0..self.len()) }
    }

    /// Borrows all elements, to be changed.
    ///
    /// # Safety
    ///
    /// While the slice is in use, no other party reads or changes an element, in this process or in
    /// another, by whatever means. For `bool`, every byte is 0 or 1.
    #[must_use]
    pub unsafe fn as_mut_slice_unlocked(&mut self) -> &mut [T] {
        // SAFETY: the caller's promise.
        unsafe { self.part_mut_unlocked(0..self.len()) }
    }

    /// Borrows the elements `range`, counted in C order.
    ///
    /// # Safety
    ///
    /// As [`as_slice_unlocked`](Self::as_slice_unlocked), for these elements.
    ///
    /// # Panics
    ///
    /// When `range` reaches beyond the elements.
    #[must_use]
    #[track_caller]
    pub unsafe fn part_unlocked(&self, range: Range<usize>) -> &[T] {
        // SAFETY: the caller promises that these elements do not change.
        let part = byte_range::<T>(&range).and_then(|bytes| unsafe { self.at.memory().bytes(bytes) });
        match part.map(view::slice::<T>) {
            Some(Ok(elements)) => elements,
            Some(Err(error)) => wrong(&error),
            None => outside(&range, self.len()),
        }
    }

    /// Borrows the elements `range`, counted in C order, to be changed.
    ///
    /// Several parts can be in use at once, here and in other processes.
    ///
    /// # Safety
    ///
    /// As [`as_mut_slice_unlocked`](Self::as_mut_slice_unlocked), for these elements.
    ///
    /// # Panics
    ///
    /// When `range` reaches beyond the elements.
    #[allow(clippy::mut_from_ref, reason = "the caller promises exclusive access")]
    #[must_use]
    #[track_caller]
    pub unsafe fn part_mut_unlocked(&self, range: Range<usize>) -> &mut [T] {
        // SAFETY: the caller promises exclusive access to these elements.
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
#[expect(clippy::panic, reason = "a broken promise of the caller is reported, not ignored")]
fn wrong(error: &ViewError) -> ! {
    panic!("the elements cannot be lent: {error}")
}
