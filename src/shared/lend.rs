//! Shared arrays whose dtype is known at run time, and access without a borrow.
//!
//! For callers that cannot hand out typed slices with a lifetime, such as bindings for other
//! languages.

use super::attachment::Attachment;
use super::elements::ArrayElements;
use super::guards::atomic::AtomicGuard;
use super::held::{Acquisition, Held, LockMode, Shared};
use super::memory::ArrayMemory;
use super::waiter::{Interruptible, NoWait};
use super::{AnySharedArray, SharedArray, open};
use crate::element::atomic::AtomicElement;
use crate::element::element_type::ElementType;
use crate::element::record::record_type::RecordType;
use crate::element::typing::{Dyn, Typing};
use crate::element::{ShElement, is_element};
use crate::error::{Error, Result};
use crate::files::mapping::DetachedMemory;
use crate::options::ArrayOptions;
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

/// Holds the lock of an array until it is dropped.
///
/// From [`AnySharedArray::hold`]. It borrows nothing, and keeps the array mapped.
#[must_use = "the lock is released when the guard is dropped"]
pub struct ArrayLockGuard {
    at: Arc<Attachment>,
    /// `None` for an array without a lock, which can be held for atomic access alone.
    lock: Option<Shared>,
    element: ElementType,
    poisoned: bool,
}

static_assertions::assert_impl_all!(ArrayLockGuard: Send, Sync);

impl Clone for AnySharedArray {
    fn clone(&self) -> Self {
        self.same()
    }
}

/// # Where the dtype is known at run time
impl SharedArray<Dyn> {
    /// Makes the array `name`, all zeros, with default [`ArrayOptions`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::create`].
    pub fn create_any(name: &str, element: impl Into<ElementType>, shape: &[usize]) -> Result<Self> {
        ArrayOptions::new().create_any(name, element, shape, |_| ())
    }

    /// Returns a typed handle, if the elements are `T`.
    ///
    /// It shares this handle's mapping and its entry of the lock.
    ///
    /// # Errors
    ///
    /// [`Error::DTypeMismatch`].
    pub fn typed<T: ShElement>(&self) -> Result<SharedArray<T>> {
        self.at.elements().check_typed::<T>()?;
        Ok(self.same())
    }

    /// The same handle, for elements of `T`.
    fn same<T: Typing>(&self) -> SharedArray<T> {
        let (at, shape, name) = (Arc::clone(&self.at), self.shape.clone(), self.name.clone());
        SharedArray { at, element: self.element, shape, name, typing: PhantomData }
    }

    /// Waits for the lock as long as `go_on` returns true; `None` when it returned false.
    ///
    /// `go_on` is called every ten milliseconds, and never when the lock is free. A poisoned array
    /// is held like any other: check [`ArrayLockGuard::is_poisoned`].
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for an array without a lock, unless `mode` is atomic access.
    pub fn hold(&self, mode: LockMode, go_on: impl FnMut() -> bool) -> Result<Option<ArrayLockGuard>> {
        self.held_by(mode, |at| at.acquire(mode, &mut Interruptible::new(at.sleepers(), go_on)))
    }

    /// Acquires the lock without waiting: `None` when another holder is in the way.
    ///
    /// # Errors
    ///
    /// As [`hold`](Self::hold).
    pub fn try_hold(&self, mode: LockMode) -> Result<Option<ArrayLockGuard>> {
        self.held_by(mode, |at| match mode {
            LockMode::Write => at.try_acquire_alone(&mut NoWait),
            LockMode::Read | LockMode::Atomic => at.acquire(mode, &mut NoWait),
        })
    }

    fn held_by(
        &self,
        mode: LockMode,
        acquire: impl FnOnce(&Attachment) -> Acquisition,
    ) -> Result<Option<ArrayLockGuard>> {
        let at = Arc::clone(&self.at);
        let element = self.element;
        if mode == LockMode::Atomic && !at.has_lock() {
            at.check_process()?;
            return Ok(Some(ArrayLockGuard { at, lock: None, element, poisoned: false }));
        }
        let acquisition = acquire(&at);
        match acquisition {
            Acquisition::Sound | Acquisition::Poisoned => {
                let lock = Some(Held::new(Arc::clone(&at), mode));
                Ok(Some(ArrayLockGuard { at, lock, element, poisoned: acquisition == Acquisition::Poisoned }))
            }
            Acquisition::TimedOut => Ok(None),
            Acquisition::Refused => Err(at.lock().err().unwrap_or(Error::Forked)),
        }
    }

    /// Returns the address of the first element in this process.
    ///
    /// It is valid for reads and writes of [`byte_len`](Self::byte_len) bytes as long as the
    /// handle, or an [`ArrayLockGuard`] of it, lives. Other handles may change the elements
    /// meanwhile, unless the lock or the caller prevents it.
    #[must_use]
    pub fn as_mut_ptr(&self) -> *mut u8 {
        self.at.memory().as_mut_ptr()
    }

    /// Bytes of all elements.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.at.memory().byte_len()
    }

    /// Removes the array's name, if it still names this array.
    ///
    /// All open handles, this one included, remain usable.
    ///
    /// # Errors
    ///
    /// As [`SharedArray::unlink`].
    pub fn unlink(&self) -> Result<()> {
        open::unlink(&self.at, &self.name)
    }
}

/// A second mapping of an array's elements, for access by address.
///
/// From [`AnySharedArray::pane`]. The addresses are for use while the lock is held;
/// [`sever`](Self::sever) revokes them.
pub struct ArrayMapping {
    memory: ArrayMemory,
    path: PathBuf,
}

