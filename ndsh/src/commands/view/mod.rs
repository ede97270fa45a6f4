//! `ndsh view`

mod args;
mod caption;
mod live;

pub(crate) use args::Args;

use crate::args::Globals;
use crate::endpoints::Value;
use crate::failure::Result;
use crate::files::{OutputFile, is_standard_stream, not_to_a_terminal, of_file, png};
use crate::output::stdout;
use crate::picture::{Canvas, Painter, blocks};
use crate::terminal::{Depth, Interrupt};
use caption::{Seen, Shown, caption};
use std::io::Write;
use std::path::Path;

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    if args.follow {
        return live::run(args, globals);
    }
    if args.png.as_deref().is_some_and(is_standard_stream) {
        not_to_a_terminal()?;
    }
    let interrupt = Interrupt::catch()?;
    args.from.first(globals, &interrupt, |value| show(args, &value))
}

/// Prints the picture of a value, or writes it to the file.
fn show(args: &Args, value: &Value<'_>) -> Result<()> {
    let index = args.picture.index.as_ref();
    if let Some(path) = &args.png {
        return save(path, &args.picture.painter(value.array, index)?);
    }
    let (columns, lines) = size();
    let (columns, lines) = (args.width.unwrap_or(columns), args.height.unwrap_or(lines.saturating_sub(2)));
    if let Some((curves, range)) = args.picture.curves(value.array, index)? {
        let mut out = stdout();
        let plot = curves.plot(columns.into(), lines.into(), range, args.picture.part);
        blocks::write_curves(&mut out, &plot, Depth::of_stdout())?;
        writeln!(out, "{}", caption(&args.from.name, &Seen::of(value), Shown::curves(&curves, range)))?;
        return Ok(());
    }
    let painter = args.picture.painter(value.array, index)?;
    let mut canvas = Canvas::fit(&painter, columns.into(), usize::from(lines.max(1)) * 2);
    canvas.flatten(args.picture.background);
    let mut out = stdout();
    match Depth::of_stdout() {
        Depth::None => blocks::write_ramp(&mut out, &canvas)?,
        depth => blocks::write_colours(&mut out, &canvas, depth)?,
    }
    writeln!(out, "{}", caption(&args.from.name, &Seen::of(value), Shown::picture(&painter)))?;
    Ok(())
}

/// Returns the columns and lines of the terminal; 80 by 24 if there is none.
fn size() -> (u16, u16) {
    ratatui::crossterm::terminal::size().ok().filter(|size| size.0 > 0 && size.1 > 0).unwrap_or((80, 24))
}

fn save(path: &Path, painter: &Painter<'_>) -> Result<()> {
    let canvas = Canvas::whole(painter);
    let size = [canvas.width, canvas.height];
    let pixels = canvas.pixels.as_flattened();
    if is_standard_stream(path) {
        let mut out = crate::output::bytes();
        png::write_rgba(&mut out, size, pixels)?;
        return Ok(out.flush()?);
    }
    let mut output = OutputFile::create(path)?;
    of_file(path, png::write_rgba(&mut output.writer(), size, pixels))?;
    output.finish()
}
