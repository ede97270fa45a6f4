//! The graphics protocol of kitty: compressed pixels in base64, in pieces.

use super::place::Place;
use crate::picture::Canvas;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::{self, Write};

/// The number under which a terminal keeps the picture that is drawn again and again.
const IMAGE: u32 = 1;

/// The longest piece that a terminal takes at once, in characters.
const PIECE: usize = 4096;

pub(super) fn write(to: &mut impl Write, canvas: &Canvas, place: Place) -> io::Result<()> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    for [r, g, b, _] in &canvas.pixels {
        zlib.write_all(&[*r, *g, *b])?;
    }
    let text = STANDARD.encode(zlib.finish()?);
    let Canvas { width, height, .. } = canvas;
    // Pixels of red, green and blue, compressed, to be shown at once and without an answer.
    let mut keys = format!("a=T,q=2,f=24,o=z,s={width},v={height}");
    if place == Place::OnScreen {
        // The same number and placement replace the picture before. The cursor stays.
        keys += &format!(",i={IMAGE},p=1,C=1");
    }
    let mut pieces = text.as_bytes().chunks(PIECE).peekable();
    while let Some(piece) = pieces.next() {
        write!(to, "\u{1b}_G{keys},m={};", u8::from(pieces.peek().is_some()))?;
        to.write_all(piece)?;
        write!(to, "\u{1b}\\")?;
        // Said once.
        "q=2".clone_into(&mut keys);
    }
    Ok(())
}

pub(super) fn erase(to: &mut impl Write) -> io::Result<()> {
    write!(to, "\u{1b}_Ga=d,d=I,i={IMAGE},q=2\u{1b}\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pictures_come_in_pieces() {
        // Noise, which does not compress.
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [.., a, b] = state.to_be_bytes();
            [a, b, a ^ b, 255]
        };
        let canvas = Canvas { width: 100, height: 90, pixels: (0..9000).map(|_| noise()).collect() };
        let mut out = Vec::new();
        write(&mut out, &canvas, Place::OnScreen).unwrap();
        let text = String::from_utf8(out).unwrap();
        let pieces: Vec<&str> = text.split_terminator("\u{1b}\\").collect();
        assert!(pieces.len() > 3);
        for (index, piece) in pieces.iter().enumerate() {
            let (keys, data) = piece.strip_prefix("\u{1b}_G").unwrap().split_once(';').unwrap();
            assert!(data.len() <= PIECE && (data.len() % 4 == 0), "{}", data.len());
            assert_eq!(keys.ends_with("m=1"), index + 1 < pieces.len());
            assert_eq!(keys.contains("s=100,v=90"), index == 0);
        }
    }
}