static_assertions::assert_impl_all!(ArrayMapping: Send, Sync);

impl AnySharedArray {
    /// Maps the elements once more.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for an array without a lock.
    pub fn pane(&self) -> Result<ArrayMapping> {
        Ok(ArrayMapping { memory: self.at.map_again()?, path: self.at.path().to_owned() })
    }
}

impl ArrayMapping {
    /// Returns the address of the first element.
    ///
    /// It is valid for reads and writes of all the array's bytes until the mapping is dropped or
    /// severed. The lock decides which party may access them when.
    #[must_use]
    pub fn as_mut_ptr(&self) -> *mut u8 {
        self.memory.as_mut_ptr()
    }

    /// Detaches the addresses returned so far from the array.
    ///
    /// From now on they lead to private memory, all zeros, valid as long as the returned value
    /// lives. `None` means that there are no elements. The mapping shows the array at another
    /// address. Other threads may use the old addresses at the same time.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the operating system cannot do this; then nothing has changed.
    pub fn sever(&mut self) -> Result<Option<DetachedMemory>> {
        self.memory.sever(&self.path)
    }
}

impl ArrayLockGuard {
    /// Whether a writer died or panicked while it held the lock: the elements may be half-changed.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// Atomic access to single elements, for a guard from [`hold`](AnySharedArray::hold) in that
    /// mode.
    ///
    /// # Errors
    ///
    /// [`Error::DTypeMismatch`]; [`Error::Unsupported`] when the lock is held in another mode.
    pub fn atomic<T: AtomicElement>(&self) -> Result<AtomicGuard<'_, T>> {
        if !is_element::<T>(self.element) {
            return Err(Error::other_elements(T::ELEMENT, self.element));
        }
        if self.lock.as_ref().is_none_or(|lock| lock.is(LockMode::Atomic)) {
            return Ok(AtomicGuard::under(&self.at));
        }
        Err(Error::Unsupported { what: "atomic access under a lock to read or write" })
    }
}

impl fmt::Debug for ArrayMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrayMapping").finish_non_exhaustive()
    }
}

impl fmt::Debug for ArrayLockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrayLockGuard").field("poisoned", &self.poisoned).finish_non_exhaustive()
    }
}

impl ArrayOptions {
    /// Makes the array `name`, filled by `fill`.
    ///
    /// `fill` gets the bytes of its elements, all zero, before another process can see them. For
    /// `bool` they must stay 0 or 1.
    ///
    /// # Errors
    ///
    /// As [`SharedArray::create`].
    pub fn create_any(
        &self,
        name: &str,
        element: impl Into<ElementType>,
        shape: &[usize],
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<AnySharedArray> {
        let elements = ArrayElements::of_type(element.into())?;
        let at = self.at(name, |location| open::create(location, self, &elements, shape, fill))?;
        Ok(AnySharedArray::new(at, shape, name))
    }

    /// As [`create_any`](Self::create_any), for records.
    ///
    /// # Errors
    ///
    /// As [`SharedArray::create`].
    pub fn create_records(
        &self,
        name: &str,
        record: &RecordType,
        shape: &[usize],
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<AnySharedArray> {
        let elements = ArrayElements::of_record(record);
        let at = self.at(name, |location| open::create(location, self, &elements, shape, fill))?;
        Ok(AnySharedArray::new(at, shape, name))
    }

    /// Opens the array `name`; see [`AnySharedArray::open`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::open`].
    pub fn open_any(&self, name: &str) -> Result<AnySharedArray> {
        self.open(name)
    }

    /// Opens the array `name`, or makes it; see [`SharedArray::open_or_create`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::open_or_create`].
    pub fn open_or_create_any(
        &self,
        name: &str,
        element: impl Into<ElementType>,
        shape: &[usize],
    ) -> Result<AnySharedArray> {
        let elements = ArrayElements::of_type(element.into())?;
        let at = open::open_or_create(&self.location(name)?, self, &elements, shape)?;
        Ok(AnySharedArray::new(at, shape, name))
    }

    /// As [`open_or_create_any`](Self::open_or_create_any), for records.
    ///
    /// # Errors
    ///
    /// As [`SharedArray::open_or_create`].
    pub fn open_or_create_records(&self, name: &str, record: &RecordType, shape: &[usize]) -> Result<AnySharedArray> {
        let elements = ArrayElements::of_record(record);
        let at = open::open_or_create(&self.location(name)?, self, &elements, shape)?;
        Ok(AnySharedArray::new(at, shape, name))
    }

    /// Attaches to a block of memory as an array; see [`SharedArray::attach_raw`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::attach_raw`].
    pub fn attach_raw_any(
        &self,
        name: &str,
        element: impl Into<ElementType>,
        shape: &[usize],
    ) -> Result<AnySharedArray> {
        let elements = ArrayElements::of_type(element.into())?;
        let at = self.at(name, |location| open::attach_raw(location, self, elements, shape))?;
        Ok(AnySharedArray::new(at, shape, name))
    }

    /// As [`attach_raw_any`](Self::attach_raw_any), for records.
    ///
    /// # Errors
    ///
    /// As [`SharedArray::attach_raw`].
    pub fn attach_raw_records(&self, name: &str, record: &RecordType, shape: &[usize]) -> Result<AnySharedArray> {
        let elements = ArrayElements::of_record(record);
        let at = self.at(name, |location| open::attach_raw(location, self, elements, shape))?;
        Ok(AnySharedArray::new(at, shape, name))
    }
}
