//! Writers in the format of Python's ndsharray, and those that remove and sweep their channels.

use crate::common::{NAME, listen, say};
use ndsharray::compat::{Options, Writer};
use std::path::Path;
use std::time::Duration;

/// Elements of files that are written in different ways.
///
/// One is written at once, one takes several system calls, and one is written again.
pub(crate) const LENGTHS: [usize; 3] = [10, 10_000, 50_000];

/// Names that are kept at most, and some more.
pub(crate) const MANY_VALUES: u64 = (1 << 14) + 20;

pub(super) fn act(words: &[&str], dir: &Path) {
    // A history of nothing: every file is replaced as soon as it may be.
    let options = options(dir);
    match *words {
        ["write", first] => write(&options, first.parse().unwrap()),
        ["many"] => {
            let mut writer = options.create::<u64>(NAME).unwrap();
            say("open");
            (0..MANY_VALUES).for_each(|id| put(&mut writer, id, 1, false));
            say("closing");
        }
        ["write-and-stay"] => write_and_stay(dir),
        ["remove"] => options.remove(NAME).unwrap(),
        ["sweep"] => drop(options.remove_unused(NAME, Duration::ZERO).unwrap()),
        _ => panic!("no such role: {words:?}"),
    }
}

pub(crate) fn options(dir: &Path) -> Options {
    Options::new().dir(dir).history_bytes(0)
}

pub(crate) fn put(writer: &mut Writer<u64>, id: u64, len: usize, tell: bool) {
    if tell {
        say(format!("try {id}"));
    }
    writer.write(&[len], &vec![id; len]).unwrap();
    if tell {
        say(format!("done {id}"));
    }
}

/// Everything that a writer does in its life.
fn write(options: &Options, first: u64) {
    let mut writer = options.create::<u64>(NAME).unwrap();
    say("open");
    let lengths = LENGTHS.into_iter().chain([LENGTHS[2]; 5]).chain(LENGTHS);
    for (id, len) in (first..).zip(lengths) {
        put(&mut writer, id, len, true);
    }
    say("closing");
}

/// Writes some values and waits until it is killed.
fn write_and_stay(dir: &Path) {
    let mut writer = Options::new().dir(dir).create::<i32>(NAME).unwrap();
    for n in 1..=20 {
        writer.write(&[2], &[n, -n]).unwrap();
    }
    say("written");
    listen();
}
