//! Why a command failed, and what the user can do next.

use crate::exit::Exit;
use crate::output::{printable_message, tell};
use ndsharray::Error;
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
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), source: None, advice: None }
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
    pub(crate) fn report(&self) {
        tell(format_args!("ndsh: {}", printable_message(&self.message)));
        let mut next = self.source.as_deref().and_then(StdError::source);
        while let Some(error) = next {
            tell(format_args!("  because: {}", printable_message(&error.to_string())));
            next = error.source();
        }
        if let Some(advice) = &self.advice {
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
        let (exit, advice) = classify(&error);
        Self { exit, message: error.to_string(), source: Some(Box::new(error)), advice: advice.map(Into::into) }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::NotFound => Exit::NotFound,
            io::ErrorKind::PermissionDenied => Exit::Denied,
            io::ErrorKind::StorageFull => Exit::Full,
            _ => Exit::Failure,
        };
        Self { exit, message: error.to_string(), source: Some(Box::new(error)), advice: None }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}

fn classify(error: &Error) -> (Exit, Option<&'static str>) {
    match error {
        Error::InvalidName { .. } => (
            Exit::Usage,
            Some("a name has 1 to 200 bytes, no slash and no control character, and does not start with a dot"),
        ),
        Error::InvalidOption { .. } => (Exit::Usage, None),
        Error::NotFound { .. } | Error::Closed { .. } => {
            (Exit::NotFound, Some("`ndsh ls` lists what there is; --dir looks into another directory"))
        }
        Error::MissingDirectory { .. } => {
            (Exit::NotFound, Some("make it, or name another directory with --dir or NDSHARRAY_DIR"))
        }
        Error::Corrupt(_) | Error::Wire(_) | Error::InvalidBool { .. } => (
            Exit::Corrupt,
            Some("`ndsh info NAME` says what is wrong; `ndsh rm NAME` removes it when nobody living has it"),
        ),
        Error::InUse { .. } => (Exit::InUse, Some("`ndsh info NAME` lists who has it; end them first, or add --force")),
        Error::WriterExists { .. } => {
            (Exit::InUse, Some("end that process first; `ndsh info NAME` says more about it"))
        }
        Error::AlreadyExists { .. } => (Exit::InUse, Some("choose another name, or remove it with `ndsh rm NAME`")),
        Error::AllSlotsPinned { .. } | Error::TooManyReaders { .. } => {
            (Exit::InUse, Some("`ndsh info NAME` lists the readers; end one, or make the channel with more"))
        }
        Error::PermissionDenied { .. } => (Exit::Denied, Some("run it as the user who owns the files")),
        Error::ForeignOwner { .. } => {
            (Exit::Denied, Some("add --any-owner if you trust whoever put it there, or run it as that user"))
        }
        Error::OutOfMemory { .. } => (
            Exit::Full,
            Some("`ndsh gc` removes what nobody uses; `ndsh doctor` says how large the directory may become"),
        ),
        _ => (Exit::Failure, None),
    }
}
