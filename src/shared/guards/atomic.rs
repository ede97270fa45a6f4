//! The guard that gives atomic access to single elements.

use crate::element::atomic::{AtomicElement, AtomicInteger};
use crate::error::{Error, Result};
use crate::shared::SharedArray;
use crate::shared::attachment::Attachment;
use crate::shared::held::{Acquisition, Borrowed, Held, LockMode};
use crate::shared::waiter::Blocking;
use ndsharray_protocol::rwlock::Share;
use std::fmt;
use std::marker::PhantomData;

/// Atomic access to single elements, shared with all other guards of this kind.
///
/// From [`SharedArray::atomic`]. While it lives there is no [`ReadGuard`](crate::ReadGuard) or
/// [`WriteGuard`](crate::WriteGuard), so an access costs what the processor's atomic instruction
/// costs. The methods of the same names on [`SharedArray`] acquire such a guard for each access.
#[must_use = "the lock is released when the guard is dropped"]
pub struct AtomicGuard<'a, T: AtomicElement> {
    at: &'a Attachment,
    len: usize,
    /// `None` for an array without a lock.
    _hold: Option<Borrowed<'a>>,
    element: PhantomData<T>,
}

impl<'a, T: AtomicElement> AtomicGuard<'a, T> {
    #[inline(always)]
    pub(super) fn new(at: &'a Attachment, hold: Option<Borrowed<'a>>) -> Self {
        Self { at, len: at.memory().byte_len() / size_of::<T>(), _hold: hold, element: PhantomData }
    }

    /// Under a lock that another guard holds while `at` is borrowed, or without a lock.
    pub(in crate::shared) fn under(at: &'a Attachment) -> Self {
        Self::new(at, None)
    }

    /// A guard for one access through a handle.
    #[inline]
    #[track_caller]
    pub(in crate::shared) fn brief(array: &'a SharedArray<T>, share: Share) -> Self {
        let at = &*array.at;
        if !at.has_lock() {
            return Self::new(at, None);
        }
        match at.acquire_shared(share, &mut Blocking::forever(at.sleepers())) {
            Acquisition::Sound | Acquisition::Poisoned => Self::new(at, Some(Held::new(at, LockMode::Atomic))),
            Acquisition::TimedOut | Acquisition::Refused => refused(),
        }
    }

    #[inline]
    #[track_caller]
    fn cell(&self, index: usize) -> &'a T::Cell {
        // SAFETY: as long as the hold lasts, no slice of elements is in use. Or the hold lasts for
        // one load, and slices are only read (`Share::Peek`; see `lock`). Without a lock there are
        // no safe slices, and the unsafe ones promise to stay away.
        match unsafe { self.at.memory().cell::<T::Cell>(index) } {
            Some(cell) => cell,
            None => outside(index, self.len),
        }
    }

    /// Loads the element's value.
    ///
    /// Acquire: pairs with [`store`](Self::store) and the read-modify-writes, so what their thread
    /// did before is seen after this.
    ///
    /// # Panics
    ///
    /// As all methods here: when `index`, counted in C order, is not below the number of elements.
    #[inline]
    #[must_use]
    #[track_caller]
    pub fn load(&self, index: usize) -> T {
        T::load_from(self.cell(index))
    }

    /// Replaces the element's value. Release: pairs with [`load`](Self::load) and the
    /// read-modify-writes.
    #[inline]
    #[track_caller]
    pub fn store(&self, index: usize, value: T) {
        T::store_to(self.cell(index), value);
    }

    /// Replaces the element's value and returns the one before.
    ///
    /// Acquire and release, as all that follow.
    #[inline]
    #[track_caller]
    pub fn swap(&self, index: usize, value: T) -> T {
        T::swap_in(self.cell(index), value)
    }

    /// Replaces the element's value by `new` if it is `current`.
    ///
    /// Returns `Ok` with the value before, or `Err` with the value that is there instead. Values
    /// are compared bit by bit: a NaN equals itself, 0.0 differs from -0.0.
    ///
    /// # Errors
    ///
    /// The element's value, when it is not `current`.
    #[inline]
    #[track_caller]
    pub fn compare_exchange(&self, index: usize, current: T, new: T) -> std::result::Result<T, T> {
        T::compare_exchange_in(self.cell(index), current, new)
    }

    /// Replaces the element's value by `change` of it, and returns the value before.
    ///
    /// Retries until no other access intervenes.
    #[inline]
    #[track_caller]
    pub fn update(&self, index: usize, mut change: impl FnMut(T) -> T) -> T {
        let mut current = self.load(index);
        loop {
            match self.compare_exchange(index, current, change(current)) {
                Ok(before) => return before,
                Err(now) => current = now,
            }
        }
    }

    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<T: AtomicInteger> AtomicGuard<'_, T> {
    /// Adds to the element, wrapping around, and returns the value before.
    #[inline]
    #[track_caller]
    pub fn fetch_add(&self, index: usize, value: T) -> T {
        T::fetch_add_in(self.cell(index), value)
    }

    /// Subtracts from the element, wrapping around, and returns the value before.
    #[inline]
    #[track_caller]
    pub fn fetch_sub(&self, index: usize, value: T) -> T {
        T::fetch_sub_in(self.cell(index), value)
    }
}

impl<T: AtomicElement> SharedArray<T> {
    /// Waits until no slice of the elements is borrowed, then gives atomic access.
    ///
    /// All guards of this kind share the access.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), except that an array without a lock needs none.
    #[inline]
    pub fn atomic(&self) -> Result<AtomicGuard<'_, T>> {
        if !self.at.has_lock() {
            return Ok(AtomicGuard::new(&self.at, None));
        }
        match self.at.acquire(LockMode::Atomic, &mut Blocking::forever(self.at.sleepers())) {
            Acquisition::Sound => Ok(AtomicGuard::new(&self.at, Some(Held::new(&*self.at, LockMode::Atomic)))),
            other => Err(self.unsound(LockMode::Atomic, other)),
        }
    }
}

impl<T: AtomicElement> fmt::Debug for AtomicGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtomicGuard").field("len", &self.len).finish_non_exhaustive()
    }
}

#[cold]
#[track_caller]
#[expect(clippy::panic, reason = "as for slices")]
fn outside(index: usize, len: usize) -> ! {
    panic!("index {index} is out of range for an array of {len} elements")
}

#[cold]
#[track_caller]
#[expect(clippy::panic, reason = "documented for a forked child; the return type has no room for an error")]
fn refused() -> ! {
    panic!("the element cannot be accessed: {}", Error::Forked)
}
