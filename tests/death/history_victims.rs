//! Scenarios with a history, and with readers that must see every value.
//!
//! What must hold afterwards: a lossless reader misses nothing, whichever writer died, and where. A
//! dead lossless reader holds no writer up. A clean close leaves no file.

use crate::common::{NAME, Named, TIMEOUT, TestDir, shape_of, value};
use crate::sweep::{Ending, Play, Scenario, extra};
use ndsharray::{Error, Options, Reader, Writer};
use std::time::{Duration, Instant};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "keeping", play: keeping, only: "publish." },
    Scenario { name: "keeping", play: keeping, only: "gate." },
    Scenario { name: "keeping", play: keeping, only: "close." },
    Scenario { name: "keeping on", play: keeping_on, only: "inherit." },
    Scenario { name: "in order", play: in_order, only: "older." },
    #[cfg(unix)]
    Scenario { name: "overtaken in order", play: overtaken, only: "older." },
    Scenario { name: "lossless", play: lossless, only: "lossless." },
];

/// So few that a slot which is not given back is missed.
const SLOTS: usize = 6;

/// How long a write may wait here. A write that waits for a dead reader fails.
const LIMIT: Duration = Duration::from_millis(20);

fn waiting(dir: &TestDir) -> Options {
    dir.options().max_slots(SLOTS).history(3).wait_for_readers(LIMIT)
}

/// The lossless reader of a victim that writes.
struct Witness {
    reader: Reader,
    /// Name and number of the last value.
    last: (u64, u64),
}

impl Witness {
    fn new(dir: &TestDir) -> Self {
        Self { reader: dir.options().lossless(true).open(NAME).unwrap(), last: (0, 0) }
    }

    /// Reads all that there is; nothing is missed.
    fn read(&mut self) {
        loop {
            match self.reader.read_next() {
                Ok(Some(sample)) => {
                    assert_eq!((sample.seq(), sample.missed()), (self.last.1 + 1, 0));
                    assert!(sample.name() > self.last.0);
                    self.last = (sample.name(), sample.seq());
                }
                Ok(None) => return,
                Err(other) => panic!("the lossless reader: {other}"),
            }
        }
    }
}

/// The victim keeps values and waits for a lossless reader that is behind.
fn keeping(play: &mut Play) -> Ending {
    let dir = TestDir::new();
    keep_from(play, dir, None, 1)
}

/// The same for a victim that takes over from a writer which has died.
fn keeping_on(play: &mut Play) -> Ending {
    let dir = TestDir::new();
    let mut first = extra("keep-values 1 6", &dir, "");
    assert_eq!(first.hear(), "open");
    let witness = Witness::new(&dir);
    first.tell("go on");
    while first.hear() != "behind" {}
    first.kill();
    keep_from(play, dir, Some(witness), 1000)
}

fn keep_from(play: &mut Play, dir: TestDir, mut witness: Option<Witness>, first: u64) -> Ending {
    let mut victim = play.victim(&format!("keep-values {first} {SLOTS}"), &dir, "");
    let (mut open, mut done) = (false, 0);
    let end = Instant::now() + TIMEOUT;
    let ending = loop {
        assert!(Instant::now() < end, "the victim does not come to an end");
        let heard = play.hear(&mut victim, Duration::from_millis(1), |play| {
            if open && !play.is_for("close.unlocked") && dir.board().exists() {
                let refused = dir.options().create::<u8>(NAME);
                assert!(matches!(refused, Err(Error::WriterExists { .. })), "a second writer: {refused:?}");
            }
        });
        match heard {
            Ok(Some(line)) => match *line.split(' ').collect::<Vec<_>>().as_slice() {
                ["open"] => {
                    open = true;
                    witness.get_or_insert_with(|| Witness::new(&dir));
                    victim.tell("go on");
                }
                // It has waited in vain.
                ["behind"] => {
                    witness.as_mut().unwrap().read();
                    victim.tell("go on");
                }
                ["done", id, _] => done = id.parse().unwrap(),
                _ => {}
            },
            Ok(None) => {}
            Err(ending) => break ending,
        }
    };
    let mut writer = waiting(&dir).create::<u64>(NAME).unwrap();
    if let Some(witness) = &mut witness {
        witness.read();
        assert!(witness.last.0 >= done, "{} is the last, after {done}", witness.last.0);
        let next = 5000;
        for name in next..next + 3 * SLOTS as u64 {
            assert_eq!(writer.write(&shape_of(name), &value(name)).unwrap(), witness.last.1 + 1);
            witness.read();
        }
    }
    drop(writer);
    drop(witness);
    assert_eq!(dir.files(), [""; 0], "left after a clean close");
    ending
}

/// The living side of a victim that reads.
struct Stage {
    dir: TestDir,
    writer: Writer<u64>,
    next: u64,
}

impl Stage {
    fn new() -> Self {
        let dir = TestDir::new();
        let writer = waiting(&dir).create(NAME).unwrap();
        let mut stage = Self { dir, writer, next: 0 };
        (0..3).for_each(|_| assert!(stage.write()));
        stage
    }

    /// Whether the next value could be written: a living lossless reader may be behind.
    fn write(&mut self) -> bool {
        let next = self.next + 1;
        match self.writer.write(&shape_of(next), &value(next)) {
            Ok(seq) => {
                assert_eq!(seq, next);
                self.next = next;
                true
            }
            Err(Error::ReadersBehind { readers: 1, .. }) => false,
            Err(other) => panic!("cannot write: {other}"),
        }
    }

    /// Writes until the victim has come to an end, and looks at what that leaves.
    fn watch(mut self, play: &mut Play, role: &str, before: &str) -> Ending {
        let mut victim = play.victim(role, &self.dir, before);
        let end = Instant::now() + TIMEOUT;
        let ending = loop {
            assert!(Instant::now() < end, "the victim does not come to an end");
            let heard = play.hear(&mut victim, Duration::from_micros(500), |_| {
                for _ in 0..2 * SLOTS {
                    self.write();
                }
            });
            match heard {
                Ok(_) => {
                    for _ in 0..3 {
                        self.write();
                    }
                }
                Err(ending) => break ending,
            }
        };
        // No reader lives that would be waited for.
        let mut reader = self.dir.options().from_oldest(true).open(NAME).unwrap();
        (0..3 * SLOTS).for_each(|_| assert!(self.write(), "a dead reader is waited for"));
        let mut told = 0;
        while let Some(sample) = reader.read_next().unwrap() {
            assert_eq!(sample.name(), sample.seq());
            told = sample.seq();
        }
        assert_eq!(told, self.next);
        drop(self.writer);
        assert_eq!(self.dir.files(), [""; 0], "left after a clean close");
        ending
    }
}

fn in_order(play: &mut Play) -> Ending {
    Stage::new().watch(play, "read-in-order", "")
}

/// The victim stops before its pin, and finds that slot written anew.
#[cfg(unix)]
fn overtaken(play: &mut Play) -> Ending {
    Stage::new().watch(play, "read-in-order", "older.chosen:1:stop")
}

fn lossless(play: &mut Play) -> Ending {
    Stage::new().watch(play, "read-lossless", "")
}
