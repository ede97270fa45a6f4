//! What the user can do next, in the situation at hand.

use crate::args::Globals;
use crate::failure::Failure;
use crate::output::{printable_message, quoted, tell};
use crate::reports::foreign::{self, by_hand};
use ndsharray::inspect::Kind;
use ndsharray::{Error, Foreign, HeaderError};
use std::path::PathBuf;

/// What the user asked for when something failed.
#[derive(Clone, Copy)]
pub(crate) struct Situation<'a> {
    pub(crate) globals: &'a Globals,
    /// The command's name.
    pub(crate) command: &'static str,
    /// The channel or array in question.
    pub(crate) name: Option<&'a str>,
    /// Whether the command takes --force, and was called without it.
    pub(crate) could_force: bool,
}

impl Situation<'_> {
    /// Prints a failure on standard error: the message, its causes, what to do next.
    pub(crate) fn report(&self, failure: &Failure) {
        tell(format_args!("ndsh: {}", printable_message(&failure.to_string())));
        let cause = failure.cause();
        let mut next = cause.and_then(std::error::Error::source);
        while let Some(error) = next {
            tell(format_args!("  because: {}", printable_message(&error.to_string())));
            next = error.source();
        }
        for line in failure.explanation().unwrap_or_default().lines() {
            tell(format_args!("  {line}"));
        }
        let situation = Situation { name: failure.name().or(self.name), ..*self };
        let advice = failure.advice().map(str::to_owned);
        let error = cause.and_then(|cause| cause.downcast_ref::<Error>());
        let Some(mut advice) = advice.or_else(|| situation.advice(error?)) else { return };
        // A command line in an advice is there to be copied.
        if let Some(name) = situation.name {
            advice = advice.replace(" NAME", &format!(" {}", quoted(name)));
        }
        tell(format_args!("  next: {}", printable_message(&advice)));
    }

    /// A command line with this one's directory, and with the name if it is `named`.
    fn ndsh(&self, command: &str, named: bool) -> String {
        let mut words = format!("ndsh {command}");
        if let Some(dir) = &self.globals.dir {
            words += &format!(" --dir {}", quoted(&dir.to_string_lossy()));
        }
        if let (true, Some(name)) = (named, self.name) {
            let dashes = if name.starts_with('-') { " --" } else { "" };
            words += &format!("{dashes} {}", quoted(name));
        }
        format!("`{words}`")
    }

    /// What helps against `error`; `None` where only the user can know.
    fn advice(&self, error: &Error) -> Option<String> {
        let info = self.ndsh("info", true);
        Some(match error {
            Error::InvalidName { .. } => {
                "a name has 1 to 200 bytes, no slash and no control character, and does not start with a dot".to_owned()
            }
            Error::MissingDirectory { .. } => {
                "make it, or name another directory with --dir or NDSHARRAY_DIR".to_owned()
            }
            // The directory could not be listed.
            Error::NotFound { .. } if self.name.is_none() => return None,
            Error::NotFound { .. } => {
                format!("{} lists what there is; --dir looks into another directory", self.ndsh("ls", false))
            }
            Error::Closed { .. } => {
                format!("{} lists what there is; --wait SECONDS waits for a value", self.ndsh("ls", false))
            }
            Error::Corrupt(HeaderError::Magic { .. }) => match self.foreign_files().as_slice() {
                [] => format!("{info} says what is wrong"),
                paths => by_hand(paths),
            },
            Error::Corrupt(HeaderError::Version { .. } | HeaderError::ByteOrder { .. }) => {
                "use the version of ndsharray, and the kind of machine, that made it".to_owned()
            }
            Error::Corrupt(_) | Error::Wire(_) | Error::InvalidBool { .. } if self.command == "rm" => {
                format!("{info} says what is wrong")
            }
            Error::Corrupt(_) | Error::Wire(_) | Error::InvalidBool { .. } => {
                format!(
                    "{info} says what is wrong; {} removes it when no living process uses it",
                    self.ndsh("rm", true)
                )
            }
            Error::InUse { .. } if self.could_force => {
                format!("{info} lists the processes; end them first, or add --force")
            }
            Error::InUse { .. } => format!("{info} lists the processes; end them first"),
            Error::WriterExists { .. } => format!("end that process first; {info} says more about it"),
            Error::AlreadyExists { .. } => {
                format!("choose another name, or remove it with {}", self.ndsh("rm", true))
            }
            Error::AllSlotsPinned { .. } | Error::TooManyReaders { .. } => {
                format!("{info} lists the readers; end one, or make the channel with more")
            }
            Error::PermissionDenied { .. } => "run it as the user that owns the files".to_owned(),
            Error::ForeignOwner { what: Foreign::OtherUser, .. } => {
                "add --any-owner if you trust that user, or run it as that user".to_owned()
            }
            Error::NotOurs { path, .. } | Error::ForeignOwner { path, .. } => by_hand(std::slice::from_ref(path)),
            Error::OutOfMemory { .. } => format!(
                "{} removes what no process uses; {} says how large the directory may become",
                self.ndsh("gc", false),
                self.ndsh("doctor", false)
            ),
            _ => return None,
        })
    }

    /// The files under the name that ndsharray did not create.
    fn foreign_files(&self) -> Vec<PathBuf> {
        let Some(name) = self.name else { return Vec::new() };
        let options = self.globals.options();
        let reports = [Kind::Channel, Kind::Array].into_iter().filter_map(|kind| options.look(name, kind).ok());
        reports.flat_map(|report| foreign::files(self.globals, &report)).collect()
    }
}
