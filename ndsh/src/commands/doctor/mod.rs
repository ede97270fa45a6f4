//! `ndsh doctor`

mod directory;
mod kernel;
mod limits;
mod system;

use crate::args::Globals;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Columns, json, printable, printable_message, stdout};
use serde::Serialize;
use std::io::Write;

/// Check whether this machine, container and user can share arrays
///
/// Each line has what was found and, where something is to be done, what. `bad` does not work, and makes the exit code 8; `mind` works, but may not be
/// what you want.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print a JSON array of objects
    #[arg(long)]
    json: bool,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    /// Works, but may not be what the user wants.
    Mind,
    /// Does not work.
    Bad,
}

/// One check.
#[derive(Debug, Serialize)]
struct Check {
    what: String,
    verdict: Verdict,
    found: String,
    /// One sentence; `null` where there is nothing to do.
    advice: Option<String>,
}

impl Check {
    fn good(what: &str, found: impl Into<String>) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Good, found: found.into(), advice: None }
    }

    fn mind(what: &str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Mind, found: found.into(), advice: Some(advice.into()) }
    }

    fn bad(what: &str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Bad, found: found.into(), advice: Some(advice.into()) }
    }
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
