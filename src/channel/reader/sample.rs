//! A value that a reader holds.

use super::attachment::Attachment;
use super::behind::Behind;
use super::cache::{Array, Cached};
use super::recycled::CopiedValue;
use crate::channel::payload::ReadPayload;
use crate::element::ShElement;
use crate::element::decides;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::record::known::KnownRecord;
use crate::element::record::record_type::RecordType;
use crate::error::{Error, Result, check_elements};
use crate::sys;
use crate::view::ArrayView;
use crate::view::any::AnyArrayView;
use ndsharray_protocol::channel::{Latest, SlotIndex};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// The current value, held in place: its bytes do not change until this is dropped.
///
/// Bound to its [`Reader`](crate::Reader), which can hold one sample at a time. To keep several, or
/// to send one to another thread for good, use [`into_owned`](Self::into_owned).
///
/// # Where the borrow checker objects
///
/// A function that returns a sample borrows its reader until the sample is gone, also on the paths
/// that return none. Where that is in the way, read with [`read_owned`](crate::Reader::read_owned),
/// [`wait_owned`](crate::Reader::wait_owned) or [`latest_owned`](crate::Reader::latest_owned): an
/// [`OwnedSample`] borrows nothing, and holds the same memory without a copy. This helper reopens
/// its reader when the writer has closed the channel:
///
/// ```
/// use ndsharray::{Error, Options, OwnedSample, Reader, Result};
/// use std::time::Duration;
///
/// fn next(reader: &mut Reader, options: &Options) -> Result<Option<OwnedSample>> {
///     match reader.wait_owned(Duration::from_millis(20)) {
///         Err(Error::Closed { name, .. }) => {
///             *reader = options.open(&name)?;
///             reader.wait_owned(Duration::from_millis(20))
///         }
///         other => other,
///     }
/// }
/// # fn main() -> Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let options = Options::new().dir(dir.path());
/// # let mut writer = options.create::<u8>("doc-next")?;
/// # let mut reader = options.open("doc-next")?;
/// # writer.write(&[1], &[7])?;
/// # assert_eq!(next(&mut reader, &options)?.unwrap().as_bytes(), [7]);
/// # Ok(())
/// # }
/// ```
///
/// And a pause between two borrowed samples is a block:
///
/// ```
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let options = ndsharray::Options::new().dir(dir.path());
/// # let mut writer = options.create::<f32>("doc-block")?;
/// # writer.write(&[2], &[1.0, 2.0])?;
/// # let mut reader = options.open("doc-block")?;
/// let sum: f32 = match reader.latest()? {
///     Some(sample) => sample.view::<f32>()?.iter().sum(),
///     None => 0.0,
/// };
/// let again = reader.latest()?; // the first sample is gone: only its sum is left
/// # assert_eq!((sum, again.is_some()), (3.0, true));
/// # Ok(())
/// # }
/// ```
///
/// # Alignment
///
/// A value begins at the start of a page, so every element type is aligned.
///
/// # Examples
///
/// ```compile_fail,E0505
/// # fn main() -> ndsharray::Result<()> {
/// let mut reader = ndsharray::Reader::open("lidar")?;
/// let sample = reader.latest()?;
/// drop(reader); // the sample still borrows it
/// println!("{:?}", sample);
/// # Ok(())
/// # }
/// ```
///
/// ```no_run
/// # fn main() -> ndsharray::Result<()> {
/// let mut reader = ndsharray::Reader::open("lidar")?;
/// let sample = reader.latest()?;
/// println!("{:?}", sample);
/// drop(sample);
/// drop(reader);
/// # Ok(())
/// # }
/// ```
pub struct Sample<'a> {
    // Dropped first to last; the pin's order does not matter to the others, which only borrow.
    pin: Pin<'a>,
    cached: &'a Cached,
    latest: Latest,
    missed: u64,
}

/// A value that is held as long as this, or a clone, lives.
///
/// Independent of its reader, and free to go to other threads.
///
/// From [`Reader::read_owned`](crate::Reader::read_owned) and its like, or [`Sample::into_owned`].
/// Each held value takes one of the channel's slots from the writer.
#[derive(Clone)]
pub struct OwnedSample {
    value: Value,
    number: u64,
    origin: Origin,
    written_ns: u64,
    missed: u64,
}

/// Where a value comes from.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) epoch: u64,
    pub(super) incarnation: Uuid,
}

/// Where an owned sample's elements are.
#[derive(Clone)]
enum Value {
    /// In the channel, in a slot that is kept.
    Kept { array: Arc<Array>, payload: Arc<ReadPayload>, _kept: Arc<Kept> },
    /// In this process, with what stood behind it.
    Copied(CopiedValue),
}

/// The borrowed pin of a reader; released on drop.
pub(super) struct Pin<'a>(pub(super) &'a Arc<Attachment>);

impl Drop for Pin<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.unpin();
    }
}

