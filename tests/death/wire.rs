//! Scenarios with channels in the format of Python's ndsharray.
//!
//! What must hold after a death: the last value is there, whole. A new writer writes at once,
//! whatever was left. A clean close leaves no file.

use crate::common::{NAME, Peer, TIMEOUT, TestDir};
use crate::peer::compat::{LENGTHS, options};
use crate::sweep::{Ending, Play, Scenario, extra};
use ndsharray::Error;
use ndsharray::compat::{Options, Reader};
use std::cell::RefCell;
use std::time::{Duration, Instant};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "wire fresh", play: fresh, only: "" },
    Scenario { name: "wire takeover", play: takeover, only: "" },
    #[cfg(all(target_os = "linux", not(ndsharray_portable)))] // only there are leases
    Scenario { name: "wire recycled", play: recycled, only: "" },
    Scenario { name: "wire half-made tag", play: half_made, only: "" },
    Scenario { name: "wire remove", play: remove, only: "" },
    #[cfg(all(target_os = "linux", not(ndsharray_portable)))]
    Scenario { name: "wire sweep", play: sweep, only: "" },
];

/// Writes so much that names are forgotten.
pub(crate) const MANY: &[Scenario] = &[Scenario { name: "wire many", play: many, only: "" }];

/// The value that a reader finds next, which must be whole.
fn read(reader: &mut Reader) -> Option<u64> {
    let array = reader.read().unwrap()?;
    let view = array.view::<u64>().unwrap();
    let id = view.as_slice()[0];
    assert!(view.iter().all(|word| *word == id), "torn");
    Some(id)
}

struct Stage {
    dir: TestDir,
    watcher: Option<Reader>,
    open: bool,
    closing: bool,
    done: Option<u64>,
    trying: Option<u64>,
}

impl Stage {
    fn empty() -> Self {
        Self { dir: TestDir::new(), watcher: None, open: false, closing: false, done: None, trying: None }
    }

    /// A writer with `orders`, which kill it, has written some values.
    fn after(orders: &str) -> Self {
        let stage = Self::empty();
        let mut writer = extra("compat write 1", &stage.dir, orders);
        let status = writer.end();
        assert!(!status.success(), "it came to its end");
        stage
    }

    fn options(&self) -> Options {
        options(self.dir.path())
    }

    fn note(&mut self, line: &str) {
        match *line.split(' ').collect::<Vec<_>>().as_slice() {
            ["open"] => {
                self.open = true;
                self.watcher = Some(self.options().open(NAME).unwrap());
            }
            ["closing"] => self.closing = true,
            ["try", id] => self.trying = Some(id.parse().unwrap()),
            ["done", id] => self.done = Some(id.parse().unwrap()),
            _ => {}
        }
    }

    fn look_while_stopped(&self, play: &Play) {
        // Its last act may have been to give the channel up.
        if self.open && !self.closing {
            let refused = self.options().create::<u64>(NAME);
            assert!(matches!(refused, Err(Error::WriterExists { .. })), "a second writer: {refused:?}");
            self.look(play.is_for("tag.published"));
        }
    }

    /// A new reader finds the last published value, or the one in progress.
    fn look(&self, is_trying_named: bool) {
        if let (Some(done), false) = (self.done, self.closing) {
            let found = read(&mut self.options().open(NAME).unwrap());
            let trying = self.trying.filter(|id| is_trying_named || *id > done);
            assert!(found == Some(done) || found.is_some() && found == trying, "{found:?} after {done}");
        }
    }

    /// The victim has died.
    fn go_on(mut self) {
        self.look(true);
        let mut writer = self.options().create::<u64>(NAME).unwrap();
        let mut fresh = self.options().open(NAME).unwrap();
        // A large one first: whatever name comes next, it must be free.
        for (n, len) in LENGTHS.into_iter().rev().cycle().take(9).enumerate() {
            let id = 500_000 + n as u64;
            assert_eq!(writer.write(&[len], &vec![id; len]).unwrap(), n as u64 + 1);
            assert_eq!(read(&mut fresh), Some(id));
            if let Some(watcher) = &mut self.watcher {
                let end = Instant::now() + TIMEOUT;
                while read(watcher) != Some(id) {
                    assert!(Instant::now() < end, "the watcher does not follow");
                }
            }
        }
        drop(writer);
        assert_eq!(self.dir.files(), [""; 0], "left after a clean close");
    }

    fn watch(self, play: &mut Play, victim: &mut Peer) -> Ending {
        let stage = RefCell::new(self);
        let end = Instant::now() + TIMEOUT;
        let ending = loop {
            assert!(Instant::now() < end, "the victim does not come to an end");
            match play.hear(victim, Duration::from_micros(300), |play| stage.borrow().look_while_stopped(play)) {
                Ok(Some(line)) => stage.borrow_mut().note(&line),
                Ok(None) => {}
                Err(ending) => break ending,
            }
        };
        let stage = stage.into_inner();
        match ending {
            Ending::Died => stage.go_on(),
            Ending::Natural => assert_eq!(stage.dir.files(), [""; 0], "left by the victim itself"),
        }
        ending
    }
}

fn fresh(play: &mut Play) -> Ending {
    let stage = Stage::empty();
    let mut victim = play.victim("compat write 1", &stage.dir, "");
    stage.watch(play, &mut victim)
}

/// What the first writer left has the very name that comes next.
fn takeover(play: &mut Play) -> Ending {
    let stage = Stage::after("wire.reserved:4:kill");
    let mut victim = play.victim("compat write 1000", &stage.dir, "");
    stage.watch(play, &mut victim)
}

/// That name is another one of a file which is written again.
#[cfg(all(target_os = "linux", not(ndsharray_portable)))]
fn recycled(play: &mut Play) -> Ending {
    let stage = Stage::after("shelf.leased:2:kill");
    let mut victim = play.victim("compat write 1000", &stage.dir, "");
    stage.watch(play, &mut victim)
}

fn half_made(play: &mut Play) -> Ending {
    let stage = Stage::after("tag.reserved:1:kill");
    let mut victim = play.victim("compat write 1000", &stage.dir, "");
    stage.watch(play, &mut victim)
}

fn remove(play: &mut Play) -> Ending {
    let stage = Stage::after("tombstone.placed:3:kill");
    let mut victim = play.victim("compat remove", &stage.dir, "");
    stage.watch(play, &mut victim)
}

#[cfg(all(target_os = "linux", not(ndsharray_portable)))]
fn sweep(play: &mut Play) -> Ending {
    let stage = Stage::after("tombstone.placed:3:kill");
    let mut victim = play.victim("compat sweep", &stage.dir, "");
    stage.watch(play, &mut victim)
}

fn many(play: &mut Play) -> Ending {
    let stage = Stage::empty();
    let mut victim = play.victim("compat many", &stage.dir, "");
    stage.watch(play, &mut victim)
}
