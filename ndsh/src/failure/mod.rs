//! Why a command failed.

mod exit;

pub(crate) use exit::{CODES, Exit, help as exit_codes};

use crate::output::printable;
use ndsharray::{Error, Foreign};
use std::error::Error as StdError;
use std::io;

/// The result of a command.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// One failure: a sentence, its causes, advice, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    advice: Option<String>,
    /// Lines that are shown unchanged, such as the usage.
    explanation: Option<String>,
    /// The channel or array, where the command has several.
    about: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), source: None, advice: None, about: None, explanation: None }
    }

    /// A failure with the message of the error that caused it.
    fn caused(exit: Exit, source: impl StdError + Send + Sync + 'static) -> Self {
        let failure = Self::new(exit, source.to_string());
        Self { source: Some(Box::new(source)), ..failure }
    }

    /// Ctrl-C came before the first value.
    pub(crate) fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted before there was a value")
    }

    /// The channel or array `name` had no value in the time given.
    pub(crate) fn no_value(name: &str) -> Self {
        Self::new(Exit::TimedOut, format!("\"{}\" has no value", printable(name)))
            .advise("--wait SECONDS waits for one")
    }

    /// Adds what to do next.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Puts what was being done before the message: `context: what went wrong`.
    pub(crate) fn context(mut self, context: impl std::fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// Adds [`context`](Self::context), unless the message has it already.
    pub(crate) fn within(self, context: &str) -> Self {
        if self.message.starts_with(context) { self } else { self.context(context) }
    }

    /// Adds lines that are shown unchanged.
    pub(crate) fn explain(mut self, lines: impl Into<String>) -> Self {
        self.explanation = Some(lines.into());
        self
    }

    /// Names the channel or array, where the command has several.
    pub(crate) fn about(mut self, name: &str) -> Self {
        self.about = Some(name.to_owned());
        self
    }

    /// Changes the exit code to [`Exit::TimedOut`].
    pub(crate) fn timed_out(mut self) -> Self {
        self.exit = Exit::TimedOut;
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The error that caused it, if there is one.
    pub(crate) fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }

    pub(crate) fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }

    pub(crate) fn explanation(&self) -> Option<&str> {
        self.explanation.as_deref()
    }

    /// The channel or array, if the command has several.
    pub(crate) fn name(&self) -> Option<&str> {
        self.about.as_deref()
    }

    /// Whether the program that reads the output has ended, which is no failure.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        let mut next = self.cause();
        while let Some(error) = next {
            if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) {
                return true;
            }
            next = error.source();
        }
        false
    }
}

/// The sentence alone.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::caused(exit_of(&error), error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::NotFound => Exit::NotFound,
            io::ErrorKind::PermissionDenied => Exit::Denied,
            // Bytes that are not what they should be.
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Exit::Corrupt,
            // A full disk too: `Exit::Full` is for shared memory, which the library reports itself.
            _ => Exit::Failure,
        };
        Self::caused(exit, error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}

fn exit_of(error: &Error) -> Exit {
    match error {
        Error::InvalidName { .. } | Error::InvalidOption { .. } => Exit::Usage,
        Error::NotFound { .. } | Error::MissingDirectory { .. } | Error::Closed { .. } => Exit::NotFound,
        Error::Corrupt(_) | Error::NotOurs { .. } | Error::Wire(_) | Error::InvalidBool { .. } => Exit::Corrupt,
        Error::InUse { .. }
        | Error::WriterExists { .. }
        | Error::AlreadyExists { .. }
        | Error::AllSlotsPinned { .. }
        | Error::ReadersBehind { .. }
        | Error::TooManyReaders { .. } => Exit::InUse,
        Error::PermissionDenied { .. } => Exit::Denied,
        // Links, directories and pipes are never ndsharray's, so only a file can be another user's.
        Error::ForeignOwner { what: Foreign::OtherUser, .. } => Exit::Denied,
        Error::ForeignOwner { .. } => Exit::Corrupt,
        Error::OutOfMemory { .. } => Exit::Full,
        _ => Exit::Failure,
    }
}
