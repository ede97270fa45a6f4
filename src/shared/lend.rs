//! A shared array whose dtype is known at run time, and what it lends without a borrow.
//!
//! For callers that cannot hand out typed slices with a lifetime, such as bindings for other
//! languages.

use super::attachment::Attachment;
use super::guards::atomic::AtomicGuard;
use super::held::{Acquisition, Held, LockMode, Shared};
use super::memory::ArrayMemory;
use super::waiter::{Interruptible, NoWait};
use super::{AnySharedArray, SharedArray, open};
use crate::element::ShElement;
use crate::element::atomic::AtomicElement;
use crate::element::dtype::DType;
use crate::element::typing::Dyn;
use crate::error::{Error, Result};
use crate::files::mapping::DetachedMemory;
use crate::options::ArrayOptions;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// The lock of an array, held until this is dropped.
///
/// From [`AnySharedArray::hold`]. It borrows nothing, and keeps the array mapped.
#[must_use = "the lock is given back when the guard is dropped"]
pub struct ArrayLockGuard {
    at: Arc<Attachment>,
    /// `None` for an array without a lock, which can be held for atomic access alone.
    lock: Option<Shared>,
    dtype: DType,
    poisoned: bool,
}

static_assertions::assert_impl_all!(ArrayLockGuard: Send, Sync);

impl Clone for AnySharedArray {
    fn clone(&self) -> Self {
        Self { at: Arc::clone(&self.at), known: self.known, shape: self.shape.clone(), name: self.name.clone() }
    }
}

/// # Where the dtype is known at run time
impl SharedArray<Dyn> {
    /// Makes the array `name`, all zeros, with default [`ArrayOptions`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::create`].
    pub fn create_any(name: &str, dtype: DType, shape: &[usize]) -> Result<Self> {
        ArrayOptions::new().create_any(name, dtype, shape, |_| ())
    }

    /// The array, if its elements are `T`: the same handle once more, with the same place at the
    /// lock.
    ///
    /// # Errors
    ///
    /// [`Error::DTypeMismatch`].
    pub fn typed<T: ShElement>(&self) -> Result<SharedArray<T>> {
        if self.dtype() != T::DTYPE {
            return Err(Error::DTypeMismatch { expected: T::DTYPE, found: self.dtype() });
        }
        Ok(SharedArray { at: Arc::clone(&self.at), known: (), shape: self.shape.clone(), name: self.name.clone() })
    }

    /// Takes the lock, waiting for as long as `go_on` says so; it is asked every ten milliseconds,
    /// and not when the lock is free. `None` when it said no.
    ///
    /// A poisoned array is held like any other; [`ArrayLockGuard::is_poisoned`] tells.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for an array without a lock, unless it is for atomic access;
    /// [`Error::Forked`].
    pub fn hold(&self, mode: LockMode, go_on: impl FnMut() -> bool) -> Result<Option<ArrayLockGuard>> {
        self.held_by(mode, |at| at.acquire(mode, &mut Interruptible::new(at.sleepers(), go_on)))
    }

    /// [`hold`](Self::hold) without waiting: `None` when another party is in the way.
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
        let dtype = self.dtype();
        if mode == LockMode::Atomic && !at.has_lock() {
            at.check_process()?;
            return Ok(Some(ArrayLockGuard { at, lock: None, dtype, poisoned: false }));
        }
        let acquisition = acquire(&at);
        match acquisition {
            Acquisition::Sound | Acquisition::Poisoned => {
                let lock = Some(Held::new(Arc::clone(&at), mode));
                Ok(Some(ArrayLockGuard { at, lock, dtype, poisoned: acquisition == Acquisition::Poisoned }))
            }
            Acquisition::TimedOut => Ok(None),
            Acquisition::Refused => Err(at.lock().err().unwrap_or(Error::Forked)),
        }
    }

    /// Where the elements begin, in this process: valid for reads and writes of
    /// [`byte_len`](Self::byte_len) bytes as long as the handle, or an [`ArrayLockGuard`] of it,
    /// lives. What others do there meanwhile is for the lock, or the caller, to say.
    #[must_use]
    pub fn as_mut_ptr(&self) -> *mut u8 {
        self.at.memory().as_mut_ptr()
    }

    /// Bytes of all elements.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.at.memory().byte_len()
    }

    /// Removes the array's name, if this is still the array that has it. Whoever has it open, this
    /// handle included, can go on with it.
    ///
    /// # Errors
    ///
    /// As [`SharedArray::unlink`].
    pub fn unlink(&self) -> Result<()> {
        open::unlink(&self.at, &self.name)
    }
}

