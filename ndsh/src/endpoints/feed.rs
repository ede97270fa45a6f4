//! Reading many channels on one clock, in order.

use super::source::{Source, Which};
use crate::args::{Globals, KindArg};
use crate::failure::{Exit, Failure, Result};
use crate::recording::{Elements, Message, Note, Taken};
use ndsharray::{Error, Options, OwnedSample, Reader, compat, wait_any};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Pause between two looks at a Python channel, which wakes no reader.
const NAP: Duration = Duration::from_millis(1);

/// Which values are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The latest one at the time.
    Latest,
    /// Each that still stands, the oldest first.
    Every,
    /// Each, as the writer waits for it.
    Lossless,
}

/// A channel that is read.
pub(crate) struct Feed {
    pub(crate) name: String,
    from: From,
    order: Order,
    /// Whether its writer has closed it, and no other one is waited for.
    is_over: bool,
}

enum From {
    Channel(Box<Reader>),
    Python(Box<compat::Reader>),
}

impl Feed {
    /// Opens what has the name.
    pub(crate) fn open(globals: &Globals, name: &str, kind: Option<KindArg>, order: Order) -> Result<Self> {
        let from = match kind {
            None | Some(KindArg::Channel) => match open_channel(&globals.options(), name, order) {
                Ok(reader) => From::Channel(Box::new(reader)),
                Err(error @ Error::NotFound { .. }) if kind.is_some() => return Err(error.into()),
                Err(Error::NotFound { .. }) => Self::open_other(globals, name, kind, order)?,
                Err(error) => return Err(error.into()),
            },
            Some(KindArg::Array | KindArg::Python) => Self::open_other(globals, name, kind, order)?,
        };
        Ok(Self { name: name.to_owned(), from, order, is_over: false })
    }

    fn open_other(globals: &Globals, name: &str, kind: Option<KindArg>, order: Order) -> Result<From> {
        match Source::open(globals, name, &Which { kind, ..Which::default() })? {
            Source::Python(_) if order == Order::Lossless => {
                Err(Failure::new(Exit::Usage, "the writers of Python's channels wait for no reader")
                    .advise("leave out --lossless"))
            }
            Source::Python(reader) => Ok(From::Python(Box::new(reader))),
            Source::Channel(reader, _) => Ok(From::Channel(Box::new(reader))),
            Source::Array(..) | Source::Block(_) => {
                Err(Failure::new(Exit::Usage, "a shared array changes in place and has no values one after another")
                    .advise("`ndsh get NAME FILE` saves what it holds now"))
            }
        }
    }

    /// Reads the next value, if there is one.
    fn next(&mut self, index: usize, clock: &mut Clock, room: impl FnOnce() -> Vec<u8>) -> Result<Option<Taken>> {
        match &mut self.from {
            From::Channel(reader) => {
                let sample = match self.order {
                    Order::Latest => reader.read_owned()?,
                    Order::Every | Order::Lossless => reader.read_next_owned()?,
                };
                sample.map(|sample| take(index, &sample, clock, room())).transpose()
            }
            From::Python(reader) => {
                let Some(array) = reader.read()? else { return Ok(None) };
                let elements = match array.record_type() {
                    Some(record) => Elements::Records(record.clone()),
                    None => Elements::Plain(array.element_type()),
                };
                let (shape, bytes) = (array.shape().to_vec(), array.as_bytes());
                let mut note = Note::default();
                let age = Duration::try_from_secs_f64(reader.read_time_ms() / 1e3).unwrap_or_default();
                let log_time = clock.note(&mut note, Instant::now(), SystemTime::now(), age);
                let message = Message::encode(room(), &elements, &shape, bytes, b"", &note)?;
                Ok(Some(Taken { channel: index, elements, shape, note, log_time, message }))
            }
        }
    }

    fn reader(&mut self) -> Option<&mut Reader> {
        match &mut self.from {
            From::Channel(reader) if !self.is_over => Some(reader),
            _ => None,
        }
    }
}

/// Opens a channel; read-only if pinning is not allowed or the reader table is full.
fn open_channel(options: &Options, name: &str, order: Order) -> ndsharray::Result<Reader> {
    let options = options.clone().from_oldest(order == Order::Every).lossless(order == Order::Lossless);
    match options.open(name) {
        Err(Error::PermissionDenied { .. } | Error::TooManyReaders { .. }) if order != Order::Lossless => {
            options.open_read_only(name)
        }
        other => other,
    }
}

fn take(channel: usize, sample: &OwnedSample, clock: &mut Clock, room: Vec<u8>) -> Result<Taken> {
    let elements = match sample.record_type() {
        Some(record) => Elements::Records(record.clone()),
        None => Elements::Plain(sample.element_type()),
    };
    let mut note = Note {
        time_ns: Some(nanoseconds(sample.time())),
        monotonic_ns: Some(sample.monotonic_ns()),
        seq: Some(sample.seq()),
        missed: Some(sample.missed()),
        epoch: Some(sample.epoch()),
        incarnation: Some(sample.incarnation()),
        ..Note::default()
    };
    let log_time = clock.note(&mut note, Instant::now(), SystemTime::now(), sample.age());
    let shape = sample.shape().to_vec();
    let message = Message::encode(room, &elements, &shape, sample.as_bytes(), sample.attributes(), &note)?;
    Ok(Taken { channel, elements, shape, note, log_time, message })
}

