//! The lock in the hands of a user: guards that lend the elements.

use super::SharedArray;
use super::attachment::{Attachment, Entered, Hold, Kind};
use super::element::{AtomicElement, AtomicInteger};
use super::patience::{Never, Waiting};
use crate::element::ShElement;
use crate::error::{Error, Poisoned, Result};
use crate::lock::Patience;
use crate::view::{self, ArrayView};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

/// A hold on behalf of a borrowed array.
type Borrowed<'a> = Hold<&'a Attachment>;

/// A hold in an error, which borrows nothing.
type Lent = Hold<Arc<Attachment>>;

/// Shared access to the elements: they do not change while this lives. From [`SharedArray::read`].
///
/// Derefs to a slice of all elements in C order.
#[must_use = "the lock is given back when the guard is dropped"]
pub struct ReadGuard<'a, T: ShElement> {
    // A pointer and not a slice: a guard that is passed to a function by value may end its life there.
    data: NonNull<T>,
    len: usize,
    shape: &'a [usize],
    _hold: Borrowed<'a>,
}

/// Exclusive access to the elements: nobody else sees or changes them while this lives. From [`SharedArray::write`].
///
/// Derefs to a mutable slice of all elements in C order. If the thread panics while the guard lives, the array is poisoned.
#[must_use = "the lock is given back when the guard is dropped"]
pub struct WriteGuard<'a, T: ShElement> {
    data: NonNull<T>,
    len: usize,
    shape: &'a [usize],
    _hold: Borrowed<'a>,
}

/// Atomic access to single elements, shared with everybody who has such a guard. From [`SharedArray::atomic`].
///
/// While it lives nobody has a [`ReadGuard`] or [`WriteGuard`], so an access costs what the processor's atomic instruction costs. The methods of
/// the same names on [`SharedArray`] take such a guard for each access.
#[must_use = "the lock is given back when the guard is dropped"]
pub struct AtomicGuard<'a, T: AtomicElement> {
    at: &'a Attachment,
    len: usize,
    /// `None` for an array without a lock.
    _hold: Option<Borrowed<'a>>,
    element: PhantomData<T>,
}

impl<'a, T: ShElement> ReadGuard<'a, T> {
    #[inline(always)]
    fn new(hold: Borrowed<'a>, shape: &'a [usize]) -> Result<Self> {
        // SAFETY: the hold shares the array with others who only look at it, until it is dropped, after the guard's last use of the
        // elements; see `lock`. Those who change elements without the lock do so in unsafe code, which promises not to.
        let bytes = unsafe { hold.at().memory().bytes(0..hold.at().memory().byte_len()) };
        let elements = view::slice::<T>(bytes.unwrap_or(&[]))?;
        Ok(Self { data: NonNull::from(elements).cast(), len: elements.len(), shape, _hold: hold })
    }

    /// All elements, in C order.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: pointer and length are those of the slice in `new`, whose mapping and lock last as long as `self`.
        unsafe { core::slice::from_raw_parts(self.data.as_ptr(), self.len) }
    }

    /// The length of each axis.
    #[must_use]
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// The array, with its shape.
    #[must_use]
    pub fn view(&self) -> ArrayView<'_, T> {
        look(self.as_slice(), self.shape)
    }

    /// The array as an `ndarray` view.
    #[cfg(feature = "ndarray")]
    #[must_use]
    pub fn to_ndarray(&self) -> ndarray::ArrayViewD<'_, T> {
        self.view().to_ndarray()
    }
}

