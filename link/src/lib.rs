//! Carries ndsharray's channels between machines.
//!
//! A [`Bridge`](bridge::Bridge) announces the channels of one directory, and makes local channels
//! of those that other bridges announce. A value travels once a local reader wants its channel. Its
//! number, epoch, incarnation, time and attributes arrive with it. A [`Carrier`](carrier::Carrier)
//! moves the bytes: zenoh (feature `zenoh`), bare TCP, or memory.
//!
//! The program `ndsh-bridge` is this library with a command line. `docs/LINK.md` describes keys,
//! layout and limits.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use ndsharray_link::bridge::{Bridge, Settings};
//! use ndsharray_link::carrier::memory::Hub;
//! use std::time::Duration;
//!
//! # let (robot_dir, desk_dir) = (tempfile::tempdir()?, tempfile::tempdir()?);
//! let (robot, desk) = (
//!     ndsharray::Options::new().dir(&robot_dir),
//!     ndsharray::Options::new().dir(&desk_dir),
//! );
//! let hub = Hub::new();
//! let _from = Bridge::start(Settings::new("robot", robot.clone()), hub.carrier())?;
//! let _to = Bridge::start(Settings::new("desk", desk.clone()), hub.carrier())?;
//!
//! let mut lidar = robot.create::<f32>("lidar")?;
//! lidar.write(&[2], &[1.0, 2.0])?;
//! let limit = Duration::from_secs(30);
//! let mut reader = desk.open_timeout("robot.lidar", limit)?;
//! let sample = reader.wait(limit)?.expect("a value");
//! assert_eq!(sample.view::<f32>()?.as_slice(), [1.0, 2.0]);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

// Bottom-up: a module uses those above it alone.
pub mod attachment;
pub mod names;

pub mod carrier;

mod counters;
pub mod report;

pub mod bridge;
