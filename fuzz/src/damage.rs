//! Damage done to a channel's files from outside.

use crate::input::Input;
use crate::scratch::Scratch;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// Which damage is possible.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Handles may have mapped the files: after a cut, a touch of the lost part raises SIGBUS.
    Mapped,
    /// No handle is open.
    Unmapped,
}

/// Words that may stand where a count, a number or a length belongs.
const WORDS: [u64; 12] =
    [0, 1, 2, 63, 64, 1 << 31, u32::MAX as u64, 1 << 40, i64::MAX as u64, u64::MAX >> 6, u64::MAX >> 7, u64::MAX];

/// Does one thing to one of the files in `scratch`.
pub(crate) fn damage(input: &mut Input<'_>, scratch: &Scratch, reach: Reach) {
    let files = scratch.files();
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
                swap(scratch, path, other);
            }
        }
        12 => drop(fs::remove_file(path)),
        13 => {
            if let Some(other) = input.pick(&files) {
                replace_by_copy(scratch, path, other);
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
    // Not through a link that earlier damage has made.
    let regular = path.symlink_metadata().is_ok_and(|meta| meta.is_file());
    OpenOptions::new().read(true).write(true).open(path).ok().filter(|_| regular)
}

/// Writes into the file, and not beyond its end.
fn write(path: &Path, at: u64, bytes: &[u8]) {
    let Some(file) = open(path) else { return };
    let len = file.metadata().map_or(0, |meta| meta.len());
    let at = if len == 0 { 0 } else { at % len };
    let room = usize::try_from(len - at).unwrap().min(bytes.len());
    drop(write_at(&file, &bytes[..room], at));
}

fn flip(path: &Path, at: u64, bits: u8) {
    let Some(file) = open(path) else { return };
    let len = file.metadata().map_or(0, |meta| meta.len());
    if len == 0 {
        return;
    }
    let at = at % len;
    let mut byte = [0];
    let found = (&file).seek(SeekFrom::Start(at)).and_then(|_| (&file).read_exact(&mut byte));
    drop(found.and_then(|()| write_at(&file, &[byte[0] ^ bits], at)));
}

fn write_at(mut file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}

fn set_len(path: &Path, change: impl FnOnce(u64) -> u64) {
    if let Some(file) = open(path) {
        let len = file.metadata().map_or(0, |meta| meta.len());
        drop(file.set_len(change(len).min(1 << 20)));
    }
}

fn swap(scratch: &Scratch, a: &Path, b: &Path) {
    let aside = scratch.dir().join("aside");
    if a != b && fs::rename(a, &aside).is_ok() {
        drop(fs::rename(b, a));
        drop(fs::rename(&aside, b));
    }
}

/// Puts another file under the name: the same content, but not the same file.
fn replace_by_copy(scratch: &Scratch, path: &Path, from: &Path) {
    let aside = scratch.dir().join("aside");
    let Ok(content) = fs::read(from) else { return };
    if File::create(&aside).and_then(|mut file| file.write_all(&content)).is_ok() {
        drop(fs::rename(&aside, path));
    }
    drop(fs::remove_file(&aside));
}

/// Puts something under the name that no channel makes.
fn squat(path: &Path, how: u64) {
    let aside = path.with_extension("squatted");
    if fs::rename(path, &aside).is_err() {
        return;
    }
    match how % 3 {
        0 => drop(fs::create_dir(path)),
        1 => drop(symlink(&aside, path)),
        _ => drop(fs::hard_link(&aside, path)),
    }
}

#[cfg(unix)]
use std::os::unix::fs::symlink;
// Only some users may.
#[cfg(windows)]
use std::os::windows::fs::symlink_file as symlink;
