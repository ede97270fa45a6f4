//! Following a name while channels appear, close, and get new writers.

use super::source::{News, Source, Value, Which};
use crate::args::Globals;
use crate::failure::{Exit, Result};
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
}

impl<'a> Follower<'a> {
    pub(crate) fn new(globals: &'a Globals, name: &'a str, which: Which) -> Self {
        Self { globals, name, which, source: None, opened: Instant::now(), state: State::Absent }
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// When the source was opened. Older values were there before.
    pub(crate) fn opened(&self) -> Instant {
        self.opened
    }

    /// Waits up to `time` for the next value. Fails only where waiting cannot help.
    pub(crate) fn poll<R>(&mut self, time: Duration, look: impl FnOnce(Value<'_>) -> R) -> Result<Option<R>> {
        let Some(source) = &mut self.source else {
            match Source::open(self.globals, self.name, &self.which) {
                Ok(source) => {
                    self.source = Some(source);
                    self.opened = Instant::now();
                    self.state = State::Open;
                }
                Err(failure) if failure.exit() == Exit::Usage => return Err(failure),
                Err(failure) if failure.exit() == Exit::NotFound => self.rest(State::Absent, time),
                Err(failure) => self.rest(State::Broken(failure.to_string()), time),
            }
            return Ok(None);
        };
        match source.wait(time, look) {
            Ok(News::Value(value)) => {
                self.state = State::Open;
                Ok(Some(value))
            }
            Ok(News::Nothing) => {
                // The source reports a close only once.
                self.state = if source.is_closed() { State::Closed } else { State::Open };
                Ok(None)
            }
            Ok(News::Closed) => {
                self.rest(State::Closed, time);
                Ok(None)
            }
            Ok(News::Locked) => {
                self.state = State::Locked;
                Ok(None)
            }
            Err(failure) => {
                self.source = None;
                self.rest(State::Broken(failure.to_string()), time);
                Ok(None)
            }
        }
    }

    /// Reads the current value again, if a channel is open.
    ///
    /// Not for arrays: every poll reads an array anew, and reading may wait for its lock.
    pub(crate) fn latest<R>(&mut self, look: impl FnOnce(Value<'_>) -> R) -> Option<R> {
        match (&self.state, &mut self.source) {
            (State::Open, Some(source)) if source.is_channel() => source.latest(look).ok().flatten(),
            _ => None,
        }
    }

    fn rest(&mut self, state: State, time: Duration) {
        self.state = state;
        std::thread::sleep(time.min(NAP));
    }
}
