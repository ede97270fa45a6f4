//! `ndsh echo`

use crate::args::Globals;
use crate::array::{Array, Selected, Selection, print};
use crate::endpoints::{SourceArgs, Until, Value};
use crate::failure::{Exit, Failure, Result};
use crate::output::{attributes, duration, json_line, printable, shape, stdout};
use crate::terminal::Interrupt;
use serde::Serialize;
use std::cell::RefCell;
use std::io::{BufWriter, Write};
use std::time::Instant;

/// Print the numbers of the current value, as NumPy prints them
///
/// More than 1000 elements are summarised, unless --full asks for all. CSV and JSON have all
/// elements of the part that --index names. In CSV each row, which is the last axis, is a line, and
/// so is each record. In JSON a value is a line, a complex number is a list of two, a record is an
/// object, and NaN and infinities are texts. Long doubles are printed as the nearest float64.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) from: SourceArgs,
    /// Part to print, as in NumPy: `0`, `3:7`, `::2,-1`, `...,0`
    #[arg(long, short, value_name = "INDEX", allow_hyphen_values = true)]
    index: Option<Selection>,
    /// Print all elements, however many
    #[arg(long)]
    full: bool,
    /// Digits behind the point, at most [default: 8; for CSV, JSON and one number as needed]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(..=340))]
    precision: Option<u16>,
    /// Continue with newer values, until the writer closes the channel
    #[arg(long, short)]
    follow: bool,
    /// With --follow, wait for the next writer when one closes the channel
    #[arg(long, requires = "follow")]
    reopen: bool,
    /// With --follow, end after N values
    #[arg(long, value_name = "N", requires = "follow")]
    count: Option<u64>,
    /// Print lines of comma-separated numbers
    #[arg(long, conflicts_with_all = ["json", "full", "verbose"])]
    csv: bool,
    /// Print a JSON object a line
    #[arg(long, conflicts_with_all = ["full", "verbose"])]
    json: bool,
    /// Before the numbers, print dtype, shape, number and age in a line, and attributes in another
    #[arg(long, short)]
    verbose: bool,
}

/// Bytes of text that are made before any of them is written.
const HELD_BACK: usize = 1 << 20;

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let interrupt = Interrupt::catch()?;
    let start = Instant::now();
    let mut source = args.from.open(globals, &args.from.which_or_records(), &interrupt)?;
    // A value is held while it is turned into text, not until the text is read. So a reader of the
    // output that has stopped takes no slot from the writer.
    let out = RefCell::new(BufWriter::with_capacity(HELD_BACK, stdout()));
    let flush = || Ok(out.borrow_mut().flush()?);
    if !args.follow {
        args.from.first_of(source, start, &interrupt, |value| args.print(&mut *out.borrow_mut(), &value, true))?;
        return flush();
    }
    // An array is read again and again, but printed only when it has changed.
    let mut last: Option<Array> = None;
    let mut is_first = true;
    let until = Until { reopen: args.reopen, count: args.count };
    let print = |value: Value<'_>| {
        if value.seq.is_none() {
            if last.as_ref().is_some_and(|last| last.view() == value.array) {
                return Ok(false);
            }
            last = Some(value.array.to_array()?);
        }
        args.print(&mut *out.borrow_mut(), &value, std::mem::take(&mut is_first))?;
        Ok(true)
    };
    source.each(&interrupt, until, print, flush)?;
    Ok(())
}

/// A value in JSON, without its elements.
#[derive(Serialize)]
struct Head<'a> {
    name: &'a str,
    dtype: String,
    shape: &'a [usize],
    seq: Option<u64>,
    missed: Option<u64>,
    age_seconds: Option<f64>,
    /// As in `info --json`.
    attributes: Option<serde_json::Value>,
}

impl Args {
    /// Prints one value; `is_first` if none was printed before.
    fn print(&self, out: &mut impl Write, value: &Value<'_>, is_first: bool) -> Result<()> {
        let part = select(value, self.index.as_ref())?;
        let precision = self.precision.map(usize::from);
        if self.csv {
            print::write_csv(out, &part, precision)?;
        } else if self.json {
            let head = Head {
                name: &self.from.name,
                dtype: value.array.element.to_string(),
                shape: value.array.shape,
                seq: value.seq,
                missed: value.missed,
                age_seconds: value.age.map(|age| age.as_secs_f64()),
                attributes: Some(value.attributes).filter(|bytes| !bytes.is_empty()).map(attributes::to_json),
            };
            let head = json_line(&head)?;
            write!(out, "{},\"elements\":", head.strip_suffix('}').unwrap_or(&head))?;
            print::write_json(out, &part, precision)?;
            writeln!(out, "}}")?;
        } else {
            if !is_first {
                writeln!(out, "---")?;
            }
            if self.verbose {
                writeln!(out, "{}", caption(&self.from.name, value))?;
                if !value.attributes.is_empty() {
                    writeln!(out, "attributes: {}", attributes::in_a_line(value.attributes))?;
                }
            }
            writeln!(out, "{}", print::as_numpy(&part, precision, self.full))?;
        }
        Ok(())
    }
}

/// Selects the part of a value that `index` names.
pub(super) fn select<'a>(value: &Value<'a>, index: Option<&Selection>) -> Result<Selected<'a>> {
    let all = Selection::default();
    let array = value.array;
    index.unwrap_or(&all).of(array).map_err(|what| {
        Failure::new(Exit::Usage, format!("{} {}: {what}", array.element, shape(array.shape)))
            .advise("--index takes what NumPy takes, such as --index 0,2:5")
    })
}

/// Describes a value in one line.
pub(super) fn caption(name: &str, value: &Value<'_>) -> String {
    let mut parts = vec![
        printable(name).into_owned(),
        format!("{} {}", printable(&value.array.type_name()), shape(value.array.shape)),
    ];
    parts.extend(value.seq.map(|seq| format!("#{seq}")));
    parts.extend(value.age.map(|age| format!("{} old", duration(age))));
    parts.join("  ")
}
