//! The storm: writers and readers are killed at random, again and again, while others check all that they see.
//!
//! `NDSHARRAY_STORM_KILLS` sets how many are killed, `NDSHARRAY_STORM_SEED` what is random about it (but for the moments, which are the
//! machine's). Each value is called by the number of its writer's run and its own, so that names grow, whoever publishes.

use crate::common::{Child, Event, NAME, Named, PATIENCE, Room, name_of, shape_of, value, wait_until};
use ndsharray::{Error, Options, OwnedSample, Reader};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// Reading processes, each of which holds two values at most.
const READERS: usize = 3;

/// For each of them two, for each of two checkers one, the latest, and one to write: with one pin of the dead in the way a writer is stuck.
const SLOTS: usize = 2 * READERS + 2 + 2;

/// One run in so many closes its channel now and then and makes it anew; the numbers begin again then.
const CLOSE_EVERY: u64 = 4;

struct Dice(u64);

impl Dice {
    /// A number below `end`.
    fn roll(&mut self, end: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn run_of(name: u64) -> u64 {
    name >> 32
}

/// A child: publishes until it is killed.
pub(crate) fn writer(options: &Options, run: u64) {
    let closes = run.is_multiple_of(CLOSE_EVERY);
    let mut dice = Dice(run + 1);
    let mut names = run << 32 | 1..;
    loop {
        let mut writer = options.create::<u64>(NAME).unwrap();
        while !(closes && dice.roll(100) == 0) {
            let name = names.next().unwrap();
            if dice.roll(2) == 0 {
                writer.write(&shape_of(name), &value(name)).unwrap();
            } else {
                let mut loan = writer.loan(&shape_of(name)).unwrap();
                loan.as_mut_slice().copy_from_slice(&value(name));
                if dice.roll(10) != 0 {
                    loan.publish().unwrap();
                }
            }
            if dice.roll(4) == 0 {
                std::thread::sleep(Duration::from_micros(dice.roll(200)));
            }
        }
    }
}

/// A child: reads in all the ways there are until it is killed.
pub(crate) fn reader(options: &Options, seed: u64) {
    let mut dice = Dice(seed | 1);
    let mut seen = Seen::default();
    loop {
        let mut reader = match options.open_timeout(NAME, PATIENCE) {
            Ok(reader) => reader,
            Err(other) => panic!("cannot open: {other}"),
        };
        seen.anew = true;
        for _ in 0..dice.roll(40) {
            match read(&mut reader, &mut seen, dice.roll(4)) {
                Ok(()) | Err(Error::Closed { .. }) => {}
                Err(other) => panic!("cannot read: {other}"),
            }
        }
    }
}

fn read(reader: &mut Reader, seen: &mut Seen, way: u64) -> ndsharray::Result<()> {
    const A_MOMENT: Duration = Duration::from_millis(5);
    match way {
        0 => {
            if let Some(sample) = reader.wait(A_MOMENT)? {
                seen.newer(sample.name(), sample.seq());
            }
        }
        1 => {
            let first = reader.wait_owned(A_MOMENT)?;
            let second = reader.latest()?;
            let names = (first.as_ref().map(Named::name), second.as_ref().map(Named::name));
            std::thread::sleep(Duration::from_micros(100));
            assert_eq!(names, (first.as_ref().map(Named::name), second.as_ref().map(Named::name)));
            first.iter().for_each(|sample| seen.newer(sample.name(), sample.seq()));
            second.iter().for_each(|sample| seen.at_least(sample.name(), sample.seq()));
        }
        2 => {
            let mut copy = Vec::<u64>::new();
            if let Some(info) = reader.wait_into(&mut copy, A_MOMENT)? {
                let bytes: Vec<u8> = copy.iter().flat_map(|word| word.to_ne_bytes()).collect();
                seen.newer(name_of(info.dtype, &info.shape, &bytes), info.seq);
            }
        }
        _ => {
            let sample: Option<OwnedSample> = reader.latest_owned()?;
            let other = sample.clone();
            drop(sample);
            other.iter().for_each(|sample| seen.at_least(sample.name(), sample.seq()));
        }
    }
    Ok(())
}

/// What one reader has seen: never goes back.
#[derive(Default)]
struct Seen {
    name: u64,
    seq: u64,
    /// Whether the reader is a new one, to which nothing is old.
    anew: bool,
}

impl Seen {
    fn newer(&mut self, name: u64, seq: u64) {
        assert!(name > self.name || self.anew, "{name:#x} after {:#x}, which is not newer", self.name);
        self.at_least(name, seq);
    }

    fn at_least(&mut self, name: u64, seq: u64) {
        let (before, now) = (run_of(self.name), run_of(name));
        let made_anew = (before..=now).any(|run| run.is_multiple_of(CLOSE_EVERY));
        assert!(name >= self.name, "{name:#x} after {:#x}", self.name);
        assert!(seq >= self.seq || made_anew, "number {seq} ({name:#x}) after {} ({:#x})", self.seq, self.name);
        *self = Self { name, seq, anew: false };
    }
}

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

/// A reader that stays, whoever writes.
fn stay(options: &Options, checked: &Checked) {
    let mut reader = options.open_timeout(NAME, PATIENCE).unwrap();
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
            Ok(None) | Err(Error::NotFound { .. }) => assert!(found.elapsed() < PATIENCE, "no channel any more"),
            Err(other) => panic!("a reader that comes: {other}"),
        }
        std::thread::yield_now();
    }
}

