//! What a user can do next, in the situation at hand.

use crate::args::Globals;
use crate::ours::{by_hand, foreign, quoted};
use ndsharray::inspect::Kind;
use ndsharray::{Error, Foreign, HeaderError};
use std::path::PathBuf;

/// What was asked for when something failed.
#[derive(Clone, Copy)]
pub(crate) struct Situation<'a> {
    pub(crate) globals: &'a Globals,
    /// The command's name.
    pub(crate) command: &'static str,
    /// The channel or array that it is about.
    pub(crate) name: Option<&'a str>,
    /// Whether the command has an option --force that was not given.
    pub(crate) could_force: bool,
}

impl Situation<'_> {
    /// A command line that looks where this one did; about the name, where it is `named`.
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

    /// What helps against `error`; `None` where that is the user's to know.
    pub(crate) fn advice(&self, error: &Error) -> Option<String> {
        let info = self.ndsh("info", true);
        Some(match error {
            Error::InvalidName { .. } => {
                "a name has 1 to 200 bytes, no slash and no control character, and does not start with a dot".to_owned()
            }
            Error::MissingDirectory { .. } => {
                "make it, or name another directory with --dir or NDSHARRAY_DIR".to_owned()
            }
            // A directory that could not be listed.
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
                format!("{info} says what is wrong; {} removes it when no living process has it", self.ndsh("rm", true))
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
            Error::PermissionDenied { .. } => "run it as the user who owns the files".to_owned(),
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

    /// The files of the name that ndsharray has not made.
    fn foreign_files(&self) -> Vec<PathBuf> {
        let Some(name) = self.name else { return Vec::new() };
        let options = self.globals.options();
        let reports = [Kind::Channel, Kind::Array].into_iter().filter_map(|kind| options.look(name, kind).ok());
        reports.flat_map(|report| foreign(self.globals, &report)).collect()
    }
}
