//! A reader process: takes the newest frame whenever there is one, checks it where it lies, and tells at the end.

use std::{
    io::{self, Write},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use ndsharray::{Error, Reader};

use crate::{
    check::{Check, Checker},
    report::{Seen, percentile},
};

/// What a viewer says when it is attached and no frame can pass unseen any more.
pub(crate) const READY: &str = "ready";

/// How long to wait for the camera to appear.
const OPENING: Duration = Duration::from_secs(10);
/// How long to wait for a frame before asking whether the camera is still alive.
const PATIENCE: Duration = Duration::from_millis(500);

pub(crate) fn run(name: &str, check: Check) -> Result<()> {
    let mut reader = Reader::open_timeout(name, OPENING)?;
    let mut checker = Checker::new(check, name, OPENING)?;
    // If an earlier camera of this name was killed, its last frame is still there. That one is not to be counted.
    reader.latest()?;
    // Not println, which panics when the camera is gone and nobody reads what a viewer says.
    writeln!(io::stdout(), "{READY}")?;

    let mut seen = Seen::default();
    let mut ages = Vec::new();
    let mut orphaned = false;
    loop {
        let patience = if orphaned { Duration::ZERO } else { PATIENCE };
        let Some(sample) = (match reader.wait(patience) {
            Err(Error::Closed { .. }) => break,
            other => other?,
        }) else {
            // A camera that is gone may have closed the channel only just now, which the next wait would tell.
            match (reader.is_writer_alive(), orphaned) {
                (false, true) => {
                    check.remove_channels(name);
                    bail!("the camera died without closing its channel");
                }
                (alive, _) => orphaned = !alive,
            }
            continue;
        };
        ages.push(sample.age());
        seen.tally.count();
        seen.missed += sample.missed();

        // The frame stays where it is. It must be whole now, and the same when somebody else has had the processor
        // and the camera has gone on.
        let view = sample.view::<u8>()?;
        let at_first = checker.look(view.as_slice());
        thread::yield_now();
        let at_last = checker.look(view.as_slice());
        if !checker.is_whole(sample.seq(), at_first, at_last)? {
            seen.torn += 1;
        }
        // Gives the frame back before the ledger is read, which may take a moment.
        drop(sample);
        checker.settle(&mut seen)?;
    }
    checker.settle(&mut seen)?;
    seen.unchecked += checker.pending();

    seen.age_p50 = percentile(&mut ages, 0.50);
    seen.age_p99 = percentile(&mut ages, 0.99);
    writeln!(io::stdout(), "{}", seen.to_line()).context("the camera does not listen any more")?;
    Ok(())
}
