//! Pictures at full resolution, for terminals that show them.

mod iterm;
mod kitty;
mod place;
mod sixel;

pub(crate) use place::Place;

use super::Canvas;
use crate::failure::Result;
use crate::terminal::Protocol;
use std::io::Write;

/// Writes a picture, which has no transparent pixels, in the terminal's language.
pub(crate) fn write(mut to: &mut dyn Write, canvas: &Canvas, protocol: Protocol, place: Place) -> Result<()> {
    if canvas.pixels.is_empty() {
        return Ok(());
    }
    match protocol {
        Protocol::Kitty => kitty::write(&mut to, canvas, place)?,
        Protocol::Iterm2 => iterm::write(&mut to, canvas, place)?,
        Protocol::Sixel => sixel::write(&mut to, canvas)?,
    }
    if place == Place::InText {
        writeln!(to)?;
    }
    Ok(())
}

/// Removes the picture on the screen, where clearing the screen does not.
pub(crate) fn erase(mut to: &mut dyn Write, protocol: Protocol) -> std::io::Result<()> {
    match protocol {
        Protocol::Kitty => kitty::erase(&mut to),
        Protocol::Iterm2 | Protocol::Sixel => Ok(()),
    }
}
