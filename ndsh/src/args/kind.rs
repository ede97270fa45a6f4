//! The kind of channel or array that a command works on.

use crate::args::Globals;
use crate::failure::{Exit, Failure, Result};
use crate::output::printable;
use clap::ValueEnum;
use ndsharray::Error;
use ndsharray::inspect::Kind;

/// A kind, as named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindArg {
    /// A channel of this library
    Channel,
    /// A shared array
    Array,
    /// A channel in the format of Python's ndsharray
    Python,
}

impl KindArg {
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Channel => Kind::Channel,
            Self::Array => Kind::Array,
            Self::Python => Kind::Python,
        }
    }
}

/// Returns the kinds that exist under a name, or only the one in `asked`.
pub(crate) fn kinds(globals: &Globals, name: &str, asked: Option<KindArg>) -> Result<Vec<Kind>> {
    let options = globals.options();
    let mut found = Vec::new();
    for kind in [Kind::Channel, Kind::Array, Kind::Python] {
        if asked.is_some_and(|asked| asked.kind() != kind) {
            continue;
        }
        match options.look(name, kind) {
            Ok(_) => found.push(kind),
            Err(Error::NotFound { .. }) => {}
            // Not every name is possible in Python, and on Windows none is: an impossible one does
            // not exist.
            Err(Error::InvalidName { .. } | Error::Unsupported { .. }) if kind == Kind::Python && asked.is_none() => {}
            Err(error) => return Err(error.into()),
        }
    }
    if found.is_empty() {
        let dir = options.directory();
        let what = asked.map_or("channel or array".to_owned(), |asked| asked.kind().to_string());
        return Err(Failure::new(Exit::NotFound, format!("no {what} called {name:?} in {}", dir.display()))
            .advise("`ndsh ls` lists what there is; --dir looks into another directory"));
    }
    Ok(found)
}

/// Returns the only kind under a name; several kinds are an error.
pub(crate) fn one_kind(globals: &Globals, name: &str, asked: Option<KindArg>) -> Result<Kind> {
    match kinds(globals, name, asked)?.as_slice() {
        [kind] => Ok(*kind),
        several => {
            let kinds: Vec<_> = several.iter().map(ToString::to_string).collect();
            Err(Failure::new(Exit::Usage, format!("{} stands for several: {}", printable(name), kinds.join(", ")))
                .advise("say which one with --kind"))
        }
    }
}
