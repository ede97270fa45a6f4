//! `ndsh info NAME`

mod full;
mod words;

use crate::args::seconds::parse_look;
use crate::args::{Globals, KindArg, kinds};
use crate::complete::names;
use crate::failure::{Exit, Failure, Result};
use crate::output::{json, printable, stdout};
use crate::reports::{foreign, tag_mappers, values_per_second};
use clap_complete::ArgValueCompleter;
use full::Full;
use ndsharray::inspect::Kind;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// Show everything about one channel or array, slot by slot
///
/// Damage is explained, and makes the exit code 4.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Name of the channel or array
    #[arg(add = ArgValueCompleter::new(names))]
    pub(super) name: String,
    /// Kind, if several have the name
    #[arg(long, value_name = "KIND")]
    kind: Option<KindArg>,
    /// Print a JSON array with one object for each kind
    #[arg(long)]
    json: bool,
    /// Time to measure the rate, in seconds; 0 leaves it out
    #[arg(long, value_name = "SECONDS", default_value = "0.2", value_parser = parse_look)]
    interval: Duration,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let interval = args.interval;
    let options = globals.options();
    let mut all = Vec::new();
    for kind in kinds(globals, &args.name, args.kind)? {
        let mut report = (Instant::now(), options.look(&args.name, kind)?);
        let mut rate = None;
        if kind == Kind::Channel && !interval.is_zero() {
            std::thread::sleep(interval);
            let before = std::mem::replace(&mut report, (Instant::now(), options.look(&args.name, kind)?));
            rate = values_per_second(&before, &report);
        }
        all.push((report, rate));
    }
    let damaged = all.iter().any(|((_, report), _)| !report.problems.is_empty());
    let readable = all.iter().all(|((_, report), _)| report.is_readable());
    let full: Vec<_> = all
        .iter()
        .map(|((_, report), rate)| {
            let mappers = tag_mappers([report]).remove(&report.name).unwrap_or_default();
            (report, Full::new(report, *rate, mappers))
        })
        .collect();
    let mut out = stdout();
    if args.json {
        json(&mut out, &full.iter().map(|(_, full)| full).collect::<Vec<_>>())?;
    } else {
        for (i, (report, full)) in full.iter().enumerate() {
            if i > 0 {
                writeln!(out)?;
            }
            words::print(&mut out, report, full)?;
        }
    }
    let foreign: Vec<_> = all.iter().flat_map(|((_, report), _)| foreign::files(globals, report)).collect();
    // A reader table alone is what a removed channel leaves.
    if foreign.iter().any(|path| !is_table(path)) {
        return Err(foreign::refusal(&foreign));
    }
    if !readable {
        let failure = Failure::new(Exit::Denied, format!("{} cannot be read", printable(&args.name)));
        return Err(failure.advise("run it as the user that owns the files; the lines with PROBLEM have more"));
    }
    if damaged {
        let failure = Failure::new(Exit::Corrupt, format!("{} is damaged", printable(&args.name)));
        return Err(match foreign.as_slice() {
            [] => failure
                .advise("a new writer of the name repairs a channel; `ndsh rm` removes what no living process has"),
            paths => failure.advise(foreign::by_hand(paths)),
        });
    }
    Ok(())
}

fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "ndsh-readers")
}
