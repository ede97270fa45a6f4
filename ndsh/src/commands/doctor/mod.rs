//! `ndsh doctor`

mod check;
mod directory;
mod kernel;
mod limits;
mod system;

use crate::args::Globals;
use crate::failure::{Exit, Failure, Result};
use crate::output::{Columns, json, printable, printable_message, stdout};
use check::Verdict;
use std::io::Write;

/// Check whether this machine, container and user can share arrays
///
/// Each line shows what was found, with advice below the table. `bad` does not work, and makes the
/// exit code 8. `mind` works, but may not be what you want.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print a JSON array of objects
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let options = globals.options();
    let dir = options.directory();
    let mut checks = directory::checks(&dir, globals.dir.is_some());
    checks.extend(kernel::checks(&dir));
    checks.extend(limits::checks(&dir));
    checks.extend(system::checks(&dir));
    checks.extend(directory::left_behind(&options));
    let mut out = stdout();
    if args.json {
        json(&mut out, &checks)?;
    } else {
        let mut columns = Columns::new(&["CHECK", "", "FOUND"]);
        for check in &checks {
            let verdict = format!("{:?}", check.verdict).to_lowercase();
            columns.row([check.what.clone(), verdict, printable(&check.found).into_owned()]);
        }
        columns.print(&mut out)?;
        for check in &checks {
            if let Some(advice) = &check.advice {
                writeln!(out, "\n{}: {}", check.what, printable_message(advice))?;
            }
        }
    }
    let bad: Vec<_> =
        checks.iter().filter(|check| check.verdict == Verdict::Bad).map(|check| check.what.as_str()).collect();
    if bad.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(Exit::Findings, format!("this does not work here: {}", bad.join(", ")));
    Err(failure.advise("the advice stands below the table, or in the field `advice`"))
}
