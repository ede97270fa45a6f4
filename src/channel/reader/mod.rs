//! The reading end.

mod attachment;
mod behind;
mod cache;
mod cursor;
mod deadline;
mod look;
pub(crate) mod many;
#[cfg(feature = "async")]
pub(crate) mod news;
mod next;
mod open_files;
mod recycled;
mod sample;
mod sink;
mod spin;
pub(crate) mod unpinned;
mod wait;
pub(crate) mod waker;
mod waking;

pub use sample::{OwnedSample, Sample};
pub use unpinned::Info;

use crate::channel::board::Lead;
use crate::channel::record_types::ReadTypes;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::record::known::KnownRecord;
use crate::element::record::record_type::RecordType;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::location::Location;
use crate::files::owners::Owners;
use crate::format::error::HeaderError;
use crate::options::Options;
use crate::sys;
use attachment::{Attachment, Mode, Request};
use cache::{Cache, Source};
use ndsharray_protocol::channel::{Latest, PinAttempt, SlotIndex, Standing, State};
use open_files::OpenFiles;
use recycled::Recycled;
use sample::Pin;
use spin::Spin;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use waker::Wakes;

/// Attempts to hold a value while the writer publishes others.
///
/// At some tens of nanoseconds each it takes a writer that never pauses, on more slots than there
/// are, to use them up.
const ATTEMPTS: u32 = 1 << 16;

/// Channels that one read goes through, if each is removed before it is read.
const CHANNELS: u32 = 4;

/// Reads a channel's latest value, without a copy, whatever its dtype and shape.
///
/// A reader follows the *name*. When the writer dies, the last value stays readable, and a reader
/// opened afterwards gets it too. When a new writer takes the channel over or re-creates it, the
/// reader goes on with its values by itself.
///
/// When the writer closes the channel, its last value stands until its readers have read it or have
/// gone, however late they come. [`latest`](Self::latest) returns it after that too.
/// [`wait`](Self::wait) reports the close once, [`is_closed`](Self::is_closed) whenever it is
/// asked. The writer does not know of readers [without write permission](Self::open_read_only): for
/// them alone nothing is left.
///
/// The values that a reader has seen and those that it has [missed](Sample::missed) add up to all
/// that were published since it was opened, by any writer. There is one exception. A channel may be
/// made, closed and removed between two looks of a reader that had come to the end of the one
/// before: such a reader learns nothing of it.
///
/// Files removed by hand are another matter. [`wait`](Self::wait) notices within a tenth of a
/// second that the name has gone to another channel; [`read`](Self::read) alone does not, unless
/// the writer of the removed files lives. That writer re-creates its channel, and its readers
/// follow.
///
/// # Example
///
/// [`Reader::open`] is for the default directory; here the options name one:
///
/// ```
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let mut writer = ndsharray::Options::new().dir(&dir).create::<f32>("lidar")?;
/// # writer.write(&[2, 2], &[1.0, 2.0, 3.0, 4.0])?;
/// let mut reader = ndsharray::Options::new().dir(&dir).open("lidar")?;
/// if let Some(sample) = reader.read()? {
///     let view = sample.view::<f32>()?;
///     assert_eq!(view.shape(), [2, 2]);
///     assert_eq!(view[[1, 0]], 3.0);
/// }
/// assert!(reader.read()?.is_none()); // nothing newer
/// assert!(reader.latest()?.is_some()); // but this is still current
/// # Ok(())
/// # }
/// ```
pub struct Reader {
    location: Location,
    owners: Owners,
    /// Bytes of the largest value that is accepted.
    max_value: usize,
    /// Whether a wait ends when the writer has died.
    end_with_writer: bool,
    mode: Mode,
    /// Whether the writer waits for this reader.
    lossless: bool,
    // Before the attachment, whose end comes when nothing is mapped any more.
    cache: Cache,
    files: OpenFiles,
    types: ReadTypes,
    /// Memory of copies.
    recycled: Recycled,
    at: Arc<Attachment>,
    /// The `latest` word of the last value read from this board.
    seen: Latest,
    /// How the board stood when there was nothing to do but to wait for news. It was open then: a
    /// board in another state is never calm.
    calm: Standing,
    /// Number of the last value that this reader has read. Before the first read, the number just
    /// before the first value to come. On a channel whose numbers begin anew it is less than 0, by
    /// the count of earlier values that have been missed.
    position: i64,
    /// Whether the board had no value yet when this reader came. Its base may have moved since.
    came_early: bool,
    /// Number of the last value that this reader has passed over, as it cannot read it.
    given_up: u64,
    /// Whether `position` is that of a value which has been read.
    has_read: bool,
    /// What [`seq`](Self::seq) was before the numbers began anew.
    seq_before: Option<u64>,
    /// The epoch whose close has been reported; 0 for none.
    close_told: u64,
    /// The epoch after whose close this reader has checked for files to remove; 0 for none.
    close_cleared: u64,
    /// When to make sure next that the channel still has the name.
    next_look: Instant,
    spin: Spin,
    /// What ends its waits, once it has a waker.
    wakes: OnceLock<Arc<Wakes>>,
    /// What wakes its task, or sets its descriptor, once it has one.
    #[cfg(feature = "async")]
    news: news::link::Link,
    /// The epoch whose close a read has met; 0 for none.
    #[cfg(feature = "async")]
    close_shown: u64,
    /// Whether a stream of its values goes in order.
    #[cfg(feature = "async")]
    in_order: bool,
}