/// One owner of a kept slot.
struct Kept {
    attachment: Arc<Attachment>,
    slot: SlotIndex,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.attachment.release(self.slot);
    }
}

impl<'a> Sample<'a> {
    #[inline]
    pub(super) fn new(pin: Pin<'a>, cached: &'a Cached, latest: Latest, missed: u64) -> Self {
        Self { pin, cached, latest, missed }
    }

    /// Holds the value independently of the reader.
    #[must_use]
    pub fn into_owned(self) -> OwnedSample {
        let origin = self.origin();
        let attachment = Arc::clone(self.pin.0);
        let slot = self.latest.slot();
        // Kept first; only then, with `self`, the borrowed pin goes.
        attachment.keep(slot);
        OwnedSample {
            value: Value::Kept {
                array: Arc::clone(&self.cached.array),
                payload: Arc::clone(&self.cached.payload),
                _kept: Arc::new(Kept { attachment, slot }),
            },
            number: self.latest.number(),
            origin,
            written_ns: self.cached.written_ns,
            missed: self.missed,
        }
    }

    /// The value's sequence number.
    ///
    /// 1 for the first value of a channel, and one more with each.
    #[must_use]
    #[inline]
    pub fn seq(&self) -> u64 {
        self.latest.number()
    }

    /// Where the value comes from, unless it has been imported.
    fn origin(&self) -> Origin {
        Origin { epoch: self.cached.epoch, incarnation: self.pin.0.lineage() }
    }

    fn behind(&self) -> Behind<'_> {
        let tail = self.cached.array.tail;
        if tail.is_none() {
            return Behind::NONE;
        }
        // SAFETY: as in `as_bytes`.
        Behind::of(tail, unsafe { self.cached.payload.behind(self.cached.byte_len, tail) })
    }

    fn written_ns(&self) -> u64 {
        self.cached.written_ns
    }

    #[inline]
    fn known_record(&self) -> Option<&KnownRecord> {
        self.cached.array.record.as_ref()
    }

    /// The dtype of the elements.
    #[must_use]
    #[inline]
    pub fn dtype(&self) -> DType {
        self.cached.dtype
    }

    /// The element type: the dtype with its parameter.
    #[must_use]
    #[inline]
    pub fn element_type(&self) -> ElementType {
        self.cached.array.element
    }

    /// The length of each axis; empty for a scalar.
    #[must_use]
    #[inline]
    pub fn shape(&self) -> &[usize] {
        &self.cached.array.shape
    }

    /// The elements' bytes, in C order and this machine's byte order.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: this sample's pin holds the slot that names the payload. It was made before the
        // header was read, and is released only when the sample is dropped. The slice is bound to a
        // borrow of the sample.
        unsafe { self.cached.payload.bytes(self.cached.byte_len) }
    }
}

impl OwnedSample {
    /// A sample whose elements lie in this process.
    pub(super) fn copied(copied: CopiedValue, number: u64, origin: Origin, written_ns: u64, missed: u64) -> Self {
        Self { value: Value::Copied(copied), number, origin, written_ns, missed }
    }

    /// The value's sequence number.
    ///
    /// 1 for the first value of a channel, and one more with each.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.number
    }

    fn origin(&self) -> Origin {
        self.origin
    }

    fn behind(&self) -> Behind<'_> {
        match &self.value {
            Value::Kept { array, .. } if array.tail.is_none() => Behind::NONE,
            Value::Kept { array, payload, .. } => {
                // SAFETY: as in `as_bytes`.
                Behind::of(array.tail, unsafe { payload.behind(array.byte_len, array.tail) })
            }
            Value::Copied(copied) => copied.1.get(),
        }
    }

    fn written_ns(&self) -> u64 {
        self.written_ns
    }

    fn known_record(&self) -> Option<&KnownRecord> {
        match &self.value {
            Value::Kept { array, .. } => array.record.as_ref(),
            Value::Copied(copied) => copied.0.known_record(),
        }
    }

    /// The dtype of the elements.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.element_type().dtype()
    }

    /// The element type: the dtype with its parameter.
    #[must_use]
    pub fn element_type(&self) -> ElementType {
        match &self.value {
            Value::Kept { array, .. } => array.element,
            Value::Copied(copied) => copied.0.element_type(),
        }
    }

    /// The length of each axis; empty for a scalar.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        match &self.value {
            Value::Kept { array, .. } => &array.shape,
            Value::Copied(copied) => copied.0.shape(),
        }
    }

    /// The elements' bytes, in C order and this machine's byte order.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.value {
            // SAFETY: this sample is an owner of the slot that names the payload. It became one
            // while the slot was pinned, and stops being one only when dropped. The slice is bound
            // to a borrow of the sample.
            Value::Kept { array, payload, .. } => unsafe { payload.bytes(array.byte_len) },
            Value::Copied(copied) => copied.0.as_bytes(),
        }
    }
}

