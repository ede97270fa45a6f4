//! Following a name: through the absence of a channel, its closing, and the next writer.

use crate::args::Globals;
use crate::exit::Exit;
use crate::failure::Result;
use crate::select::KindArg;
use crate::source::{News, Source, Value};
use std::time::{Duration, Instant};

/// Time between two looks for something that is not there.
const NAP: Duration = Duration::from_millis(50);

/// How things stand with the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// There is nothing of that name.
    Absent,
    /// It is open.
    Open,
    /// Its writer has closed it.
    Closed,
    /// A writer keeps the lock of the shared array.
    Locked,
    /// What is there cannot be read, for this reason.
    Broken(String),
}

/// Reads whatever goes by a name, now and later.
pub(crate) struct Follower<'a> {
    globals: &'a Globals,
    name: &'a str,
    kind: Option<KindArg>,
    source: Option<Source>,
    /// When it was opened.
    opened: Instant,
    state: State,
}

impl<'a> Follower<'a> {
    pub(crate) fn new(globals: &'a Globals, name: &'a str, kind: Option<KindArg>) -> Self {
        Self { globals, name, kind, source: None, opened: Instant::now(), state: State::Absent }
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// When what is being read was opened: values that are older were there before.
    pub(crate) fn opened(&self) -> Instant {
        self.opened
    }

    /// The next value, if there is one within `time`. Fails only where waiting cannot help.
    pub(crate) fn poll<R>(&mut self, time: Duration, look: impl FnOnce(Value<'_>) -> R) -> Result<Option<R>> {
        let Some(source) = &mut self.source else {
            match Source::open(self.globals, self.name, self.kind) {
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
                // A close is told once, and lasts.
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

    /// What is current, seen or not, if a channel is open. What an array holds is news at every poll,
    /// and this might wait for its lock.
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