/// Reads one value of each channel that has one, and calls `keep` with it until that says no.
///
/// Returns whether to go on looking, without a wait.
pub(crate) fn read_each(
    feeds: &mut [Feed],
    clock: &mut Clock,
    mut room: impl FnMut() -> Vec<u8>,
    mut keep: impl FnMut(Taken) -> bool,
) -> Result<bool> {
    let mut found = false;
    for (index, feed) in feeds.iter_mut().enumerate().filter(|(_, feed)| !feed.is_over) {
        let value = feed.next(index, clock, &mut room).map_err(|failure| failure.about(&feed.name))?;
        if let Some(value) = value {
            found = true;
            if !keep(value) {
                return Ok(false);
            }
        }
    }
    Ok(found)
}

/// Waits for news of any channel, up to `time`; false when all have ended.
///
/// What a writer has closed has ended, unless another writer is waited for.
pub(crate) fn wait(feeds: &mut [Feed], time: Duration, reopen: bool) -> Result<bool> {
    let is_polled = feeds.iter().any(|feed| matches!(feed.from, From::Python(_)));
    let time = if is_polled { time.min(NAP) } else { time };
    let mut closed = Vec::new();
    {
        let (indices, mut readers): (Vec<_>, Vec<_>) =
            feeds.iter_mut().enumerate().filter_map(|(index, feed)| Some((index, feed.reader()?))).unzip();
        if readers.is_empty() {
            std::thread::sleep(if is_polled { time } else { Duration::ZERO });
            return Ok(is_polled);
        }
        let ready = wait_any(&mut readers, time)?;
        closed.extend(ready.iter().filter(|&at| ready.is_closed(at)).filter_map(|at| indices.get(at).copied()));
    }
    if !reopen {
        for index in closed {
            if let Some(feed) = feeds.get_mut(index) {
                feed.is_over = true;
            }
        }
    }
    Ok(feeds.iter().any(|feed| !feed.is_over))
}

/// The clock of a recording.
#[derive(Default)]
pub(crate) struct Clock {
    /// When the recording began: on this process's clock, and in nanoseconds since 1970.
    origin: Option<(Instant, i64)>,
    /// The same on the clock of samples, in nanoseconds.
    zero: Option<i128>,
}

/// Greatest age of a first value that counts as part of the stream.
///
/// An older one is taken to be written when the recording began, so that a player does not wait for
/// it.
const STREAM: Duration = Duration::from_secs(60);

impl Clock {
    /// Notes when a value was written; returns it in nanoseconds since 1970.
    ///
    /// What the value's channel says of that stands in the note already.
    fn note(&mut self, note: &mut Note, now: Instant, time: SystemTime, age: Duration) -> u64 {
        let (origin, unix) = *self.origin.get_or_insert_with(|| {
            // The recording begins when its first value was written, so the first interval is
            // whole.
            match now.checked_sub(age).filter(|_| age <= STREAM) {
                Some(written) => (written, nanoseconds(time.checked_sub(age).unwrap_or(time))),
                None => (now, nanoseconds(time)),
            }
        });
        let by_age = signed(now.saturating_duration_since(origin)) - signed(age);
        // The distance of two values is exact, however long it took to look at them.
        let since = match note.monotonic_ns {
            Some(at) => i128::from(at) - *self.zero.get_or_insert(i128::from(at) - by_age),
            None => by_age,
        };
        let since = if since < -signed(STREAM) { 0 } else { since };
        let unix = i128::from(unix) + since;
        note.time = (since.max(0) as f64) / 1e9;
        note.unix_time = note.time_ns.map_or(unix as f64, |time| time as f64) / 1e9;
        note.time_ns = note.time_ns.or_else(|| i64::try_from(unix).ok());
        u64::try_from(unix).unwrap_or(0)
    }
}

fn signed(time: Duration) -> i128 {
    time.as_nanos().cast_signed()
}

/// Nanoseconds since 1970; the nearest possible.
fn nanoseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |before| -before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that are looked at after the first number of milliseconds, and are of that age.
    fn times(values: &[(u64, u64)], monotonic: bool) -> Vec<(f64, u64)> {
        let (start, mut clock) = (Instant::now() + Duration::from_secs(1000), Clock::default());
        let note = |(now, age): &(u64, u64)| {
            let at = (100_000 + now - age) * 1_000_000;
            let mut note = Note { monotonic_ns: monotonic.then_some(at), ..Note::default() };
            // A look that comes late does not matter where the sample has its time.
            let late = if monotonic && *now > 0 { 5 } else { 0 };
            let now = Duration::from_millis(*now + late);
            let age = Duration::from_millis(*age);
            let log = clock.note(&mut note, start + now, UNIX_EPOCH + Duration::from_secs(9_000) + now, age);
            (note.time, log)
        };
        values.iter().map(note).collect()
    }

    #[test]
    fn the_first_interval_is_as_long_as_the_others() {
        for monotonic in [false, true] {
            let times = times(&[(0, 70), (30, 0), (130, 0), (240, 10)], monotonic);
            for ((found, log), (wanted, unix)) in times.iter().zip([(0.0, 0), (0.1, 100), (0.2, 200), (0.3, 300)]) {
                assert!((found - wanted).abs() < 1e-9, "{times:?}");
                assert_eq!(*log, 8_999_930_000_000 + unix * 1_000_000);
            }
        }
    }

    #[test]
    fn what_was_there_before_is_at_the_beginning() {
        let before = times(&[(0, 90_000), (2000, 0)], true);
        assert_eq!(before, [(0.0, 9_000_000_000_000), (2.0, 9_002_000_000_000)]);
        let another = times(&[(0, 0), (2000, 2010), (2000, 70_000)], true);
        let wanted = [(0.0, 9_000_000_000_000), (0.0, 8_999_990_000_000), (0.0, 9_000_000_000_000)];
        assert_eq!(another, wanted, "an earlier value of another channel");
    }
}
