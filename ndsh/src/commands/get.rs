//! `ndsh get`

use crate::args::Globals;
use crate::endpoints::{Source, SourceArgs, Until, Value};
use crate::failure::{Exit, Failure, Result};
use crate::files::{Format, OutputFile, is_standard_stream, not_to_a_terminal, write};
use crate::output::shape;
use crate::terminal::Interrupt;
use std::io::Write;
use std::path::PathBuf;

/// Save the current value to a file that NumPy reads
///
/// Shared arrays and channels of Python's ndsharray can be saved too. NumPy has no type for
/// `bfloat16`: it is saved as `V2`, as ml_dtypes does, and
/// `numpy.load(FILE).view(ml_dtypes.bfloat16)` reads it.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) from: SourceArgs,
    /// File to write: FILE.npy, FILE.npz (key arr_0), FILE.png or FILE.raw; `-` is standard output
    file: PathBuf,
    /// Format of the file, instead of the one that its name ends with; that of `-` is npy
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Continue with newer values until the writer closes the channel; only with `-`
    ///
    /// Writes one .npy or .png after another, or the elements of one value after another. Elements
    /// alone cannot say that dtype or shape have changed, so such a change ends the command.
    #[arg(long)]
    follow: bool,
    /// With --follow, wait for the next writer when one closes the channel
    #[arg(long, requires = "follow")]
    reopen: bool,
    /// With --follow, end after N values
    #[arg(long, value_name = "N", requires = "follow")]
    count: Option<u64>,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let format = Format::of(&args.file, args.format)?;
    if is_standard_stream(&args.file) {
        not_to_a_terminal()?;
    }
    if args.follow && !(is_standard_stream(&args.file) && format != Format::Npz) {
        return Err(Failure::new(Exit::Usage, "--follow needs `-` and the format npy, png or raw")
            .advise("`ndsh record NAME DIR` saves one value after another to files"));
    }
    let interrupt = Interrupt::catch()?;
    if args.follow {
        let mut source = args.from.open(globals, &args.from.which_or_records(), &interrupt)?;
        return follow(&mut source, args, format, &interrupt);
    }
    args.from.first(globals, &args.from.which_or_records(), &interrupt, |value| {
        OutputFile::save(&args.file, format, value.array)
    })
}

fn follow(source: &mut Source, args: &Args, format: Format, interrupt: &Interrupt) -> Result<()> {
    let mut out = crate::output::bytes();
    let mut first: Option<(String, Vec<usize>)> = None;
    let take = |value: Value<'_>| {
        let array = value.array;
        let found = (array.type_name(), array.shape.to_vec());
        let (dtype, axes) = first.get_or_insert_with(|| found.clone());
        if format == Format::Raw && (&*dtype, &*axes) != (&found.0, &found.1) {
            let (was, is) = (shape(axes), shape(array.shape));
            let what = format!("{dtype} {was} became {} {is}, which a raw stream cannot tell", found.0);
            return Err(Failure::new(Exit::Failure, what).advise("the format npy tells dtype and shape of each value"));
        }
        write(&mut out, format, array)?;
        out.flush()?;
        Ok(true)
    };
    source.each(interrupt, Until { reopen: args.reopen, count: args.count }, take, || Ok(()))?;
    Ok(())
}
