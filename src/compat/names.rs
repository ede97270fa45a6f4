//! The names of a writer's payload files: each differs from the one before in a single digit.
//!
//! Python's reader copies the tag out of a mapping with `memcpy`, at any moment, and opens the file
//! of that name. If that file does not exist, the reader does not just read again. The package has
//! closed its last file by then, and closes the same descriptor once more at the next change of the
//! tag. From then on every `read` raises `OSError`, or that close hits a file of another part of
//! the program. So a half-replaced tag does not cost only one read: **every text that can be seen
//! must name a file.**
//!
//! There are three measures. The first suffices unless several values are published during one
//! `memcpy`:
//!
//! 1. From one name to the next a single byte of the tag changes, written by itself. There is no
//!    mixture of two texts that differ in one byte.
//! 2. All bytes that ever change lie in one aligned word of eight bytes among the last 16 of the
//!    tag. A `memcpy` that is interrupted, while writers go on publishing, is interrupted between
//!    two loads. The known ones (glibc and musl, x86-64 and AArch64) load the last 16 bytes of such
//!    a short block at once. In front of these they load whole multiples of 8 or 16 bytes from
//!    either end. So the word comes from one load, which for an aligned word is indivisible on
//!    these processors.
//! 3. Names do not come back before 2³² others. A reader that sees the text it knows does not open
//!    anything, and would miss the value.
//!
//! The word is the number of publications in a reflected Gray code of base 16. The other digits
//! stay as a writer found them in the tag, or are random.

use crate::format::python::{DIGITS, Hex};
use uuid::Uuid;

/// How many digits of a name change: one aligned word of the tag, in bytes.
const CHANGING: usize = 8;

/// A writer's sequence of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    hex: Hex,
    /// Where the changing digits start.
    at: usize,
    count: u32,
}

/// The change of one byte that makes the tag name the next file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Where the byte stands in the tag file.
    pub(crate) offset: usize,
    pub(crate) byte: u8,
}

impl Names {
    /// Random names, for a channel whose name has `name_len` bytes.
    pub(crate) fn random(name_len: usize) -> Self {
        let mut hex = [b'0'; DIGITS];
        Uuid::new_v4().simple().encode_lower(&mut hex);
        Self::after(name_len, hex)
    }

    /// The names that follow `hex`.
    pub(crate) fn after(name_len: usize, hex: Hex) -> Self {
        // The digits start behind NAME_. Of their second half, this is the first whole word that is
        // aligned in the file, and so in a mapping.
        let start = name_len + 1;
        let at = (start + DIGITS / 2).next_multiple_of(CHANGING) - start;
        Self { hex, at, count: decode_gray(hex.get(at..).unwrap_or(&[])) }
    }

    pub(crate) fn current(&self) -> &Hex {
        &self.hex
    }

    /// The next name, and the step that writes it into the tag.
    pub(crate) fn next(&self) -> (Self, Step) {
        let mut next = self.clone();
        next.count = self.count.wrapping_add(1);
        let digits = encode_gray(next.count);
        let mut step = Step { offset: 0, byte: b'0' };
        for (i, (old, new)) in next.hex.iter_mut().skip(self.at).zip(digits).enumerate() {
            if *old != new {
                *old = new;
                step = Step { offset: self.at + i, byte: new };
            }
        }
        (next, step)
    }

    /// The name beside one of a sequence, for a file that the tag never names.
    pub(crate) fn aside(hex: &Hex) -> Hex {
        let mut hex = *hex;
        if let Some(first) = hex.first_mut() {
            *first = digit(value(*first) ^ 8);
        }
        hex
    }

    /// Whether a name of this sequence came before the current one.
    ///
    /// If so, the tag may have named it. A name beside the sequence, or ahead of it, never was in
    /// the tag.
    pub(crate) fn is_past(&self, hex: &Hex) -> bool {
        let is_of_it = self.is_family(hex) && hex.first() == self.hex.first();
        let back = self.count.wrapping_sub(decode_gray(hex.get(self.at..).unwrap_or(&[])));
        is_of_it && (1..=u32::MAX / 2).contains(&back)
    }

    /// Whether a name belongs to this sequence, or is beside it.
    pub(crate) fn is_family(&self, hex: &Hex) -> bool {
        let changes = self.at..self.at + CHANGING;
        hex.iter().zip(&self.hex).enumerate().all(|(i, (a, b))| {
            let mask = if i == 0 { 7 } else { 15 };
            changes.contains(&i) || value(*a) & mask == value(*b) & mask
        })
    }
}

