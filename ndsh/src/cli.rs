//! The command line as a whole.

use crate::advice::Situation;
use crate::args::Globals;
use crate::commands::Command;
use crate::failure::{Result, exit_codes};
use clap::{CommandFactory, Parser};

/// See, feed and clean shared-memory channels of ndsharray.
#[derive(Parser)]
#[command(name = "ndsh", version, after_help = exit_codes(), propagate_version = true)]
#[command(max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    /// Runs the command.
    pub(crate) fn run(&self) -> Result<()> {
        self.globals.color.apply();
        self.command.run(&self.globals, Self::command)
    }

    /// What the command is about, for advice when it fails.
    pub(crate) fn situation(&self) -> Situation<'_> {
        self.command.situation(&self.globals)
    }
}
