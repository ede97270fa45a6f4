//! Copies without a pin: for readers that may not write the reader table, and for those that want no part in the writer's slots.
//!
//! The slot's number is looked at before and after, as in a sequence lock: if it moved, the copy may be a mixture and is made again. The
//! payload is read with a system call, not through a mapping. So no reference to bytes that change is ever made, the language's memory
//! model is not asked about a race, and a payload file that somebody cuts gives a short read instead of SIGBUS.

use super::cache::check_size;
use super::sample::Origin;
use super::sample::OwnedSample;
use super::wait::Deadline;
use super::{CHANNELS, Reader};
use crate::channel::board::Board;
use crate::channel::payload::check_set_aside;
use crate::element::ShElement;
use crate::element::dtype::DType;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::location::Location;
use crate::files::trusted::open_trusted;
use crate::format::slot::{self, Header, HeaderError, RawHeader};
use crate::options::Owners;
use crate::owned_array::OwnedArray;
use crate::slots::Latest;
use crate::slots::Standing;
use crate::sys::{self, Access};
use crate::view;
use std::fs::File;
use std::time::{Duration, Instant};
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
    pub epoch: u64,
    /// Whose numbers these are: with the number, an identity that no other value ever has.
    pub incarnation: Uuid,
    /// Values that were published since this reader's last read, or since it was opened, and not
    /// seen.
    pub missed: u64,
    /// Time between the value's publication and the end of the copy.
    pub age: Duration,
    /// The element type.
    pub dtype: DType,
    /// The length of each axis.
    pub shape: Vec<usize>,
}

/// Payload files kept open between copies: few, as a reader must not use up the process' descriptors.
pub(super) struct Files {
    open: [Option<(Uuid, File)>; 4],
    /// As of when those that have gone were closed.
    files: Standing,
}

impl Default for Files {
    fn default() -> Self {
        Self { open: [const { None }; 4], files: Standing::UNKNOWN }
    }
}

impl Files {
    /// The payload file `id`, if it is one of them: it may have lost its name since.
    pub(super) fn find(&self, id: Uuid) -> Option<&File> {
        self.open.iter().flatten().find(|(known, _)| *known == id).map(|(_, file)| file)
    }

    fn get(&mut self, id: Uuid, slot: usize, location: &Location, owners: Owners) -> Result<&File> {
        let [a, b, c, d] = &mut self.open;
        let place = match slot % 4 {
            0 => a,
            1 => b,
            2 => c,
            _ => d,
        };
        if !matches!(place, Some((known, _)) if *known == id) {
            let (file, _) = open_trusted(&location.payload(id), Access::Read, owners)?;
            *place = Some((id, file));
        }
        match place {
            Some((_, file)) => Ok(file),
            None => unreachable!("filled above"),
        }
    }

    /// Closes files that the writer has unlinked, so that their memory is freed.
    pub(super) fn forget_gone(&mut self, board: &Board) {
        let now = board.standing();
        if now.has_same_files(self.files) {
            return;
        }
        self.files = now;
        for place in &mut self.open {
            // What does not tell is opened anew when it is needed.
            if place.as_ref().is_some_and(|(_, file)| !sys::identify(file).is_ok_and(|identity| identity.links > 0)) {
                *place = None;
            }
        }
    }
}

/// Where a copy goes, once its header is known.
trait Sink {
    fn room(&mut self, header: &Header) -> Result<&mut [u8]>;
}

/// Elements of a known type.
struct Elements<'o, T: ShElement> {
    out: &'o mut Vec<T>,
    /// Used instead of `out` by a type that does not take any bytes for a value.
    unchecked: Vec<u8>,
}

impl<T: ShElement> Sink for Elements<'_, T> {
    fn room(&mut self, header: &Header) -> Result<&mut [u8]> {
        if header.dtype != T::DTYPE {
            return Err(Error::DTypeMismatch { expected: T::DTYPE, found: header.dtype });
        }
        resize(self.out, header.byte_len / size_of::<T>(), bytemuck::Zeroable::zeroed())?;
        match view::bytes_mut(self.out.as_mut_slice()) {
            Some(bytes) => Ok(bytes),
            None => {
                resize(&mut self.unchecked, header.byte_len, 0)?;
                Ok(&mut self.unchecked)
            }
        }
    }
}

/// [`Vec::resize`], but an error when there is no memory: how much is wanted was written by somebody else.
fn resize<T: Copy>(vec: &mut Vec<T>, len: usize, value: T) -> Result<()> {
    let more = len.saturating_sub(vec.len());
    vec.try_reserve_exact(more).map_err(|_| Error::no_copy(more.saturating_mul(size_of::<T>())))?;
    vec.resize(len, value);
    Ok(())
}

impl<T: ShElement> Elements<'_, T> {
    fn finish(self) -> Result<()> {
        if !self.unchecked.is_empty() {
            self.out.clear();
            self.out.extend_from_slice(view::slice(&self.unchecked)?);
        }
        Ok(())
    }
}

impl Sink for Option<OwnedArray> {
    fn room(&mut self, header: &Header) -> Result<&mut [u8]> {
        Ok(self.insert(OwnedArray::zeros(header.dtype, &header.shape)?).bytes_mut())
    }
}