/// The digits of a number in the reflected Gray code of base 16.
///
/// With each increment, and at the return to 0, one of them changes, by one.
fn encode_gray(count: u32) -> [u8; CHANGING] {
    let mut digits = [b'0'; CHANGING];
    let mut above = 0;
    for (i, location) in digits.iter_mut().enumerate() {
        let own = nibble(count, i);
        *location = digit(if above % 2 == 0 { own } else { 15 - own });
        above = own;
    }
    digits
}

fn decode_gray(digits: &[u8]) -> u32 {
    let mut above = 0;
    digits.iter().take(CHANGING).fold(0, |count, &location| {
        let own = if above % 2 == 0 { value(location) } else { 15 - value(location) };
        above = own;
        count << 4 | u32::from(own)
    })
}

/// Digit `i` from the left.
#[allow(clippy::cast_possible_truncation, reason = "four bits")]
const fn nibble(count: u32, i: usize) -> u8 {
    (count >> (4 * (CHANGING - 1 - i)) & 15) as u8
}

/// The digit of a value below 16.
const fn digit(value: u8) -> u8 {
    match value {
        0..=9 => b'0' + value,
        _ => b'a' + (value & 15) - 10,
    }
}

/// The value of a digit, below 16 whatever the byte.
const fn value(digit: u8) -> u8 {
    match digit {
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit & 15,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::python::{digits, encode_tag, tag_len};
    use proptest::prelude::*;

    fn differences(a: &[u8], b: &[u8]) -> Vec<usize> {
        assert_eq!(a.len(), b.len());
        (0..a.len()).filter(|&i| a[i] != b[i]).collect()
    }

    #[test]
    fn the_code_counts() {
        let text = |count| String::from_utf8(encode_gray(count).to_vec()).unwrap();
        let first: Vec<_> = (0..34).map(text).collect();
        assert_eq!(first[..3], ["00000000", "00000001", "00000002"]);
        assert_eq!(first[15..18], ["0000000f", "0000001f", "0000001e"]);
        assert_eq!(first[31..], ["00000010", "00000020", "00000021"]);
        assert_eq!(text(u32::MAX), "f0000000");
    }

    proptest! {
        #[test]
        fn one_digit_changes(count: u32) {
            let (a, b) = (encode_gray(count), encode_gray(count.wrapping_add(1)));
            prop_assert_eq!(differences(&a, &b).len(), 1);
            prop_assert_eq!(decode_gray(&a), count);
        }

        #[test]
        fn one_byte_of_the_tag_changes_within_an_aligned_word_near_its_end(name_len in 1_usize..=200, uuid: u128) {
            let name = "n".repeat(name_len);
            let mut hex = [b'0'; DIGITS];
            Uuid::from_u128(uuid).simple().encode_lower(&mut hex);
            let mut names = Names::after(name_len, hex);
            prop_assert_eq!(names.current(), &hex);
            let mut tag = encode_tag(&name, &hex);
            let mut changed = Vec::new();
            for _ in 0..600 {
                let (next, step) = names.next();
                tag[name_len + 1 + step.offset] = step.byte;
                prop_assert_eq!(&tag, &encode_tag(&name, next.current()));
                prop_assert!(digits(next.current()).is_some());
                prop_assert!(names.is_family(next.current()) && names.is_family(&Names::aside(next.current())));
                prop_assert!(differences(next.current(), &Names::aside(next.current())) == [0]);
                changed.push(name_len + 1 + step.offset);
                names = next;
            }
            let (low, high) = (changed.iter().min().unwrap(), changed.iter().max().unwrap());
            prop_assert_eq!(low / 8, high / 8);
            prop_assert!(low / 8 * 8 >= tag_len(&name) - 16 && high / 8 * 8 + 8 <= tag_len(&name));
        }
    }

    #[test]
    fn past_names_are_told_from_those_to_come() {
        let start = Names::random(3);
        let (next, _) = start.next();
        let (third, _) = next.next();
        assert!(next.is_past(start.current()) && third.is_past(start.current()));
        assert!(!next.is_past(next.current()) && !next.is_past(third.current()), "current, and yet to come");
        assert!(!next.is_past(&Names::aside(start.current())), "never in the tag");
        assert!(!next.is_past(Names::random(3).current()), "another sequence");
    }

    #[test]
    fn strangers_are_no_family() {
        let (a, b) = (Names::random(3), Names::random(3));
        assert!(!a.is_family(b.current()));
        assert!(a.is_family(a.current()));
    }
}
