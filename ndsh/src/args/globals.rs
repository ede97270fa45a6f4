//! Options that every command takes.

use crate::terminal::{are_colours_forced, is_dumb};
use anstream::ColorChoice;
use clap::{Args, ValueEnum};
use ndsharray::{Options, Owners, compat};
use std::path::PathBuf;

/// Options that every command takes.
#[derive(Args, Default)]
pub(crate) struct Globals {
    /// Directory of the channels [default: $NDSHARRAY_DIR, else /dev/shm]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub(crate) dir: Option<PathBuf>,
    /// Trust files of every user, not only one's own and root's
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) any_owner: bool,
    /// When to colour the output; `auto` also respects NO_COLOR
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Global options")]
    pub(crate) color: Color,
}

impl Globals {
    /// The library's options, with the directory and the owners that the user asked for.
    pub(crate) fn options(&self) -> Options {
        let mut options = Options::new();
        if let Some(dir) = &self.dir {
            options = options.dir(dir);
        }
        if self.any_owner {
            options = options.owners(Owners::Anyone);
        }
        options
    }

    /// The same options for channels of Python's ndsharray.
    pub(crate) fn compat_options(&self) -> compat::Options {
        let mut options = compat::Options::new();
        if let Some(dir) = &self.dir {
            options = options.dir(dir);
        }
        if self.any_owner {
            options = options.owners(Owners::Anyone);
        }
        options
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal only
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    /// Sets the choice for all output through `anstream`.
    pub(crate) fn apply(self) {
        match self {
            // `anstream` takes a service that builds and tests for a terminal with colours.
            Self::Auto if is_dumb() && !are_colours_forced() => ColorChoice::Never,
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        }
        .write_global();
    }
}
