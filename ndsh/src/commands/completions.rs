//! `ndsh completions SHELL`

use crate::failure::Result;
use crate::output::stdout;
use clap::Command;
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

pub(crate) fn run(args: &Args, mut program: Command) -> Result<()> {
    let mut script = Vec::new();
    generate(args.shell, &mut program, "ndsh", &mut script);
    Ok(stdout().write_all(&script)?)
}
