//! A dashboard on one thread: three channels, a timer, and a clean end.
//!
//! ```text
//! cargo run --example async_dashboard --features async [SECONDS]
//! ```
//!
//! Three threads write, each at its own rate; they could as well be other processes. One task reads
//! whatever is new, draws four times a second, and ends after three seconds. A thread of the
//! library sleeps for all channels, so no reader takes a thread, and none is asked in vain.
#![allow(clippy::print_stdout, reason = "an example for the terminal shows its results there")]
#![allow(clippy::indexing_slicing, reason = "the writers stand below")]

use ndsharray::{Error, Options, Reader, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::time::{interval, sleep};

/// What the dashboard knows of one channel.
struct Panel {
    reader: Reader,
    values: u64,
    missed: u64,
    latest: f32,
    is_closed: bool,
}

impl Panel {
    fn open(options: &Options, name: &str) -> Result<Self> {
        let reader = options.open_timeout(name, Duration::from_secs(10))?;
        Ok(Self { reader, values: 0, missed: 0, latest: f32::NAN, is_closed: false })
    }

    /// Waits for something new and takes it in.
    ///
    /// Nothing is lost when the future is dropped in its wait, as `select!` does with the others.
    async fn update(&mut self) -> Result<()> {
        match self.reader.changed().await {
            Err(Error::Closed { .. }) => self.is_closed = true,
            other => other?,
        }
        if let Some(sample) = self.reader.read()? {
            self.values += 1;
            self.missed += sample.missed();
            self.latest = sample.view::<f32>()?[[0]];
        }
        Ok(())
    }

    fn draw(&self) {
        let Self { reader, values, missed, latest, .. } = self;
        print!("{} {latest:>8.2} ({values} values, {missed} missed)   ", reader.name());
    }
}

/// Writes to a channel in a thread until told to stop. Then the channel is closed.
fn write(options: &Options, name: &str, hertz: u32, stop: &Arc<AtomicBool>) -> Result<JoinHandle<Result<()>>> {
    let mut writer = options.create::<f32>(name)?;
    let stop = Arc::clone(stop);
    Ok(thread::spawn(move || {
        let mut value = 0.0;
        while !stop.load(Ordering::Relaxed) {
            writer.write(&[2], &[value, -value])?;
            value += 0.25;
            thread::sleep(Duration::from_secs(1) / hertz);
        }
        writer.close()
    }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args().nth(1).map_or(Ok(3.0), |seconds| seconds.parse())?;
    // A directory of this run's own; programs that share channels leave it out.
    let dir = tempfile::tempdir()?;
    let options = Options::new().dir(dir.path());
    let stop = Arc::new(AtomicBool::new(false));
    let writers = [
        write(&options, "lidar", 10, &stop)?,
        write(&options, "camera", 30, &stop)?,
        write(&options, "imu", 1000, &stop)?,
    ];

    let mut lidar = Panel::open(&options, "lidar")?;
    let mut camera = Panel::open(&options, "camera")?;
    let mut imu = Panel::open(&options, "imu")?;
    let mut timer = interval(Duration::from_millis(250));
    let mut end = std::pin::pin!(sleep(Duration::from_secs_f64(seconds)));
    while !(lidar.is_closed && camera.is_closed && imu.is_closed) {
        tokio::select! {
            updated = lidar.update(), if !lidar.is_closed => updated?,
            updated = camera.update(), if !camera.is_closed => updated?,
            updated = imu.update(), if !imu.is_closed => updated?,
            _ = timer.tick() => {
                [&lidar, &camera, &imu].into_iter().for_each(Panel::draw);
                println!();
            }
            // The writers close their channels, and the last values still come.
            () = &mut end, if !stop.load(Ordering::Relaxed) => stop.store(true, Ordering::Relaxed),
        }
    }
    for writer in writers {
        writer.join().map_err(|_| "a writer panicked")??;
    }
    println!("all channels are closed");
    Ok(())
}
