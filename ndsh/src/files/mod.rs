//! Files that hold arrays.

mod incoming;
mod input;
pub(crate) mod npy;
pub(crate) mod npz;
mod output;
pub(crate) mod png;
pub(crate) mod raw;

pub(crate) use incoming::Incoming;
pub(crate) use input::Arrays;
pub(crate) use output::{OutputFile, not_to_a_terminal, write};
pub(crate) use raw::RawLayout;

use crate::failure::{Exit, Failure, Result};
use clap::ValueEnum;
use std::fmt::Display;
use std::path::Path;

/// Whether a path is `-`, which stands for standard input or output.
pub(crate) fn is_standard_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A file format; by default the ending of the name decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One array, for `numpy.load`
    Npy,
    /// An archive of arrays, for `numpy.load`
    Npz,
    /// A picture: uint8, uint16 or bool, of shape (height, width) or (height, width, channels)
    Png,
    /// The elements alone, without dtype and shape
    Raw,
}

impl Format {
    /// Returns the format in which to write `path`.
    pub(crate) fn of(path: &Path, wanted: Option<Self>) -> Result<Self> {
        if let Some(format) = wanted {
            return Ok(format);
        }
        if is_standard_stream(path) {
            return Ok(Self::Npy);
        }
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        Self::from_str(extension, true).map_err(|_| {
            Failure::new(Exit::Usage, format!("{}: no format has that ending", path.display()))
                .advise("end the name with .npy, .npz, .png or .raw, or say --format")
        })
    }
}

/// Adds the file's name to a failure.
pub(crate) fn of_file<T, E: Into<Failure>>(path: &Path, result: std::result::Result<T, E>) -> Result<T> {
    result.map_err(|error| error.into().context(path.display()))
}

/// The failure of a file whose bytes are not what they should be.
pub(crate) fn bad_file(format: &str, what: impl Display) -> Failure {
    Failure::new(Exit::Corrupt, format!("not a {format} file that can be read: {what}"))
}
