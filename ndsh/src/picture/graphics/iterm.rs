//! The inline images of iTerm2: a PNG in base64.

use super::place::Place;
use crate::failure::Result;
use crate::files::png;
use crate::picture::Canvas;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::Write;

pub(super) fn write(to: &mut impl Write, canvas: &Canvas, place: Place) -> Result<()> {
    let mut file = Vec::new();
    png::write_rgba(&mut file, [canvas.width, canvas.height], canvas.pixels.as_flattened())?;
    let Canvas { width, height, .. } = canvas;
    let stay = if place == Place::OnScreen { ";doNotMoveCursor=1" } else { "" };
    write!(to, "\u{1b}]1337;File=inline=1;size={};width={width}px;height={height}px{stay}:", file.len())?;
    to.write_all(STANDARD.encode(&file).as_bytes())?;
    to.write_all(b"\x07")?;
    Ok(())
}