pub(crate) fn random_kills() {
    let kills = setting("NDSHARRAY_STORM_KILLS").unwrap_or(60);
    let seed = setting("NDSHARRAY_STORM_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        now.as_nanos() as u64 >> 10 & 0xffff_ffff
    });
    println!("  NDSHARRAY_STORM_KILLS={kills} NDSHARRAY_STORM_SEED={seed}");
    let start = Instant::now();
    let mut dice = Dice(seed.wrapping_mul(2) | 1);
    let room = Room::new();
    let options = room.options().max_slots(SLOTS);
    let checked = Checked::default();
    let mut runs = 0;
    let mut start_writer = || {
        runs += 1;
        Child::start(&format!("storm-writer {runs} {SLOTS}"), room.path(), |_| {})
    };
    let start_reader = |seed| Child::start(&format!("storm-reader {seed}"), room.path(), |_| {});
    let mut killed = (0, 0);
    std::thread::scope(|scope| {
        let _done = Done(&checked);
        let checkers = [scope.spawn(|| stay(&options, &checked)), scope.spawn(|| come(&options, &checked))];
        let newest = || checked.newest.load(Ordering::Relaxed);
        let mut writer = start_writer();
        let mut readers: Vec<Child> = (0..READERS).map(|_| start_reader(dice.roll(u64::MAX >> 34))).collect();
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
        let mut holder = options.open_timeout(NAME, PATIENCE).unwrap();
        readers.iter_mut().for_each(Child::kill);
        writer.kill();
        let mut writer = options.create::<u64>(NAME).unwrap();
        let mut names = (killed.0 + 2) << 32..;
        let mut last = 0;
        let mut put = || {
            last = names.next().unwrap();
            writer.write(&shape_of(last), &value(last)).unwrap();
            last
        };
        // As many as the dead may have held, who hold them no longer.
        let held: Vec<(u64, OwnedSample)> =
            (0..2 * READERS).map(|_| (put(), holder.latest_owned().unwrap().unwrap())).collect();
        for _ in 0..3 * SLOTS {
            put();
        }
        held.iter().for_each(|(name, sample)| assert_eq!(sample.name(), *name));
        wait_until("the last value", || newest() == last);
        drop((held, holder, writer));
    });
    assert_eq!(room.files(), [""; 0], "left after the storm");
    let values = checked.values.load(Ordering::Relaxed);
    println!(
        "  {} writers and {} readers killed, {values} values checked, {:.1?}",
        killed.0,
        killed.1,
        start.elapsed()
    );
}
