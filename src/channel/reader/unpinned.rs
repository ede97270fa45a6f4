//! Copies without a pin.
//!
//! For readers that may not write the reader table, and for those that want no part in the writer's
//! slots.
//!
//! The slot's number is looked at before and after, as in a sequence lock: if it moved, the copy
//! may be a mixture and is made again. The payload is read with a system call, not through a
//! mapping. So no reference to bytes that change is ever made, and the language's memory model is
//! not asked about a race. A payload file that another process cuts gives a short read instead of
//! SIGBUS.

use super::behind::CopiedBehind;
use super::cache::check_size;
use super::cursor::Next;
use super::deadline::Deadline;
use super::open_files::OpenFiles;
use super::recycled::Recycled;
use super::sample::{Origin, OwnedSample};
use super::sink::{Accepted, Bytes, Elements, Sink};
use super::{CHANNELS, Reader};
use crate::channel::board::{HeaderWords, Lead};
use crate::channel::payload::check_set_aside;
use crate::channel::record_types::ReadTypes;
use crate::element::ShElement;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::record::record_type::RecordType;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::location::Location;
use crate::files::owners::Owners;
use crate::format::error::HeaderError;
use crate::format::slot::{RawHeader, SlotHeader};
use crate::owned_array::OwnedArray;
use crate::sys;
use ndsharray_protocol::channel::Latest;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use uuid::Uuid;

/// Attempts to copy a value before the writer overwrites it.
const ATTEMPTS: u32 = 10_000;

/// Time after which no more attempts are made.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is known of a value that was copied out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// The value's sequence number.
    pub seq: u64,
    /// Which of the channel's writers wrote it: 1 is the first.
    ///
    /// Of an imported value, at its source.
    pub epoch: u64,
    /// The lineage that `seq` belongs to; of an imported value, at its source.
    ///
    /// Together they are an identity that no other value ever has.
    pub incarnation: Uuid,
    /// Values published and not seen since this reader's last read, or its opening.
    pub missed: u64,
    /// Time between the value's publication and the end of the copy.
    pub age: Duration,
    /// The dtype of the elements.
    pub dtype: DType,
    /// The element type: the dtype with its parameter.
    pub element_type: ElementType,
    /// The length of each axis.
    pub shape: Vec<usize>,
    written_ns: u64,
    behind: CopiedBehind,
}

impl Info {
    /// What the writer put beside the elements; empty without.
    ///
    /// See [`Writer::write_with`](crate::Writer::write_with).
    #[must_use]
    pub fn attributes(&self) -> &[u8] {
        self.behind.get().attributes
    }

    /// Which of the channel's writers wrote the value; of an imported one, at its source.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The lineage that the sequence number belongs to; of an imported value, at its source.
    #[must_use]
    pub fn incarnation(&self) -> Uuid {
        self.incarnation
    }

    /// When the value was written, as [`Sample::time`](crate::Sample::time) has it.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        self.behind.get().time(self.written_ns)
    }

    /// When the value was published here, in nanoseconds of the machine's monotonic clock.
    #[must_use]
    pub fn monotonic_ns(&self) -> u64 {
        self.written_ns
    }

    /// Whether the value was republished here, and comes from elsewhere.
    #[must_use]
    pub fn is_imported(&self) -> bool {
        self.behind.get().record.is_some()
    }
}

/// A value that was copied out, but for its elements.
struct Copied {
    at: Latest,
    header: SlotHeader,
    epoch: u64,
    behind: CopiedBehind,
}

/// How an attempt to copy ended.
enum Attempt {
    Copied(Copied),
    /// The writer has moved on; what was copied is worthless.
    Moved,
    /// The value went with the channel's name.
    Gone,
}

impl Reader {
    /// Copies the current value into `out`, if it is newer than the last one read.
    ///
    /// Returns what the value is, or `None` without a newer one. `out` gets exactly the value's
    /// elements, in C order. Never takes a slot from the writer.
    ///
    /// The kernel makes the copy from the payload file. It costs a few microseconds more than a
    /// view but survives whatever happens to the file. Up to four descriptors of payload files stay
    /// open for it.
    ///
    /// # Errors
    ///
    /// [`Error::DTypeMismatch`] when the elements are not `T`; [`Error::InvalidBool`];
    /// [`Error::Contended`] when the writer was quicker each time; [`Error::Corrupt`]. What `out`
    /// holds then is unspecified.
    pub fn read_into<T: ShElement>(&mut self, out: &mut Vec<T>) -> Result<Option<Info>> {
        let mut sink = Elements { out, unchecked: Vec::new() };
        let mut copied = None;
        for _ in 0..CHANNELS {
            if copied.is_some() || !self.has_news()? {
                break;
            }
            copied = self.copy(&mut sink)?;
        }
        let Some(copied) = copied else { return Ok(None) };
        sink.finish()?;
        Ok(Some(self.info(copied)))
    }

