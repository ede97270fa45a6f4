//! Share n-dimensional numeric arrays between processes through shared memory.
//!
//! Typed, zero-copy, never torn.
//!
//! A channel has a name, one [`Writer`] and any number of [`Reader`]s. The writer publishes arrays,
//! whose shape and dtype may change each time. A reader sees the latest one, in place. What it
//! holds does not change while it holds it.
//!
//! ```
//! # fn main() -> ndsharray::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! use ndsharray::Options;
//!
//! // In one process:
//! let mut writer = Options::new().dir(&dir).create::<f32>("lidar")?;
//! writer.write(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
//!
//! // In another:
//! let mut reader = Options::new().dir(&dir).open("lidar")?;
//! if let Some(sample) = reader.read()? {
//!     let view = sample.view::<f32>()?;
//!     assert_eq!(view.shape(), [2, 3]);
//!     assert_eq!(view[[1, 2]], 6.0);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Writer::create`] and [`Reader::open`] do the same in the default directory.
//!
//! When the dtype is not known beforehand, [`Sample::any_view`] gives an enum of typed views to
//! match on:
//!
//! ```
//! # fn main() -> ndsharray::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let options = ndsharray::Options::new().dir(dir.path());
//! # let mut writer = options.create::<u8>("camera")?;
//! # writer.write(&[2, 2], &[1, 2, 3, 4])?;
//! # let mut reader = options.open("camera")?;
//! use ndsharray::AnyArrayView;
//!
//! if let Some(sample) = reader.read()? {
//!     match sample.any_view()? {
//!         AnyArrayView::U8(frame) => println!("frame of shape {:?}", frame.shape()),
//!         AnyArrayView::F32(image) => println!("first pixel {}", image.as_slice()[0]),
//!         other => println!("cannot use {}", other.dtype()),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # One array for all
//!
//! Where a channel carries one value after another, a [`SharedArray`] is one piece of memory that
//! all processes change in place. They do so under a reader–writer lock across processes, by atomic
//! access to single elements, or without either in unsafe code.
//!
//! # Waiting
//!
//! | wait | for | ended from outside by |
//! |---|---|---|
//! | [`Reader::wait`] and its like | one channel | a [`ReaderWaker`] |
//! | [`wait_any`] | any number of channels, without another thread | a waker of any of the readers |
//! | `Reader::changed`, `into_stream` | one channel in a task of any executor | dropping the future |
//! | `Reader::news_fd` | one channel beside other descriptors, in `poll` or `epoll` | the loop itself |
//!
//! The last two need the feature `async`. All their readers share one thread, and a further one for
//! each 127. Bindings to other languages take `news_fd` for an event loop, and [`wait_any`] with a
//! waker for a blocking call: it may be called without the language's lock, and any thread may end
//! it.
//!
//! # What is promised
//!
//! 1. A view never changes or tears while it is held, whatever the timing, among processes that use
//!    this library.
//! 2. A process killed at any instruction leaves the channel usable. The last value stays readable.
//!    A killed reader's pins are released as soon as the kernel knows that it is dead. A new writer
//!    takes over from a killed one.
//! 3. Whatever bytes stand in shared memory, safe code answers with a value or an [`Error`].
//! 4. A reader cannot change what another reader sees: it maps payloads and board read-only.
//! 5. Full memory is an [`Error::OutOfMemory`] before the first byte is written; the last value
//!    stays.
//! 6. Nothing leaks: files are unlinked when their last use ends, and what a killed process left is
//!    reclaimed by the next writer of that name or by [`remove`].
//!
//! [Platforms](_docs::platforms) says what each operating system cannot promise, and
//! [Safety](_docs::safety) what each user of the machine can do.
//!
//! # Forks
//!
//! A child made by `fork` inherits the handles of its parent. It may drop them, which does nothing
//! to the parent's channel, and open its own. Anything else through them is [`Error::Forked`], but
//! a poll with nothing new may still return `None`. A view that the child inherited is the
//! parent's: it stays unchanged only as long as the parent holds it. While the child lives and has
//! not called `exec`, it keeps the parent's locks alive: a parent that dies in the meantime is
//! taken for living.
//!
//! # Features
//!
//! - `derive`: `#[derive(Record)]`, for structs as elements.
//! - `ndarray` (default): [`Writer::write_array`], `Loan::view_mut`, [`ArrayView::to_ndarray`], for
//!   `ndarray` 0.17.
//! - `async`: `Reader::changed`, `Reader::into_stream` and, on Unix, `Reader::news_fd`. It brings
//!   `futures-core` along, and no runtime. The examples `async_dashboard` and `epoll` need it.
//! - `jiff`, `chrono`: [`DateTime64`] and [`TimeDelta64`] to and from the types of these crates.

