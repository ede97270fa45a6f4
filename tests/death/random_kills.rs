//! Writers and readers are killed at random while checkers look at all values.
//!
//! A value is called by the number of its writer's run and its own number, so names grow from
//! writer to writer.

use crate::common::{Dice, Event, NAME, Named, Peer, TIMEOUT, TestDir, shape_of, stress, value, wait_until};
use crate::peer::random_kills::{Seen, run_of};
use ndsharray::{Error, Options, OwnedSample};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

/// Reading processes, each of which holds two values at most.
const READERS: usize = 3;

/// The slots that all pins need, and one to write.
///
/// Each reading process holds two, each of two checkers one, and one is the latest. A single pin of
/// a dead reader that stays blocks the writer.
const SLOTS: usize = 2 * READERS + 2 + 2;

/// What the checkers tell the rest.
#[derive(Default)]
struct Checked {
    done: AtomicBool,
    values: AtomicU64,
    newest: AtomicU64,
}

impl Checked {
    fn note(&self, name: u64) {
        self.values.fetch_add(1, Ordering::Relaxed);
        self.newest.fetch_max(name, Ordering::Relaxed);
    }
}

/// Ends the checkers, also when the rest fails.
struct Done<'a>(&'a Checked);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.done.store(true, Ordering::Relaxed);
    }
}

/// A reader that outlives all writers.
fn stay(options: &Options, checked: &Checked) {
    let mut reader = options.open_timeout(NAME, TIMEOUT).unwrap();
    let mut seen = Seen::default();
    while !checked.done.load(Ordering::Relaxed) {
        match reader.wait(Duration::from_millis(20)) {
            Ok(Some(sample)) => {
                seen.newer(sample.name(), sample.seq());
                checked.note(sample.name());
            }
            Ok(None) | Err(Error::Closed { .. }) => {}
            Err(other) => panic!("the reader that stays: {other}"),
        }
    }
}

/// Readers that come anew for each value.
fn come(options: &Options, checked: &Checked) {
    let mut seen = Seen::default();
    let mut found = Instant::now();
    for turn in 0_u64.. {
        if checked.done.load(Ordering::Relaxed) {
            return;
        }
        let opened = if turn % 4 == 0 { options.open_read_only(NAME) } else { options.open(NAME) };
        match opened.and_then(|mut reader| reader.latest_owned()) {
            Ok(Some(sample)) => {
                seen.at_least(sample.name(), sample.seq());
                checked.note(sample.name());
                found = Instant::now();
            }
            Ok(None) | Err(Error::NotFound { .. }) => assert!(found.elapsed() < TIMEOUT, "no channel any more"),
            Err(other) => panic!("a reader that comes: {other}"),
        }
        std::thread::yield_now();
    }
}

pub(crate) fn random_kills() {
    let kills = stress::RANDOM_KILLS.count();
    let seed = stress::seed();
    let start = Instant::now();
    let mut dice = Dice::new(seed);
    let dir = TestDir::new();
    let options = dir.options().max_slots(SLOTS);
    let checked = Checked::default();
    let mut runs = 0;
    let mut start_writer = || {
        runs += 1;
        Peer::start(&format!("random-writer {runs} {SLOTS}"), dir.path(), |_| {})
    };
    let start_reader = |seed| Peer::start(&format!("random-reader {seed}"), dir.path(), |_| {});
    let mut killed = (0, 0);
    std::thread::scope(|scope| {
        let _done = Done(&checked);
        let checkers = [scope.spawn(|| stay(&options, &checked)), scope.spawn(|| come(&options, &checked))];
        let newest = || checked.newest.load(Ordering::Relaxed);
        let mut writer = start_writer();
        let mut readers: Vec<Peer> = (0..READERS).map(|_| start_reader(dice.roll(u64::MAX >> 34))).collect();
        wait_until("the first value", || newest() > 0);
        while killed.0 + killed.1 < kills {
            std::thread::sleep(Duration::from_micros(dice.roll(4000)));
            for child in readers.iter_mut().chain([&mut writer]) {
                let event = child.poll(Duration::ZERO);
                assert!(matches!(event, Event::Quiet), "a child that was to live: {event:?}");
            }
            assert!(!checkers.iter().any(ScopedJoinHandle::is_finished), "a checker has failed");
            if dice.roll(2) == 0 {
                killed.0 += 1;
                writer.kill();
                writer = start_writer();
                if dice.roll(2) == 0 {
                    let run = killed.0 + 1;
                    wait_until("the new writer publishes", || run_of(newest()) == run);
                }
            } else {
                killed.1 += 1;
                let victim = &mut readers[dice.roll(READERS as u64) as usize];
                victim.kill();
                let before = newest();
                *victim = start_reader(dice.roll(u64::MAX >> 34));
                wait_until("the writer goes on", || newest() > before);
            }
        }
        let mut holder = options.open_timeout(NAME, TIMEOUT).unwrap();
        readers.iter_mut().for_each(Peer::kill);
        writer.kill();
        let mut writer = options.create::<u64>(NAME).unwrap();
        let mut names = (killed.0 + 2) << 32..;
        let mut last = 0;
        let mut put = || {
            last = names.next().unwrap();
            writer.write(&shape_of(last), &value(last)).unwrap();
            last
        };
        // As many as the dead readers can have held, which no longer hold any.
        let held: Vec<(u64, OwnedSample)> =
            (0..2 * READERS).map(|_| (put(), holder.latest_owned().unwrap().unwrap())).collect();
        for _ in 0..3 * SLOTS {
            put();
        }
        held.iter().for_each(|(name, sample)| assert_eq!(sample.name(), *name));
        wait_until("the last value", || newest() == last);
        drop((held, holder, writer));
    });
    assert_eq!(dir.files(), [""; 0], "left after the kills");
    let values = checked.values.load(Ordering::Relaxed);
    println!(
        "  {} writers and {} readers killed, {values} values checked, {:.1?}",
        killed.0,
        killed.1,
        start.elapsed()
    );
}
