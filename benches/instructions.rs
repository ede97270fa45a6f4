//! Instructions that the library takes for its operations: a check that no noise can move.
//!
//! ```text
//! cargo bench --bench instructions               # fails beyond +10 % of the committed counts
//! cargo bench --bench instructions -- --renew    # writes benches/instructions.txt
//! ```
//!
//! Each operation runs under valgrind's callgrind twice, with different numbers of repetitions; the
//! difference, divided, is what one takes: start-up cancels out. Counted is the code of this
//! program, into which the library is compiled, and not the C library's or the kernel's, which
//! choose other code on another processor (`memcpy`, the clock). The loop around the operation is
//! counted by itself, and taken off. Under valgrind a processor's tick counter runs too unevenly to
//! be believed (`src/arch/clock.rs`): each write asks the clock there, which it does not otherwise,
//! and takes some fifty instructions more.
//!
//! Another compiler makes other code. When the counts move with it and the library has not changed,
//! renew them with the commit before, see that the difference is the compiler's, and commit them.

#![allow(clippy::expect_used, reason = "a bench that cannot be set up has nothing to count")]

use ndsharray::{Loan, Options, Reader, Writer, wait_any};
use ndsharray_derive::Record;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;
use tempfile::TempDir;

/// How much more an operation may take than is committed.
const TOLERANCE: f64 = 1.10;

/// Repetitions of the two runs; their difference is a multiple of the period in which the writer
/// describes its slots anew.
const FEW: u64 = 251;
const MANY: u64 = FEW * 5;

/// A name, and what does it so many times.
type Operation = (&'static str, fn(u64));

/// What is counted. Together with its name on the command line and in the file.
const OPERATIONS: [Operation; 18] = [
    (LOOP, |count| repeat(count, || true)),
    ("poll", |count| {
        let (_writer, mut reader, _dir) = channel();
        repeat(count, || reader.read().is_ok_and(|sample| sample.is_none()));
    }),
    ("latest, view, drop", |count| {
        let (_writer, mut reader, _dir) = channel();
        repeat(count, || look(reader.latest()));
    }),
    ("write 64 B", |count| {
        let (mut writer, _reader, _dir) = channel();
        repeat(count, || write(&mut writer));
    }),
    ("write 64 B, read, view, drop", |count| {
        let (mut writer, mut reader, _dir) = channel();
        repeat(count, || write(&mut writer) && look(reader.read()));
    }),
    ("write 64 B, wait, view, drop", |count| {
        let (mut writer, mut reader, _dir) = channel();
        repeat(count, || write(&mut writer) && look(reader.wait(Duration::ZERO)));
    }),
    ("write 64 B with history 32, read_next, view, drop", |count| {
        let (mut writer, mut reader, _dir) = channel_with(32);
        repeat(count, || write(&mut writer) && look(reader.read_next()));
    }),
    ("loan 64 B, publish", |count| {
        let (mut writer, _reader, _dir) = channel();
        repeat(count, || writer.loan(black_box(&[64])).and_then(Loan::publish).is_ok());
    }),
    ("write 64 B and 32 B in turn", |count| {
        let (mut writer, _reader, _dir) = channel();
        repeat(count, || write(&mut writer) && writer.write(black_box(&[32]), black_box(&[1; 32])).is_ok());
    }),
    ("write 64 B with attributes", |count| {
        let (mut writer, _reader, _dir) = channel();
        repeat(count, || write_with(&mut writer));
    }),
    ("write 64 B with attributes, read them", |count| {
        let (mut writer, mut reader, _dir) = channel();
        let attributes = |sample: &ndsharray::Sample<'_>| black_box(sample.attributes()).len() == 32;
        repeat(count, || {
            write_with(&mut writer) && reader.read().is_ok_and(|sample| sample.as_ref().is_some_and(attributes))
        });
    }),
    ("latest, view, drop, of records", |count| {
        let (_writer, mut reader, _dir) = points();
        repeat(count, || look_at_points(reader.latest()));
    }),
    ("write 64 B of records, read, view, drop", |count| {
        let (mut writer, mut reader, _dir) = points();
        repeat(count, || write_points(&mut writer) && look_at_points(reader.read()));
    }),
    ("read_next with nothing new", |count| {
        let (mut writer, mut reader, _dir) = channel_with(32);
        assert!(write(&mut writer) && look(reader.read_next()));
        repeat(count, || reader.read_next().is_ok_and(|sample| sample.is_none()));
    }),
    ("wait_any of 1 with nothing to do", |count| wait_in_vain::<1>(count)),
    ("wait_any of 16 with nothing to do", |count| wait_in_vain::<16>(count)),
    ("attributes of the latest", |count| {
        let (mut writer, mut reader, _dir) = channel();
        assert!(write_with(&mut writer));
        repeat(count, || {
            reader.latest().is_ok_and(|sample| sample.is_some_and(|sample| black_box(sample.attributes()).len() == 32))
        });
    }),
    ("write 64 B beside 64 idle readers", |count| beside_idle(64, count)),
];

/// The operation that does nothing.
const LOOP: &str = "the loop itself";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        // For `benches/page.py`, which counts more than instructions.
        [run, readers, count] if run == "--beside" => {
            let readers = readers.parse().expect("a number");
            beside_idle(readers, count.parse().expect("a number"));
            ExitCode::SUCCESS
        }
        [run, name, count] if run == "--run" => {
            let (_, operation) = OPERATIONS.iter().find(|(each, _)| each == name).expect("an operation");
            operation(count.parse().expect("a number"));
            ExitCode::SUCCESS
        }
        _ => {
            let counts = count_all();
            if arguments.iter().any(|argument| argument == "--renew") { renew(&counts) } else { compare(&counts) }
        }
    }
}

