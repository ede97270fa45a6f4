//! `ndsh get`

use crate::args::seconds::parse_seconds;
use crate::args::{Globals, KindArg};
use crate::endpoints::{Source, Until, Value};
use crate::failure::{Exit, Failure, Result};
use crate::files::{Format, OutputFile, is_standard_stream, not_to_a_terminal, npy};
use crate::terminal::Interrupt;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Save the current value to a file that NumPy reads
///
/// Shared arrays and channels of Python's ndsharray can be saved too. NumPy has no type for
/// `bfloat16`: it is saved as `V2`, as ml_dtypes does, and
/// `numpy.load(FILE).view(ml_dtypes.bfloat16)` reads it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Channel or shared array
    pub(super) name: String,
    /// Kind, if several have the name [default: channel, else array, else python]
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// File to write: FILE.npy, FILE.npz (key arr_0) or FILE.png; `-` is standard output, as .npy
    file: PathBuf,
    /// Format of the file, instead of the one that its name ends with
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Wait up to SECONDS for a value
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    wait: Option<Duration>,
    /// Continue with newer values until the writer closes the channel; only with `-`
    ///
    /// Writes one .npy after another.
    #[arg(long)]
    follow: bool,
    /// With --follow, wait for the next writer when one closes the channel
    #[arg(long, requires = "follow")]
    reopen: bool,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let format = Format::of(&args.file, args.format)?;
    if is_standard_stream(&args.file) {
        not_to_a_terminal()?;
    }
    if args.follow && !(is_standard_stream(&args.file) && format == Format::Npy) {
        return Err(Failure::new(Exit::Usage, "--follow needs `-` and the format npy")
            .advise("`ndsh record NAME DIR` saves one value after another to files"));
    }
    let interrupt = Interrupt::catch()?;
    let start = Instant::now();
    let mut source = Source::open_within(globals, &args.name, args.kind, args.wait, &interrupt)?;
    if args.follow {
        return follow(&mut source, args, &interrupt);
    }
    let save = |value: Value<'_>| OutputFile::save(&args.file, format, value.array);
    let saved = source.first(start, args.wait.unwrap_or_default(), &interrupt, save)?;
    saved.unwrap_or_else(|| Err(Failure::no_value(&args.name)))
}

fn follow(source: &mut Source, args: &Args, interrupt: &Interrupt) -> Result<()> {
    let mut out = crate::output::bytes();
    source.each(interrupt, Until { reopen: args.reopen, count: None }, |value| {
        npy::write(&mut out, value.array)?;
        out.flush()?;
        Ok(true)
    })?;
    Ok(())
}
