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

/// Remove what dead processes have left
///
/// Channels whose writer died and which no living reader has, files of channels that have lost their board, shared arrays whose last handles died, and
/// arrays that were never finished. That nobody living has them is proved by the kernel's locks, which are held while the files go. What a
/// process has left on purpose stays without --all; what another version of the format has made stays in any case.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only tell what would be removed
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Remove also what was left on purpose and nobody has: channels kept by their writer, arrays closed by all their handles
    #[arg(long)]
    all: bool,
    /// Remove also files of Python's ndsharray, which takes no locks and removes nothing: those that the kernel proves, by a lease, that no
    /// process has open or mapped. While somebody has a channel, only files older than ten seconds that it names no more
    #[arg(long)]
    python: bool,
    /// Print a JSON array with an object for each thing looked at that nobody has
    #[arg(long)]
    json: bool,
    /// Tell also what is left alone, and why
    #[arg(long, short)]
    verbose: bool,
}

/// Time that a reader of Python's ndsharray has from reading a file's name to opening the file, and then some.
const PYTHON_AGE: Duration = Duration::from_secs(10);

/// Something nobody has, and what becomes of it.
#[derive(Serialize)]
struct Swept {
    name: String,
    kind: String,
    /// `removed`, `would remove` or `left alone`.
    action: &'static str,
    /// Why it was left alone.
    reason: Option<String>,
    /// Bytes that its files take.
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
            // The others are swept all the same.
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

/// `None` when somebody has it.
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
        // Somebody has come in the meantime, or done our work.
        Err(Error::WriterExists { .. } | Error::InUse { .. } | Error::NotFound { .. }) => return Ok(None),
        Err(error @ (Error::PermissionDenied { .. } | Error::ForeignOwner { .. })) => {
            swept.reason = Some(error.to_string());
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Some(swept))
}

/// Says which files of a report ndsharray has not made.
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
        // Something else has the tag's name; it is none of our business, and does not end the
        // sweep.
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