/// Not inlined, so that the loop is the same for all.
#[inline(never)]
fn repeat(count: u64, mut operation: impl FnMut() -> bool) {
    for _ in 0..count {
        assert!(black_box(operation()));
    }
}

/// Looks through so many channels whose values have all been read, and does not sleep.
fn wait_in_vain<const CHANNELS: usize>(count: u64) {
    let mut channels: [_; CHANNELS] = std::array::from_fn(|_| channel());
    let mut readers: Vec<&mut Reader> = channels.iter_mut().map(|(_, reader, _)| reader).collect();
    repeat(count, || {
        wait_any(black_box(&mut readers), Duration::ZERO).is_ok_and(|ready| ready.iter().next().is_none())
    });
}

fn beside_idle(readers: usize, count: u64) {
    let dir = TempDir::new().expect("a temporary directory");
    let options = Options::new().dir(dir.path()).max_readers(readers.max(64));
    let mut writer = options.create::<u8>("counts").expect("a new channel");
    let open = |_| options.open("counts").expect("room for a reader");
    let mut idle: Vec<_> = (0..readers).map(open).collect();
    // Every slot that small values take turns in has been used.
    for _ in 0..16 {
        assert!(write(&mut writer) && idle.iter_mut().take(1).all(|reader| look(reader.read())));
    }
    repeat(count, || write(&mut writer));
}

fn channel() -> (Writer<u8>, Reader, TempDir) {
    channel_with(1)
}

fn channel_with(history: usize) -> (Writer<u8>, Reader, TempDir) {
    let dir = TempDir::new().expect("a temporary directory");
    let options = Options::new().dir(dir.path());
    let mut writer = options.clone().history(history).create::<u8>("counts").expect("a new channel");
    let mut reader = options.open("counts").expect("the channel just made");
    // Every slot that small values take turns in has been used, and is known to the reader.
    for _ in 0..16 * history {
        assert!(write(&mut writer) && look(reader.read()));
    }
    (writer, reader, dir)
}

#[inline]
fn write(writer: &mut Writer<u8>) -> bool {
    writer.write(black_box(&[64]), black_box(&[1; 64])).is_ok()
}

#[inline]
fn write_with(writer: &mut Writer<u8>) -> bool {
    writer.write_with(black_box(&[64]), black_box(&[1; 64]), black_box(&[2; 32])).is_ok()
}

#[inline]
fn look(sample: ndsharray::Result<Option<ndsharray::Sample<'_>>>) -> bool {
    let Ok(Some(sample)) = sample else { return false };
    sample.view::<u8>().is_ok_and(|view| black_box(view.as_slice()).first() == Some(&1))
}

/// A struct of 16 bytes.
#[derive(Clone, Copy, Record)]
#[repr(C)]
struct Point {
    x: f32,
    y: f32,
    z: f32,
    intensity: u16,
    ring: u16,
}

const POINT: Point = Point { x: 1.0, y: 2.0, z: 3.0, intensity: 4, ring: 5 };

