//! The flooding side: it starts the readers, floods until the last one has seen enough, and adds
//! up.

use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::reader::Tally;
use crate::contenders::value::value;
use crate::contenders::{Put, Values};
use crate::harness::child::Child;
use crate::harness::place::Place;
use crate::harness::{clock, cores};
use crate::measurements::Settings;

/// The readers.
pub(super) struct Crowd {
    pub(super) readers: usize,
    /// How long each value is held.
    pub(super) hold: Duration,
}

/// What one round of flooding saw.
pub(super) struct Flood {
    pub(super) writes_per_second: f64,
    pub(super) tallies: Vec<Tally>,
}

pub(super) fn flood<C: Values>(settings: &Settings, crowd: &Crowd) -> Result<Flood> {
    let readers = crowd.readers;
    let place = Place::fresh()?;
    let mut writer = C::crowd_writer(&place, readers)?;
    writer.put(&value(0))?;

    // Left to itself, the scheduler may put a reader on the writer's core, where it sees one value
    // a time slice.
    let cores = cores::allowed()?;
    let (own, theirs) = match cores[..] {
        [own, theirs, ..] => (Some(own), Some(theirs)),
        _ => (None, None),
    };
    let mut children = (0..readers).map(|_| start::<C>(&place, settings, crowd, theirs)).collect::<Result<Vec<_>>>()?;
    for child in &mut children {
        child.expect_ready()?;
    }
    let _pinned = own.map(cores::pin).transpose()?;

    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let collector = scope.spawn(|| {
            let tallies = children.iter_mut().map(tally).collect();
            done.store(true, Ordering::Relaxed);
            tallies
        });
        let start = Instant::now();
        let (mut writes, mut counter) = (0, 0);
        while !done.load(Ordering::Relaxed) {
            writes += 1;
            // For a reader that asks for a value's age it is the time.
            counter = if crowd.hold.is_zero() { writes } else { clock::now().max(counter + 1) };
            writer.put(&value(counter))?;
        }
        let writes_per_second = writes as f64 / start.elapsed().as_secs_f64();
        let tallies: Result<Vec<Tally>> =
            collector.join().map_err(|_| anyhow::anyhow!("the thread that collects results panicked"))?;
        Ok(Flood { writes_per_second, tallies: tallies? })
    })
}

/// Starts a reader in a process of its own.
fn start<C: Values>(place: &Place, settings: &Settings, crowd: &Crowd, core: Option<usize>) -> Result<Child> {
    let mut arguments: Vec<OsString> = vec!["flood-reader".into(), C::NAME.into(), place.dir().into()];
    arguments.push(settings.flood.as_millis().to_string().into());
    arguments.extend(["--hold-micros".into(), crowd.hold.as_micros().to_string().into()]);
    if let Some(core) = core {
        arguments.extend(["--core".into(), core.to_string().into()]);
    }
    Child::start(arguments)
}

fn tally(child: &mut Child) -> Result<Tally> {
    let tally = child.line()?.parse()?;
    child.finish()?;
    Ok(tally)
}
