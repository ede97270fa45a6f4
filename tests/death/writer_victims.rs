//! Scenarios whose victim is a writer.
//!
//! What must hold afterwards: attached readers and new ones find the last value, whole. Held values
//! stay. A new writer takes over, numbers go on, readers follow. Pins of dead readers come back. A
//! clean close leaves no file.

use crate::common::wait_until;
#[cfg(unix)]
use crate::common::{Event, len_of};
use crate::common::{NAME, Named, Peer, TIMEOUT, TestDir, shape_of, value};
use crate::sweep::{Ending, Play, Scenario, extra};
use ndsharray::{Error, OwnedSample, Reader};
use std::cell::RefCell;
use std::fs;
use std::time::{Duration, Instant};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "fresh", play: fresh, only: "" },
    Scenario { name: "takeover", play: takeover, only: "" },
    Scenario { name: "retire", play: retire, only: "" },
    Scenario { name: "keep", play: keep, only: "" },
    Scenario { name: "crowded", play: crowded, only: "board." },
    Scenario { name: "attributes", play: attributes, only: "attributes." },
    Scenario { name: "records", play: records, only: "types." },
    Scenario { name: "records again", play: records_again, only: "types." },
    Scenario { name: "sleeper", play: sleeper, only: "" },
    #[cfg(unix)]
    Scenario { name: "refused", play: refused, only: "" },
    #[cfg(unix)]
    Scenario { name: "refused ahead", play: refused_ahead, only: "" },
    Scenario { name: "remove", play: remove, only: "" },
    Scenario { name: "anew", play: anew, only: "renew." },
];

/// Two that the test holds, the latest, and one to write.
///
/// With so few, a pin that does not come back is missed.
const SLOTS: usize = 4;

/// What the victim has said.
#[derive(Clone, Copy, Default)]
struct Told {
    open: bool,
    closing: bool,
    /// Its files have been removed.
    orphaned: bool,
    /// The last value whose publication has returned.
    done: Option<u64>,
    /// One whose publication had begun.
    trying: Option<u64>,
    seq: u64,
}

impl Told {
    fn note(&mut self, line: &str) {
        match *line.split(' ').collect::<Vec<_>>().as_slice() {
            ["open"] => self.open = true,
            ["closing"] => self.closing = true,
            ["ready"] => self.orphaned = true,
            ["try", id] => self.trying = Some(id.parse().unwrap()),
            ["done", id, seq] => {
                self.done = Some(id.parse().unwrap());
                self.seq = seq.parse().unwrap();
            }
            _ => {}
        }
    }
}

/// The world of the victim, and its watchers.
struct Stage {
    dir: TestDir,
    watchers: Vec<Reader>,
    held: Vec<(u64, OwnedSample)>,
    told: Told,
    /// Whether the channel was there, open or kept, before the victim came.
    found: bool,
    /// Whether the victim, or a writer before it, is about to end the channel.
    ending: bool,
    /// Whether each of the victim's values has attributes.
    with_attributes: bool,
    next: u64,
}

impl Stage {
    fn empty() -> Self {
        let told = Told::default();
        let (found, ending, with_attributes) = (false, false, false);
        Self { dir: TestDir::new(), watchers: vec![], held: vec![], told, found, ending, with_attributes, next: 1 }
    }

    /// A writer with `orders` has published three values and is gone.
    ///
    /// The first value is held here, the second by a reader that has been killed. Of two attached
    /// readers one has read the third.
    fn after(slots: usize, orders: &str) -> Self {
        let mut stage = Self::empty();
        let mut writer = extra(&format!("obey {slots}"), &stage.dir, orders);
        assert_eq!(writer.hear(), "open");
        let mut put = |id: u64| {
            assert_eq!(writer.ask(&format!("write {id}")), format!("try {id}"));
            assert_eq!(writer.hear(), format!("done {id} {id}"));
        };
        put(1);
        let options = stage.dir.options();
        let mut watchers = [options.open(NAME).unwrap(), options.open(NAME).unwrap()];
        stage.held.push((1, watchers[0].latest_owned().unwrap().unwrap()));
        put(2);
        let mut holder = extra("hold", &stage.dir, "");
        assert_eq!((holder.hear(), holder.ask("hold")), ("open".to_owned(), "holds 2".to_owned()));
        put(3);
        assert_eq!(watchers[0].latest().unwrap().unwrap().name(), 3);
        holder.kill();
        if orders.is_empty() {
            writer.kill();
        } else {
            // Its orders have it die in the middle of its end.
            assert!(!writer.end().success());
        }
        stage.watchers.extend(watchers);
        stage.told = Told { done: Some(3), seq: 3, ..Told::default() };
        stage.found = orders.is_empty();
        stage.ending = !orders.is_empty();
        stage.next = 10_000;
        stage
    }

