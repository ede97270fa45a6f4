//! `ndsh info NAME`

mod full;
mod words;

use crate::args::Globals;
use crate::commands::ls;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{json, printable, stdout};
use crate::select::{KindArg, kinds};
use full::Full;
use ndsharray::inspect::Kind;
use std::io::Write;
use std::time::Instant;

/// Tell all about one channel or array, slot by slot
///
/// What is damaged is explained, with code 4 at the end.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Name of the channel or array
    name: String,
    /// Which one, where several kinds have the name
    #[arg(long, value_name = "KIND")]
    kind: Option<KindArg>,
    /// Print a JSON array with one object for each kind
    #[arg(long)]
    json: bool,
    /// How long to look for the rate, in seconds; 0 leaves it out
    #[arg(long, value_name = "SECONDS", default_value_t = 0.2)]
    interval: f64,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let interval = ls::interval(args.interval)?;
    let options = globals.options();
    let mut all = Vec::new();
    for kind in kinds(globals, &args.name, args.kind)? {
        let mut report = (Instant::now(), options.look(&args.name, kind)?);
        let mut rate = None;
        if kind == Kind::Channel && !interval.is_zero() {
            std::thread::sleep(interval);
            let before = std::mem::replace(&mut report, (Instant::now(), options.look(&args.name, kind)?));
            rate = ls::rate(&before, &report);
        }
        all.push((report, rate));
    }
    let damaged = all.iter().any(|((_, report), _)| !report.problems.is_empty());
    let readable = all.iter().all(|((_, report), _)| report.is_readable());
    let full: Vec<_> = all
        .iter()
        .map(|((_, report), rate)| {
            let mappers = ls::tags([report]).remove(&report.name).unwrap_or_default();
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
    if !readable {
        let failure = Failure::new(Exit::Denied, format!("{} cannot be read", printable(&args.name)));
        return Err(failure.advise("run it as the user who owns the files; the lines with PROBLEM have more"));
    }
    if damaged {
        let failure = Failure::new(Exit::Corrupt, format!("{} is damaged", printable(&args.name)));
        return Err(
            failure.advise("a new writer of the name repairs a channel; `ndsh rm` removes what nobody living has")
        );
    }
    Ok(())
}
