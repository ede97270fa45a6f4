//! What may happen to a channel's files from outside.

use super::input::Input;
use super::place::Place;
use crate::sys;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

/// Which damage is possible.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Handles may have mapped the files: cutting one would raise SIGBUS in whoever touches what is gone.
    Mapped,
    /// No handle is open.
    Unmapped,
}

/// Words that somebody might put where a count, a number or a length belongs.
const WORDS: [u64; 12] =
    [0, 1, 2, 63, 64, 1 << 31, u32::MAX as u64, 1 << 40, i64::MAX as u64, u64::MAX >> 6, u64::MAX >> 7, u64::MAX];

/// Does one thing to one of the files in `place`.
pub(super) fn damage(input: &mut Input<'_>, place: &Place, reach: Reach) {
    let files = place.files();
    let kind = input.below(16);
    let Some(path) = input.pick(&files) else { return };
    let at = u64::from(input.u16());
    match kind {
        0..=2 => flip(path, at, 1 << (input.u8() & 7)),
        3 | 4 => {
            let len = input.below(24) + 1;
            write(path, at, input.bytes(len));
        }
        5 | 6 => write(path, at * 8, &input.pick(&WORDS).unwrap().to_ne_bytes()),
        7 => write(path, at * 8, &input.u64().to_ne_bytes()),
        8 => {
            let len = usize::from(input.u8()) * 8;
            write(path, at, &vec![0; len]);
        }
        9 => set_len(path, |len| len.saturating_add(at * 7)),
        10 if reach == Reach::Unmapped => set_len(path, |len| at.min(len)),
        11 => {
            if let Some(other) = input.pick(&files) {
                swap(place, path, other);
            }
        }
        12 => drop(fs::remove_file(path)),
        13 => {
            if let Some(other) = input.pick(&files) {
                replace_by_copy(place, path, other);
            }
        }
        14 => squat(path, at),
        15 => {
            let len = usize::from(input.u8());
            drop(fs::remove_file(path));
            drop(fs::write(path, input.bytes(len)));
        }
        _ => {}
    }
}

fn open(path: &Path) -> Option<File> {
    // Not through a link that an earlier damage has put there.
    let regular = path.symlink_metadata().is_ok_and(|meta| meta.is_file());
    OpenOptions::new().read(true).write(true).open(path).ok().filter(|_| regular)
}

/// Writes within the file, as far as it goes.
fn write(path: &Path, at: u64, bytes: &[u8]) {
    let Some(file) = open(path) else { return };
    let len = file.metadata().map_or(0, |meta| meta.len());
    let at = if len == 0 { 0 } else { at % len };
    let room = usize::try_from(len - at).unwrap().min(bytes.len());
    drop(sys::write_all_at(&file, &bytes[..room], at));
}

fn flip(path: &Path, at: u64, bits: u8) {
    let Some(file) = open(path) else { return };
    let len = file.metadata().map_or(0, |meta| meta.len());
    let mut byte = [0];
    if len != 0 && sys::read_exact_at(&file, &mut byte, at % len).is_ok() {
        drop(sys::write_all_at(&file, &[byte[0] ^ bits], at % len));
    }
}

fn set_len(path: &Path, change: impl FnOnce(u64) -> u64) {
    if let Some(file) = open(path) {
        let len = file.metadata().map_or(0, |meta| meta.len());
        drop(file.set_len(change(len).min(1 << 20)));
    }
}

fn swap(place: &Place, a: &Path, b: &Path) {
    let aside = place.dir().join("aside");
    if a != b && fs::rename(a, &aside).is_ok() {
        drop(fs::rename(b, a));
        drop(fs::rename(&aside, b));
    }
}

/// Another file of the same content takes the name: not the same file any more.
fn replace_by_copy(place: &Place, path: &Path, from: &Path) {
    let aside = place.dir().join("aside");
    let Ok(content) = fs::read(from) else { return };
    if File::create(&aside).and_then(|mut file| file.write_all(&content)).is_ok() {
        drop(fs::rename(&aside, path));
    }
    drop(fs::remove_file(&aside));
}

/// Something that is no file of ours takes the name.
fn squat(path: &Path, how: u64) {
    let aside = path.with_extension("squatted");
    if fs::rename(path, &aside).is_err() {
        return;
    }
    match how % 3 {
        0 => drop(fs::create_dir(path)),
        1 => drop(sys::symlink(&aside, path)),
        _ => drop(fs::hard_link(&aside, path)),
    }
}