impl<T: ShElement> Deref for ReadGuard<'_, T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<'a, T: ShElement> WriteGuard<'a, T> {
    #[inline(always)]
    fn new(hold: Borrowed<'a>, shape: &'a [usize]) -> Result<Self> {
        // SAFETY: the hold has the array alone until it is dropped, after the guard's last use of the elements; see `lock`, and `ReadGuard::new`.
        let bytes = unsafe { hold.at().memory().bytes_mut(0..hold.at().memory().byte_len()) };
        let elements = view::slice_mut::<T>(bytes.unwrap_or(&mut []))?;
        let len = elements.len();
        Ok(Self { data: NonNull::from(elements).cast(), len, shape, _hold: hold })
    }

    /// All elements, in C order.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: as in `ReadGuard::as_slice`; while `self` is borrowed shared, nobody has the mutable slice.
        unsafe { core::slice::from_raw_parts(self.data.as_ptr(), self.len) }
    }

    /// All elements, in C order, to be changed.
    #[inline]
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: pointer and length are those of the slice in `new`, whose mapping and lock last as long as `self`, and `self` is borrowed
        // mutably.
        unsafe { core::slice::from_raw_parts_mut(self.data.as_ptr(), self.len) }
    }

    /// The length of each axis.
    #[must_use]
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// The array, with its shape.
    #[must_use]
    pub fn view(&self) -> ArrayView<'_, T> {
        look(self.as_slice(), self.shape)
    }

    /// The array as an `ndarray` view.
    #[cfg(feature = "ndarray")]
    #[must_use]
    pub fn to_ndarray(&self) -> ndarray::ArrayViewD<'_, T> {
        self.view().to_ndarray()
    }

    /// The array as an `ndarray` view, to be changed.
    #[cfg(feature = "ndarray")]
    #[must_use]
    pub fn view_mut(&mut self) -> ndarray::ArrayViewMutD<'_, T> {
        let shape = ndarray::IxDyn(self.shape);
        match ndarray::ArrayViewMutD::from_shape(shape, self.as_mut_slice()) {
            Ok(view) => view,
            Err(error) => unreachable!("the slice has as many elements as the shape: {error}"),
        }
    }
}

impl<T: ShElement> Deref for WriteGuard<'_, T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T: ShElement> DerefMut for WriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        self.as_mut_slice()
    }
}

impl<'a, T: AtomicElement> AtomicGuard<'a, T> {
    #[inline(always)]
    fn new(at: &'a Attachment, hold: Option<Borrowed<'a>>) -> Self {
        Self { at, len: at.memory().byte_len() / size_of::<T>(), _hold: hold, element: PhantomData }
    }

    /// Under a lock that somebody else holds for as long as `at` is borrowed, or of an array that has none.
    pub(super) fn under(at: &'a Attachment) -> Self {
        Self::new(at, None)
    }

    /// For one access through a handle.
    #[inline]
    #[track_caller]
    pub(super) fn brief(array: &'a SharedArray<T>, kind: Kind) -> Self {
        let at = &*array.at;
        if !at.has_lock() {
            return Self::new(at, None);
        }
        match at.enter(kind, &mut Waiting::for_ever()) {
            Entered::Sound | Entered::Poisoned => Self::new(at, Some(Hold::of(at, kind))),
            Entered::Late | Entered::Refused => refused(),
        }
    }

    #[inline]
    #[track_caller]
    fn cell(&self, index: usize) -> &'a T::Cell {
        // SAFETY: as long as the hold lasts, nobody has a slice of elements; or it lasts for one load, and slices are only read (`Kind::Peek`; see
        // `lock`). Without a lock there are no safe slices, and the unsafe ones promise not to be there.
        match unsafe { self.at.memory().cell::<T::Cell>(index) } {
            Some(cell) => cell,
            None => outside(index, self.len),
        }
    }

    /// The element's value. Acquire: pairs with [`store`](Self::store) and the read-modify-writes, so what their thread did before is seen after this.
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

    /// Replaces the element's value. Release.
    #[inline]
    #[track_caller]
    pub fn store(&self, index: usize, value: T) {
        T::store_to(self.cell(index), value);
    }

    /// Replaces the element's value and returns the one before. Acquire and release, as all that follow.
    #[inline]
    #[track_caller]
    pub fn swap(&self, index: usize, value: T) -> T {
        T::swap_in(self.cell(index), value)
    }

    /// Replaces the element's value by `new` if it is `current`, and returns `Ok` with it; otherwise returns `Err` with the value that is there. Values are
    /// compared bit by bit: a NaN equals itself, 0.0 differs from -0.0.
    ///
    /// # Errors
    ///
    /// The element's value, when it is not `current`.
    #[inline]
    #[track_caller]
    pub fn compare_exchange(&self, index: usize, current: T, new: T) -> std::result::Result<T, T> {
        T::compare_exchange_in(self.cell(index), current, new)
    }

    /// Replaces the element's value by `change` of it, however often that takes, and returns the value before.
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

    /// How many elements there are.
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