impl Reader {
    /// Opens the channel `name`, with default [`Options`].
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is no channel of that name; [`Error::TooManyReaders`];
    /// [`Error::Corrupt`] when the files are not of this library and version.
    pub fn open(name: &str) -> Result<Self> {
        Options::new().open(name)
    }

    /// Opens the channel `name`; waits up to `timeout` for its writer to appear.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); [`Error::NotFound`] when there still is no channel at the end.
    pub fn open_timeout(name: &str, timeout: Duration) -> Result<Self> {
        Options::new().open_timeout(name, timeout)
    }

    /// Opens the channel `name` without write permission for any of its files.
    ///
    /// Such a reader cannot hold values in place. It makes copies with
    /// [`read_into`](Self::read_into), [`read_owned`](Self::read_owned) and its like, and makes
    /// them again when the writer overtakes them. It does not count as a reader, and the writer
    /// does not know of it. It keeps the memory of its last two copies, for those to come.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_read_only(name: &str) -> Result<Self> {
        Options::new().open_read_only(name)
    }

    fn attach(options: &Options, name: &str, mode: Mode) -> Result<Self> {
        let location = options.location(name)?;
        let (from_oldest, lossless) = (options.from_oldest, options.lossless);
        let request = Request { mode, lossless, from_oldest };
        let mut at = Attachment::new(&location, options.owners, request).map_err(|error| location.explain(error))?;
        // Before the position, which stands at the board's base if there is none.
        let came_early = at.latest().is_none();
        let reader = Self {
            cache: Cache::new(at.board().slot_count(), options.max_value),
            files: OpenFiles::default(),
            types: ReadTypes::default(),
            recycled: Recycled::default(),
            location,
            owners: options.owners,
            max_value: options.max_value,
            end_with_writer: options.end_with_writer,
            mode,
            lossless,
            came_early,
            position: start_of(&mut at, from_oldest),
            given_up: 0,
            at: Arc::new(at),
            seen: Latest::NONE,
            calm: Standing::UNKNOWN,
            has_read: false,
            seq_before: None,
            close_told: 0,
            close_cleared: 0,
            next_look: Instant::now() + deadline::SLICE,
            spin: Spin::new(options.spin),
            wakes: OnceLock::new(),
            #[cfg(feature = "async")]
            news: news::link::Link::default(),
            #[cfg(feature = "async")]
            close_shown: 0,
            #[cfg(feature = "async")]
            in_order: from_oldest || lossless,
        };
        // What comes before is not kept for this reader when the channel is closed.
        reader.at.tell(reader.cursor());
        Ok(reader)
    }

    /// The current value if it is newer than the last one read, else `None`.
    ///
    /// Never blocks; with nothing new it takes about a nanosecond.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] when the shared bytes are not what a writer of this library leaves;
    /// [`Error::Contended`]; [`Error::Unsupported`] for a reader without write permission. The
    /// reader stays usable.
    #[inline]
    pub fn read(&mut self) -> Result<Option<Sample<'_>>> {
        if self.at.latest() != self.seen {
            self.hold_news()
        } else if self.at.board().standing() == self.calm {
            Ok(None)
        } else {
            self.hold_around()
        }
    }

    /// The current value, whether it has been read before or not; `None` before the first.
    ///
    /// Counts as reading it.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[inline]
    pub fn latest(&mut self) -> Result<Option<Sample<'_>>> {
        self.find_latest()?;
        self.hold()
    }

    /// [`read`](Self::read), for a sample independent of this reader.
    ///
    /// Through a reader without write permission the sample owns a copy; otherwise it holds the
    /// value in place.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_owned(&mut self) -> Result<Option<OwnedSample>> {
        for _ in 0..CHANNELS {
            if !self.has_news()? {
                break;
            }
            if let Some(sample) = self.own()? {
                return Ok(Some(sample));
            }
        }
        Ok(None)
    }

    /// [`read_owned`](Self::read_owned), if `accept` takes the value's dtype and shape.
    ///
    /// An error of `accept` is returned as it is, and the value stays unread: the next read still
    /// finds it. `accept` may be asked again when the writer is quicker.
    ///
    /// # Errors
    ///
    /// Those of `accept`, and as [`read`](Self::read).
    pub fn read_owned_if(
        &mut self,
        mut accept: impl FnMut(DType, &[usize]) -> Result<()>,
    ) -> Result<Option<OwnedSample>> {
        self.read_owned_if_described(|element, _, shape| accept(element.dtype(), shape))
    }

    /// [`read_owned_if`](Self::read_owned_if), asked about the dtype's parameter too.
    ///
    /// # Errors
    ///
    /// As [`read_owned_if`](Self::read_owned_if).
    pub fn read_owned_if_elements(
        &mut self,
        mut accept: impl FnMut(ElementType, &[usize]) -> Result<()>,
    ) -> Result<Option<OwnedSample>> {
        self.read_owned_if_described(|element, _, shape| accept(element, shape))
    }

    /// [`read_owned_if_elements`](Self::read_owned_if_elements), asked about the fields of records
    /// too.
    ///
    /// # Errors
    ///
    /// As [`read_owned_if`](Self::read_owned_if).
    pub fn read_owned_if_described(
        &mut self,
        accept: impl FnMut(ElementType, Option<&RecordType>, &[usize]) -> Result<()>,
    ) -> Result<Option<OwnedSample>> {
        if !self.has_news()? {
            return Ok(None);
        }
        match self.mode {
            Mode::Pinning => self.hold_if(accept),
            Mode::CopyOnly => self.copy_owned_if(accept),
        }
    }

    /// The current value, held in place, if it is accepted.
    fn hold_if(
        &mut self,
        mut accept: impl FnMut(ElementType, Option<&RecordType>, &[usize]) -> Result<()>,
    ) -> Result<Option<OwnedSample>> {
        let Some(latest) = self.pin()? else { return Ok(None) };
        // Releases the pin if the value is refused.
        let pin = Pin(&self.at);
        if let Some(cached) = self.cache.get(latest.slot()) {
            let record = cached.array.record.as_ref().map(KnownRecord::record);
            accept(cached.array.element, record, &cached.array.shape)?;
        }
        std::mem::forget(pin);
        Ok(self.sample(latest).map(Sample::into_owned))
    }

    /// [`latest`](Self::latest), for a sample independent of this reader.
    ///
    /// As with [`read_owned`](Self::read_owned), it owns a copy or holds the value in place.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn latest_owned(&mut self) -> Result<Option<OwnedSample>> {
        self.find_latest()?;
        match self.own()? {
            Some(sample) => Ok(Some(sample)),
            None => self.read_owned(),
        }
    }

    /// Whether the channel has a living writer just now.
    ///
    /// Asks the kernel: about two microseconds.
    #[must_use]
    pub fn is_writer_alive(&self) -> bool {
        self.at.is_writer_alive(&self.location, self.owners)
    }

    /// How many writers the channel has had, the present one included.
    ///
    /// 1 for the first, one more for each that took over.
    #[must_use]
    pub fn writer_epoch(&self) -> u64 {
        self.at.board().epoch()
    }

    /// Whether the channel is closed, its last value read, and no new writer has come.
    ///
    /// The last value is the last that still stands for this reader.
    ///
    /// For callers that poll with [`read`](Self::read): [`wait`](Self::wait) reports it by itself.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        // In this order: what is current is final once the channel is closed.
        self.at.board().state() != State::Open && self.at.latest() == self.seen && !self.at.has_moved()
    }

    /// The number of the value read last; `None` before the first.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        if self.has_read { u64::try_from(self.position).ok() } else { self.seq_before }
    }

    /// The channel's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.location.name()
    }

    /// File name of the payload of the value read last.
    ///
    /// `None` before the first, when the writer has replaced the file since and this reader has
    /// noticed, and for a reader without write permission.
    ///
    /// ```
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let options = ndsharray::Options::new().dir(dir.path());
    /// # let mut writer = options.create::<f32>("doc-payload")?;
    /// # let mut reader = options.open("doc-payload")?;
    /// # assert_eq!(reader.payload_name(), None);
    /// writer.write(&[2], &[1.0, 2.0])?;
    /// reader.read()?;
    /// assert_eq!(reader.payload_name(), writer.payload_name());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn payload_name(&self) -> Option<String> {
        let cached = self.cache.get(self.seen.slot()).filter(|_| self.cache.is_fresh(self.seen))?;
        Some(self.location.payload_name(cached.payload.id()))
    }

    /// Whether a value newer than the last one read is current.
    ///
    /// Follows the name if need be.
    #[inline]
    fn has_news(&mut self) -> Result<bool> {
        if self.at.latest() != self.seen {
            return Ok(true);
        }
        if self.at.board().standing() == self.calm { Ok(false) } else { self.look_around() }
    }

    /// Responds to a change of the board's standing.
    ///
    /// Drops payload files that have been unlinked. If the channel is not open, it also removes
    /// what is left and follows the name. Returns whether there is something newer then.
    #[cold]
    fn look_around(&mut self) -> Result<bool> {
        let now = self.at.board().standing();
        // A forked child's mappings are its own to drop.
        self.let_go();
        if now.state() == State::Open {
            self.calm = now;
            if self.take_move() {
                self.follow()?;
            }
        } else if self.at.latest() == self.seen {
            // That was the last value: `latest` has been looked at after the state.
            self.clear_up();
            self.follow()?;
        }
        self.note_end();
        Ok(self.at.latest() != self.seen)
    }

    /// Follows the name if this board has nothing more to come.
    #[inline]
    fn find_latest(&mut self) -> Result<()> {
        if self.at.board().standing() != self.calm && self.at.latest() == self.seen {
            self.look_around()?;
        }
        Ok(())
    }

    /// Drops mappings of payload files that have been unlinked, and closes them.
    ///
    /// Their memory is free when no process has them. Of a channel that has been removed the last
    /// value is kept.
    fn let_go(&mut self) {
        if self.at.board().state() != State::Closed {
            self.cache.forget_gone(self.at.board());
            self.files.forget_gone(self.at.board());
        }
    }

    /// Removes what the closed channel has left if only this reader needed it.
    ///
    /// This reader has come to its end. As long as it stays for others this reader looks again:
    /// they may be killed, and then the last has gone.
    fn clear_up(&mut self) {
        let board = self.at.board();
        let epoch = board.epoch();
        let is_left = board.state() == State::Left;
        if (is_left || self.close_cleared != epoch) && self.at.check_process().is_ok() {
            self.close_cleared = epoch;
            self.at.clear_up();
        }
    }

    /// As [`hold`](Self::hold), out of the way of readers that find nothing new.
    #[inline(never)]
    fn hold_news(&mut self) -> Result<Option<Sample<'_>>> {
        self.hold()
    }

    /// As [`read`](Self::read), for a board whose standing has changed.
    #[cold]
    fn hold_around(&mut self) -> Result<Option<Sample<'_>>> {
        if self.look_around()? { self.hold() } else { Ok(None) }
    }

    /// The current value, pinned, or what follows if it went with its channel.
    #[inline(always)]
    fn hold(&mut self) -> Result<Option<Sample<'_>>> {
        match self.pin()? {
            Some(latest) => Ok(self.sample(latest)),
            None => self.hold_next(),
        }
    }

    /// What the name offers when the expected value went with its channel, or was none.
    ///
    /// That is something newer, under the same name.
    #[cold]
    fn hold_next(&mut self) -> Result<Option<Sample<'_>>> {
        for _ in 0..CHANNELS {
            if !self.has_news()? {
                break;
            }
            if let Some(latest) = self.pin()? {
                return Ok(self.sample(latest));
            }
        }
        Ok(None)
    }

    /// The value that has just been pinned.
    #[inline]
    fn sample(&mut self, latest: Latest) -> Option<Sample<'_>> {
        let missed = self.note(latest);
        let pin = Pin(&self.at);
        self.cache.get(latest.slot()).map(|cached| Sample::new(pin, cached, latest, missed))
    }

    /// The current value, for a sample that does not borrow.
    fn own(&mut self) -> Result<Option<OwnedSample>> {
        match self.mode {
            Mode::Pinning => match self.pin()? {
                Some(latest) => Ok(self.sample(latest).map(Sample::into_owned)),
                None => Ok(None),
            },
            Mode::CopyOnly => self.copy_owned(),
        }
    }

    /// Pins the current value and has it in the cache.
    ///
    /// `None`, and nothing pinned, when there is none.
    // Always: the compiler counts its callers, and a call costs as much as the rest of `latest`.
    #[inline(always)]
    fn pin(&mut self) -> Result<Option<Latest>> {
        let latest = self.at.latest();
        if latest.is_none() {
            self.seen = latest;
            return Ok(None);
        }
        // Asked beforehand: the pin's locked instruction holds up all loads after it.
        let fresh = self.cache.is_fresh(latest);
        match self.at.try_pin(latest)? {
            PinAttempt::Pinned if fresh || self.cache.renew(self.at.board(), latest) => Ok(Some(latest)),
            PinAttempt::Pinned => self.resolve(latest),
            other => self.pin_again(latest, other),
        }
    }

    /// Looks for a slot that the board's words have led to, in vain so far.
    fn look_for(&mut self, slot: SlotIndex) -> Lead {
        // SAFETY: the reader is borrowed exclusively.
        unsafe { self.at.look_for(slot) }
    }

    /// Pins when the writer was quicker the first time.
    #[cold]
    fn pin_again(&mut self, mut latest: Latest, mut attempt: PinAttempt) -> Result<Option<Latest>> {
        for _ in 0..ATTEMPTS {
            match attempt {
                PinAttempt::Pinned => return self.resolve(latest),
                PinAttempt::Missed(now) if now.is_none() => {
                    self.seen = now;
                    return Ok(None);
                }
                PinAttempt::Missed(now) => latest = now,
                PinAttempt::Broken => match self.look_for(latest.slot()) {
                    Lead::News => {}
                    Lead::Gone => {
                        self.seen = latest;
                        return Ok(None);
                    }
                    Lead::Wrong => {
                        let (number, slot) = (latest.number(), latest.slot().get());
                        return Err(HeaderError::Slot { number, slot }.into());
                    }
                },
            }
            attempt = self.at.try_pin(latest)?;
        }
        if attempt == PinAttempt::Pinned {
            self.at.unpin();
        }
        Err(Error::Contended { attempts: ATTEMPTS })
    }

    /// Finds out what the pinned slot holds; unpins it if that fails.
    #[cold]
    fn resolve(&mut self, latest: Latest) -> Result<Option<Latest>> {
        if let Err(refused) = self.check_terms() {
            self.at.unpin();
            return Err(refused);
        }
        let mut from = Source {
            location: &self.location,
            owners: self.owners,
            files: &self.files,
            lineage: self.at.lineage(),
            types: &mut self.types,
        };
        match self.cache.resolve(self.at.board(), latest, &mut from) {
            Ok(()) => {
                self.settle_base();
                fail_point!("pin.resolved");
                Ok(Some(latest))
            }
            Err(error) => {
                self.at.unpin();
                if !self.has_gone(&error) {
                    return Err(error);
                }
                self.seen = latest;
                Ok(None)
            }
        }
    }

    /// Takes over a base that was moved after this reader had come, with the board's first value.
    ///
    /// Once, with the first value or where the reader leaves the board. The next one's base says
    /// nothing of where this reader began.
    pub(super) fn settle_base(&mut self) {
        if std::mem::take(&mut self.came_early) {
            self.position = self.position.max(i64::try_from(self.at.board().base()).unwrap_or(0));
        }
    }

    /// Whether an error in a value means that its channel was removed meanwhile.
    ///
    /// The value went with it, and counts as missed.
    fn has_gone(&self, error: &Error) -> bool {
        matches!(error, Error::Corrupt(HeaderError::Payload { .. })) && self.at.board().state() == State::Closed
    }

    /// Notes a value as read; returns how many were missed before it.
    #[inline]
    fn note(&mut self, latest: Latest) -> u64 {
        if latest == self.seen {
            return 0;
        }
        let missed = self.missed_before(latest);
        self.seen = latest;
        self.position = number_of(latest);
        self.has_read = true;
        if !self.at.tell(latest.number()) {
            self.settle();
        }
        missed
    }

    /// Values between the last one read and this one.
    #[inline]
    fn missed_before(&self, latest: Latest) -> u64 {
        // Damage may have numbers go back. Wrapping: a number has 58 bits, a position about as
        // many, and a count that is wrong is the worst that damage to a base can come to.
        let gap = number_of(latest).wrapping_sub(self.position);
        gap.wrapping_sub(1).max(0).cast_unsigned()
    }

    /// Moves to the board that has the name now, if it is another one.
    ///
    /// Returns whether it did.
    #[cold]
    fn follow(&mut self) -> Result<bool> {
        self.at.check_process()?;
        match sys::identify_path(&self.location.board()) {
            Ok(named) if !sys::same_file(&named, self.at.board().identity()) => {}
            _ => return Ok(false),
        }
        // All that stands there is to stay until this reader has told how far it has come.
        let request = |lossless| Request { mode: self.mode, lossless, from_oldest: true };
        let attach = |lossless| Attachment::new(&self.location, self.owners, request(lossless));
        let (attached, refused) = match attach(self.lossless) {
            // Said once: then it is an ordinary reader, and it is one there at once. That channel
            // may be closed before it looks again.
            Err(refused @ Error::LosslessRefused { .. }) => (attach(false), Some(refused)),
            other => (other, None),
        };
        self.lossless &= refused.is_none();
        let at = match (attached, refused.is_some()) {
            (Ok(at), _) => at,
            (Err(Error::NotFound { .. }), false) => return Ok(false),
            (Err(error), _) => return Err(refused.unwrap_or(error)),
        };
        fail_point!("follow.attached");
        // A board that replaces one that could not be kept goes on with its numbers; a new channel
        // starts again.
        let latest = at.latest();
        // Acquired before the base of the board that is left: see `settle_base`.
        let left = number_of(self.at.latest());
        self.settle_base();
        if !at.continues(&self.at) {
            // Missed is what the old one has had since, and all of the new one up to what is read
            // there.
            self.seq_before = self.seq();
            self.has_read = false;
            self.given_up = 0;
            self.position = 0_i64.saturating_sub(left.saturating_sub(self.position).max(0));
        }
        // A value that has been read on the old board is no news on one that goes on from it.
        self.seen = Latest::NONE;
        if !latest.is_none() && number_of(latest) <= self.position {
            self.seen = latest;
        }
        self.cache = Cache::new(at.board().slot_count(), self.max_value);
        self.files = OpenFiles::default();
        self.calm = Standing::UNKNOWN;
        (self.close_told, self.close_cleared) = (0, 0);
        if self.wakes.get().is_some() {
            at.take_longer_way();
        }
        self.at = Arc::new(at);
        self.at.tell(self.cursor());
        self.watch_anew();
        refused.map_or(Ok(true), Err)
    }
}

