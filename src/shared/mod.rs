//! One array that all parties change in place.

mod access;
mod attachment;
pub(crate) mod elements;
pub(crate) mod guards;
pub(crate) mod held;
pub(crate) mod lend;
pub(crate) mod memory;
pub(crate) mod open;
pub(crate) mod snapshot;
mod waiter;

use crate::element::ShElement;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::record::record_type::RecordType;
use crate::element::typing::{Dyn, Typing};
use crate::error::{Error, Result};
use crate::options::{ArrayOptions, Options};
use crate::view::{self, shape};
use attachment::Attachment;
use elements::ArrayElements;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// A named array in shared memory that all its handles change in place.
///
/// A channel ([`Writer`](crate::Writer), [`Reader`](crate::Reader)) carries one value after another
/// from one writer to its readers. A shared array is one piece of memory for all parties. A
/// reader–writer lock beside the elements, which works across processes, decides which party may
/// access them when:
///
/// - [`read`](Self::read) and [`write`](Self::write) borrow all elements, as a slice or a view.
/// - [`load`](Self::load), [`store`](Self::store), [`fetch_add`](Self::fetch_add) and their like
///   access one element atomically. [`atomic`](Self::atomic) gives that access for as long as its
///   guard lives.
/// - [`part_mut_unlocked`](Self::part_mut_unlocked) and its like are unsafe. They are for callers
///   that keep accesses apart by other means.
///
/// Acquiring and releasing a free lock takes some tens of nanoseconds and no system call. A waiter
/// sleeps. A killed holder does not lock the others out: every ten milliseconds a waiter asks the
/// kernel whether the holder is dead. If it was a writer, the next holder gets [`Error::Poisoned`]
/// with the lock in it. A stopped process is not dead.
///
/// # Lifetime
///
/// The array lives until its name is removed, with [`unlink`](Self::unlink) or [`remove_array`],
/// and its last handle is gone. Dropping a handle closes that handle only. An array without a
/// handle keeps its elements, like a file, until the machine restarts. After `unlink`, open handles
/// remain usable, the array can no longer be opened, and the name is free. What a maker left that
/// was killed before the array was complete is no array: `open` does not find it, and `create`
/// makes it anew.
///
/// # Threads and forks
///
/// Threads can share a handle. Guards exclude each other among threads as among processes. A forked
/// child must open the array anew ([`Error::Forked`]).
///
/// # Example
///
/// ```
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// use ndsharray::ArrayOptions;
///
/// // In one process (`SharedArray::create` does the same, with the defaults):
/// let options = ArrayOptions::new().dir(dir.path());
/// let matrix = options.create::<f64>("matrix", &[2, 3])?; // all zeros
/// matrix.write()?[4] = 1.5;
///
/// // In another:
/// let matrix = options.open::<f64>("matrix")?;
/// assert_eq!(matrix.read()?.view()[[1, 1]], 1.5);
/// matrix.store(0, -1.0); // one element, atomically
/// matrix.unlink()?;
/// # Ok(())
/// # }
/// ```
pub struct SharedArray<T: Typing> {
    at: Arc<Attachment>,
    element: ElementType,
    shape: Vec<usize>,
    name: String,
    typing: PhantomData<T>,
}

/// A [`SharedArray`] whose dtype is known at run time.
///
/// [`read`](SharedArray::read) and [`write`](SharedArray::write) borrow its elements as views and
/// bytes. [`typed`](Self::typed) returns a typed handle over the same mapping and lock.
/// [`hold`](Self::hold) keeps the lock for access by address.
///
/// ```
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// let options = ndsharray::ArrayOptions::new().dir(dir.path());
/// # let _made = options.create::<f32>("doc-any-array", &[2, 3])?;
/// let array = options.open_any("doc-any-array")?; // or `AnySharedArray::open`, with the defaults
/// if array.dtype() == ndsharray::DType::F32 {
///     array.typed::<f32>()?.write()?[4] = 1.5;
/// }
/// # Ok(())
/// # }
/// ```
///
/// A clone shares the same handle.
pub type AnySharedArray = SharedArray<Dyn>;

static_assertions::assert_impl_all!(SharedArray<f32>: Send, Sync);
static_assertions::assert_impl_all!(AnySharedArray: Send, Sync);
static_assertions::assert_impl_all!(Error: Send, Sync, std::error::Error);