// docs.rs says beside an item which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

// The list reads bottom-up: a module uses only those above it, which a script checks. Below all of
// them stands the crate `ndsharray-protocol`, which has the orderings of channel and lock.

// One element: its dtype, its Rust type, long doubles.
mod element;
// An array of elements: shapes and views.
mod view;

// Bytes in, a value or an error out: the formats in files.
mod format;

// What each operating system does its own way.
mod sys;

// What depends on the processor.
mod arch;
// Points at which tests have a process die.
mod failpoint;

mod error;
mod owned_array;

// Files in a directory where other users write too: names, owners, locks, mappings.
mod files;
mod options;

// A writer and its readers; an array that all processes change in place.
mod channel;
mod shared;

pub mod raw;

// Python's ndsharray as it is.
pub mod compat;

// Reports on all of it.
pub mod inspect;

#[doc(hidden)]
pub mod __decoders;
/// For the code that `#[derive(Record)]` writes. No part of the API.
#[doc(hidden)]
pub mod __private;
#[cfg(all(doc, not(doctest)))]
pub mod _docs;

/// For this crate's own tests, which are all that enable the feature.
#[cfg(feature = "failpoints")]
#[doc(hidden)]
pub use failpoint::{ARRAY_FAIL_POINTS, COMPAT_FAIL_POINTS, FAIL_POINTS};

#[cfg(all(unix, feature = "async"))]
pub use channel::reader::news::fd::NewsFd;
#[cfg(feature = "async")]
pub use channel::reader::news::stream::NewsStream;
#[cfg(feature = "derive")]
pub use ndsharray_derive::Record;

pub use {
    channel::reader::many::{Ready, wait_any},
    channel::reader::waker::ReaderWaker,
    channel::reader::{Info, OwnedSample, Reader, Sample},
    channel::writer::{AnyWriter, Loan, Writer, remove},
    element::ShElement,
    element::atomic::{AtomicElement, AtomicInteger},
    element::dtype::DType,
    element::element_type::{ElementType, ElementTypeError},
    element::fixed::{FixedBytes, FixedText, TextError, Void},
    element::float8::{F8E4M3FN, F8E5M2, F8E8M0FNU},
    element::long_double::{ComplexLongDouble, LongDouble},
    element::parse::ParseDTypeError,
    element::record::error::RecordError,
    element::record::record_type::{Field, FieldType, RecordType},
    element::time::instant::TimeError,
    element::time::unit::{TimeUnit, TimeUnitError},
    element::time::{DateTime64, TimeDelta64},
    element::time_element::TimeElement,
    element::typing::{Dyn, Typing},
    error::{DirSource, Error, Foreign, Instead, Memory, Poisoned, Result},
    files::owners::Owners,
    format::error::HeaderError,
    format::npy_descr::NpyRecord,
    format::tail::MAX_ATTRIBUTES,
    half::{bf16, f16},
    num_complex::Complex,
    options::{ArrayOptions, Options},
    owned_array::OwnedArray,
    shared::guards::atomic::AtomicGuard,
    shared::guards::slices::{AnyReadGuard, AnyWriteGuard, ReadGuard, WriteGuard},
    shared::{AnySharedArray, SharedArray, remove_array},
    view::ArrayView,
    view::any::AnyArrayView,
    view::error::{FieldError, ViewError},
    view::record::{AnyFieldView, FieldIter, FieldView, NestedView, ParameterFieldView, RecordView},
    view::shape::{MAX_NDIM, ShapeError},
    view::time::TimeArrayView,
    view::wide::WideArrayView,
};