/// A value that is taken only if it is accepted.
struct Accepted<F> {
    accept: F,
    array: Option<OwnedArray>,
}

impl<F: FnMut(DType, &[usize]) -> Result<()>> Sink for Accepted<F> {
    fn room(&mut self, header: &Header) -> Result<&mut [u8]> {
        (self.accept)(header.dtype, &header.shape)?;
        self.array.room(header)
    }
}

/// How an attempt to copy ended.
enum Attempt {
    Copied(Header, u64),
    /// The writer has moved on; what was copied is worthless.
    Moved,
}

impl Reader {
    /// Copies the current value into `out`, if it is newer than the last one read, and tells what it is; `None` if not. `out` gets exactly
    /// the value's elements, in C order. Never takes a slot from the writer.
    ///
    /// The copy is made by the kernel from the payload file, which costs a few microseconds more than a view but survives
    /// whatever happens to the file. Up to four descriptors of payload files stay open for it.
    ///
    /// # Errors
    ///
    /// [`Error::DTypeMismatch`] when the elements are not `T`; [`Error::InvalidBool`]; [`Error::Contended`] when the writer
    /// was quicker each time; [`Error::Corrupt`]. What `out` holds then is unspecified.
    pub fn read_into<T: ShElement>(&mut self, out: &mut Vec<T>) -> Result<Option<Info>> {
        let mut sink = Elements { out, unchecked: Vec::new() };
        let mut copied = None;
        for _ in 0..CHANNELS {
            if copied.is_some() || !self.has_news()? {
                break;
            }
            copied = self.copy(&mut sink)?;
        }
        let Some((latest, header, epoch)) = copied else { return Ok(None) };
        sink.finish()?;
        Ok(Some(Info {
            seq: latest.number(),
            epoch,
            incarnation: self.at.lineage(),
            missed: self.note(latest),
            age: sys::age_of(header.written_ns),
            dtype: header.dtype,
            shape: header.shape,
        }))
    }

    /// [`read_into`](Self::read_into) for something newer, waiting for it as [`wait`](Self::wait) does.
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

    /// A sample that owns a copy of the current value.
    pub(super) fn copy_owned(&mut self) -> Result<Option<OwnedSample>> {
        self.copy_owned_if(|_, _| Ok(()))
    }

    /// The same for a value that is accepted. One that is not stays unread.
    pub(super) fn copy_owned_if(
        &mut self,
        accept: impl FnMut(DType, &[usize]) -> Result<()>,
    ) -> Result<Option<OwnedSample>> {
        let mut sink = Accepted { accept, array: None };
        let Some((latest, header, epoch)) = self.copy(&mut sink)? else { return Ok(None) };
        let missed = self.note(latest);
        let origin = Origin { epoch, incarnation: self.at.lineage() };
        Ok(sink.array.map(|array| OwnedSample::copied(array, latest.number(), origin, header.written_ns, missed)))
    }

    /// Copies the current value; `None` when there is none, or it has gone with its writer.
    fn copy(&mut self, sink: &mut impl Sink) -> Result<Option<(Latest, Header, u64)>> {
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
                Ok(Attempt::Copied(header, epoch)) => return Ok(Some((latest, header, epoch))),
                Ok(Attempt::Moved) => attempts += 1,
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
            return if side.latest() == latest { Err(broken().into()) } else { Ok(Attempt::Moved) };
        }
        fail_point!("copy.stamped");
        let slot = self.at.board().slot(latest.slot()).ok_or_else(broken)?;
        let (raw, epoch) = (slot.header(), slot.epoch());
        if !side.unchanged(latest) {
            return Ok(Attempt::Moved);
        }
        // From here on an error is the value's own, unless it has been replaced by now.
        let (files, location, limits) = (&mut self.files, &self.location, (self.owners, self.max_value));
        let copied = Self::copy_payload(files, location, limits, &raw, index, sink);
        fail_point!("copy.copied");
        if side.unchanged(latest) { copied.map(|header| Attempt::Copied(header, epoch)) } else { Ok(Attempt::Moved) }
    }

    fn copy_payload(
        files: &mut Files,
        location: &Location,
        (owners, max_value): (Owners, usize),
        raw: &RawHeader,
        slot: usize,
        sink: &mut impl Sink,
    ) -> Result<Header> {
        let header = slot::decode(raw.as_bytes())?;
        check_size(&header, max_value)?;
        let gone = |found| HeaderError::Payload { expected: header.byte_len as u64, found };
        let file = files.get(header.payload, slot, location, owners).map_err(|error| match error {
            Error::NotFound { .. } => gone(0).into(),
            other => other,
        })?;
        // Before room is made for it: a header that lies about its size must not cost memory.
        let identity = sys::identify(file).map_err(|e| Error::io("inspect", &location.payload(header.payload), e))?;
        if identity.len < header.byte_len as u64 {
            return Err(gone(identity.len).into());
        }
        check_set_aside(file, &identity, header.byte_len)?;
        let room = sink.room(&header)?;
        match sys::read_front(file, room) {
            Ok(found) if found == room.len() => Ok(header),
            Ok(found) => Err(gone(found as u64).into()),
            Err(error) => Err(Error::io("read", &location.payload(header.payload), error)),
        }
    }
}
