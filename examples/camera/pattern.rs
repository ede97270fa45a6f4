//! Generated frames that carry their own proof: each says its number, and every byte of it follows from that number.
//!
//! The frame is a row of 64-bit words. The first is the number, and any two frames differ in every word, so a mixture
//! of two frames cannot pass, wherever the seam is.

use crate::args::FrameSize;

/// The size of a generated frame.
pub(crate) const SIZE: FrameSize = FrameSize { width: 1280, height: 720, channels: 3 };

/// Bytes in a generated frame.
pub(crate) const BYTES: usize = SIZE.width * SIZE.height * SIZE.channels;

// Bytes past the last whole word would go unchecked.
const _: () = assert!(BYTES.is_multiple_of(WORD));

const WORD: usize = size_of::<u64>();

/// Odd, so that no two frames share a value at the same place.
const FRAME_STEP: u64 = 0x5851_f42d_4c95_7f2d;
/// Odd, so that no two places of a frame share a value either, and a shifted frame does not pass.
const PLACE_STEP: u64 = 0x1405_7b7e_f767_814f;

/// Draws frame `number`.
pub(crate) fn draw(frame: &mut [u8], number: u64) {
    let (words, _) = frame.as_chunks_mut::<WORD>();
    if let Some((first, rest)) = words.split_first_mut() {
        *first = number.to_ne_bytes();
        for (word, place) in rest.iter_mut().zip(1..) {
            *word = expected(number, place).to_ne_bytes();
        }
    }
}

/// The number of the frame, if every byte of it belongs to that number.
pub(crate) fn verify(frame: &[u8]) -> Option<u64> {
    if frame.len() != BYTES {
        return None;
    }
    let (words, _) = frame.as_chunks::<WORD>();
    let (first, rest) = words.split_first()?;
    let number = u64::from_ne_bytes(*first);
    // One pass without a branch inside lets the compiler use vector instructions, and the check keeps up with the
    // writer; whole frames are the rule, so nothing is lost by not stopping at the first difference.
    let difference = rest
        .iter()
        .zip(1..)
        .fold(0, |found, (word, place)| found | (u64::from_ne_bytes(*word) ^ expected(number, place)));
    (difference == 0).then_some(number)
}

fn expected(number: u64, place: u64) -> u64 {
    number.wrapping_mul(FRAME_STEP).wrapping_add(place.wrapping_mul(PLACE_STEP))
}
