//! Arguments of `ndsh view`.

use crate::args::seconds::parse_positive;
use crate::array::ArrayRef;
use crate::array::numbers::Part;
use crate::endpoints::SourceArgs;
use crate::failure::{Exit, Failure, Result};
use crate::output::shape;
use crate::picture::{Background, Colormap, Curves, Index, Layout, Paint, Painter, Plane};
use crate::terminal::GraphicsArg;
use std::path::PathBuf;

/// Most columns and lines of a picture: it is made in memory.
const MOST_CELLS: i64 = 4096;

/// Show the current value as a picture
///
/// uint8 and uint16 are grey, or colours if the last axis is 3 or 4 long. Other numbers get a
/// colour scale over their range, complex ones by their absolute value. A terminal that says it can
/// (kitty, iTerm2, or one with sixels) shows the pixels themselves. On others two pixels share a
/// character, in 24-bit colours. Without colours, as in a pipe or with NO_COLOR, characters stand
/// for light and dark. One axis is drawn as a curve, and so are up to 8 columns of numbers.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(in crate::commands) from: SourceArgs,
    /// Continue with newer values on a screen, until q; arrow keys step through slices
    #[arg(long, short)]
    pub(super) follow: bool,
    /// Write the picture to FILE instead, pixel for pixel; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "follow")]
    pub(super) png: Option<PathBuf>,
    #[command(flatten)]
    pub(super) picture: PictureArgs,
    /// Columns to use [default: the terminal's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..=MOST_CELLS))]
    pub(super) width: Option<u16>,
    /// Lines to use [default: the terminal's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..=MOST_CELLS))]
    pub(super) height: Option<u16>,
    /// How the picture gets to the terminal [default: $NDSH_GRAPHICS, else auto]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(super) graphics: Option<GraphicsArg>,
    /// With --follow, pictures a second at most
    #[arg(long, value_name = "HERTZ", default_value = "25", value_parser = parse_positive)]
    pub(super) fps: f64,
}

/// The part of an array to show, and how.
#[derive(clap::Args)]
pub(super) struct PictureArgs {
    /// Slice to show: `0`, `3,..`, `:,2`, `..,-1` [default: the first of each axis too many]
    #[arg(long, short, value_name = "INDEX", allow_hyphen_values = true)]
    pub(super) index: Option<Index>,
    /// Meaning of the axes
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) layout: Layout,
    /// Numbers at the ends of the scale [default: 0,255 for uint8, else smallest and largest]
    #[arg(long, value_name = "LOW,HIGH", value_parser = parse_range, allow_hyphen_values = true)]
    pub(super) range: Option<(f64, f64)>,
    /// Colour scale [default: grey for bool, uint8 and uint16, else viridis]
    #[arg(long, value_enum)]
    pub(super) colormap: Option<Colormap>,
    /// Part of complex numbers to show
    #[arg(long, value_enum, default_value = "abs")]
    pub(super) part: Part,
    /// What shows through transparent pixels; a PNG stays transparent
    #[arg(long, value_enum, default_value = "checker")]
    pub(super) background: Background,
}

fn parse_range(text: &str) -> std::result::Result<(f64, f64), String> {
    let numbers = text.split_once(',').and_then(|(low, high)| Some((low.parse().ok()?, high.parse().ok()?)));
    numbers
        .filter(|(low, high)| f64::is_finite(*low) && low < high && f64::is_finite(*high))
        .ok_or_else(|| "two numbers with a comma between them, the smaller one first, such as 0,1".to_owned())
}

impl PictureArgs {
    /// Selects the curves in `array`, with their range; `None` if it is rather a picture.
    pub(super) fn curves<'a>(
        &self,
        array: ArrayRef<'a>,
        index: Option<&Index>,
    ) -> Result<Option<(Curves<'a>, (f64, f64))>> {
        let all = Index::default();
        let curves = Curves::select(array, index.unwrap_or(&all), self.layout).map_err(|what| wrong(array, &what))?;
        Ok(curves.map(|curves| {
            let range = self.range.unwrap_or_else(|| curves.range(self.part));
            (curves, range)
        }))
    }

    /// Selects the part of `array` that `index` names, and chooses its colours.
    pub(super) fn painter<'a>(&self, array: ArrayRef<'a>, index: Option<&Index>) -> Result<Painter<'a>> {
        let all = Index::default();
        let plane = Plane::select(array, index.unwrap_or(&all), self.layout).map_err(|what| wrong(array, &what))?;
        Ok(Painter::new(plane, Paint { part: self.part, range: self.range, colormap: self.colormap }))
    }
}

fn wrong(array: ArrayRef<'_>, what: &str) -> Failure {
    Failure::new(Exit::Usage, format!("{} {}: {what}", array.element, shape(array.shape)))
        .advise("--index and --layout say what to show, such as --index 0,..")
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
