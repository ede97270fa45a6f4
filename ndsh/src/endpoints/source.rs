//! Reading what has a name: a channel, a shared array, or a Python channel.

use super::block::Block;
use super::shared_array::{self, LockedView};
use crate::args::{Globals, KindArg};
use crate::array::ArrayRef;
use crate::failure::{Exit, Failure, Result};
use crate::files::RawLayout;
use crate::terminal::Interrupt;
use ndsharray::{Error, Options, OwnedSample, Reader, compat};
use std::time::{Duration, Instant};

/// Pause between two reads of a Python channel, which wakes no reader.
const NAP: Duration = Duration::from_millis(1);
/// Pause between two reads of an array that changes in place.
const ARRAY_NAP: Duration = Duration::from_millis(50);
/// Longest time between two checks for Ctrl-C.
const TICK: Duration = Duration::from_millis(100);
/// Longest wait for the lock of an array.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// An array, and what is known about its publication.
pub(crate) struct Value<'a> {
    pub(crate) array: ArrayRef<'a>,
    /// Its number; `None` where values have no numbers.
    pub(crate) seq: Option<u64>,
    /// Values published since the last one read here, and not read.
    pub(crate) missed: Option<u64>,
    /// Time since it was published; `None` for a shared array.
    pub(crate) age: Option<Duration>,
    /// The attributes beside it; empty without.
    pub(crate) attributes: &'a [u8],
}

impl<'a> Value<'a> {
    /// Fails for records, which are no numbers, unless the command takes `records`.
    fn of(sample: &'a OwnedSample, records: bool) -> Result<Self> {
        let array = ArrayRef::new(sample.element_type(), sample.shape(), sample.as_bytes()).of(sample.record_type());
        check_records(array, records)?;
        Ok(Self {
            array,
            seq: Some(sample.seq()),
            missed: Some(sample.missed()),
            age: Some(sample.age()),
            attributes: sample.attributes(),
        })
    }

    /// An array of which nothing else is known.
    pub(crate) fn bare(array: ArrayRef<'a>) -> Self {
        Self { array, seq: None, missed: None, age: None, attributes: &[] }
    }
}

/// Result of waiting for a value.
pub(crate) enum News<R> {
    Value(R),
    /// Nothing in the time given.
    Nothing,
    /// The writer has closed the channel; another one may come.
    Closed,
    /// A writer holds the lock of the shared array.
    Locked,
}

/// An open channel or array.
pub(crate) enum Source {
    /// Whether records are wanted stands beside.
    Channel(Reader, bool),
    Array(Box<dyn LockedView>, bool),
    Python(compat::Reader),
    Block(Block),
}

/// What to open under a name.
#[derive(Clone, Default)]
pub(crate) struct Which {
    /// Without one, a channel comes before a shared array, and that before Python's channel.
    pub(crate) kind: Option<KindArg>,
    /// With a layout, a block of memory of another program.
    pub(crate) raw: Option<RawLayout>,
    /// Whether the command takes records.
    pub(crate) records: bool,
}

