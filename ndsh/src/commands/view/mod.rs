//! `ndsh view`

mod args;
mod caption;
mod live;

pub(crate) use args::Args;

use crate::args::Globals;
use crate::endpoints::Value;
use crate::failure::Result;
use crate::files::{OutputFile, is_standard_stream, not_to_a_terminal, of_file, png};
use crate::output::{bytes, stdout};
use crate::picture::graphics::{self, Place};
use crate::picture::{Canvas, Painter, blocks};
use crate::terminal::{Depth, Graphics, Interrupt};
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
    // Before a value is held: the terminal may take its time to answer.
    let graphics = if args.png.is_none() { Graphics::of_stdout(args.graphics)? } else { None };
    args.from.first(globals, &args.from.which(), &interrupt, |value| show(args, graphics, &value))
}

/// Prints the picture of a value, or writes it to the file.
fn show(args: &Args, graphics: Option<Graphics>, value: &Value<'_>) -> Result<()> {
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
    let (width, height) =
        graphics.map_or((columns.into(), usize::from(lines.max(1)) * 2), |shown| shown.pixels(columns, lines.max(1)));
    let mut canvas = Canvas::fit(&painter, width, height);
    canvas.flatten(args.picture.background);
    if let Some(graphics) = graphics {
        let mut out = bytes();
        graphics::write(&mut out, &canvas, graphics.protocol, Place::InText)?;
        out.flush()?;
    }
    let mut out = stdout();
    match Depth::of_stdout() {
        _ if graphics.is_some() => {}
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
        let mut out = bytes();
        png::write_rgba(&mut out, size, pixels)?;
        return Ok(out.flush()?);
    }
    let mut output = OutputFile::create(path)?;
    of_file(path, png::write_rgba(&mut output.writer(), size, pixels))?;
    output.finish()
}
