//! Following a name while channels appear, close, and get new writers.

use super::source::{News, Source, Value, Which};
use crate::args::Globals;
use crate::failure::{Exit, Result};
use ndsharray::Reader;
use std::time::{Duration, Instant};

/// Pause between two attempts to open.
const NAP: Duration = Duration::from_millis(50);

/// The state of the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing has the name.
    Absent,
    /// It is open for reading.
    Open,
    /// Its writer has closed it.
    Closed,
    /// A writer holds the lock of the shared array.
    Locked,
    /// It cannot be read, for this reason.
    Broken(String),
}

/// Reads what has the name, now and later.
pub(crate) struct Follower<'a> {
    globals: &'a Globals,
    name: &'a str,
    which: Which,
    source: Option<Source>,
    /// When `source` was opened.
    opened: Instant,
    state: State,
    /// When to take the next [`step`](Self::step), where no notification tells.
    next_step: Instant,
}

impl<'a> Follower<'a> {
    pub(crate) fn new(globals: &'a Globals, name: &'a str, which: Which) -> Self {
        let now = Instant::now();
        Self { globals, name, which, source: None, opened: now, state: State::Absent, next_step: now }
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// Waits up to `time` for the next value. Fails only where waiting cannot help.
    pub(crate) fn poll<R>(&mut self, time: Duration, look: impl FnOnce(Value<'_>) -> R) -> Result<Option<R>> {
        let Some(source) = &mut self.source else {
            if !self.open()? {
                std::thread::sleep(time.min(NAP));
            }
            return Ok(None);
        };
        let news = source.wait(time, look);
        let is_over = matches!(news, Ok(News::Closed) | Err(_));
        let value = self.note(news);
        if is_over {
            std::thread::sleep(time.min(NAP));
        }
        Ok(value)
    }

    /// Opens the name, or looks for a newer value, and waits for nothing but an array's lock.
    ///
    /// That takes no longer than `lock`. `look` is told when the source was opened: older values
    /// were there before. Fails only where another step cannot help.
    pub(super) fn step<R>(&mut self, lock: Duration, look: impl FnOnce(Instant, Value<'_>) -> R) -> Result<Option<R>> {
        let Some(source) = &mut self.source else {
            let pause = if self.open()? { Duration::ZERO } else { NAP };
            self.next_step = Instant::now() + pause;
            return Ok(None);
        };
        let opened = self.opened;
        let news = source.look_once(lock, |value| look(opened, value));
        let value = self.note(news);
        let pause = self.source.as_ref().and_then(Source::pause);
        self.next_step = Instant::now() + pause.unwrap_or(NAP);
        Ok(value)
    }

    /// When the next step is due; `None` where a notification tells.
    pub(super) fn next_step(&self) -> Option<Instant> {
        let is_notified = self.source.as_ref().is_some_and(|source| source.pause().is_none());
        (!is_notified).then_some(self.next_step)
    }

    /// The reader whose notifications tell when to take a step.
    pub(super) fn reader(&mut self) -> Option<&mut Reader> {
        self.source.as_mut().and_then(Source::reader)
    }

    /// Reads the current value again, if a channel is open.
    ///
    /// Not for arrays: every poll reads an array anew, and reading may wait for its lock.
    pub(crate) fn latest<R>(&mut self, look: impl FnOnce(Instant, Value<'_>) -> R) -> Option<R> {
        let opened = self.opened;
        match (&self.state, &mut self.source) {
            (State::Open, Some(source)) if source.is_channel() => {
                source.latest(|value| look(opened, value)).ok().flatten()
            }
            _ => None,
        }
    }

    /// Tries to open the name; whether it is open.
    fn open(&mut self) -> Result<bool> {
        self.state = match Source::open(self.globals, self.name, &self.which) {
            Ok(source) => {
                self.source = Some(source);
                self.opened = Instant::now();
                State::Open
            }
            Err(failure) if failure.exit() == Exit::Usage => return Err(failure),
            Err(failure) if failure.exit() == Exit::NotFound => State::Absent,
            Err(failure) => State::Broken(failure.to_string()),
        };
        Ok(self.source.is_some())
    }

    /// Notes that the wait for news of its reader has found none.
    pub(super) fn note_silence(&mut self) {
        // A successor may have come, which has published nothing yet.
        self.note::<()>(Ok(News::Nothing));
    }

    /// Notes the state that a look at the source has shown.
    fn note<R>(&mut self, news: Result<News<R>>) -> Option<R> {
        let (state, value) = match news {
            Ok(News::Value(value)) => (State::Open, Some(value)),
            // The source reports a close only once.
            Ok(News::Nothing) if self.source.as_ref().is_some_and(Source::is_closed) => (State::Closed, None),
            Ok(News::Nothing) => (State::Open, None),
            Ok(News::Closed) => (State::Closed, None),
            Ok(News::Locked) => (State::Locked, None),
            Err(failure) => {
                self.source = None;
                (State::Broken(failure.to_string()), None)
            }
        };
        self.state = state;
        value
    }
}