impl Source {
    /// Opens what has the name.
    pub(crate) fn open(globals: &Globals, name: &str, which: &Which) -> Result<Self> {
        let (options, kind) = (globals.options(), which.kind);
        if let Some(layout) = &which.raw {
            return Block::open(&options, name, layout).map(Self::Block);
        }
        let mut not_found = None;
        for candidate in [KindArg::Channel, KindArg::Array, KindArg::Python] {
            if kind.is_some_and(|kind| kind != candidate) {
                continue;
            }
            let opened = match candidate {
                KindArg::Channel => open_channel(&options, name).map(|reader| Self::Channel(reader, which.records)),
                KindArg::Array => shared_array::open(&options, name).map(|array| Self::Array(array, which.records)),
                KindArg::Python => globals.compat_options().open(name).map(Self::Python),
            };
            match opened {
                Ok(source) => return Ok(source),
                // The error for the first kind stands for all.
                Err(error @ Error::NotFound { .. }) => drop(not_found.get_or_insert(error)),
                // Not every name is possible in Python: an impossible one does not exist.
                Err(Error::InvalidName { .. }) if candidate == KindArg::Python && kind.is_none() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(not_found
            .map_or_else(|| Failure::new(Exit::NotFound, format!("nothing is called {name:?}")), Failure::from))
    }

    /// Waits up to `time` for something to [`open`](Self::open).
    ///
    /// Without a `time` it does not wait. After `time` the failure is a timeout.
    pub(crate) fn open_within(
        globals: &Globals,
        name: &str,
        which: &Which,
        time: Option<Duration>,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let start = Instant::now();
        loop {
            match (Self::open(globals, name, which), time) {
                (Err(failure), Some(time)) if failure.exit() == Exit::NotFound => {
                    let left = time.saturating_sub(start.elapsed());
                    if left.is_zero() {
                        return Err(failure.timed_out());
                    }
                    if interrupt.sleep(left.min(ARRAY_NAP)) {
                        return Err(Failure::interrupted());
                    }
                }
                (other, _) => return other,
            }
        }
    }

    /// Reads the current value, or the first one that comes within `time` of `start`.
    pub(crate) fn first<R>(
        &mut self,
        start: Instant,
        time: Duration,
        interrupt: &Interrupt,
        mut look: impl FnMut(Value<'_>) -> R,
    ) -> Result<Option<R>> {
        if let Some(value) = self.latest(&mut look)? {
            return Ok(Some(value));
        }
        loop {
            let left = time.saturating_sub(start.elapsed());
            if interrupt.requested() {
                return Err(Failure::interrupted());
            }
            if left.is_zero() {
                return Ok(None);
            }
            match self.wait(left.min(TICK), &mut look)? {
                News::Value(value) => return Ok(Some(value)),
                News::Nothing => {}
                // The wait was cut short.
                News::Closed | News::Locked => {
                    interrupt.sleep(NAP);
                }
            }
        }
    }

    /// Reads the current value, if there is one.
    pub(crate) fn latest<R>(&mut self, look: impl FnOnce(Value<'_>) -> R) -> Result<Option<R>> {
        match self {
            Self::Channel(reader, records) => {
                reader.latest_owned()?.map(|sample| Ok(look(Value::of(&sample, *records)?))).transpose()
            }
            Self::Array(array, records) => match look_at(array.as_ref(), *records, LOCK_TIMEOUT, look)? {
                Some(value) => Ok(Some(value)),
                None => Err(Failure::new(Exit::InUse, "a writer holds the lock of the shared array")
                    .advise("`ndsh info NAME` says more about it")),
            },
            Self::Python(reader) => read_python(reader, look),
            Self::Block(block) => Ok(Some(look(Value::bare(block.read()?.view())))),
        }
    }

    /// Waits for a value that is newer than the last one.
    ///
    /// A shared array or block has no newer values: the result is its content after a pause.
    pub(crate) fn wait<R>(&mut self, time: Duration, look: impl FnOnce(Value<'_>) -> R) -> Result<News<R>> {
        let end = Instant::now() + time;
        match self {
            Self::Channel(reader, records) => next_of(reader, *records, time, look),
            Self::Array(..) | Self::Block(_) => {
                let nap = time.min(ARRAY_NAP);
                std::thread::sleep(nap);
                self.look_once(time.saturating_sub(nap), look)
            }
            Self::Python(reader) => {
                let mut look = Some(look);
                loop {
                    let value = read_python(reader, |value| look.take().map(|look| look(value)))?;
                    if let Some(Some(value)) = value {
                        return Ok(News::Value(value));
                    }
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Ok(News::Nothing);
                    }
                    std::thread::sleep(left.min(NAP));
                }
            }
        }
    }

    /// Looks once for a value that is newer than the last one.
    ///
    /// The lock of an array is waited for no longer than `lock`, and nothing else is.
    pub(super) fn look_once<R>(&mut self, lock: Duration, look: impl FnOnce(Value<'_>) -> R) -> Result<News<R>> {
        match self {
            Self::Channel(reader, records) => next_of(reader, *records, Duration::ZERO, look),
            Self::Array(array, records) => {
                Ok(look_at(array.as_ref(), *records, lock, look)?.map_or(News::Locked, News::Value))
            }
            Self::Block(block) => Ok(News::Value(look(Value::bare(block.read()?.view())))),
            Self::Python(reader) => Ok(read_python(reader, look)?.map_or(News::Nothing, News::Value)),
        }
    }

    /// The time between two looks; `None` for a channel, whose [`reader`](Self::reader) is told.
    pub(super) fn pause(&self) -> Option<Duration> {
        match self {
            Self::Channel(..) => None,
            Self::Array(..) | Self::Block(_) => Some(ARRAY_NAP),
            Self::Python(_) => Some(NAP),
        }
    }

    /// The reader of a channel, to wait for beside others.
    pub(super) fn reader(&mut self) -> Option<&mut Reader> {
        match self {
            Self::Channel(reader, _) => Some(reader),
            Self::Array(..) | Self::Python(_) | Self::Block(_) => None,
        }
    }

    /// Whether the writer lives; `None` if that cannot be known.
    pub(crate) fn is_writer_alive(&self) -> Option<bool> {
        match self {
            Self::Channel(reader, _) => Some(reader.is_writer_alive()),
            Self::Array(..) | Self::Python(_) | Self::Block(_) => None,
        }
    }

    /// Whether the writer has closed the channel, with no new writer since.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::Channel(reader, _) => reader.is_closed(),
            Self::Array(..) | Self::Python(_) | Self::Block(_) => false,
        }
    }

    /// Number of writers that the channel has had; `None` where they are not counted.
    pub(crate) fn epoch(&self) -> Option<u64> {
        match self {
            Self::Channel(reader, _) => Some(reader.writer_epoch()),
            Self::Array(..) | Self::Python(_) | Self::Block(_) => None,
        }
    }

    /// Whether values are published one after another, rather than changed in place.
    pub(crate) fn is_channel(&self) -> bool {
        !matches!(self, Self::Array(..) | Self::Block(_))
    }
}

/// Opens a channel; read-only if pinning is not allowed or the reader table is full.
///
/// A read-only reader copies values instead of pinning them.
fn open_channel(options: &Options, name: &str) -> ndsharray::Result<Reader> {
    match options.open(name) {
        Err(Error::PermissionDenied { .. } | Error::TooManyReaders { .. }) => options.open_read_only(name),
        other => other,
    }
}

/// The next value of a channel, waited for up to `time`.
fn next_of<R>(
    reader: &mut Reader,
    records: bool,
    time: Duration,
    look: impl FnOnce(Value<'_>) -> R,
) -> Result<News<R>> {
    match reader.wait_owned(time) {
        Ok(Some(sample)) => Ok(News::Value(look(Value::of(&sample, records)?))),
        Ok(None) => Ok(News::Nothing),
        Err(Error::Closed { .. }) => Ok(News::Closed),
        Err(error) => Err(error.into()),
    }
}

/// Refuses records, which are no numbers, unless the command takes `records`.
fn check_records(array: ArrayRef<'_>, records: bool) -> Result<()> {
    match array.record.filter(|_| !records) {
        Some(record) => Err(Failure::new(Exit::Failure, format!("its elements are records: {record}"))
            .advise("`ndsh echo NAME` prints them, and `ndsh get NAME FILE.npy` saves them")),
        None => Ok(()),
    }
}

/// Reads an array under its lock; `None` if waiting for it takes longer than `time`.
fn look_at<R>(
    array: &dyn LockedView,
    records: bool,
    time: Duration,
    look: impl FnOnce(Value<'_>) -> R,
) -> Result<Option<R>> {
    let (mut look, mut result) = (Some(look), None);
    array.look(time, &mut |array| {
        result = look.take().map(|look| check_records(array, records).map(|()| look(Value::bare(array))));
    })?;
    result.transpose()
}

fn read_python<R>(reader: &mut compat::Reader, look: impl FnOnce(Value<'_>) -> R) -> Result<Option<R>> {
    let Some(array) = reader.read()? else { return Ok(None) };
    let age = Duration::try_from_secs_f64(reader.read_time_ms() / 1e3).ok();
    let array = ArrayRef::new(array.element_type(), array.shape(), array.as_bytes());
    Ok(Some(look(Value { age, ..Value::bare(array) })))
}
