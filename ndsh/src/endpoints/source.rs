//! Where values come from, whatever goes by the name: a channel, a shared array, or a channel of Python's ndsharray.

mod shared_array;

use crate::args::Globals;
use crate::array::ArrayRef;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::select::KindArg;
use ndsharray::{Error, Options, OwnedSample, Reader, compat};
use shared_array::Shown;
use std::time::{Duration, Instant};

/// Time between two looks at something that wakes nobody.
const NAP: Duration = Duration::from_millis(1);
/// Time between two looks at an array that changes in place.
const ARRAY_NAP: Duration = Duration::from_millis(50);
/// How long a writer may keep the lock of an array before one look at it is given up.
const PATIENCE: Duration = Duration::from_secs(2);

/// An array, and what is known about its publication.
pub(crate) struct Value<'a> {
    pub(crate) array: ArrayRef<'a>,
    /// Its number, where values are numbered.
    pub(crate) seq: Option<u64>,
    /// Values published since the last one seen here, and not seen.
    pub(crate) missed: Option<u64>,
    /// Time since it was written.
    pub(crate) age: Option<Duration>,
}

impl<'a> Value<'a> {
    fn of(sample: &'a OwnedSample) -> Self {
        Self {
            array: ArrayRef { dtype: sample.dtype(), shape: sample.shape(), bytes: sample.as_bytes() },
            seq: Some(sample.seq()),
            missed: Some(sample.missed()),
            age: Some(sample.age()),
        }
    }
}

/// What came of waiting.
pub(crate) enum News<R> {
    Value(R),
    /// Nothing in the time given.
    Nothing,
    /// The writer has closed the channel; another one may come.
    Closed,
    /// A writer keeps the lock of the shared array.
    Locked,
}

/// Something open for reading.
pub(crate) enum Source {
    Channel(Reader),
    Array(Box<dyn Shown>),
    Python(compat::Reader),
}

impl Source {
    /// Opens what has the name and is of the `kind` asked for; of several things the first in this order: channel, shared array, Python's channel.
    pub(crate) fn open(globals: &Globals, name: &str, kind: Option<KindArg>) -> Result<Self> {
        let options = globals.options();
        let mut not_found = None;
        for candidate in [KindArg::Channel, KindArg::Array, KindArg::Python] {
            if kind.is_some_and(|kind| kind != candidate) {
                continue;
            }
            let opened = match candidate {
                KindArg::Channel => open_channel(&options, name).map(Self::Channel),
                KindArg::Array => shared_array::open(&options, name).map(Self::Array),
                KindArg::Python => globals.compat_options().open(name).map(Self::Python),
            };
            match opened {
                Ok(source) => return Ok(source),
                // What is said of the first kind is said of all.
                Err(error @ Error::NotFound { .. }) => drop(not_found.get_or_insert(error)),
                // Python's names are fewer: what cannot be one is not there.
                Err(Error::InvalidName { .. }) if candidate == KindArg::Python && kind.is_none() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(not_found
            .map_or_else(|| Failure::new(Exit::NotFound, format!("nothing is called {name:?}")), Failure::from))
    }

    /// [`open`](Self::open), once there is something to open; `None` if `stop` says so.
    ///
    /// Where a time was given and has gone by, that is what is told.
    pub(crate) fn open_within(
        globals: &Globals,
        name: &str,
        kind: Option<KindArg>,
        time: Option<Duration>,
        mut stop: impl FnMut(Duration) -> bool,
    ) -> Result<Option<Self>> {
        let start = Instant::now();
        loop {
            match (Self::open(globals, name, kind), time) {
                (Err(failure), Some(time)) if failure.exit() == Exit::NotFound => {
                    let left = time.saturating_sub(start.elapsed());
                    if left.is_zero() {
                        return Err(failure.timed_out());
                    }
                    if stop(left.min(ARRAY_NAP)) {
                        return Ok(None);
                    }
                }
                (other, _) => return other.map(Some),
            }
        }
    }

    /// The current value, if there is one.
    pub(crate) fn latest<R>(&mut self, look: impl FnOnce(Value<'_>) -> R) -> Result<Option<R>> {
        match self {
            Self::Channel(reader) => Ok(reader.latest_owned()?.map(|sample| look(Value::of(&sample)))),
            Self::Array(array) => match look_at(array.as_ref(), PATIENCE, look)? {
                Some(value) => Ok(Some(value)),
                None => Err(Failure::new(Exit::InUse, "a writer keeps the lock of the shared array")
                    .advise("`ndsh info NAME` says more about it")),
            },
            Self::Python(reader) => read_python(reader, look),
        }
    }

    /// The next value that is newer than the last one seen, or what an array holds by then.
    pub(crate) fn wait<R>(&mut self, time: Duration, look: impl FnOnce(Value<'_>) -> R) -> Result<News<R>> {
        let end = Instant::now() + time;
        match self {
            Self::Channel(reader) => match reader.wait_owned(time) {
                Ok(Some(sample)) => Ok(News::Value(look(Value::of(&sample)))),
                Ok(None) => Ok(News::Nothing),
                Err(Error::Closed { .. }) => Ok(News::Closed),
                Err(error) => Err(error.into()),
            },
            Self::Array(array) => {
                let nap = time.min(ARRAY_NAP);
                std::thread::sleep(nap);
                Ok(look_at(array.as_ref(), time.saturating_sub(nap), look)?.map_or(News::Locked, News::Value))
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

    /// Whether the values' writer lives, where that can be known.
    pub(crate) fn is_writer_alive(&self) -> Option<bool> {
        match self {
            Self::Channel(reader) => Some(reader.is_writer_alive()),
            Self::Array(_) | Self::Python(_) => None,
        }
    }

    /// Whether its writer has closed it, and no other has come.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::Channel(reader) => reader.is_closed(),
            Self::Array(_) | Self::Python(_) => false,
        }
    }

    /// How many writers there have been, where they are counted.
    pub(crate) fn epoch(&self) -> Option<u64> {
        match self {
            Self::Channel(reader) => Some(reader.writer_epoch()),
            Self::Array(_) | Self::Python(_) => None,
        }
    }

    /// Whether there is one value after another, rather than one that changes in place.
    pub(crate) fn is_channel(&self) -> bool {
        !matches!(self, Self::Array(_))
    }
}

/// Who may not hold values in place, or finds no room to, can still copy them.
fn open_channel(options: &Options, name: &str) -> ndsharray::Result<Reader> {
    match options.open(name) {
        Err(Error::PermissionDenied { .. } | Error::TooManyReaders { .. }) => options.open_read_only(name),
        other => other,
    }
}

/// Looks at an array under its lock; `None` when a writer keeps that for longer than `time`.
fn look_at<R>(array: &dyn Shown, time: Duration, look: impl FnOnce(Value<'_>) -> R) -> Result<Option<R>> {
    let (mut look, mut result) = (Some(look), None);
    array.look(time, &mut |array| {
        result = look.take().map(|look| look(Value { array, seq: None, missed: None, age: None }));
    })?;
    Ok(result)
}

fn read_python<R>(reader: &mut compat::Reader, look: impl FnOnce(Value<'_>) -> R) -> Result<Option<R>> {
    let Some(array) = reader.read()? else { return Ok(None) };
    let age = Duration::try_from_secs_f64(reader.read_time_ms() / 1e3).ok();
    let array = ArrayRef { dtype: array.dtype(), shape: array.shape(), bytes: array.as_bytes() };
    Ok(Some(look(Value { array, seq: None, missed: None, age })))
}
