//! A point cloud: 300,000 points, 20 times a second, as structs on both sides and never copied.
//!
//! ```text
//! cargo run --release --features derive --example cloud             # both sides, for five seconds
//! cargo run --release --features derive --example cloud -- write    # until Ctrl-C
//! cargo run --release --features derive --example cloud -- read     # in another terminal
//! ```
//!
//! A reader in another language finds the fields by name; NumPy has them as a structured dtype. The
//! twin `python/examples/cloud.py` reads and writes the same, and sends on what this one writes:
//!
//! ```text
//! cargo run --release --features derive --example cloud -- write
//! python python/examples/cloud.py relay cloud cloud.relayed
//! cargo run --release --features derive --example cloud -- read cloud.relayed
//! ```
#![allow(clippy::print_stdout, reason = "an example for the terminal shows its results there")]

use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, thread};

use ndsharray::{Error, Reader, Record, Writer};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const NAME: &str = "cloud";
const RINGS: u16 = 100;
/// Points of a ring.
const RING: u16 = 3000;
const PERIOD: Duration = Duration::from_millis(50);

/// As a laser scanner gives it. NumPy: `[('x', '<f4'), ('y', '<f4'), ('z', '<f4'),
/// ('intensity', '<u2'), ('ring', '<u2')]`.
#[derive(Clone, Copy, Debug, PartialEq, Record)]
#[repr(C)]
struct Point {
    x: f32,
    y: f32,
    z: f32,
    intensity: u16,
    ring: u16,
}

/// Point `index` of a scan, on the half circle before the scanner.
///
/// Of four operations that every language rounds alike, so that each can check it byte for byte.
fn point(phase: f32, index: u16, ring: u16) -> Point {
    let t = f32::from(index) / 1500.0 - 1.0;
    let distance = (10.0 + f32::from(ring % 7) + phase) / (1.0 + t * t);
    let (x, y) = (distance * (1.0 - t * t), distance * (2.0 * t));
    Point { x, y, z: f32::from(ring) * 0.1 - 3.0, intensity: index, ring }
}

/// The points of a scan: so many rings of 3,000.
fn scan(phase: f32, rings: u16) -> impl Iterator<Item = Point> {
    (0..rings).flat_map(move |ring| (0..RING).map(move |index| point(phase, index, ring)))
}

fn main() -> Result<()> {
    run(&env::args().skip(1).collect::<Vec<_>>())
}

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let name = || arguments.get(1).map_or(NAME, String::as_str);
    let count = || arguments.get(2).map(|text| text.parse()).transpose();
    match arguments.first().map(String::as_str) {
        None => both(),
        Some("write") => write(name(), count()?.unwrap_or(RINGS), None),
        Some("read") => read(name(), count()?),
        Some(_) => Err("usage: cloud [write [NAME [RINGS]] | read [NAME [CLOUDS]]]".into()),
    }
}

/// The writer here, and the reader in a process of its own.
fn both() -> Result<()> {
    let name = format!("{NAME}-{}", std::process::id());
    let mut reader = Command::new(env::current_exe()?).args(["read", &name]).spawn()?;
    write(&name, RINGS, Some(Duration::from_secs(5)))?;
    if reader.wait()?.success() { Ok(()) } else { Err("the reader found something wrong".into()) }
}

fn write(name: &str, rings: u16, time: Option<Duration>) -> Result<()> {
    let mut writer = Writer::<Point>::create(name)?;
    let start = Instant::now();
    let mut next = start;
    for number in 0..=u16::MAX {
        if time.is_some_and(|time| start.elapsed() >= time) {
            break;
        }
        let points = usize::from(rings) * usize::from(RING);
        let mut cloud = writer.loan(&[points])?; // the memory that readers will see
        for (place, point) in cloud.as_mut_slice().iter_mut().zip(scan(f32::from(number % 256) / 16.0, rings)) {
            *place = point;
        }
        cloud.publish()?;
        next += PERIOD;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

/// Reads until the writer ends, or until so many clouds have come.
fn read(name: &str, enough: Option<u16>) -> Result<()> {
    let mut reader = Reader::open_timeout(name, Duration::from_secs(60))?;
    let (mut clouds, mut missed, mut oldest) = (0_u16, 0, Duration::ZERO);
    while enough.is_none_or(|enough| clouds < enough) {
        let sample = match reader.wait(Duration::from_secs(60)) {
            Err(Error::Closed { .. }) | Ok(None) => break,
            sample => sample?,
        };
        let Some(sample) = sample else { break };
        let view = sample.view::<Point>()?; // the writer's memory, not a copy
        // All points follow from the first: nothing of another scan is among them.
        let points = view.as_slice();
        let phase = -points.first().ok_or("an empty cloud")?.y - 10.0;
        let rings = u16::try_from(points.len() / usize::from(RING))?;
        if points.len() % usize::from(RING) != 0 || !points.iter().copied().eq(scan(phase, rings)) {
            return Err(format!("cloud {} is torn", sample.seq()).into());
        }
        (clouds, missed, oldest) = (clouds.saturating_add(1), missed + sample.missed(), oldest.max(sample.age()));
        if clouds.is_multiple_of(20) {
            let count = points.len();
            println!("{clouds} clouds of {count} points, {missed} missed, checked within {oldest:.1?}, none torn");
        }
    }
    println!("{clouds} clouds, {missed} missed, none torn");
    if enough.is_some_and(|enough| clouds < enough) { Err("the writer ended before".into()) } else { Ok(()) }
}
