//! The command line as a whole.

use crate::advice::Situation;
use crate::args::Globals;
use crate::commands::Command;
use crate::failure::{self, exit_codes};
use crate::output::printable;
use crate::{examples, external};
use clap::{CommandFactory, FromArgMatches, Parser};
use std::path::PathBuf;

/// See, feed and clean shared-memory channels of ndsharray.
#[derive(Parser)]
#[command(name = "ndsh", version, after_help = after_help(), propagate_version = true)]
#[command(max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// Describes the whole command line, with examples in the help of each command.
pub(crate) fn plain_program() -> clap::Command {
    Cli::command().mut_subcommands(|command| {
        let help = examples::help(command.get_name());
        command.after_help(help)
    })
}

/// The same, with the commands of other programs if the user asks for help.
fn program() -> clap::Command {
    if external::is_help_wanted() { with_external(plain_program()) } else { plain_program() }
}

/// Lists the commands of other programs at the end of help.
fn with_external(program: clap::Command) -> clap::Command {
    let found = external::commands();
    if found.is_empty() {
        return program;
    }
    let line =
        |(name, path): (String, PathBuf)| format!("\n  {}  {}", printable(&name), printable(&path.to_string_lossy()));
    let lines: String = found.into_iter().map(line).collect();
    program.after_help(format!("{}\n\nCommands of other programs:{lines}", after_help()))
}

/// What stands at the end of the program's help.
fn after_help() -> String {
    format!("{}\n\n{}", examples::help(""), exit_codes())
}

impl Cli {
    /// Parses the command line.
    pub(crate) fn parse() -> Result<Self, clap::Error> {
        let matches = program().try_get_matches()?;
        Self::from_arg_matches(&matches)
    }

    /// Runs the command.
    pub(crate) fn run(&self) -> failure::Result<()> {
        self.globals.color.apply();
        self.command.run(&self.globals, plain_program)
    }

    /// What the command is about, for advice when it fails.
    pub(crate) fn situation(&self) -> Situation<'_> {
        self.command.situation(&self.globals)
    }
}
