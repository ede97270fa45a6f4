//! One camera, many viewers: the main job of this crate, in one command.
//!
//! ```text
//! cargo run --release --example camera
//! ```
//!
//! A writer streams 1280×720 RGB frames to four reader processes (this program, started again), first at 60 frames a
//! second, which shows how old a frame is when a reader gets it, then as fast as it can, which shows what a write costs
//! beside a plain memcpy. The readers look at the frames where they lie, check every byte of every frame they get, and
//! check it again before they let it go. The program fails if any of them ever saw a frame that was not whole.
//!
//! A real video comes in through a pipe, straight from the pipe into shared memory:
//!
//! ```text
//! ffmpeg -i film.mp4 -vf scale=1280:720 -f rawvideo -pix_fmt rgb24 - \
//!     | cargo run --release --example camera -- --stdin 1280x720x3
//! ```
//!
//! With `--name NAME`, other programs can watch the same channel, for instance the example `dynamic`.
#![allow(clippy::print_stdout, reason = "an example for the terminal shows its results there")]

mod args;
mod check;
mod crew;
mod feed;
mod ledger;
mod pattern;
mod report;
mod stop;
mod tally;
mod viewer;

use std::{process::ExitCode, time::Duration};

use anyhow::Result;
use clap::Parser;
use ndsharray::Writer;

use crate::{
    args::{Args, FrameSize, Role},
    check::Check,
    crew::Crew,
    feed::Sent,
    ledger::Ledger,
    stop::Stop,
};

/// Frames a second of the paced phase, unless `--rate` says otherwise.
const USUAL_RATE: f64 = 60.0;

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    if let Some(Role::View { name, check }) = args.role {
        // Ctrl-C reaches every process of the terminal. A viewer lets it pass: it ends when the camera closes.
        let _deaf = Stop::on_ctrl_c()?;
        viewer::run(&name, check)?;
        return Ok(ExitCode::SUCCESS);
    }

    let stop = Stop::on_ctrl_c()?;
    // The process id keeps two cameras apart that run at the same time.
    let name = args.name.unwrap_or_else(|| format!("camera-{}", std::process::id()));
    let camera = Camera { name, readers: args.readers, stop };

    let all_well = match (args.stdin, args.rate) {
        (Some(size), _) => camera.relay(size)?,
        (None, Some(0.0)) => camera.flat_out(args.seconds)?,
        (None, Some(rate)) => camera.paced(rate, args.seconds)?,
        (None, None) => {
            let half = args.seconds / 2;
            camera.paced(USUAL_RATE, half)? & camera.flat_out(half)?
        }
    };
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the phases have in common. Each opens the channel anew, with readers of its own, and closes it at its end.
struct Camera {
    name: String,
    readers: usize,
    stop: Stop,
}

impl Camera {
    fn paced(&self, rate: f64, time: Duration) -> Result<bool> {
        self.title(&format!("{} at {rate} frames/s, each drawn in place", pattern::SIZE));
        self.generated(|writer| feed::paced(writer, rate, time, &self.stop))
    }

    fn flat_out(&self, time: Duration) -> Result<bool> {
        if self.stop.requested() {
            return Ok(true);
        }
        self.title(&format!("{} as fast as it goes, each copied in", pattern::SIZE));
        self.generated(|writer| feed::flat_out(writer, time, &self.stop))
    }

    fn generated(&self, feed: impl FnOnce(&mut Writer<u8>) -> Result<Sent>) -> Result<bool> {
        let mut writer = Writer::create(&self.name)?;
        let crew = Crew::start(self.readers, &self.name, Check::Pattern)?;
        let sent = feed(&mut writer)?;
        // Closing the channel is what tells the readers to finish.
        drop(writer);
        Ok(report::print(&sent, &crew.finish()))
    }

    fn relay(&self, size: FrameSize) -> Result<bool> {
        self.title(&format!("{size} from standard input, each read in place"));
        let mut writer = Writer::create(&self.name)?;
        // Readers settle their last frames after the camera has closed, so the ledger outlives them.
        let mut ledger = Ledger::create(&self.name)?;
        let crew = Crew::start(self.readers, &self.name, Check::Ledger)?;
        let sent = feed::piped(std::io::stdin().lock(), &mut writer, &mut ledger, size, &self.stop)?;
        drop(writer);
        Ok(report::print(&sent, &crew.finish()))
    }

    fn title(&self, what: &str) {
        println!("channel {}: {what}, {} readers", self.name, self.readers);
    }
}