    /// Copies the current value into `out`, if it is newer than the last one read and accepted.
    ///
    /// As [`read_into`](Self::read_into), for callers that know dtype and shape at run time only.
    /// `accept` gets both. An error of it is returned as it is, and the value stays unread, as with
    /// [`read_owned_if`](Self::read_owned_if). The bytes of a `bool` array are not checked.
    ///
    /// # Errors
    ///
    /// Those of `accept`; [`Error::ShapeMismatch`] with bytes when `out` is of another length;
    /// [`Error::Contended`]; [`Error::Corrupt`]. What `out` holds then is unspecified.
    ///
    /// ```
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// let options = ndsharray::Options::new().dir(&dir);
    /// let mut writer = options.create::<u8>("sensor")?;
    /// let mut reader = options.open_read_only("sensor")?;
    /// writer.write(&[2], &[1, 2])?;
    /// let mut bytes = [0; 2];
    /// let info = reader.read_bytes_into(&mut bytes, |_, _| Ok(()))?.unwrap();
    /// assert_eq!((info.seq, bytes), (1, [1, 2]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn read_bytes_into(
        &mut self,
        out: &mut [u8],
        accept: impl FnMut(ElementType, &[usize]) -> Result<()>,
    ) -> Result<Option<Info>> {
        let mut sink = Bytes { accept, out };
        for _ in 0..CHANNELS {
            if !self.has_news()? {
                break;
            }
            if let Some(copied) = self.copy(&mut sink)? {
                return Ok(Some(self.info(copied)));
            }
        }
        Ok(None)
    }

    /// What a value is that has been copied out, which counts as reading it.
    fn info(&mut self, Copied { at, header, epoch, behind }: Copied) -> Info {
        self.settle_base();
        let record = behind.get().record;
        Info {
            seq: at.number(),
            epoch: record.map_or(epoch, |record| record.epoch),
            incarnation: record.map_or(self.at.lineage(), |record| record.incarnation),
            missed: self.note(at),
            age: sys::age_of(header.written_ns),
            dtype: header.element.dtype(),
            element_type: header.element,
            shape: header.shape,
            written_ns: header.written_ns,
            behind,
        }
    }

    /// [`read_into`](Self::read_into) for something newer.
    ///
    /// Waits for it as [`wait`](Self::wait) does.
    ///
    /// # Errors
    ///
    /// As [`read_into`](Self::read_into) and [`wait`](Self::wait).
    pub fn wait_into<T: ShElement>(&mut self, out: &mut Vec<T>, timeout: Duration) -> Result<Option<Info>> {
        let mut deadline = Deadline::after(timeout);
        while self.wait_until(&mut deadline)? {
            if let Some(info) = self.read_into(out)? {
                return Ok(Some(info));
            }
            if deadline.left().is_none() {
                break;
            }
        }
        Ok(None)
    }

    /// [`read_next`](Self::read_next) by a copy.
    pub(super) fn copy_next_into<T: ShElement>(&mut self, out: &mut Vec<T>) -> Result<Option<Info>> {
        let mut sink = Elements { out, unchecked: Vec::new() };
        let Some(copied) = self.copy_next(&mut sink)? else { return Ok(None) };
        sink.finish()?;
        Ok(Some(self.info(copied)))
    }

    /// A sample that owns a copy of the next value.
    pub(super) fn copy_next_owned(&mut self) -> Result<Option<OwnedSample>> {
        let recycled = std::mem::take(&mut self.recycled);
        let mut sink = Accepted { accept: |_, _: Option<&RecordType>, _: &[usize]| Ok(()), array: None, recycled };
        let copied = self.copy_next(&mut sink);
        self.copied_sample(sink.array, sink.recycled, copied)
    }

    /// Copies the oldest value newer than the last one read; follows the name if need be.
    fn copy_next(&mut self, sink: &mut impl Sink) -> Result<Option<Copied>> {
        for _ in 0..CHANNELS {
            let copied = self.copy_next_here(sink)?;
            if copied.is_some() || !self.has_news()? {
                return Ok(copied);
            }
        }
        Ok(None)
    }

    fn copy_next_here(&mut self, sink: &mut impl Sink) -> Result<Option<Copied>> {
        self.at.check_process()?;
        self.check_terms()?;
        let latest = self.at.latest();
        if latest == self.seen || latest.is_none() {
            self.seen = latest;
            return Ok(None);
        }
        self.files.forget_gone(self.at.board());
        let deadline = Instant::now() + PATIENCE;
        let (mut attempts, mut after) = (0, self.cursor());
        while attempts < ATTEMPTS && (attempts == 0 || Instant::now() < deadline) {
            let Next::At(at) = self.next_after(after)? else { return Ok(None) };
            match self.try_copy(at, sink) {
                Ok(Attempt::Copied(copied)) => return Ok(Some(copied)),
                Ok(Attempt::Moved) => attempts += 1,
                Ok(Attempt::Gone) => after = at.number(),
                Err(error) if self.has_gone(&error) => after = at.number(),
                Err(error) => {
                    self.give_up_if_damaged(at, &error);
                    return Err(error);
                }
            }
        }
        Err(Error::Contended { attempts })
    }

    /// A sample that owns a copy of the current value.
    pub(super) fn copy_owned(&mut self) -> Result<Option<OwnedSample>> {
        self.copy_owned_if(|_, _, _| Ok(()))
    }

    /// The same for a value that is accepted. One that is not stays unread.
    pub(super) fn copy_owned_if(
        &mut self,
        accept: impl FnMut(ElementType, Option<&RecordType>, &[usize]) -> Result<()>,
    ) -> Result<Option<OwnedSample>> {
        let recycled = std::mem::take(&mut self.recycled);
        let mut sink = Accepted { accept, array: None, recycled };
        let copied = self.copy(&mut sink);
        self.copied_sample(sink.array, sink.recycled, copied)
    }

    fn copied_sample(
        &mut self,
        array: Option<OwnedArray>,
        recycled: Recycled,
        copied: Result<Option<Copied>>,
    ) -> Result<Option<OwnedSample>> {
        self.recycled = recycled;
        let Some(Copied { at, header, epoch, behind }) = copied? else { return Ok(None) };
        self.settle_base();
        let missed = self.note(at);
        let origin = Origin { epoch, incarnation: self.at.lineage() };
        Ok(array.map(|array| {
            let copied = Arc::new((array, behind));
            self.recycled.note(&copied);
            OwnedSample::copied(copied, at.number(), origin, header.written_ns, missed)
        }))
    }

    /// Copies the current value; `None` if there is none, or it went with its writer.
    fn copy(&mut self, sink: &mut impl Sink) -> Result<Option<Copied>> {
        self.at.check_process()?;
        self.files.forget_gone(self.at.board());
        let deadline = Instant::now() + PATIENCE;
        let mut attempts = 0;
        while attempts < ATTEMPTS && (attempts == 0 || Instant::now() < deadline) {
            let latest = self.at.latest();
            if latest.is_none() {
                self.seen = latest;
                return Ok(None);
            }
            match self.try_copy(latest, sink) {
                Ok(Attempt::Copied(copied)) => return Ok(Some(copied)),
                Ok(Attempt::Moved) => attempts += 1,
                Ok(Attempt::Gone) => {
                    self.seen = latest;
                    return Ok(None);
                }
                Err(error) if self.has_gone(&error) => {
                    self.seen = latest;
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::Contended { attempts })
    }

    fn try_copy(&mut self, latest: Latest, sink: &mut impl Sink) -> Result<Attempt> {
        let side = self.at.board().reader_side();
        let index = latest.slot().get();
        let broken = || HeaderError::Slot { number: latest.number(), slot: index };
        if !side.stamped(latest) {
            // As for a pin: the slot can only have changed after `latest` did.
            if side.latest() != latest {
                return Ok(Attempt::Moved);
            }
            return match self.look_for(latest.slot()) {
                Lead::News => self.try_copy(latest, sink),
                Lead::Gone => Ok(Attempt::Gone),
                Lead::Wrong => Err(broken().into()),
            };
        }
        fail_point!("copy.stamped");
        let slot = self.at.board().slot(latest.slot()).ok_or_else(broken)?;
        let (raw, epoch) = (slot.header(), slot.epoch());
        if !side.unchanged(latest) {
            return Ok(Attempt::Moved);
        }
        // From here on an error is the value's own, unless it has been replaced by now.
        let (location, limits) = (&self.location, (self.owners, self.max_value));
        let known = (&mut self.files, &mut self.types, self.at.lineage());
        let copied = Self::copy_payload(known, location, limits, &raw, index, sink);
        fail_point!("copy.copied");
        if !side.unchanged(latest) {
            return Ok(Attempt::Moved);
        }
        copied.map(|(header, behind)| Attempt::Copied(Copied { at: latest, header, epoch, behind }))
    }

    fn copy_payload(
        (files, types, lineage): (&mut OpenFiles, &mut ReadTypes, Uuid),
        location: &Location,
        (owners, max_value): (Owners, usize),
        raw: &RawHeader,
        slot: usize,
        sink: &mut impl Sink,
    ) -> Result<(SlotHeader, CopiedBehind)> {
        let mut header = raw.decode()?;
        check_size(&header, max_value)?;
        let record = types.of(location, owners, lineage, header.element)?;
        header.element = header.element.with_description(0);
        let needed = header.tail.end(header.byte_len);
        let gone = |found| HeaderError::Payload { expected: needed as u64, found };
        let file = files.get(header.payload, slot, location, owners).map_err(|error| match error {
            Error::NotFound { .. } => gone(0).into(),
            other => other,
        })?;
        // Before room is made for it: a header that lies about its size must not cost memory.
        let identity = sys::identify(file).map_err(|e| Error::io("inspect", &location.payload(header.payload), e))?;
        if identity.len < needed as u64 {
            return Err(gone(identity.len).into());
        }
        check_set_aside(file, &identity, needed)?;
        let failed = |error| Error::io("read", &location.payload(header.payload), error);
        let behind = CopiedBehind::read(file, &header, failed)?;
        let room = sink.room(&header, record)?;
        match sys::read_front(file, room) {
            Ok(found) if found == room.len() => Ok((header, behind)),
            Ok(found) => Err(gone(found as u64).into()),
            Err(error) => Err(failed(error)),
        }
    }
}
