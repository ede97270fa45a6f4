//! The ledger: what readers see and miss adds up, whatever becomes of writers.
//!
//! Closes, restarts, takeovers, kills and removals come at random, and two readers are there all
//! along. At each of their reads, the values that they have seen and those that they were told to
//! have missed add up to what was published.
//!
//! A reader has one duty: it must look once while a board is there that it has never seen. That is
//! the case where a channel went without leaving anything, because all readers had come to its end,
//! and where a writer wanted more slots than the board had. A reader cannot know what comes and
//! goes between two of its looks.

use crate::common::{Dice, NAME, Peer, TIMEOUT, TestDir, stress};
use ndsharray::inspect::Kind;
use ndsharray::{Error, Options, Reader, Sample, Writer};
use std::collections::HashSet;
use std::fs;
use std::time::Duration;

fn geometry(dice: &mut Dice, options: &Options) -> Options {
    let options = options.clone().persist(dice.roll(8) == 0);
    if dice.roll(3) == 0 { options.max_slots(8).max_readers(16) } else { options }
}

/// A reader, and what it has been told.
struct Account {
    reader: Reader,
    copies: bool,
    seen: u64,
    missed: u64,
    names: HashSet<(u128, u64)>,
}

impl Account {
    fn new(reader: Reader, copies: bool) -> Self {
        Self { reader, copies, seen: 0, missed: 0, names: HashSet::new() }
    }

    /// Reads in one way, and returns whether there was a value.
    ///
    /// The account adds up to what was `published`.
    fn read(&mut self, way: u64, published: u64) -> bool {
        let answer = match way {
            0 => self.reader.read_owned(),
            1 => self.reader.wait_owned(Duration::ZERO),
            2 => self.reader.wait_owned(Duration::from_micros(300)),
            _ if self.copies => self.reader.latest_owned(),
            _ => self.reader.latest().map(|sample| sample.map(Sample::into_owned)),
        };
        let found = match answer {
            Ok(found) => found,
            Err(Error::Closed { .. }) => None,
            Err(other) => panic!("{other}"),
        };
        let Some(sample) = found else { return false };
        let is_new = self.names.insert((sample.incarnation().as_u128(), sample.seq()));
        assert!(is_new || way > 2, "a value for the second time");
        self.seen += u64::from(is_new);
        self.missed += sample.missed();
        assert_eq!(self.seen + self.missed, published, "{} seen and {} missed", self.seen, self.missed);
        true
    }
}

/// Which board has the name: its channel id, and its slots.
fn board(dir: &TestDir) -> Option<(u128, u32)> {
    let head = fs::read(dir.board()).ok()?;
    let id = head.get(16..32)?.try_into().ok().map(u128::from_ne_bytes)?;
    Some((id, u32::from_ne_bytes(head.get(32..36)?.try_into().ok()?)))
}

/// The number of the current value, from any writer.
fn last_number(options: &Options) -> u64 {
    options.look(NAME, Kind::Channel).unwrap().value.map_or(0, |value| value.seq.unwrap())
}

pub(crate) fn everything_adds_up() {
    let ends = stress::LEDGER_ENDS.count();
    let mut dice = Dice::new(stress::seed());
    let dir = TestDir::new();
    let options = dir.options();
    let mut writer: Writer<u64> = options.create(NAME).unwrap();
    let mut published = 0;
    let mut accounts = [
        Account::new(options.open(NAME).unwrap(), false),
        Account::new(options.open(NAME).unwrap(), false),
        Account::new(options.open_read_only(NAME).unwrap(), true),
    ];
    let (mut closes, mut kills, mut removals, mut anew) = (0, 0, 0, 0);
    for _ in 0..ends {
        for _ in 0..dice.roll(6) {
            writer.write(&[1], &[0]).unwrap();
            published += 1;
            for account in &mut accounts {
                if dice.roll(3) == 0 {
                    account.read(dice.roll(4), published);
                }
            }
        }
        writer.close().unwrap();
        closes += 1;
        if dice.roll(4) == 0 {
            let before = if dir.board().exists() { last_number(&options) } else { 0 };
            if board(&dir).is_none_or(|(_, slots)| slots < 64) {
                // Its board will be a new one, at which all are going to look: what they may still
                // have of the one before comes first.
                accounts.iter_mut().for_each(|account| while account.read(0, published) {});
            }
            let mut child = Peer::start("ledger-writer", dir.path(), |_| {});
            let start: u64 = child.hear().parse().unwrap();
            // The numbers go on, or begin anew because nothing was left.
            assert!(start == before || start == 0, "{start} after {before}");
            for account in &mut accounts {
                // A look while it writes: that it adds up is found at the next read.
                match account.reader.wait_for_news(TIMEOUT) {
                    Ok(_) | Err(Error::Closed { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            std::thread::sleep(Duration::from_micros(dice.roll(500)));
            child.kill();
            kills += 1;
            published += last_number(&options) - start;
            if dice.roll(2) == 0 {
                accounts.iter_mut().for_each(|account| {
                    account.read(0, published);
                });
            }
        } else if dice.roll(10) == 0 && dir.board().exists() {
            options.remove(NAME).unwrap();
            removals += 1;
        } else {
            for account in &mut accounts {
                if dice.roll(3) == 0 {
                    account.read(dice.roll(4), published);
                }
            }
        }
        let before = board(&dir);
        writer = geometry(&mut dice, &options).create(NAME).unwrap();
        if board(&dir) != before {
            anew += 1;
            // What it may still have of the channel before comes first.
            accounts.iter_mut().for_each(|account| while account.read(0, published) {});
        }
    }
    writer.write(&[1], &[0]).unwrap();
    published += 1;
    for account in &mut accounts {
        account.read(1, published);
        assert_eq!(account.seen + account.missed, published);
    }
    let [first, ..] = &accounts;
    println!(
        "  {closes} closes, {kills} kills, {removals} removals, {anew} begun anew; {published} published, {} seen, {} missed",
        first.seen, first.missed
    );
    writer.close().unwrap();
    drop(accounts);
    // What the last writer left on purpose.
    let _ = options.remove(NAME);
    assert_eq!(dir.files(), [""; 0]);
}
