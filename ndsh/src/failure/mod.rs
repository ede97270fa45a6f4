//! Why a command failed, and what the user can do next.

use crate::advice::Situation;
use crate::exit::Exit;
use crate::ours::quoted;
use crate::output::{printable_message, tell};
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
    /// More about it, as it is.
    explanation: Option<String>,
    /// The channel or array, where the command has several.
    about: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), source: None, advice: None, about: None, explanation: None }
    }

    /// Adds what to do next.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Says what was being done: `context: what went wrong`.
    pub(crate) fn context(mut self, context: impl std::fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// Adds lines that are shown as they are.
    pub(crate) fn explain(mut self, lines: impl Into<String>) -> Self {
        self.explanation = Some(lines.into());
        self
    }

    /// Says which of a command's names it is about.
    pub(crate) fn about(mut self, name: &str) -> Self {
        self.about = Some(name.to_owned());
        self
    }

    /// Says that a time was given, in which nothing came.
    pub(crate) fn timed_out(mut self) -> Self {
        self.exit = Exit::TimedOut;
        self
    }

    /// [`context`](Self::context), unless it is there already.
    pub(crate) fn within(self, context: &str) -> Self {
        if self.message.starts_with(context) { self } else { self.context(context) }
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Whether the reader of our output has gone away, which is none of its errors.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        let mut next = self.source.as_deref().map(|source| source as &(dyn StdError + 'static));
        while let Some(error) = next {
            if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) {
                return true;
            }
            next = error.source();
        }
        false
    }

    /// On stderr: the error, its causes, the advice.
    pub(crate) fn report(&self, situation: &Situation<'_>) {
        tell(format_args!("ndsh: {}", printable_message(&self.message)));
        let mut next = self.source.as_deref().and_then(StdError::source);
        while let Some(error) = next {
            tell(format_args!("  because: {}", printable_message(&error.to_string())));
            next = error.source();
        }
        for line in self.explanation.iter().flat_map(|lines| lines.lines()) {
            tell(format_args!("  {line}"));
        }
        let situation = Situation { name: self.about.as_deref().or(situation.name), ..*situation };
        let error = self.source.as_deref().and_then(|source| source.downcast_ref::<Error>());
        let advice = self.advice.clone().or_else(|| error.and_then(|error| situation.advice(error)));
        // A command line that is advised is to be copied.
        let advice = advice.map(|advice| match situation.name {
            Some(name) => advice.replace(" NAME", &format!(" {}", quoted(name))),
            None => advice,
        });
        if let Some(advice) = &advice {
            tell(format_args!("  next: {}", printable_message(advice)));
        }
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
        let (exit, message) = (exit_of(&error), error.to_string());
        Self { exit, message, source: Some(Box::new(error)), advice: None, about: None, explanation: None }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::NotFound => Exit::NotFound,
            io::ErrorKind::PermissionDenied => Exit::Denied,
            // Bytes that are not what they should be.
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Exit::Corrupt,
            // A full disk is no full shared memory, which the library tells as such.
            _ => Exit::Failure,
        };
        Self {
            exit,
            message: error.to_string(),
            source: Some(Box::new(error)),
            advice: None,
            about: None,
            explanation: None,
        }
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
        | Error::TooManyReaders { .. } => Exit::InUse,
        Error::PermissionDenied { .. } => Exit::Denied,
        // A link, a directory or a pipe is nothing of ndsharray's, whoever put it there.
        Error::ForeignOwner { what: Foreign::OtherUser, .. } => Exit::Denied,
        Error::ForeignOwner { .. } => Exit::Corrupt,
        Error::OutOfMemory { .. } => Exit::Full,
        _ => Exit::Failure,
    }
}