/// As [`channel`], for records.
fn points() -> (Writer<Point>, Reader, TempDir) {
    let dir = TempDir::new().expect("a temporary directory");
    let options = Options::new().dir(dir.path());
    let mut writer = options.create::<Point>("counts").expect("a new channel");
    let mut reader = options.open("counts").expect("the channel just made");
    for _ in 0..16 {
        assert!(write_points(&mut writer) && look_at_points(reader.read()));
    }
    (writer, reader, dir)
}

#[inline(always)]
fn write_points(writer: &mut Writer<Point>) -> bool {
    writer.write(black_box(&[4]), black_box(&[POINT; 4])).is_ok()
}

// As `look` is by itself: otherwise the call and its arguments are counted too.
#[inline(always)]
fn look_at_points(sample: ndsharray::Result<Option<ndsharray::Sample<'_>>>) -> bool {
    let Ok(Some(sample)) = sample else { return false };
    sample.view::<Point>().is_ok_and(|view| black_box(view.as_slice()).first().is_some_and(|point| point.ring == 5))
}

/// Instructions of each operation.
fn count_all() -> BTreeMap<String, f64> {
    let mut counts = BTreeMap::new();
    for (name, _) in OPERATIONS {
        let (few, many) = (count(name, FEW), count(name, MANY));
        #[allow(clippy::cast_precision_loss, reason = "small numbers")]
        counts.insert(name.to_owned(), (many - few) as f64 / (MANY - FEW) as f64);
    }
    let empty = counts.remove(LOOP).unwrap_or_default();
    counts.values_mut().for_each(|count| *count -= empty);
    counts
}

/// Instructions of this program's own code while it repeats an operation.
fn count(name: &str, repetitions: u64) -> u64 {
    let me = std::env::current_exe().expect("this program");
    let dir = TempDir::new().expect("a temporary directory");
    let out = dir.path().join("callgrind");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--compress-strings=no", "--compress-pos=no"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(&me)
        .args(["--run", name, &repetitions.to_string()])
        .output()
        .expect("valgrind, which has to be installed");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    own_instructions(&fs::read_to_string(out).expect("what callgrind found"), &me)
}

/// Adds up what callgrind's output says of the object `own`.
fn own_instructions(text: &str, own: &Path) -> u64 {
    let own = own.to_string_lossy();
    let (mut sum, mut counts, mut called) = (0, false, false);
    for line in text.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            counts = object == own;
        } else if line.starts_with("calls=") {
            // The next line is what the called function took, which is counted where it stands.
            called = true;
        } else if line.starts_with(|c: char| c.is_ascii_digit()) {
            if counts && !called {
                sum += line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok()).expect("a cost");
            }
            called = false;
        }
    }
    assert!(sum > 0, "callgrind saw nothing of {own}");
    sum
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.txt")
}

fn compiler() -> String {
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("--version").output();
    output.map_or_else(|_| "?".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn renew(counts: &BTreeMap<String, f64>) -> ExitCode {
    let mut text = String::from(
        "# Instructions of one operation. Compared by `cargo bench --bench instructions`, written with `-- --renew`.\n",
    );
    let _ = writeln!(text, "# {}, {}", compiler(), std::env::consts::ARCH);
    for (name, count) in counts {
        let _ = writeln!(text, "{count:.1}\t{name}");
    }
    fs::write(file(), &text).expect("a writable file");
    report(&text);
    ExitCode::SUCCESS
}

fn compare(counts: &BTreeMap<String, f64>) -> ExitCode {
    let text = fs::read_to_string(file()).expect("the committed counts");
    let committed: BTreeMap<&str, f64> = text
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(count, name)| (name, count.parse().expect("a count")))
        .collect();
    let mut worse = Vec::new();
    for (name, &count) in counts {
        let before = committed.get(name.as_str()).copied();
        let change = before.map_or("new".into(), |before| format!("{:+.1} %", (count / before - 1.0) * 100.0));
        report(&format!("{count:8.1}  {change:>8}  {name}"));
        if before.is_none_or(|before| count > before * TOLERANCE) {
            worse.push(name);
        }
    }
    if worse.is_empty() {
        return ExitCode::SUCCESS;
    }
    report(&format!("more than 10 % above benches/instructions.txt, or not in it: {worse:?}"));
    let compiler = compiler();
    if !text.contains(&compiler) {
        report(&format!("the committed counts are of another compiler than {compiler}: see benches/instructions.rs"));
    }
    ExitCode::FAILURE
}

#[allow(clippy::print_stdout, reason = "this is what it is for")]
fn report(text: &str) {
    println!("{text}");
}