    /// The names that a reader may find.
    fn allows(&self, name: u64) -> bool {
        Some(name) == self.told.done || Some(name) == self.told.trying
    }

    /// Whether a reader may find that there is no value.
    fn allows_nothing(&self) -> bool {
        self.told.done.is_none() || self.told.closing || self.told.orphaned || (self.ending && self.told.seq <= 3)
    }

    /// All readers, old and new, find the last value.
    fn look(&mut self) {
        for index in 0..self.watchers.len() {
            let sample = self.watchers[index].latest().unwrap();
            let found = sample.as_ref().map(Named::name);
            let has_attributes = sample.is_some_and(|sample| !sample.attributes().is_empty());
            let is_of_victim = found.is_some_and(|name| (1000..10_000).contains(&name));
            assert!(!self.with_attributes || has_attributes == is_of_victim, "the attributes of {found:?}");
            // One that came back too late for a whole channel is left with what it had.
            let stale = self.ending && self.told.closing && found == Some(3);
            // One whose board has lost its name has come no further.
            let stale = stale || self.told.orphaned;
            assert!(
                stale || found.map_or(self.allows_nothing(), |name| self.allows(name)),
                "watcher {index} finds {found:?}"
            );
        }
        match self.dir.options().open(NAME) {
            Ok(mut reader) => {
                let found = reader.latest().unwrap().map(|sample| sample.name());
                assert!(found.map_or(self.allows_nothing(), |name| self.allows(name)), "a new reader finds {found:?}");
            }
            Err(Error::NotFound { .. }) => {
                assert!(
                    !(self.told.open || self.found) || self.told.closing || self.told.orphaned || self.ending,
                    "a new reader finds no channel"
                );
            }
            Err(other) => panic!("a new reader: {other}"),
        }
        self.held.iter().for_each(|(name, sample)| assert_eq!(sample.name(), *name));
    }

    /// The victim has stopped, which is not death.
    fn look_while_stopped(&mut self, play: &Play) {
        self.look();
        // Once the board has lost its name, or before its lock is taken, or when it has been given
        // back, there is nothing to defend.
        let has_lock = !play.is_for("name.opened") && !play.is_for("close.unlocked");
        if self.told.open && self.dir.board().exists() && has_lock {
            let refused = self.dir.options().create::<u8>(NAME);
            assert!(matches!(refused, Err(Error::WriterExists { .. })), "a second writer: {refused:?}");
        }
    }

    /// The victim has died.
    fn go_on(mut self) {
        self.look();
        let head = fs::read(self.dir.board()).unwrap_or_default();
        let has_board = head.first_chunk::<8>().is_some_and(|magic| *magic != [0; 8]);
        let options = self.dir.options().max_slots(SLOTS);
        let mut writer = options.create::<u64>(NAME).unwrap();
        let mut next = self.next + 500;
        let mut put = || {
            next += 1;
            (next, writer.write(&shape_of(next), &value(next)).unwrap())
        };
        let (name, seq) = put();
        if has_board {
            // What a close has left goes when the last of its readers looks, which may have been
            // just now: then numbers begin anew.
            let has_gone = self.told.closing && seq == 1;
            assert!(seq > self.told.seq || has_gone, "number {seq} after {}", self.told.seq);
        } else {
            assert!(self.allows_nothing(), "the board has gone");
        }
        for (index, watcher) in self.watchers.iter_mut().enumerate() {
            let end = Instant::now() + TIMEOUT;
            loop {
                assert!(Instant::now() < end, "watcher {index} does not follow");
                match watcher.wait(Duration::from_millis(200)) {
                    Ok(Some(sample)) if sample.name() == name => {
                        assert_eq!(sample.seq(), seq);
                        break;
                    }
                    Ok(_) | Err(Error::Closed { .. }) => {}
                    Err(other) => panic!("watcher {index}: {other}"),
                }
            }
        }
        let mut fresh = self.dir.options().open(NAME).unwrap();
        let held = fresh.latest_owned().unwrap().unwrap();
        assert_eq!(held.name(), name);
        // With two values held, each write takes the one free slot: no dead reader may hold any.
        for _ in 0..3 * SLOTS {
            let (name, seq) = put();
            assert_eq!(fresh.latest().unwrap().map(|sample| (sample.name(), sample.seq())), Some((name, seq)));
        }
        let (last, _) = put();
        for watcher in self.watchers.iter_mut().chain([&mut fresh]) {
            assert_eq!(watcher.latest().unwrap().unwrap().name(), last);
        }
        assert_eq!(held.name(), name);
        self.held.iter().for_each(|(name, sample)| assert_eq!(sample.name(), *name));
        drop(writer);
        self.leaves_nothing();
    }

