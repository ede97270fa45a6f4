//! `ndsh gc`

use crate::args::Globals;
use crate::failure::{Failure, Result};
use crate::output::{json, printable, printable_message, size, stdout};
use crate::reports::{foreign, reason_to_stay};
use ndsharray::Error;
use ndsharray::inspect::{Kind, Report};
use serde::Serialize;
use std::io::Write;
use std::time::Duration;

/// Remove what dead processes left behind
///
/// This removes channels whose writer died and that no living reader uses, files of channels
/// without a board, shared arrays whose last handles died, and arrays that were never finished. The
/// kernel's locks prove that no living process uses them, and are held while the files are removed.
/// What a process left on purpose stays without --all. What another version of the format created
/// stays in any case.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only list what would be removed
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Also remove unused channels that their writer kept, and arrays that all their handles closed
    #[arg(long)]
    all: bool,
    /// Also remove unused files of Python's ndsharray
    ///
    /// Python takes no locks and removes nothing. The kernel proves, by a lease, that no process
    /// has a file open or mapped. While a process uses a channel, only files go that the channel no
    /// longer names and that are older than ten seconds.
    #[arg(long)]
    python: bool,
    /// Print a JSON array with an object for each unused channel or array
    #[arg(long)]
    json: bool,
    /// Also list what is left alone, and why
    #[arg(long, short)]
    verbose: bool,
}

/// Age of a file whose name no Python reader can still be about to open.
const PYTHON_AGE: Duration = Duration::from_secs(10);

/// An unused channel or array, and what happens to it.
#[derive(Serialize)]
struct Swept {
    name: String,
    kind: String,
    /// `removed`, `would remove` or `left alone`.
    action: &'static str,
    /// Why it was left alone.
    reason: Option<String>,
    /// Bytes of memory that its files occupy.
    memory: u64,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let options = globals.options();
    let mut swept = Vec::new();
    let listed = options.list().map_err(|error| Failure::from(error).context("cannot list the directory"))?;
    let mut failed = None;
    for found in &listed {
        let done = match found.kind {
            Kind::Python if args.python => python(&found.name, args, globals),
            Kind::Python => Ok(None),
            kind => match options.look(&found.name, kind) {
                Ok(report) => sweep(&report, args, globals),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error.into()),
            },
        };
        match done {
            Ok(done) => swept.extend(done),
            // One failure does not stop the sweep.
            Err(failure) => {
                let context = format!("cannot clear {} {}", found.kind, printable(&found.name));
                failed.get_or_insert(failure.context(context).about(&found.name));
            }
        }
    }
    if args.json {
        json(&mut stdout(), &swept)?;
    } else {
        print(&swept, args)?;
    }
    failed.map_or(Ok(()), Err)
}

fn print(swept: &[Swept], args: &Args) -> Result<()> {
    let mut out = stdout();
    for one in swept.iter().filter(|one| args.verbose || one.reason.is_none()) {
        write!(out, "{} {} {}", one.action, one.kind, printable(&one.name))?;
        match &one.reason {
            Some(reason) => writeln!(out, ": {}", printable_message(reason))?,
            None => writeln!(out, ": {}", size(one.memory))?,
        }
    }
    let left = swept.iter().filter(|one| one.reason.is_some()).count();
    let left = match left {
        0 => String::new(),
        _ if args.verbose => format!("; {left} left alone"),
        _ => format!("; {left} left alone (--verbose tells why)"),
    };
    let gone = || swept.iter().filter(|one| one.reason.is_none());
    match gone().count() {
        0 => writeln!(out, "nothing to remove{left}")?,
        count => {
            let memory = gone().map(|one| one.memory).fold(0, u64::saturating_add);
            let would = if args.dry_run { "would be freed" } else { "freed" };
            writeln!(out, "{count} in all, {} {would}{left}", size(memory))?;
        }
    }
    Ok(())
}

/// Removes a channel or array if it is unused; `None` if it is in use.
fn sweep(report: &Report, args: &Args, globals: &Globals) -> Result<Option<Swept>> {
    if report.is_in_use() == Some(true) {
        return Ok(None);
    }
    let mut swept = Swept {
        name: report.name.clone(),
        kind: report.kind.to_string(),
        action: "left alone",
        reason: foreign_files(report, globals).or_else(|| reason_to_stay(report, args.all)),
        memory: report.memory(),
    };
    if swept.reason.is_some() {
        return Ok(Some(swept));
    }
    if args.dry_run {
        swept.action = "would remove";
        return Ok(Some(swept));
    }
    let options = globals.options();
    let removed = match report.kind {
        Kind::Array => options.remove_unused_array(&report.name),
        _ => options.remove_unused(&report.name),
    };
    match removed {
        Ok(()) => swept.action = "removed",
        // Meanwhile a process has begun to use it, or has removed it.
        Err(Error::WriterExists { .. } | Error::InUse { .. } | Error::NotFound { .. }) => return Ok(None),
        Err(error @ (Error::PermissionDenied { .. } | Error::ForeignOwner { .. })) => {
            swept.reason = Some(error.to_string());
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Some(swept))
}

/// Says which files of a report ndsharray did not create.
fn foreign_files(report: &Report, globals: &Globals) -> Option<String> {
    let paths = foreign::files(globals, report);
    (!paths.is_empty()).then(|| foreign::described(&paths))
}

fn python(name: &str, args: &Args, globals: &Globals) -> Result<Option<Swept>> {
    let options = globals.compat_options();
    let report = match globals.options().look(name, Kind::Python) {
        Ok(report) => report,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let found = if args.dry_run { options.unused(name, PYTHON_AGE) } else { options.remove_unused(name, PYTHON_AGE) };
    let found = match found {
        Ok(found) => found,
        // Something else has the tag's name, which does not stop the sweep.
        Err(error @ Error::NotOurs { .. }) => {
            return Ok(Some(Swept {
                name: name.to_owned(),
                kind: Kind::Python.to_string(),
                action: "left alone",
                reason: Some(error.to_string()),
                memory: report.memory(),
            }));
        }
        Err(error) => return Err(error.into()),
    };
    let gone = report.files.iter().filter(|file| found.iter().any(|gone| gone.path == file.path));
    let memory = gone.map(|file| file.allocated).fold(0, u64::saturating_add);
    Ok((!found.is_empty()).then(|| Swept {
        name: name.to_owned(),
        kind: Kind::Python.to_string(),
        action: if args.dry_run { "would remove" } else { "removed" },
        reason: None,
        memory,
    }))
}