/// A number as a position. The numbers of this library fit.
#[inline]
fn number_of(latest: Latest) -> i64 {
    latest.number().cast_signed()
}

/// Where a new reader stands: before the current value, or the oldest that stands.
///
/// Without one, before the first that the board will have.
fn start_of(at: &mut Attachment, from_oldest: bool) -> i64 {
    i64::try_from(at.before_first(from_oldest)).unwrap_or(0)
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Unmapped here before it is removed: not every system removes what is mapped.
        self.cache = Cache::new(0, 0);
        self.files = OpenFiles::default();
        self.at.leave();
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("name", &self.name()).field("seq", &self.seq()).finish_non_exhaustive()
    }
}

impl Options {
    /// Opens the channel `name` for reading; see [`Reader::open`].
    ///
    /// # Errors
    ///
    /// As [`Reader::open`].
    pub fn open(&self, name: &str) -> Result<Reader> {
        Reader::attach(self, name, Mode::Pinning)
    }

    /// Opens the channel `name` without write permission; see [`Reader::open_read_only`].
    ///
    /// # Errors
    ///
    /// As [`Reader::open`].
    pub fn open_read_only(&self, name: &str) -> Result<Reader> {
        Reader::attach(self, name, Mode::CopyOnly)
    }

    /// Opens the channel `name`, waiting for its writer to appear; see [`Reader::open_timeout`].
    ///
    /// # Errors
    ///
    /// As [`Reader::open`].
    pub fn open_timeout(&self, name: &str, timeout: Duration) -> Result<Reader> {
        deadline::for_channel(timeout, || self.open(name))
    }
}
