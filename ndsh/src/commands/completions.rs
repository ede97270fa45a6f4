//! `ndsh completions SHELL`

use crate::args::Cli;
use crate::failure::Result;
use crate::output::stdout;
use clap::CommandFactory;
use clap_complete::{Shell, generate};
use std::io::Write;

/// Print completions for a shell
///
/// For example, `ndsh completions bash > ~/.local/share/bash-completion/completions/ndsh`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "ndsh", &mut script);
    Ok(stdout().write_all(&script)?)
}
