//! `ndsh stat`

use super::echo::{caption, select};
use crate::args::Globals;
use crate::array::{ArrayRef, Selection, Statistics, quantiles};
use crate::endpoints::{SourceArgs, Value};
use crate::failure::Result;
use crate::output::{json, number, stdout};
use crate::terminal::Interrupt;
use serde::Serialize;
use std::io::Write;

/// Print figures over the elements of the current value
///
/// Count, smallest and largest number, mean, standard deviation, and quantiles, which are as exact
/// as NumPy's. They leave out NaN and infinities, which are counted, and take complex numbers by
/// their absolute values.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) from: SourceArgs,
    /// Part to look at, as in NumPy: `0`, `3:7`, `::2,-1`, `...,0`
    #[arg(long, short, value_name = "INDEX", allow_hyphen_values = true)]
    index: Option<Selection>,
    /// Quantiles to compute, from 0 to 1
    #[arg(long, value_name = "Q,Q..", value_delimiter = ',', default_value = "0.01,0.25,0.5,0.75,0.99", value_parser = parse_part)]
    quantiles: Vec<f64>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

fn parse_part(text: &str) -> std::result::Result<f64, String> {
    text.parse().ok().filter(|part| (0.0..=1.0).contains(part)).ok_or_else(|| "a number from 0 to 1".to_owned())
}

/// All figures of a value, for JSON; names are those of `watch --json`.
#[derive(Serialize)]
struct Figures<'a> {
    name: &'a str,
    dtype: String,
    shape: &'a [usize],
    seq: Option<u64>,
    age_seconds: Option<f64>,
    values: Statistics,
    quantiles: Vec<Quantile>,
}

#[derive(Serialize)]
struct Quantile {
    part: f64,
    value: f64,
}

/// Parts of the histogram, in JSON.
const BINS: usize = 16;

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let interrupt = Interrupt::catch()?;
    args.from.first(globals, &args.from.which(), &interrupt, |value| print(args, &value))
}

fn print(args: &Args, value: &Value<'_>) -> Result<()> {
    let part = select(value, args.index.as_ref())?;
    let (bytes, shape) = (part.to_bytes(), part.axes().iter().map(|axis| axis.len).collect::<Vec<_>>());
    let array = ArrayRef::new(value.array.element, &shape, &bytes);
    let values = Statistics::of(array, BINS);
    let found = quantiles(array, &args.quantiles);
    let quantiles = args.quantiles.iter().zip(found).map(|(&part, value)| Quantile { part, value }).collect();
    let figures = Figures {
        name: &args.from.name,
        dtype: value.array.element.to_string(),
        shape: value.array.shape,
        seq: value.seq,
        age_seconds: value.age.map(|age| age.as_secs_f64()),
        values,
        quantiles,
    };
    let mut out = stdout();
    if args.json {
        return Ok(json(&mut out, &figures)?);
    }
    writeln!(out, "{}", caption(&args.from.name, value))?;
    let Figures { values, quantiles, .. } = figures;
    for (title, count) in [("count", values.count), ("nan", values.nan), ("infinite", values.infinite)] {
        writeln!(out, "{title:<9} {count}")?;
    }
    for (title, figure) in [("min", values.min), ("max", values.max), ("mean", values.mean), ("std", values.std)] {
        writeln!(out, "{title:<9} {}", figure.map_or_else(|| "-".to_owned(), number))?;
    }
    for Quantile { part, value } in quantiles {
        // Rounded, as 0.07 times 100 is no whole number.
        let percent = (part * 1e8).round() / 1e6;
        writeln!(out, "{:<9} {}", format!("{percent}%"), number(value))?;
    }
    Ok(())
}