impl<T: ShElement> SharedArray<T> {
    /// Waits until nobody changes the array, and lends the elements to be looked at. Any number of readers may have it at once.
    ///
    /// A thread that has a guard of this array and asks for another may wait for itself, for ever, as with a standard lock.
    ///
    /// For `bool`, whose bytes could be others than 0 and 1, every element is checked.
    ///
    /// # Errors
    ///
    /// [`Error::Poisoned`], with the lock in it, when a writer died or panicked while it had the array; [`Error::Unsupported`] for an array without a lock;
    /// [`Error::InvalidBool`]; [`Error::Forked`].
    #[inline]
    pub fn read(&self) -> Result<ReadGuard<'_, T>> {
        match self.at.enter(Kind::Read, &mut Waiting::for_ever()) {
            Entered::Sound => ReadGuard::new(Hold::of(&*self.at, Kind::Read), self.shape()),
            other => Err(self.unsound(Kind::Read, other)),
        }
    }

    /// [`read`](Self::read) without waiting: `None` when a writer has the array, or is waiting for it. Takes microseconds then, to see whether it lives.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn try_read(&self) -> Result<Option<ReadGuard<'_, T>>> {
        self.hold(Kind::Read, &mut Never)?.map(|hold| ReadGuard::new(hold, self.shape())).transpose()
    }

    /// [`read`](Self::read), waiting no longer than `timeout`: `None` when that was not enough.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_timeout(&self, timeout: Duration) -> Result<Option<ReadGuard<'_, T>>> {
        let hold = self.hold(Kind::Read, &mut Waiting::at_most(timeout))?;
        hold.map(|hold| ReadGuard::new(hold, self.shape())).transpose()
    }

    /// Waits until nobody has the array, and lends the elements to be changed. Readers that come after it wait for it; when it is done it is their
    /// turn before the next writer's.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[inline]
    pub fn write(&self) -> Result<WriteGuard<'_, T>> {
        match self.at.enter(Kind::Write, &mut Waiting::for_ever()) {
            Entered::Sound => WriteGuard::new(Hold::of(&*self.at, Kind::Write), self.shape()),
            other => Err(self.unsound(Kind::Write, other)),
        }
    }

    /// [`write`](Self::write) without waiting: `None` when somebody has the array. Takes microseconds then, to see whether they live.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn try_write(&self) -> Result<Option<WriteGuard<'_, T>>> {
        let hold = self.entered(Kind::Write, self.at.try_enter_alone(&mut Never))?;
        hold.map(|hold| WriteGuard::new(hold, self.shape())).transpose()
    }

    /// [`write`](Self::write), waiting no longer than `timeout`: `None` when that was not enough.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn write_timeout(&self, timeout: Duration) -> Result<Option<WriteGuard<'_, T>>> {
        let hold = self.hold(Kind::Write, &mut Waiting::at_most(timeout))?;
        hold.map(|hold| WriteGuard::new(hold, self.shape())).transpose()
    }

    /// Whether a writer died or panicked while it had the array.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for an array without a lock; [`Error::Forked`].
    pub fn is_poisoned(&self) -> Result<bool> {
        Ok(self.at.lock()?.is_poisoned())
    }

    /// Declares the elements sound again.
    ///
    /// # Errors
    ///
    /// As [`is_poisoned`](Self::is_poisoned).
    pub fn clear_poison(&self) -> Result<()> {
        self.at.lock()?.clear_poison();
        Ok(())
    }

    fn hold(&self, kind: Kind, patience: &mut impl Patience) -> Result<Option<Borrowed<'_>>> {
        self.entered(kind, self.at.enter(kind, patience))
    }

    fn entered(&self, kind: Kind, entered: Entered) -> Result<Option<Borrowed<'_>>> {
        match entered {
            Entered::Sound => Ok(Some(Hold::of(&*self.at, kind))),
            Entered::Late => Ok(None),
            other => Err(self.unsound(kind, other)),
        }
    }

    /// What there is to say when the lock has not been taken, or is that of a poisoned array: then the error holds it.
    #[cold]
    #[inline(never)]
    fn unsound(&self, kind: Kind, entered: Entered) -> Error {
        match entered {
            Entered::Sound | Entered::Poisoned => Error::Poisoned(Poisoned::new(Hold::of(Arc::clone(&self.at), kind))),
            Entered::Late => Error::Contended { attempts: 0 },
            Entered::Refused => self.at.lock().err().unwrap_or(Error::Forked),
        }
    }
}

