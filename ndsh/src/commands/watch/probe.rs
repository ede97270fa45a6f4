//! The thread that reads the channels.

use super::figures::{Counters, Figures};
use crate::args::{Globals, KindArg};
use crate::array::Array;
use crate::endpoints::{Follower, Followers, Source, State, Value, Which};
use crate::failure::Result;
use ndsharray::DType;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longest time between two checks of `stop` and of the writers.
const TICK: Duration = Duration::from_millis(100);

/// What the reading thread knows of a name, and what the other thread wants from it.
pub(crate) struct Probe {
    shared: Mutex<Shared>,
}

struct Shared {
    counters: Counters,
    status: Status,
    /// The time from which a copy of a value is wanted.
    wanted: Option<Instant>,
    copy: Option<Result<CopiedValue>>,
    /// When to look at the writer next.
    next_look: Instant,
    /// Whether a value has come since the last note.
    has_news: bool,
}

/// A copy of a value.
pub(crate) struct CopiedValue {
    pub(crate) array: Array,
    pub(crate) seq: Option<u64>,
    /// Length in bytes, even after the elements were dropped.
    pub(crate) bytes: usize,
}

/// The last value, and the state of the name.
#[derive(Clone)]
pub(crate) struct Status {
    pub(crate) state: State,
    pub(crate) writer_alive: Option<bool>,
    pub(crate) epoch: Option<u64>,
    pub(crate) seq: Option<u64>,
    /// Whether values have numbers, so that missed ones can be counted.
    pub(crate) numbered: bool,
    /// Whether values are published one after another.
    pub(crate) is_channel: bool,
    pub(crate) array: Option<(DType, Vec<usize>, usize)>,
}

/// Reads what has these names until stopped, in this thread alone.
pub(super) fn read(
    globals: &Globals,
    watched: &[(&str, Probe)],
    kind: Option<KindArg>,
    stop: &AtomicBool,
) -> Result<()> {
    let which = Which { kind, ..Which::default() };
    let mut followers = Followers::new(globals, watched.iter().map(|(name, _)| *name), &which);
    // Relaxed: nothing else is told by it.
    while !stop.load(Ordering::Relaxed) {
        followers.poll(TICK, |index, opened, value| {
            if let Some((_, probe)) = watched.get(index) {
                probe.see(&value, opened);
            }
        })?;
        for (follower, (_, probe)) in followers.iter_mut().zip(watched) {
            probe.note(follower);
        }
    }
    Ok(())
}

impl Probe {
    /// Creates a probe whose figures are over so many slices.
    pub(crate) fn new(slices: usize) -> Self {
        let status = Status {
            state: State::Absent,
            writer_alive: None,
            epoch: None,
            seq: None,
            numbered: true,
            is_channel: true,
            array: None,
        };
        let counters = Counters::new(Instant::now(), slices);
        let (wanted, next_look) = (Some(Instant::now()), Instant::now());
        Self { shared: Mutex::new(Shared { counters, status, wanted, copy: None, next_look, has_news: false }) }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A panic of the other thread ends the program, and the counts are valid until then.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a slice of time.
    ///
    /// Returns the figures, the status, and a copy of a value if one was wanted and has come.
    pub(crate) fn turn(&self, now: Instant) -> (Figures, Status, Option<Result<CopiedValue>>) {
        let mut shared = self.lock();
        (shared.counters.turn(now), shared.status.clone(), shared.copy.take())
    }

    /// Asks for a copy of the value that is current at `then`, or comes next.
    pub(crate) fn want_copy(&self, then: Instant) {
        self.lock().wanted = Some(then);
    }

    /// Notes how it stands with the name, now that all has been read that was there.
    fn note(&self, follower: &mut Follower<'_>) {
        let now = Instant::now();
        let (had_news, wants) = {
            let mut shared = self.lock();
            (std::mem::take(&mut shared.has_news), shared.wants(now))
        };
        // Where no value comes, the last one is copied instead.
        if !had_news && wants {
            follower.latest(|opened, value| self.look_again(&value, opened));
        }
        let mut shared = self.lock();
        if shared.status.state == *follower.state() && now < shared.next_look {
            return;
        }
        drop(shared);
        let source = follower.source();
        let (alive, epoch) = (source.and_then(Source::is_writer_alive), source.and_then(Source::epoch));
        shared = self.lock();
        shared.next_look = now + TICK;
        shared.status.state = follower.state().clone();
        (shared.status.writer_alive, shared.status.epoch) = (alive, epoch);
        shared.status.is_channel = source.is_none_or(Source::is_channel);
    }

    /// Copies the current value if it was counted before; else counts it.
    fn look_again(&self, value: &Value<'_>, opened: Instant) {
        let mut shared = self.lock();
        if value.seq.is_some() && value.seq == shared.status.seq {
            shared.take_copy(value);
        } else {
            drop(shared);
            self.see(value, opened);
        }
    }

    fn see(&self, value: &Value<'_>, opened: Instant) {
        let mut shared = self.lock();
        shared.has_news = true;
        // A value from before the start says nothing about rate and age.
        if value.age.is_none_or(|age| age < opened.elapsed()) {
            shared.counters.count(Instant::now(), value.array.bytes.len(), value.missed.unwrap_or(0), value.age);
        }
        if shared.wants(Instant::now()) {
            shared.take_copy(value);
        }
        let status = &mut shared.status;
        (status.seq, status.numbered) = (value.seq, value.missed.is_some());
        match &mut status.array {
            Some((dtype, shape, _)) if *dtype == value.array.dtype() && shape == value.array.shape => {}
            other => *other = Some((value.array.dtype(), value.array.shape.to_vec(), value.array.bytes.len())),
        }
    }
}

impl Shared {
    fn wants(&self, now: Instant) -> bool {
        self.wanted.is_some_and(|then| now >= then)
    }

    fn take_copy(&mut self, value: &Value<'_>) {
        self.wanted = None;
        self.copy = Some(value.array.to_array().map(|array| CopiedValue {
            array,
            seq: value.seq,
            bytes: value.array.bytes.len(),
        }));
    }
}

impl Status {
    /// Shows the number, dtype and shape of the value that the figures belong to.
    pub(crate) fn show(&mut self, value: &CopiedValue) {
        self.seq = value.seq;
        self.array = Some((value.array.dtype(), value.array.shape.clone(), value.bytes));
    }
}
