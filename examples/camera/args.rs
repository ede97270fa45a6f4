//! The command line.

use std::{fmt, str::FromStr, time::Duration};

use clap::{Parser, Subcommand};

use crate::check::Check;

/// Streams video frames to reader processes through shared memory, and checks that none is ever torn
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    /// Reader processes to start
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) readers: usize,

    /// How long to stream generated frames
    #[arg(long, value_name = "S", default_value = "5", value_parser = seconds)]
    pub(crate) seconds: Duration,

    /// Frames a second throughout, 0 for as many as possible [default: half the time 60, half the time 0]
    #[arg(long, value_name = "HZ", value_parser = rate)]
    pub(crate) rate: Option<f64>,

    /// Share raw frames of this size (bytes, one per channel) from standard input until it ends
    #[arg(long, value_name = "WxHxC", conflicts_with_all = ["seconds", "rate"])]
    pub(crate) stdin: Option<FrameSize>,

    /// Channel to write [default: camera-PID]
    #[arg(long)]
    pub(crate) name: Option<String>,

    #[command(subcommand)]
    pub(crate) role: Option<Role>,
}

/// What the program does when it was started by itself.
#[derive(Subcommand)]
pub(crate) enum Role {
    #[command(hide = true)]
    View { name: String, check: Check },
}

/// Width, height and bytes per pixel, all at least one.
#[derive(Clone, Copy)]
pub(crate) struct FrameSize {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) channels: usize,
}

impl FrameSize {
    /// The shape of the array: raw video comes row by row, so the height is the outermost axis.
    pub(crate) fn shape(self) -> [usize; 3] {
        [self.height, self.width, self.channels]
    }
}

impl fmt::Display for FrameSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}×{}", self.width, self.height, self.channels)
    }
}

impl FromStr for FrameSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers: Vec<usize> = text
            .split('x')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|error| format!("WIDTHxHEIGHTxCHANNELS in numbers: {error}"))?;
        match *numbers {
            // Frames of no bytes would never come to an end.
            [0, _, _] | [_, 0, _] | [_, _, 0] => Err("every number must be at least 1".to_owned()),
            [width, height, channels] => Ok(Self { width, height, channels }),
            _ => Err(format!("three numbers wanted, {} found", numbers.len())),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|error| format!("{error}"))?;
    // One frame a day is the slowest that still makes a sensible pause between two.
    if rate == 0.0 || (1.0 / 86_400.0..=1e6).contains(&rate) {
        Ok(rate)
    } else {
        Err("between one a day and a million a second, or 0".to_owned())
    }
}
