//! `ndsh completions SHELL`

use crate::complete::VARIABLE;
use crate::failure::{Exit, Failure, Result};
use crate::output::stdout;
use clap_complete::Shell;
use clap_complete::env::Shells;
use std::io::Write;

/// Print completions for a shell
///
/// TAB then completes commands, options, names of channels and arrays, dtypes and files. The shell
/// asks this program each time, so a new version needs no new completions.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let shell = args.shell.to_string();
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let found = shells.completer(&shell);
    let found = found.ok_or_else(|| Failure::new(Exit::Usage, format!("there are no completions for {shell}")))?;
    found.write_registration(VARIABLE, "ndsh", "ndsh", "ndsh", &mut script)?;
    Ok(stdout().write_all(&script)?)
}
