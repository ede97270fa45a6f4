//! What the readers saw and the writer spent: carried from process to process as a line, shown as a table.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::{
    feed::{Cost, Sent},
    tally::Tally,
};

/// One reader's account.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) tally: Tally,
    pub(crate) age_p50: Duration,
    pub(crate) age_p99: Duration,
    /// Frames that were replaced by newer ones before this reader came for them.
    pub(crate) missed: u64,
    /// Frames that were not whole, or not the same at the second look. There must be none.
    pub(crate) torn: u64,
    /// Frames whose checksum came and went before this reader looked for it.
    pub(crate) unchecked: u64,
}

impl Seen {
    pub(crate) fn to_line(&self) -> String {
        let Self { missed, torn, unchecked, .. } = self;
        let frames = self.tally.frames;
        let [time, p50, p99] = [self.tally.time, self.age_p50, self.age_p99].map(|time| time.as_nanos());
        format!("{frames} {time} {p50} {p99} {missed} {torn} {unchecked}")
    }

    pub(crate) fn from_line(line: &str) -> Result<Self> {
        let mut numbers = line.split(' ').map(str::parse::<u64>);
        let mut next = || -> Result<u64> {
            let number = numbers.next().context("a number is missing")??;
            Ok(number)
        };
        Ok(Self {
            tally: Tally::of(next()?, Duration::from_nanos(next()?)),
            age_p50: Duration::from_nanos(next()?),
            age_p99: Duration::from_nanos(next()?),
            missed: next()?,
            torn: next()?,
            unchecked: next()?,
        })
    }
}

/// The value below which `share` of all values lie. Zero when there are none.
pub(crate) fn percentile(values: &mut [Duration], share: f64) -> Duration {
    values.sort_unstable();
    let rank = share * values.len() as f64;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is neither negative nor longer than the length"
    )]
    let index = rank as usize;
    values.get(index).copied().unwrap_or_default()
}

/// Prints both sides, and returns whether all went well: every reader told its story, and none saw a torn frame.
pub(crate) fn print(sent: &Sent, crew: &[Result<Seen>]) -> bool {
    println!(
        "{:>8} {:>8} {:>9} {:>9} {:>9} {:>8} {:>6}",
        "reader", "frames", "frames/s", "age p50", "age p99", "missed", "torn"
    );
    let mut all_well = true;
    for (index, outcome) in crew.iter().enumerate() {
        let reader = index + 1;
        match outcome {
            Ok(seen) => {
                println!(
                    "{reader:>8} {:>8} {:>9.1} {:>9} {:>9} {:>8} {:>6}",
                    seen.tally.frames,
                    seen.tally.rate(),
                    human(seen.age_p50),
                    human(seen.age_p99),
                    seen.missed,
                    seen.torn
                );
                if seen.unchecked > 0 {
                    println!("         {} frames came without a checksum", seen.unchecked);
                }
                all_well &= seen.torn == 0;
            }
            Err(error) => {
                println!("{reader:>8} failed: {error:#}");
                all_well = false;
            }
        }
    }
    print_writer(sent);
    println!();
    all_well
}

fn print_writer(sent: &Sent) {
    println!("  writer {:>8} {:>9.1}", sent.tally.frames, sent.tally.rate());
    match &sent.cost {
        Cost::Loans { loans, publishes } => {
            let [loan, publish] = [loans, publishes].map(|times| human(percentile(&mut times.clone(), 0.50)));
            // The kernel often lets a woken reader go first, and that counts here too.
            println!("         loan, p50: {loan}; publish, p50, with waking the readers: {publish}");
        }
        Cost::Copies { writes, memcpys } => {
            let write = percentile(&mut writes.clone(), 0.50);
            let memcpy = percentile(&mut memcpys.clone(), 0.50);
            println!(
                "         write, p50:  {:>9}, which makes {:.0} frames/s",
                human(write),
                write.as_secs_f64().recip()
            );
            println!(
                "         memcpy, p50: {:>9}, which makes {:.0} frames/s; a write takes {:.2} times as long",
                human(memcpy),
                memcpy.as_secs_f64().recip(),
                write.as_secs_f64() / memcpy.as_secs_f64()
            );
        }
    }
    if let Some(cut_off) = &sent.cut_off {
        println!(
            "         the input ended inside a frame, after {} of {} bytes: not published",
            cut_off.found, cut_off.wanted
        );
    }
}

/// Three digits or so, with the unit that fits; a dash for a time that was never measured.
fn human(time: Duration) -> String {
    let nanos = time.as_nanos();
    let (unit, name) = match nanos {
        0 => return "-".to_owned(),
        1..1_000 => return format!("{nanos} ns"),
        1_000..1_000_000 => (1e3, "µs"),
        1_000_000..1_000_000_000 => (1e6, "ms"),
        1_000_000_000.. => (1e9, "s"),
    };
    let value = nanos as f64 / unit;
    let decimals = if value < 100.0 { 1 } else { 0 };
    format!("{value:.decimals$} {name}")
}
