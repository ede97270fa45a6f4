//! The flooding side: it starts the readers, floods until the last one has seen enough, and adds up.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::reader::{READY, Tally};
use crate::contenders::value::value;
use crate::contenders::{Put, Values};
use crate::harness::cores;
use crate::harness::place::Place;
use crate::measurements::Settings;

/// What one round of flooding saw.
pub(super) struct Flood {
    pub(super) writes_per_second: f64,
    pub(super) tallies: Vec<Tally>,
}

pub(super) fn flood<C: Values>(settings: &Settings, readers: usize) -> Result<Flood> {
    let place = Place::fresh()?;
    let mut writer = C::writer(&place)?;
    writer.put(&value(0))?;

    // Left to itself, the scheduler may put a reader on the writer's core, where it sees one value a time slice.
    let cores = cores::allowed()?;
    let (own, theirs) = match cores[..] {
        [own, theirs, ..] => (Some(own), Some(theirs)),
        _ => (None, None),
    };
    let mut children =
        (0..readers).map(|_| Reader::start::<C>(&place, settings, theirs)).collect::<Result<Vec<_>>>()?;
    for child in &mut children {
        child.expect_ready()?;
    }
    let _pinned = own.map(cores::pin).transpose()?;

    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let collector = scope.spawn(|| {
            let tallies = children.iter_mut().map(Reader::tally).collect();
            done.store(true, Ordering::Relaxed);
            tallies
        });
        let start = Instant::now();
        let mut counter = 0;
        while !done.load(Ordering::Relaxed) {
            counter += 1;
            writer.put(&value(counter))?;
        }
        let writes_per_second = counter as f64 / start.elapsed().as_secs_f64();
        let tallies: Result<Vec<Tally>> =
            collector.join().map_err(|_| anyhow::anyhow!("the thread that collects results panicked"))?;
        Ok(Flood { writes_per_second, tallies: tallies? })
    })
}

/// A reader in a process of its own: this program, started once more.
struct Reader {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Reader {
    fn start<C: Values>(place: &Place, settings: &Settings, core: Option<usize>) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("flood-reader").arg(C::NAME).arg(place.dir());
        command.arg(settings.flood.as_millis().to_string());
        if let Some(core) = core {
            command.arg("--core").arg(core.to_string());
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("a child without a standard output")?;
        Ok(Self { child, lines: BufReader::new(stdout).lines() })
    }

    fn line(&mut self) -> Result<String> {
        Ok(self.lines.next().context("a reader ended without an answer")??)
    }

    fn expect_ready(&mut self) -> Result<()> {
        let line = self.line()?;
        ensure!(line == READY, "a reader said {line:?}");
        Ok(())
    }

    fn tally(&mut self) -> Result<Tally> {
        let tally = self.line()?.parse()?;
        let status = self.child.wait()?;
        ensure!(status.success(), "a reader ended with {status}");
        Ok(tally)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Only this very child, and only if it has not been waited for: `Child` knows.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