/// The elements of an array, mapped once more, to be lent by address under a hold.
///
/// From [`AnySharedArray::pane`]; [`sever`](Self::sever) takes the addresses back.
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
    /// [`Error::Unsupported`] for an array without a lock; [`Error::Forked`]; [`Error::Io`].
    pub fn pane(&self) -> Result<ArrayMapping> {
        Ok(ArrayMapping { memory: self.at.map_again()?, path: self.at.path().to_owned() })
    }
}

impl ArrayMapping {
    /// Where the elements begin: valid for reads and writes of as many bytes as the array has, as
    /// long as the mapping lives or until it is severed. The lock says which party may do it when.
    #[must_use]
    pub fn as_mut_ptr(&self) -> *mut u8 {
        self.memory.as_mut_ptr()
    }

    /// Parts the addresses lent so far from the array: from now on they lead to private memory, all
    /// zeros, valid as long as what is returned lives (`None`: there are no elements). The mapping
    /// shows the array at another address. Does not depend on nobody's using the addresses at the
    /// same time, in other threads.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the operating system cannot; then nothing has changed.
    pub fn sever(&mut self) -> Result<Option<DetachedMemory>> {
        self.memory.sever(&self.path)
    }
}

impl ArrayLockGuard {
    /// Whether a writer died or panicked while it had the array, so that its elements may be in
    /// pieces.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// Atomic access to single elements, under a [hold](AnySharedArray::hold) for it.
    ///
    /// # Errors
    ///
    /// [`Error::DTypeMismatch`]; [`Error::Unsupported`] when the array is held in another way.
    pub fn atomic<T: AtomicElement>(&self) -> Result<AtomicGuard<'_, T>> {
        if self.dtype != T::DTYPE {
            return Err(Error::DTypeMismatch { expected: T::DTYPE, found: self.dtype });
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
    /// Makes the array `name`; `fill` is given the bytes of its elements, all zero, before anybody
    /// else can see them. For `bool` they must stay 0 or 1.
    ///
    /// # Errors
    ///
    /// As [`SharedArray::create`]; [`Error::InvalidOption`].
    pub fn create_any(
        &self,
        name: &str,
        dtype: DType,
        shape: &[usize],
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<AnySharedArray> {
        let at = self.at(name, |location| open::create(location, self, dtype, shape, fill))?;
        Ok(AnySharedArray::new(at, dtype, shape, name))
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
    /// As [`SharedArray::open_or_create`]; [`Error::InvalidOption`].
    pub fn open_or_create_any(&self, name: &str, dtype: DType, shape: &[usize]) -> Result<AnySharedArray> {
        let at = open::open_or_create(&self.location(name)?, self, dtype, shape)?;
        Ok(AnySharedArray::new(at, dtype, shape, name))
    }

    /// Takes a block of memory for an array; see [`SharedArray::attach_raw`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::attach_raw`].
    pub fn attach_raw_any(&self, name: &str, dtype: DType, shape: &[usize]) -> Result<AnySharedArray> {
        let at = self.at(name, |location| open::attach_raw(location, self, dtype, shape))?;
        Ok(AnySharedArray::new(at, dtype, shape, name))
    }
}