/// What both kinds of sample offer.
macro_rules! impl_sample {
    ($($sample:tt)*) => {
        impl $($sample)* {
            /// What the elements consist of, if they are records.
            #[must_use]
            pub fn record_type(&self) -> Option<&RecordType> {
                self.known_record().map(KnownRecord::record)
            }

            /// Values published and not seen since this reader's last read, or its opening.
            ///
            /// A reader is opened before the value that is current then. Together with those seen
            /// they are all that were published, over takeovers, closes and restarts.
            #[must_use]
            #[inline]
            pub fn missed(&self) -> u64 {
                self.missed
            }

            /// What the writer put beside the elements; empty without.
            ///
            /// [`Writer::write_with`](crate::Writer::write_with) puts them there. They are held as
            /// the elements are: they do not change while this lives. The first byte is at an
            /// address that is a multiple of 16.
            #[must_use]
            pub fn attributes(&self) -> &[u8] {
                self.behind().attributes
            }

            /// Which of the channel's writers wrote the value: 1 is the first.
            ///
            /// Of an [imported](Self::is_imported) value, which of those at its source.
            #[must_use]
            pub fn epoch(&self) -> u64 {
                self.behind().record.map_or_else(|| self.origin().epoch, |record| record.epoch)
            }

            /// The lineage that the sequence number belongs to.
            ///
            /// It stays the same when a writer takes the channel over, and differs when the numbers
            /// begin anew. Of an [imported](Self::is_imported) value it is that of its source.
            ///
            /// Together with [`seq`](Self::seq) it is an identity that no other value ever has.
            #[must_use]
            pub fn incarnation(&self) -> Uuid {
                self.behind().record.map_or_else(|| self.origin().incarnation, |record| record.incarnation)
            }

            /// Whether the value was republished here, and comes from elsewhere.
            ///
            /// A bridge did that, or a player of recordings: see
            /// [`raw::Origin`](crate::raw::Origin).
            #[must_use]
            pub fn is_imported(&self) -> bool {
                self.behind().record.is_some()
            }

            /// When the value was written.
            ///
            /// It is [`monotonic_ns`](Self::monotonic_ns), by the difference that the two clocks
            /// have at this call. Where the time of day was set since, or the machine slept, it is
            /// off by as much. Of an [imported](Self::is_imported) value it is the time of day that
            /// its source has noted.
            #[must_use]
            pub fn time(&self) -> SystemTime {
                self.behind().time(self.written_ns())
            }

            /// When the value was published here, in nanoseconds of the machine's monotonic clock.
            ///
            /// [`age`](Self::age) is the time since then, and says how exact it is.
            #[must_use]
            pub fn monotonic_ns(&self) -> u64 {
                self.written_ns()
            }

            /// Time since the value was published.
            ///
            /// As a rule to a microsecond. Where a writer's stamps are carried by a processor's
            /// tick counter (x86-64) that jumps, as when a virtual machine moves, they can be off
            /// by a tenth of a millisecond.
            #[must_use]
            pub fn age(&self) -> Duration {
                sys::age_of(self.written_ns())
            }

            /// The array, if its elements are `T`.
            ///
            /// No copy is made; for `bool` all bytes are checked.
            ///
            /// # Errors
            ///
            /// [`Error::DTypeMismatch`], [`Error::ElementMismatch`] for another element type;
            /// [`Error::RecordMismatch`] for records with other fields; [`Error::InvalidBool`] when
            /// a `bool` is neither 0 nor 1.
            #[inline]
            pub fn view<T: ShElement>(&self) -> Result<ArrayView<'_, T>> {
                // Records that were found to be `T` before need no other look.
                if !T::RECORD.is_some_and(|layout| self.known_record().is_some_and(|known| known.is_matched(layout))) {
                    if self.dtype() != T::DTYPE {
                        return Err(Error::DTypeMismatch { expected: T::DTYPE, found: self.dtype() });
                    }
                    // Looked at only where the dtype alone does not decide.
                    if !decides::<T>() {
                        check_elements::<T>(self.element_type(), self.known_record())?;
                    }
                }
                // The header has been validated: the payload is as long as its shape says.
                Ok(ArrayView::from_array_bytes(self.as_bytes(), self.shape())?)
            }

            /// The array, as an enum over all element types.
            ///
            /// No copy is made; for `bool` all bytes are checked.
            ///
            /// # Errors
            ///
            /// [`Error::InvalidBool`] when a `bool` is neither 0 nor 1.
            pub fn any_view(&self) -> Result<AnyArrayView<'_>> {
                Ok(AnyArrayView::of(self.element_type(), self.record_type(), self.shape(), self.as_bytes())?)
            }
        }

        impl fmt::Debug for $($sample)* {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($($sample)*).trim_end_matches("<'_>"))
                    .field("seq", &self.seq())
                    .field("dtype", &self.element_type())
                    .field("shape", &self.shape())
                    .finish_non_exhaustive()
            }
        }
    };
}

impl_sample!(Sample<'_>);
impl_sample!(OwnedSample);