    /// What a close leaves for readers goes when they have come to it.
    ///
    /// Those of the scenario that still read may take a moment.
    fn leaves_nothing(&mut self) {
        self.watchers.clear();
        wait_until("nothing is left after a clean close", || self.dir.files().is_empty());
    }

    /// Lets the victim play its part to whatever end, and looks at what that leaves.
    fn watch(self, play: &mut Play, victim: &mut Peer) -> Ending {
        self.converse(play, victim, |_, _| {})
    }

    /// As [`watch`](Self::watch), with something to do at the victim's words.
    fn converse(self, play: &mut Play, victim: &mut Peer, mut act: impl FnMut(&str, &mut Peer)) -> Ending {
        let stage = RefCell::new(self);
        let end = Instant::now() + TIMEOUT;
        let ending = loop {
            assert!(Instant::now() < end, "the victim does not come to an end");
            let heard =
                play.hear(victim, Duration::from_micros(300), |play| stage.borrow_mut().look_while_stopped(play));
            match heard {
                Ok(Some(line)) => {
                    stage.borrow_mut().told.note(&line);
                    act(&line, victim);
                }
                Ok(None) => {}
                Err(ending) => break ending,
            }
        };
        act("ended", victim);
        let mut stage = stage.into_inner();
        match ending {
            Ending::Died => stage.go_on(),
            Ending::Natural => {
                stage.held.iter().for_each(|(name, sample)| assert_eq!(sample.name(), *name));
                stage.leaves_nothing();
            }
        }
        ending
    }
}

fn fresh(play: &mut Play) -> Ending {
    let stage = Stage::empty();
    let mut victim = play.victim(&format!("write 1 {SLOTS}"), &stage.dir, "");
    stage.watch(play, &mut victim)
}

fn takeover(play: &mut Play) -> Ending {
    let stage = Stage::after(SLOTS, "");
    let mut victim = play.victim(&format!("write 1000 {SLOTS}"), &stage.dir, "");
    stage.watch(play, &mut victim)
}

/// The victim describes its records, where a maker of descriptions has died.
fn records(play: &mut Play) -> Ending {
    let stage = Stage::empty();
    fs::write(types_of(&stage.dir), [0; 80]).unwrap();
    let mut victim = play.victim(&format!("records 1 {SLOTS}"), &stage.dir, "");
    stage.watch(play, &mut victim)
}

