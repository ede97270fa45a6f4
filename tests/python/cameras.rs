//! How many values Python's reader gets at a camera's rates.
//!
//! From a writer of this library with default options, and from the package's own. A value counts
//! for Python's reader only if the file that it opens for the third time is still the value's own.

use crate::common::stress;
use crate::process::{Name, Peer, axes};
use ndsharray::compat::Options;
use std::time::{Duration, Instant};

struct Camera {
    what: &'static str,
    shape: &'static [usize],
    /// Frames a second; 0 without a pause.
    rate: u32,
}

const CAMERAS: &[Camera] = &[
    Camera { what: "1 MiB, no pause", shape: &[1 << 20], rate: 0 },
    Camera { what: "1080p, 60/s", shape: &[1080, 1920, 3], rate: 60 },
    Camera { what: "4K, 60/s", shape: &[2160, 3840, 3], rate: 60 },
];

/// A pair on a busy machine may be unlucky.
const ROUNDS: u32 = 10;

#[derive(Debug)]
struct Seen {
    valid: u64,
    torn: u64,
    older: u64,
    errors: u64,
    written: u64,
}

fn seconds() -> f64 {
    stress::CAMERA.time().as_secs_f64()
}

/// The reads that the peer has counted.
///
/// Valid ones, torn ones among them, and those that were older than the one before.
fn seen(answer: &str, written: u64) -> Seen {
    let fields: Vec<u64> =
        answer.split(' ').map(|field| field.parse().unwrap_or_else(|_| panic!("{answer}"))).collect();
    Seen { valid: fields[0], torn: fields[1], older: fields[2], errors: fields[3], written }
}

fn from_package(camera: &Camera) -> Seen {
    let name = Name::new();
    let (mut writer, mut reader) = (Peer::new(), Peer::new());
    assert_eq!(writer.ask(&format!("writer {}", name.as_str())), "ok");
    assert_eq!(reader.ask(&format!("reader {}", name.as_str())), "ok");
    // One frame first: the reader begins with the right shape.
    writer.ask(&format!("paced-write {} {} 0", axes(camera.shape), camera.rate));
    reader.tell(&format!("count-reads {}", seconds()));
    let written = writer.ask(&format!("paced-write {} {} {}", axes(camera.shape), camera.rate, seconds() + 0.5));
    seen(&reader.answer(), written.parse().unwrap())
}

fn from_rust(camera: &Camera, options: &Options) -> Seen {
    let name = Name::new();
    let mut reader = Peer::new();
    let mut writer = options.create::<u8>(name.as_str()).unwrap();
    let mut data = vec![1; camera.shape.iter().product()];
    data[..8].copy_from_slice(&1_u64.to_le_bytes());
    writer.write(camera.shape, &data).unwrap();
    assert_eq!(reader.ask(&format!("reader {}", name.as_str())), "ok");
    reader.tell(&format!("count-reads {}", seconds()));
    let mut next = Instant::now();
    let mut written = 1;
    loop {
        if let Some(answer) = reader.has_answered() {
            return seen(&answer, written);
        }
        // As the peer's frames.
        data.fill(((written + 1) % 251) as u8);
        data[..8].copy_from_slice(&(written + 1).to_le_bytes());
        written = writer.write(camera.shape, &data).unwrap();
        if camera.rate > 0 {
            next += Duration::from_secs(1) / camera.rate;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }
}

#[test]
#[ignore = "needs Python's ndsharray"]
fn pythons_reader_keeps_up_with_cameras() {
    println!("| camera | valid reads, Python → Python | written | torn | Rust → Python | written | torn |");
    println!("|---|---|---|---|---|---|---|");
    for camera in CAMERAS {
        let mut enough = false;
        for _ in 0..ROUNDS {
            let package = from_package(camera);
            let ours = from_rust(camera, &Options::new());
            println!(
                "| {} | {} | {} | {} | {} | {} | {} |",
                camera.what, package.valid, package.written, package.torn, ours.valid, ours.written, ours.torn
            );
            assert_eq!((ours.torn, ours.older, ours.errors), (0, 0, 0), "{ours:?}");
            enough = ours.valid > 0 && ours.valid * 2 >= package.valid;
            if enough {
                break;
            }
        }
        assert!(enough, "{}: Python's reader starves", camera.what);
    }
}
