//! Scenarios whose victim is a reader, beside a writer that writes all the time.
//!
//! What must hold afterwards: other readers go on, and the writer is never stuck. The victim's
//! slots and its seat in the reader table come back. A clean close leaves no file.

use crate::common::{NAME, Named, Peer, TIMEOUT, TestDir, shape_of, value};
use crate::sweep::{Ending, Play, Scenario};
use ndsharray::{Options, OwnedSample, Reader, Writer};
use std::time::{Duration, Instant};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "read", play: read, only: "" },
    #[cfg(unix)]
    Scenario { name: "overtaken", play: overtaken, only: "" },
    Scenario { name: "waiting", play: waiting, only: "" },
    Scenario { name: "follow", play: follow, only: "" },
    Scenario { name: "last", play: last, only: "clear." },
];

/// The latest, one to write, and the three that the victim holds at most.
const SLOTS: usize = 5;

/// Two that the test opens, and the victim.
const READERS: usize = 3;

/// The living side.
struct Stage {
    dir: TestDir,
    options: Options,
    writer: Writer<u64>,
    watcher: Reader,
    next: u64,
}

impl Stage {
    fn new() -> Self {
        let dir = TestDir::new();
        let options = dir.options().max_slots(SLOTS).max_readers(READERS);
        let writer = options.create(NAME).unwrap();
        let watcher = options.open(NAME).unwrap();
        let mut stage = Self { dir, options, writer, watcher, next: 0 };
        stage.write();
        stage
    }

    /// The writer is not stuck, and the other reader reads.
    fn write(&mut self) {
        self.next += 1;
        self.writer.write(&shape_of(self.next), &value(self.next)).unwrap();
        assert_eq!(self.watcher.read().unwrap().unwrap().name(), self.next);
    }

    fn write_many(&mut self) {
        (0..3 * SLOTS).for_each(|_| self.write());
    }

    /// A new channel under the name.
    fn begin_anew(self) -> Self {
        let Self { dir, options, writer, mut watcher, next } = self;
        drop(writer);
        assert!(watcher.read().unwrap().is_none());
        let writer = options.create(NAME).unwrap();
        let mut stage = Self { dir, options, writer, watcher, next: next + 1000 };
        stage.write();
        stage
    }

    /// The victim has gone, in whatever way.
    fn go_on(mut self) {
        let held: Vec<(u64, OwnedSample)> = (2..SLOTS)
            .map(|_| {
                self.write();
                (self.next, self.watcher.latest_owned().unwrap().unwrap())
            })
            .collect();
        // Now each write takes the one slot that is neither held nor the latest's: the writer must
        // take it back from the dead reader.
        self.write_many();
        let mut others: Vec<Reader> = (1..READERS).map(|_| self.options.open(NAME).expect("a place")).collect();
        self.write_many();
        held.iter().for_each(|(name, sample)| assert_eq!(sample.name(), *name));
        for reader in &mut others {
            assert_eq!(reader.latest().unwrap().unwrap().name(), self.next);
        }
        drop((held, self.writer));
        assert_eq!(self.dir.files(), [""; 0], "left after a clean close");
    }

    /// Writes until the victim has come to an end, and looks at what that leaves.
    fn watch(mut self, play: &mut Play, victim: &mut Peer, pause: Duration) -> Ending {
        let end = Instant::now() + TIMEOUT;
        let ending = loop {
            assert!(Instant::now() < end, "the victim does not come to an end");
            // While it is stopped, what it holds is held, and no more.
            let heard = play.hear(victim, pause, |_| self.write_many());
            match heard {
                Ok(_) => self.write(),
                Err(ending) => break ending,
            }
        };
        self.go_on();
        ending
    }
}

fn read(play: &mut Play) -> Ending {
    let stage = Stage::new();
    let mut victim = play.victim("read", &stage.dir, "");
    stage.watch(play, &mut victim, Duration::from_micros(100))
}

/// The victim stops before its pin, and finds that slot written anew.
#[cfg(unix)]
fn overtaken(play: &mut Play) -> Ending {
    let stage = Stage::new();
    let mut victim = play.victim("read-once", &stage.dir, "pin.chosen:1:stop");
    stage.watch(play, &mut victim, Duration::from_micros(100))
}

/// The victim sleeps for want of news.
fn waiting(play: &mut Play) -> Ending {
    let stage = Stage::new();
    let mut victim = play.victim("read", &stage.dir, "");
    stage.watch(play, &mut victim, Duration::from_millis(4))
}

/// The channel is closed and made anew.
fn follow(play: &mut Play) -> Ending {
    let mut stage = Stage::new();
    let mut victim = play.victim("follow", &stage.dir, "");
    let end = Instant::now() + TIMEOUT;
    loop {
        assert!(Instant::now() < end, "the victim does not begin");
        match play.hear(&mut victim, Duration::from_millis(1), |_| stage.write_many()) {
            Ok(Some(_)) => break,
            Ok(None) => {}
            Err(ending) => {
                stage.go_on();
                return ending;
            }
        }
    }
    stage.begin_anew().watch(play, &mut victim, Duration::from_micros(300))
}

/// The channel has been closed and left for the victim.
///
/// The victim clears up when it has come to the last value.
fn last(play: &mut Play) -> Ending {
    let mut stage = Stage::new();
    let mut victim = play.victim("last", &stage.dir, "");
    assert_eq!(victim.hear(), "open");
    stage.write();
    let Stage { dir, options, writer, mut watcher, next } = stage;
    writer.close().unwrap();
    assert_eq!(dir.files().len(), 3, "left for the victim");
    victim.tell("go on");
    assert_eq!(victim.hear(), next.to_string());
    let end = Instant::now() + TIMEOUT;
    let ending = loop {
        assert!(Instant::now() < end, "the victim does not come to an end");
        let heard = play.hear(&mut victim, Duration::from_millis(1), |_| {
            // It may have the writer's lock, and is not dead.
            if dir.board().exists() {
                let refused = options.create::<u64>(NAME);
                assert!(matches!(refused, Err(ndsharray::Error::WriterExists { .. })), "{refused:?}");
            }
        });
        if let Err(ending) = heard {
            break ending;
        }
    };
    if ending == Ending::Natural {
        assert_eq!(dir.files(), [""; 0], "the victim was the last");
    }
    assert_eq!(watcher.latest().unwrap().unwrap().name(), next, "what has been read stays");
    let mut writer = options.create::<u64>(NAME).unwrap();
    writer.write(&shape_of(next + 1), &value(next + 1)).unwrap();
    let sample = loop {
        match watcher.wait(TIMEOUT) {
            Ok(sample) => break sample.expect("the next writer's value"),
            Err(ndsharray::Error::Closed { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!((sample.name(), sample.missed()), (next + 1, 0));
    drop(sample);
    drop(writer);
    assert_eq!(dir.files(), [""; 0]);
    ending
}