impl<T: AtomicElement> SharedArray<T> {
    /// Waits until nobody has the elements in a slice, and gives atomic access to them, together with all others who have such a guard.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); but an array without a lock needs none.
    #[inline]
    pub fn atomic(&self) -> Result<AtomicGuard<'_, T>> {
        if !self.at.has_lock() {
            return Ok(AtomicGuard::new(&self.at, None));
        }
        match self.at.enter(Kind::Atomic, &mut Waiting::for_ever()) {
            Entered::Sound => Ok(AtomicGuard::new(&self.at, Some(Hold::of(&*self.at, Kind::Atomic)))),
            other => Err(self.unsound(Kind::Atomic, other)),
        }
    }
}

impl Poisoned {
    /// The guard that [`SharedArray::read`] would have returned.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when the error is not from a `read` of this very handle; the lock is given back then. [`Error::InvalidBool`].
    pub fn into_read_guard<T: ShElement>(self, array: &SharedArray<T>) -> Result<ReadGuard<'_, T>> {
        ReadGuard::new(self.hold(array, Kind::Read)?, array.shape())
    }

    /// The guard that [`SharedArray::write`] would have returned.
    ///
    /// ```
    /// # use ndsharray::{Error, Options};
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let array = Options::new().dir(dir.path()).create_array::<f32>("doc-poison", &[3])?;
    /// let mut elements = match array.write() {
    ///     Err(Error::Poisoned(lock)) => {
    ///         let mut elements = lock.into_write_guard(&array)?;
    ///         elements.fill(0.0); // whatever makes them sound
    ///         array.clear_poison()?;
    ///         elements
    ///     }
    ///     other => other?,
    /// };
    /// elements[0] = 1.0;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when the error is not from a `write` to this very handle; the lock is given back then. [`Error::InvalidBool`].
    pub fn into_write_guard<T: ShElement>(self, array: &SharedArray<T>) -> Result<WriteGuard<'_, T>> {
        WriteGuard::new(self.hold(array, Kind::Write)?, array.shape())
    }

    /// The guard that [`SharedArray::atomic`] would have returned.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when the error is not from an `atomic` of this very handle; the lock is given back then.
    pub fn into_atomic_guard<T: AtomicElement>(self, array: &SharedArray<T>) -> Result<AtomicGuard<'_, T>> {
        Ok(AtomicGuard::new(&array.at, Some(self.hold(array, Kind::Atomic)?)))
    }

    fn hold<T: ShElement>(self, array: &SharedArray<T>, kind: Kind) -> Result<Borrowed<'_>> {
        match self.into_held::<Lent>() {
            Some(hold) if Arc::ptr_eq(hold.at(), &array.at) && hold.is(kind) => Ok(hold.through(&*array.at)),
            _ => Err(Error::Unsupported { what: "a guard of another kind or handle than the poisoned lock's" }),
        }
    }
}

fn look<'a, T: ShElement>(elements: &'a [T], shape: &'a [usize]) -> ArrayView<'a, T> {
    match ArrayView::new(elements, shape) {
        Ok(view) => view,
        Err(error) => unreachable!("an array has as many elements as its shape: {error}"),
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
#[expect(clippy::panic, reason = "the documented answer in a forked child, as there is no other way to say no")]
fn refused() -> ! {
    panic!("the element cannot be accessed: {}", Error::Forked)
}

macro_rules! debug_like_a_view {
    ($($guard:ident)*) => {
        $(impl<T: ShElement + fmt::Debug> fmt::Debug for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($guard)).field("view", &self.view()).finish()
            }
        })*
    };
}

debug_like_a_view!(ReadGuard WriteGuard);

impl<T: AtomicElement> fmt::Debug for AtomicGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtomicGuard").field("len", &self.len).finish_non_exhaustive()
    }
}
