//! `ndsh man`

use crate::args::Cli;
use crate::failure::{Failure, Result};
use crate::output::stdout;
use clap::CommandFactory;
use std::io::Write;
use std::path::PathBuf;

/// Print the manual page
///
/// For example, `ndsh man > ~/.local/share/man/man1/ndsh.1`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write the pages of all commands into this directory instead
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if let Some(dir) = &args.out {
        return clap_mangen::generate_to(Cli::command(), dir)
            .map_err(|error| Failure::from(error).context(format!("cannot write the pages to {}", dir.display())));
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    Ok(stdout().write_all(&page)?)
}