impl<T: ShElement> SharedArray<T> {
    /// Makes the array `name`, all zeros, with default [`ArrayOptions`].
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`]; [`Error::OutOfMemory`], before anything is written, as all memory
    /// is reserved; [`Error::TooLarge`]; [`Error::TooManyDims`]; [`Error::ForeignOwner`] when
    /// another user has put something under the name.
    pub fn create(name: &str, shape: &[usize]) -> Result<Self> {
        ArrayOptions::new().create(name, shape)
    }

    /// Makes the array `name` with a copy of `data`, in C order.
    ///
    /// Every process that opens it finds all of the data.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create); [`Error::ShapeMismatch`] when the length of `data` is not that
    /// of the shape.
    pub fn from_slice(name: &str, shape: &[usize], data: &[T]) -> Result<Self> {
        ArrayOptions::new().from_slice(name, shape, data)
    }

    /// Makes the array `name` with a copy of an [`ndarray`](::ndarray) array, in C order.
    ///
    /// The array to copy may have any strides.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    #[cfg(feature = "ndarray")]
    pub fn from_array<D: ndarray::Dimension>(name: &str, array: &ndarray::ArrayView<'_, T, D>) -> Result<Self> {
        ArrayOptions::new().from_array(name, array)
    }

    /// Opens the array `name`, or makes it, all zeros, if there is none.
    ///
    /// For parties that start in any order. If several come at once, one makes the array and the
    /// others wait for it. This handle sees the elements in `shape`, as after
    /// [`reshape`](Self::reshape), whatever shape the array was made with.
    ///
    /// ```
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// let options = ndsharray::ArrayOptions::new().dir(dir.path());
    /// let counters = options.open_or_create::<u64>("doc-either", &[16])?;
    /// let same = options.open_or_create::<u64>("doc-either", &[16])?;
    /// counters.fetch_add(3, 1);
    /// assert_eq!(same.load(3), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create) and [`open`](Self::open), but not [`Error::NotFound`] for the
    /// array; [`Error::AlreadyExists`] when there is something else under the name, or its maker
    /// does not finish; [`Error::ShapeMismatch`] when it has another number of elements.
    pub fn open_or_create(name: &str, shape: &[usize]) -> Result<Self> {
        ArrayOptions::new().open_or_create(name, shape)
    }

    /// Attaches to the shared memory block `name`, made by another program, as an array.
    ///
    /// Such a block has elements and no head. Examples are Python's
    /// `multiprocessing.shared_memory.SharedMemory(name)` and an array of the Python package
    /// SharedArray (`shm://name`). The block may be longer than the array: blocks are rounded up to
    /// pages, or hold something else behind it.
    ///
    /// The block has no lock, so `read`, `write` and their like are [`Error::Unsupported`]. Single
    /// elements can be accessed atomically, and all elements through the unsafe functions. The
    /// block is never made longer or shorter, and only [`unlink`](Self::unlink) removes its name.
    ///
    /// Files of this library are no blocks, and their names are refused: such a handle would not
    /// know their lock or protocol. Attach to a block with one dtype. Two handles of different
    /// dtypes mix atomic accesses of different sizes to the same bytes; hardware allows that, but
    /// the language's memory model does not describe it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`]; [`Error::ShapeMismatch`] when the block is shorter than the array;
    /// [`Error::TooLarge`]; [`Error::TooManyDims`]; [`Error::InvalidName`] also for a file of this
    /// library.
    pub fn attach_raw(name: &str, shape: &[usize]) -> Result<Self> {
        ArrayOptions::new().attach_raw(name, shape)
    }

    /// Removes the array's name, if it still names this array.
    ///
    /// Other open handles remain usable.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] when another process is stopped while it removes the name.
    pub fn unlink(self) -> Result<()> {
        open::unlink(&self.at, &self.name)
    }
}

impl<T: Typing> SharedArray<T> {
    /// Opens the array `name`, in the shape that it was made with.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is no array of that name, or it is not complete yet;
    /// [`Error::DTypeMismatch`], [`Error::ElementMismatch`]; [`Error::TooManyReaders`] when it has
    /// no entry for one more handle; [`Error::Corrupt`] when the file is not of this library and
    /// version; [`Error::PermissionDenied`] also when the file cannot be written.
    pub fn open(name: &str) -> Result<Self> {
        ArrayOptions::new().open(name)
    }

    /// Reshapes this handle's view of the elements, in C order.
    ///
    /// The new shape must have as many elements. Other handles keep their shape, and so does the
    /// file.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`] when the shape has another number of elements; [`Error::TooLarge`];
    /// [`Error::TooManyDims`].
    pub fn reshape(&mut self, shape: &[usize]) -> Result<()> {
        self.shape = self.at.reshaped(self.element, shape)?;
        Ok(())
    }

    /// The length of each axis, as this handle sees it.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of axes.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// The number of elements.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.at.memory().byte_len() / T::size_of(T::known(self.element))
    }

    /// Whether there are no elements: an axis is zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The dtype of the elements.
    #[must_use]
    #[inline]
    pub fn dtype(&self) -> DType {
        T::dtype_of(T::known(self.element))
    }

    /// The element type: the dtype with its parameter.
    #[must_use]
    pub fn element_type(&self) -> ElementType {
        self.element
    }

    /// What the elements consist of, if they are records.
    #[must_use]
    pub fn record_type(&self) -> Option<&RecordType> {
        self.at.elements().record_type()
    }

    /// The array's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `element` is of the type that `T` names, if it names one.
    fn new(at: Attachment, shape: &[usize], name: &str) -> Self {
        let element = at.elements().element;
        Self { at: Arc::new(at), element, shape: shape.to_vec(), name: name.to_owned(), typing: PhantomData }
    }
}

