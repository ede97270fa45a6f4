//! The Rust end of the Python package's tests.
//!
//! `tests/channel_peer.py` is the other one, with the same arguments and the same words on standard
//! output.
//!
//! All elements of a value are its number, which also decides dtype and shape. So a reader finds a
//! torn value, a wrong dtype and a wrong shape, whichever end wrote the value.

#[path = "../../../../examples/cloud.rs"]
#[allow(dead_code, reason = "a program has one `main`, and this one asks for both of its sides")]
mod cloud;
mod pattern;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use ndsharray::{AnyWriter, Error, Reader};
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

#[derive(Parser)]
enum Role {
    /// Publishes values; reports the first, and the end of all; ends with standard input.
    Write {
        name: String,
        /// Values to publish; 0 for no end.
        #[arg(long)]
        count: u64,
        /// Microseconds between two values.
        #[arg(long, default_value_t = 0)]
        pause: u64,
        /// Wait for a word on standard input after each value.
        #[arg(long)]
        step: bool,
    },
    /// Reads and checks values until the writer closes the channel; reports being idle.
    Read {
        name: String,
        /// Keep the first value until killed.
        #[arg(long)]
        hold: bool,
        /// Report each value.
        #[arg(long)]
        tell: bool,
    },
    /// Is the example of that name.
    Cloud { arguments: Vec<String> },
}

fn main() -> Result<()> {
    match Role::parse() {
        Role::Write { name, count, pause, step } => write(&name, count, Duration::from_micros(pause), step),
        Role::Read { name, hold, tell } => read(&name, hold, tell),
        Role::Cloud { arguments } => cloud::run(&arguments).map_err(|error| anyhow::anyhow!("{error}")),
    }
}

fn say(word: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{word}")?;
    Ok(out.flush()?)
}

/// Waits until standard input says a word, or ends.
fn listen() -> Result<()> {
    std::io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

fn write(name: &str, count: u64, pause: Duration, step: bool) -> Result<()> {
    let mut writer = AnyWriter::create(name)?;
    say("open")?;
    listen()?;
    let mut number = 0;
    while count == 0 || number < count {
        let (dtype, shape, bytes) = pattern::value(number);
        writer.write_bytes(dtype, shape, &bytes)?;
        if number == 0 {
            say("first")?;
        }
        number += 1;
        if step {
            listen()?;
        }
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }
    say("done")?;
    listen()
}

fn read(name: &str, hold: bool, tell: bool) -> Result<()> {
    let mut reader = Reader::open_timeout(name, Duration::from_secs(30))?;
    say("open")?;
    let (mut count, mut last, mut told) = (0u64, 0, 0);
    let mut heard = Instant::now();
    loop {
        let sample = match reader.wait_owned(Duration::from_millis(100)) {
            Ok(Some(sample)) => sample,
            Ok(None) => {
                ensure!(heard.elapsed() < Duration::from_secs(60), "nothing for a minute");
                if told != last {
                    told = last;
                    say(&format!("idle {last}"))?;
                }
                continue;
            }
            Err(Error::Closed { .. }) => break,
            Err(error) => return Err(error.into()),
        };
        heard = Instant::now();
        ensure!(sample.seq() > last, "{} after {last}", sample.seq());
        ensure!(last == 0 || sample.missed() == sample.seq() - last - 1, "{} missed", sample.missed());
        last = sample.seq();
        count += 1;
        pattern::check(sample.dtype(), sample.shape(), sample.as_bytes())
            .with_context(|| format!("value {last} of dtype {}, shape {:?}", sample.dtype(), sample.shape()))?;
        if tell {
            say(&format!("saw {last}"))?;
        }
        if hold {
            say("holding")?;
            listen()?;
        }
    }
    say(&format!("closed {count} {last}"))
}
