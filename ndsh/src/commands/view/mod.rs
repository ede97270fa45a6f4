//! `ndsh view`

mod follow;

use super::get::{interrupted, no_value};
use crate::args::Globals;
use crate::array::ArrayRef;
use crate::colour::Depth;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::files::{Output, is_standard_stream, not_to_a_terminal, of_file, png};
use crate::interrupt::Interrupt;
use crate::numbers::Part;
use crate::output::{duration, number, printable, shape, stdout};
use crate::picture::{Background, Canvas, Colormap, Index, Layout, Paint, Painter, Plane, blocks};
use crate::seconds::{parse_positive, parse_seconds};
use crate::select::KindArg;
use crate::source::{News, Source, Value};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Show the current value as a picture
///
/// uint8 and uint16 are grey or, with an axis of 3 or 4 at the end, colours; other numbers get a scale of colours over their range, complex ones by their
/// absolute value. On a terminal two pixels share a character, in 24-bit colours; without colours (in a pipe, or with NO_COLOR) characters stand for
/// light and dark.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Channel or shared array
    pub(super) name: String,
    /// Kind, where several have the name [default: channel, else array, else python]
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// Go on with newer values, on a screen of its own, until q or Ctrl-C; arrow keys step through slices
    #[arg(long, short)]
    follow: bool,
    /// Write the picture to FILE instead, pixel for pixel; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "follow")]
    png: Option<PathBuf>,
    #[command(flatten)]
    look: Look,
    /// Columns to use [default: the terminal's]
    #[arg(long, value_name = "N")]
    width: Option<u16>,
    /// Lines to use [default: the terminal's]
    #[arg(long, value_name = "N")]
    height: Option<u16>,
    /// With --follow, pictures a second at most
    #[arg(long, value_name = "HERTZ", default_value = "25", value_parser = parse_positive)]
    fps: f64,
    /// Wait up to SECONDS for a value
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    wait: Option<Duration>,
}

/// What to show of an array, and how.
#[derive(clap::Args)]
struct Look {
    /// Slice to show, as in NumPy: `0`, `3,..`, `:,2`, `..,-1` [default: the first of each axis that is too many]
    #[arg(long, short, value_name = "INDEX", allow_hyphen_values = true)]
    index: Option<Index>,
    /// What the axes mean
    #[arg(long, value_enum, default_value = "auto")]
    layout: Layout,
    /// Numbers at the ends of the scale [default: 0,255 for uint8, else the smallest and largest]
    #[arg(long, value_name = "LOW,HIGH", value_parser = parse_range, allow_hyphen_values = true)]
    range: Option<(f64, f64)>,
    /// Scale of colours [default: grey for bool, uint8 and uint16, else viridis]
    #[arg(long, value_enum)]
    colormap: Option<Colormap>,
    /// What of complex numbers
    #[arg(long, value_enum, default_value = "abs")]
    part: Part,
    /// What is behind transparent pixels; a PNG stays transparent
    #[arg(long, value_enum, default_value = "checker")]
    background: Background,
}

fn parse_range(text: &str) -> std::result::Result<(f64, f64), String> {
    let numbers = text.split_once(',').and_then(|(low, high)| Some((low.parse().ok()?, high.parse().ok()?)));
    numbers
        .filter(|(low, high)| f64::is_finite(*low) && low < high && f64::is_finite(*high))
        .ok_or_else(|| "two numbers with a comma between them, the smaller one first, such as 0,1".to_owned())
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    if args.follow {
        return follow::run(args, globals);
    }
    if args.png.as_deref().is_some_and(is_standard_stream) {
        not_to_a_terminal()?;
    }
    let interrupt = Interrupt::catch()?;
    let start = Instant::now();
    let mut source = Source::open_within(globals, &args.name, args.kind, args.wait, |nap| interrupt.sleep(nap))?
        .ok_or_else(interrupted)?;
    let mut shown = source.latest(|value| show(args, &value))?;
    while shown.is_none() {
        let left = args.wait.unwrap_or_default().saturating_sub(start.elapsed());
        if interrupt.requested() {
            return Err(interrupted());
        }
        if left.is_zero() {
            return Err(no_value(&args.name));
        }
        if let News::Value(value) = source.wait(left.min(Duration::from_millis(100)), |value| show(args, &value))? {
            shown = Some(value);
        }
    }
    shown.unwrap_or(Ok(()))
}

