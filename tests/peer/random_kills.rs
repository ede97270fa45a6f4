//! Writers and readers that are killed at random.
//!
//! A value is called by the number of its writer's run and its own number, so names grow from
//! writer to writer.

use crate::common::{Dice, NAME, Named, TIMEOUT, name_of, shape_of, value};
use ndsharray::{Error, Options, OwnedSample, Reader};
use std::time::Duration;

/// Runs among which one closes its channel now and then and creates it anew.
///
/// The numbers begin again then.
const CLOSE_EVERY: u64 = 4;

/// Publishes until it is killed.
pub(super) fn writer(options: &Options, run: u64) {
    let closes = run.is_multiple_of(CLOSE_EVERY);
    let mut dice = Dice::new(run);
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

/// Reads in all the ways there are until it is killed.
pub(super) fn reader(options: &Options, seed: u64) {
    let mut dice = Dice::new(seed);
    let mut seen = Seen::default();
    loop {
        let mut reader = match options.open_timeout(NAME, TIMEOUT) {
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

/// Takes every value, in all the ways there are, until it is killed.
pub(super) fn lossless_reader(options: &Options, seed: u64) {
    let options = options.clone().lossless(true);
    let mut dice = Dice::new(seed);
    loop {
        let mut reader = options.open_timeout(NAME, TIMEOUT).unwrap();
        let mut last = None;
        let mut held: Option<OwnedSample> = None;
        for _ in 0..dice.roll(400) {
            let (name, seq, missed) = match dice.roll(4) {
                0 => {
                    let sample = reader.wait_next_owned(TIMEOUT).unwrap().expect("a value");
                    let told = (sample.name(), sample.seq(), sample.missed());
                    held = Some(sample);
                    told
                }
                1 => {
                    let mut copy = Vec::<u64>::new();
                    let Some(info) = reader.read_next_into(&mut copy).unwrap() else { continue };
                    let bytes: Vec<u8> = copy.iter().flat_map(|word| word.to_ne_bytes()).collect();
                    (name_of(info.dtype, &info.shape, &bytes), info.seq, info.missed)
                }
                _ => {
                    let sample = reader.wait_next(TIMEOUT).unwrap().expect("a value");
                    (sample.name(), sample.seq(), sample.missed())
                }
            };
            assert_eq!((name, missed), (seq, 0), "before value {seq}");
            assert!(last.is_none_or(|last| seq == last + 1), "{seq} after {last:?}");
            last = Some(seq);
        }
        held.iter().for_each(|sample| assert_eq!(sample.name(), sample.seq()));
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

pub(crate) fn run_of(name: u64) -> u64 {
    name >> 32
}

/// What one reader has seen: never goes back.
#[derive(Default)]
pub(crate) struct Seen {
    name: u64,
    seq: u64,
    /// Whether the reader is a new one, to which nothing is old.
    anew: bool,
}

impl Seen {
    pub(crate) fn newer(&mut self, name: u64, seq: u64) {
        assert!(name > self.name || self.anew, "{name:#x} after {:#x}, which is not newer", self.name);
        self.at_least(name, seq);
    }

    pub(crate) fn at_least(&mut self, name: u64, seq: u64) {
        let (before, now) = (run_of(self.name), run_of(name));
        let made_anew = (before..=now).any(|run| run.is_multiple_of(CLOSE_EVERY));
        assert!(name >= self.name, "{name:#x} after {:#x}", self.name);
        assert!(seq >= self.seq || made_anew, "number {seq} ({name:#x}) after {} ({:#x})", self.seq, self.name);
        *self = Self { name, seq, anew: false };
    }
}