/// The victim goes on after a writer that died in the middle of a description.
fn records_again(play: &mut Play) -> Ending {
    let mut stage = Stage::empty();
    let mut writer = extra(&format!("records 1 {SLOTS}"), &stage.dir, "types.appended:2:kill");
    assert!(!writer.end().success());
    let mut types = fs::read(types_of(&stage.dir)).unwrap();
    types.extend([40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
    fs::write(types_of(&stage.dir), types).unwrap();
    let options = stage.dir.options();
    stage.watchers.extend([options.open(NAME).unwrap(), options.open(NAME).unwrap()]);
    stage.told = Told { done: Some(2), seq: 2, ..Told::default() };
    (stage.found, stage.next) = (true, 1000);
    let mut victim = play.victim(&format!("records 1000 {SLOTS}"), &stage.dir, "");
    stage.watch(play, &mut victim)
}

fn types_of(dir: &TestDir) -> std::path::PathBuf {
    dir.path().join(format!("{NAME}.ndsh-types"))
}

/// The victim wants another number of slots than a closing writer left.
///
/// So it replaces what was left for readers.
fn retire(play: &mut Play) -> Ending {
    let stage = Stage::after(SLOTS, "close.marked:1:kill");
    let mut victim = play.victim(&format!("write 1000 {}", SLOTS + 1), &stage.dir, "");
    stage.watch(play, &mut victim)
}

/// The files of the victim's channel are removed under it.
fn anew(play: &mut Play) -> Ending {
    let stage = Stage::after(SLOTS, "");
    let path = stage.dir.path().to_owned();
    let mut victim = play.victim(&format!("anew 1000 {SLOTS}"), &stage.dir, "");
    stage.converse(play, &mut victim, |line, victim| {
        if line == "ready" {
            for file in fs::read_dir(&path).unwrap() {
                crate::common::os::clear(&file.unwrap().path());
            }
            victim.tell("go on");
        }
    })
}

fn keep(play: &mut Play) -> Ending {
    let stage = Stage::after(SLOTS, "");
    let mut victim = play.victim(&format!("keep 1000 {SLOTS}"), &stage.dir, "");
    stage.watch(play, &mut victim)
}

/// The victim needs slots whose memory has not been set aside yet.
fn crowded(play: &mut Play) -> Ending {
    let stage = Stage::after(64, "");
    let mut victim = play.victim("write 1000 64", &stage.dir, "");
    stage.watch(play, &mut victim)
}

/// The victim's values have attributes, which readers find whole, and beside the right value.
fn attributes(play: &mut Play) -> Ending {
    let mut stage = Stage::after(SLOTS, "");
    stage.with_attributes = true;
    let mut victim = play.victim(&format!("write-attributes 1000 {SLOTS}"), &stage.dir, "");
    stage.watch(play, &mut victim)
}

/// The victim publishes while a reader sleeps.
fn sleeper(play: &mut Play) -> Ending {
    let stage = Stage::empty();
    let options = stage.dir.options();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let order = std::sync::atomic::Ordering::Relaxed;
            while !done.load(order) {
                let Ok(mut reader) = options.open_timeout(NAME, Duration::from_millis(5)) else { continue };
                let mut last = 0;
                while !done.load(order) {
                    match reader.wait(Duration::from_millis(20)) {
                        Ok(Some(sample)) => {
                            assert!(sample.name() > last);
                            last = sample.name();
                        }
                        Ok(None) => {}
                        Err(Error::Closed { .. }) => break,
                        Err(other) => panic!("{other}"),
                    }
                }
            }
        });
        let _done = Done(&done);
        let mut victim = play.victim("write-when-asleep 1", &stage.dir, "");
        stage.watch(play, &mut victim)
    })
}

struct Done<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

/// A reader pins the latest value before the victim writes there.
///
/// The victim finds the slot held.
#[cfg(unix)]
fn refused(play: &mut Play) -> Ending {
    // Large ones, all of which fit the same files: the third comes back to the first's.
    hold_late(play, |len| len > 2560)
}

/// The same where the victim wants to claim the slot along with a publication.
#[cfg(unix)]
fn refused_ahead(play: &mut Play) -> Ending {
    // Small ones: with the third, the first's slot is claimed for a later one.
    hold_late(play, |len| len <= 512)
}

/// It takes a reader that stops between its look and its pin.
#[cfg(unix)]
fn hold_late(play: &mut Play, wanted: fn(usize) -> bool) -> Ending {
    let stage = Stage::empty();
    let mut victim = play.victim(&format!("obey {SLOTS}"), &stage.dir, "");
    let ids: Vec<u64> = (1..).filter(|&id| wanted(len_of(id))).take(SLOTS + 2).collect();
    let mut holder: Option<Peer> = None;
    let path = stage.dir.path().to_owned();
    let mut done = 0;
    stage.converse(play, &mut victim, |line, victim| {
        if line == "ended" {
            // What the channel has left for it goes with it.
            if let Some(mut reader) = holder.take() {
                assert!(reader.end().success());
            }
        }
        if line != "open" && !line.starts_with("done") {
            return;
        }
        done += usize::from(line != "open");
        if done == 1 {
            let mut reader = Peer::start("hold", &path, |command| {
                command.env("NDSHARRAY_FAILPOINT", "pin.chosen:1:stop");
            });
            assert_eq!(reader.hear(), "open");
            reader.tell("hold");
            wait_until("it stops", || matches!(reader.poll(Duration::ZERO), Event::Stopped));
            holder = Some(reader);
        }
        if done == 2 {
            let reader = holder.as_mut().unwrap();
            reader.signal(libc::SIGCONT);
            assert_eq!(reader.hear(), format!("holds {}", ids[0]));
        }
        match ids.get(done) {
            Some(id) => victim.tell(&format!("write {id}")),
            None => {
                assert_eq!(holder.as_mut().unwrap().ask("check"), ids[0].to_string());
                victim.tell_no_more();
            }
        }
    })
}

/// The victim removes the channel of a dead writer.
fn remove(play: &mut Play) -> Ending {
    let mut stage = Stage::after(SLOTS, "");
    stage.ending = true;
    let mut victim = play.victim("remove", &stage.dir, "");
    stage.watch(play, &mut victim)
}