impl<T: Typing> fmt::Debug for SharedArray<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedArray")
            .field("name", &self.name)
            .field("dtype", &self.element)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

impl ArrayOptions {
    /// Makes the array `name`; see [`SharedArray::create`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::create`].
    pub fn create<T: ShElement>(&self, name: &str, shape: &[usize]) -> Result<SharedArray<T>> {
        self.make(name, shape, |_| ())
    }

    /// Makes the array `name` with a copy of `data`; see [`SharedArray::from_slice`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::from_slice`].
    pub fn from_slice<T: ShElement>(&self, name: &str, shape: &[usize], data: &[T]) -> Result<SharedArray<T>> {
        let expected = shape::byte_len(shape, size_of::<T>())? / size_of::<T>();
        if expected != data.len() {
            return Err(Error::ShapeMismatch { expected, found: data.len() });
        }
        self.make(name, shape, |elements: &mut [T]| elements.copy_from_slice(data))
    }

    /// Makes the array `name` with a copy of an `ndarray` array; see [`SharedArray::from_array`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::from_array`].
    #[cfg(feature = "ndarray")]
    pub fn from_array<T: ShElement, D: ndarray::Dimension>(
        &self,
        name: &str,
        array: &ndarray::ArrayView<'_, T, D>,
    ) -> Result<SharedArray<T>> {
        self.make(name, array.shape(), |elements: &mut [T]| match array.as_slice() {
            Some(data) => elements.copy_from_slice(data),
            None => elements.iter_mut().zip(array).for_each(|(element, &value)| *element = value),
        })
    }

    /// Opens the array `name`; see [`SharedArray::open`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::open`].
    pub fn open<T: Typing>(&self, name: &str) -> Result<SharedArray<T>> {
        let (at, shape) = self.at(name, |location| open::open(location, self, ArrayElements::check::<T>))?;
        Ok(SharedArray::new(at, &shape, name))
    }

    /// Opens the array `name`, or makes it; see [`SharedArray::open_or_create`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::open_or_create`].
    pub fn open_or_create<T: ShElement>(&self, name: &str, shape: &[usize]) -> Result<SharedArray<T>> {
        let at = open::open_or_create(&self.location(name)?, self, &ArrayElements::of::<T>()?, shape)?;
        Ok(SharedArray::new(at, shape, name))
    }

    /// Attaches to a block of memory as an array; see [`SharedArray::attach_raw`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::attach_raw`].
    pub fn attach_raw<T: ShElement>(&self, name: &str, shape: &[usize]) -> Result<SharedArray<T>> {
        let elements = ArrayElements::of::<T>()?;
        let at = self.at(name, |location| open::attach_raw(location, self, elements, shape))?;
        Ok(SharedArray::new(at, shape, name))
    }

    fn make<T: ShElement>(&self, name: &str, shape: &[usize], fill: impl FnOnce(&mut [T])) -> Result<SharedArray<T>> {
        let fill = |bytes: &mut [u8]| {
            // The cast cannot fail: elements begin at a page, and zero is a value of every type.
            if let Ok(elements) = view::slice_mut::<T>(bytes) {
                fill(elements);
            }
        };
        let elements = ArrayElements::of::<T>()?;
        let at = self.at(name, |location| open::create(location, self, &elements, shape, fill))?;
        Ok(SharedArray::new(at, shape, name))
    }
}

/// # Shared arrays
impl Options {
    /// Removes the array `name`; see [`remove_array`].
    ///
    /// # Errors
    ///
    /// As [`remove_array`].
    pub fn remove_array(&self, name: &str) -> Result<()> {
        self.at(name, |location| open::remove(location, self.owners))
    }

    /// Removes the array `name`, unless a living process uses or makes it.
    ///
    /// The kernel's locks prove that.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] when a living process uses or makes it; otherwise as [`remove_array`].
    pub fn remove_unused_array(&self, name: &str) -> Result<()> {
        self.at(name, |location| open::remove_unused(location, self.owners))
    }
}

/// Removes the name of the array `name`.
///
/// Neither its dtype matters, nor whether it is complete. Open handles remain usable.
///
/// # Errors
///
/// [`Error::NotFound`]; [`Error::Corrupt`] when the file was not left by a maker of arrays, and
/// stays; [`Error::InUse`] while a living process makes it.
pub fn remove_array(name: &str) -> Result<()> {
    Options::new().remove_array(name)
}
