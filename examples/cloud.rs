//! A point cloud: 300,000 points, 20 times a second, as structs on both sides and never copied.
//!
//! ```text
//! cargo run --release --features derive --example cloud             # both sides, for five seconds
//! cargo run --release --features derive --example cloud -- write    # until Ctrl-C
//! cargo run --release --features derive --example cloud -- read     # in another terminal
//! ```
//!
//! A reader in another language finds the fields by name; NumPy has them as a structured dtype.
#![allow(clippy::print_stdout, reason = "an example for the terminal shows its results there")]

use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, thread};

use ndsharray::{Error, Reader, Record, Writer};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const NAME: &str = "cloud";
const POINTS: usize = 300_000;
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

/// Point `index` of the scan that begins at `angle`.
fn point(angle: f32, index: u16, ring: u16) -> Point {
    let (sin, cos) = (angle + f32::from(index) * 0.002).sin_cos();
    let distance = 10.0 + f32::from(ring % 7);
    Point { x: distance * cos, y: distance * sin, z: f32::from(ring) * 0.1 - 3.0, intensity: index, ring }
}

/// The points of a scan: 100 rings of 3,000.
fn scan(angle: f32) -> impl Iterator<Item = Point> {
    (0..100).flat_map(move |ring| (0..3000).map(move |index| point(angle, index, ring)))
}

fn main() -> Result<()> {
    match env::args().nth(1).as_deref() {
        None => both(),
        Some("write") => write(NAME, None),
        Some("read") => read(&env::args().nth(2).unwrap_or_else(|| NAME.to_owned())),
        Some(_) => Err("usage: cloud [write | read [NAME]]".into()),
    }
}

/// The writer here, and the reader in a process of its own.
fn both() -> Result<()> {
    let name = format!("{NAME}-{}", std::process::id());
    let mut reader = Command::new(env::current_exe()?).args(["read", &name]).spawn()?;
    write(&name, Some(Duration::from_secs(5)))?;
    if reader.wait()?.success() { Ok(()) } else { Err("the reader found something wrong".into()) }
}

fn write(name: &str, time: Option<Duration>) -> Result<()> {
    let mut writer = Writer::<Point>::create(name)?;
    let start = Instant::now();
    let mut next = start;
    while time.is_none_or(|time| start.elapsed() < time) {
        let mut cloud = writer.loan(&[POINTS])?; // the memory that readers will see
        let angle = start.elapsed().as_secs_f32();
        for (place, point) in cloud.as_mut_slice().iter_mut().zip(scan(angle)) {
            *place = point;
        }
        cloud.publish()?;
        next += PERIOD;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

fn read(name: &str) -> Result<()> {
    let mut reader = Reader::open_timeout(name, Duration::from_secs(60))?;
    let (mut clouds, mut missed, mut oldest) = (0_u64, 0, Duration::ZERO);
    loop {
        let sample = match reader.wait(Duration::from_secs(10)) {
            Err(Error::Closed { .. }) | Ok(None) => break,
            sample => sample?,
        };
        let Some(sample) = sample else { break };
        let view = sample.view::<Point>()?; // the writer's memory, not a copy
        // All points follow from the first: nothing of another scan is among them.
        let points = view.as_slice();
        let first = points.first().ok_or("an empty cloud")?;
        let angle = first.y.atan2(first.x);
        let is_whole = points.iter().zip(scan(angle)).all(|(found, expected)| {
            (found.ring, found.intensity) == (expected.ring, expected.intensity)
                && (found.x - expected.x).abs() < 0.01
                && (found.y - expected.y).abs() < 0.01
        });
        if points.len() != POINTS || !is_whole {
            return Err(format!("cloud {} is torn", sample.seq()).into());
        }
        (clouds, missed, oldest) = (clouds + 1, missed + sample.missed(), oldest.max(sample.age()));
        if clouds.is_multiple_of(20) {
            println!("{clouds} clouds of {POINTS} points, {missed} missed, checked within {oldest:.1?}, none torn");
        }
    }
    println!("{clouds} clouds, {missed} missed, none torn");
    Ok(())
}