/// Prints the picture of a value, or writes it to the file.
fn show(args: &Args, value: &Value<'_>) -> Result<()> {
    let painter = args.look.painter(value.array, args.look.index.as_ref())?;
    if let Some(path) = &args.png {
        return save(path, &painter);
    }
    let (columns, lines) = size();
    let (columns, lines) = (args.width.unwrap_or(columns), args.height.unwrap_or(lines.saturating_sub(2)));
    let mut canvas = Canvas::fit(&painter, columns.into(), usize::from(lines.max(1)) * 2);
    canvas.flatten(args.look.background);
    let mut out = stdout();
    match Depth::of_stdout() {
        Depth::None => blocks::write_ramp(&mut out, &canvas)?,
        depth => blocks::write_colours(&mut out, &canvas, depth)?,
    }
    writeln!(out, "{}", caption(&args.name, &Seen::of(value), &painter))?;
    Ok(())
}

/// Columns and lines of the terminal, or of one as they used to be.
fn size() -> (u16, u16) {
    ratatui::crossterm::terminal::size().ok().filter(|size| size.0 > 0 && size.1 > 0).unwrap_or((80, 24))
}

fn save(path: &Path, painter: &Painter<'_>) -> Result<()> {
    let canvas = Canvas::whole(painter);
    let size = [canvas.width, canvas.height];
    let pixels = canvas.pixels.as_flattened();
    if is_standard_stream(path) {
        let mut out = crate::stdout::bytes();
        png::write_rgba(&mut out, size, pixels)?;
        return Ok(out.flush()?);
    }
    let mut output = Output::create(path)?;
    of_file(path, png::write_rgba(&mut output.writer(), size, pixels))?;
    output.finish()
}

impl Look {
    fn painter<'a>(&self, array: ArrayRef<'a>, index: Option<&Index>) -> Result<Painter<'a>> {
        let all = Index::default();
        let plane = Plane::select(array, index.unwrap_or(&all), self.layout).map_err(|what| {
            Failure::new(Exit::Usage, format!("{} {}: {what}", array.dtype, shape(array.shape)))
                .advise("--index and --layout say what to show, such as --index 0,..")
        })?;
        Ok(Painter::new(plane, Paint { part: self.part, range: self.range, colormap: self.colormap }))
    }
}

/// What a caption says of a value.
struct Seen {
    seq: Option<u64>,
    age: Option<Duration>,
}

impl Seen {
    fn of(value: &Value<'_>) -> Self {
        Self { seq: value.seq, age: value.age }
    }
}

fn caption(name: &str, seen: &Seen, painter: &Painter<'_>) -> String {
    let plane = painter.plane();
    let mut parts = vec![printable(name).into_owned(), format!("{} {}", plane.dtype(), shape(plane.shape()))];
    parts.extend(plane.slice());
    let (low, high) = painter.range();
    parts.push(format!("{} to {}", number(low), number(high)));
    parts.extend(seen.seq.map(|seq| format!("#{seq}")));
    parts.extend(seen.age.map(|age| format!("{} old", duration(age))));
    if plane.height() == 0 {
        parts.push("empty".to_owned());
    }
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(parse_range("-1,2.5"), Ok((-1.0, 2.5)));
        for bad in ["", "1", "2,1", "1,1", "nan,1", "0,inf"] {
            assert!(parse_range(bad).is_err(), "{bad}");
        }
    }
}
