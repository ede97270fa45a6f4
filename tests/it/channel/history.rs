//! Values that are kept, and readers that take them in order.

use crate::channel::support::{NAME, TIMEOUT, TestDir, overwrite, peek};
use crate::peer::channel;
use ndsharray::{Error, HeaderError, Options, Reader, Writer};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

const A_MOMENT: Duration = Duration::from_millis(20);

/// Where the fields stand, see `docs/FORMAT.md`.
const SLOTS: u64 = 128;
const SLOT: u64 = 576;
const CELL: u64 = 560;

fn keeping(dir: &TestDir, history: usize) -> Writer<u64> {
    dir.options().history(history).create(NAME).unwrap()
}

fn oldest(dir: &TestDir) -> Reader {
    dir.options().from_oldest(true).open(NAME).unwrap()
}

fn put(writer: &mut Writer<u64>, values: impl IntoIterator<Item = u64>) {
    for value in values {
        assert_eq!(writer.write(&[1], &[value]).unwrap(), value);
    }
}

/// The next value in order: its number, which is also its element, and how many were missed.
fn next(reader: &mut Reader) -> Option<(u64, u64)> {
    reader.read_next().unwrap().map(|sample| {
        assert_eq!(sample.view::<u64>().unwrap()[[0]], sample.seq());
        (sample.seq(), sample.missed())
    })
}

/// All that follows, if none of it is missed.
fn rest(reader: &mut Reader) -> Vec<u64> {
    std::iter::from_fn(|| next(reader))
        .map(|(seq, missed)| {
            assert_eq!(missed, 0, "before {seq}");
            seq
        })
        .collect()
}

#[test]
fn values_come_in_order_and_none_is_missed() {
    let dir = TestDir::new();
    let mut writer = keeping(&dir, 8);
    let mut reader = dir.reader();
    assert_eq!(next(&mut reader), None);
    for round in 0..50 {
        put(&mut writer, round * 8 + 1..=round * 8 + 8);
        assert_eq!(rest(&mut reader), (round * 8 + 1..=round * 8 + 8).collect::<Vec<_>>());
    }
    assert_eq!(reader.seq(), Some(400));
}

#[test]
fn what_has_gone_is_counted() {
    let dir = TestDir::new();
    let mut writer = keeping(&dir, 4);
    let mut reader = dir.reader();
    put(&mut writer, 1..=1000);
    let (first, missed) = next(&mut reader).unwrap();
    assert!(first <= 997, "the last four are kept");
    assert_eq!(missed, first - 1);
    assert_eq!(rest(&mut reader), (first + 1..=1000).collect::<Vec<_>>());
}

#[test]
fn one_cursor_serves_all_ways_to_read() {
    let dir = TestDir::new();
    let mut writer = keeping(&dir, 16);
    let mut reader = dir.reader();
    put(&mut writer, 1..=5);
    assert_eq!(next(&mut reader), Some((1, 0)));
    let current = reader.read().unwrap().map(|sample| (sample.seq(), sample.missed()));
    assert_eq!(current, Some((5, 3)), "the current one is newer than the first");
    assert_eq!(next(&mut reader), None, "it never goes back");
    put(&mut writer, 6..=9);
    assert_eq!(next(&mut reader), Some((6, 0)));
    assert_eq!(reader.seq(), Some(6));
    assert_eq!(reader.latest().unwrap().unwrap().seq(), 9);
    assert_eq!(next(&mut reader), None);
    put(&mut writer, 10..=12);
    assert!(reader.wait_for_news(Duration::ZERO).unwrap());
    let owned = reader.read_next_owned().unwrap().unwrap();
    assert_eq!((owned.seq(), owned.missed()), (10, 0));
    assert_eq!(reader.wait_next(Duration::ZERO).unwrap().unwrap().seq(), 11);
    assert_eq!(reader.wait_next_owned(Duration::ZERO).unwrap().unwrap().seq(), 12);
    assert!(reader.wait_next(A_MOMENT).unwrap().is_none());
    assert!(reader.wait(Duration::ZERO).unwrap().is_none());
}

#[test]
fn a_reader_begins_with_the_current_value_or_the_oldest() {
    let dir = TestDir::new();
    let mut writer = keeping(&dir, 6);
    let mut early = oldest(&dir);
    put(&mut writer, 1..=100);
    let mut current = dir.reader();
    assert_eq!(rest(&mut current), [100]);
    let all = rest(&mut oldest(&dir));
    assert!(all.starts_with(&[all[0]]) && all[0] <= 95 && all.ends_with(&[95, 96, 97, 98, 99, 100]));
    let (first, missed) = next(&mut early).unwrap();
    assert_eq!(missed, first - 1, "it counts from its opening on");
}

#[test]
fn copies_come_in_order_too() {
    let dir = TestDir::new();
    let mut writer = keeping(&dir, 8);
    let read_only = |options: Options| options.open_read_only(NAME).unwrap();
    let mut reader = read_only(dir.options());
    put(&mut writer, 1..=8);
    let mut out = Vec::<u64>::new();
    for number in 1..=3 {
        let info = reader.read_next_into(&mut out).unwrap().unwrap();
        assert_eq!((info.seq, info.missed, out.as_slice()), (number, 0, [number].as_slice()));
    }
    assert_eq!(reader.read_next_owned().unwrap().unwrap().seq(), 4);
    assert_eq!(reader.wait_next_owned(Duration::ZERO).unwrap().unwrap().seq(), 5);
    assert_eq!(reader.read_into(&mut out).unwrap().map(|info| (info.seq, info.missed)), Some((8, 2)));
    assert!(reader.read_next_into(&mut out).unwrap().is_none());
    assert!(matches!(reader.read_next(), Ok(None)));
    put(&mut writer, [9]);
    assert!(matches!(reader.read_next(), Err(Error::Unsupported { .. })), "no view without a pin");
    let mut old = read_only(dir.options().from_oldest(true));
    assert!(old.read_next_into(&mut out).unwrap().unwrap().seq <= 2);
    // A reader that pins may copy as well.
    assert_eq!(dir.reader().read_next_into(&mut out).unwrap().unwrap().seq, 9);
}

#[test]
fn sizes_may_change_along_the_history() {
    let dir = TestDir::new();
    let mut writer = dir.options().history(10).create_any(NAME).unwrap();
    let mut reader = dir.reader();
    let sizes = [1_usize, 100_000, 3, 70_000, 300_000, 2, 17_000, 1, 90_000, 5];
    for round in 0..6 {
        for (size, fill) in sizes.iter().zip(round..) {
            writer.write_bytes(ndsharray::DType::U8, &[*size], &vec![fill; *size]).unwrap();
        }
        for (size, fill) in sizes.iter().zip(round..) {
            let sample = reader.read_next().unwrap().unwrap();
            assert_eq!((sample.shape(), sample.missed()), ([*size].as_slice(), 0));
            assert!(sample.as_bytes().iter().all(|&byte| byte == fill));
        }
    }
    assert!(reader.read_next().unwrap().is_none());
}

/// A sleeping reader that is woken gets all that stands.
///
/// A hundred bursts of three values each, as quickly as a writer can.
#[test]
fn a_burst_reaches_a_sleeping_reader_whole() {
    let dir = TestDir::new();
    let mut writer = keeping(&dir, 8);
    let mut reader = dir.reader();
    let (bursts, read) = (100, AtomicU64::new(0));
    thread::scope(|scope| {
        let reading = scope.spawn(|| {
            for number in 1..=bursts * 3 {
                let sample = reader.wait_next(TIMEOUT).unwrap().expect("a value");
                assert_eq!((sample.seq(), sample.missed()), (number, 0));
                drop(sample);
                read.store(number, Ordering::Release);
            }
        });
        for burst in 0..bursts {
            put(&mut writer, burst * 3 + 1..=burst * 3 + 3);
            while read.load(Ordering::Acquire) < burst * 3 + 3 && !reading.is_finished() {
                thread::yield_now();
            }
        }
    });
    assert_eq!(read.into_inner(), bursts * 3);
}

#[test]
fn a_flood_does_not_stop_for_a_reader_that_has() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(8).history(6).create::<u64>(NAME).unwrap();
    put(&mut writer, 1..=10);
    let mut stopped = oldest(&dir);
    // One of its values is held for good.
    let held = stopped.read_next_owned().unwrap().unwrap();
    let mut idle = oldest(&dir);
    put(&mut writer, 11..=20_000);
    assert_eq!(held.view::<u64>().unwrap()[[0]], held.seq());
    for reader in [&mut stopped, &mut idle] {
        let (first, missed) = next(reader).unwrap();
        assert!((19_000..=19_996).contains(&first) && missed > 19_000, "{first}");
        assert_eq!(rest(reader), (first + 1..=20_000).collect::<Vec<_>>());
    }
}

#[test]
fn a_reader_beside_a_flood_adds_up() {
    let dir = TestDir::new();
    let mut writer = keeping(&dir, 16);
    let values = 20_000;
    let (start, over) = (Barrier::new(3), AtomicBool::new(false));
    let read_all = |mut reader: Reader, copies: bool| {
        start.wait();
        let (mut told, mut out) = (0, Vec::<u64>::new());
        while told < values {
            let done = over.load(Ordering::Acquire);
            let (seq, missed) = if copies {
                match reader.read_next_into(&mut out).unwrap() {
                    Some(info) => (out[0], info.missed),
                    None if done => break,
                    None => continue,
                }
            } else {
                match next(&mut reader) {
                    Some(found) => found,
                    None if done => break,
                    None => continue,
                }
            };
            told += missed + 1;
            assert_eq!(seq, told, "seen and missed add up");
        }
        assert_eq!(told, values);
    };
    thread::scope(|scope| {
        let pinning = dir.reader();
        let copying = dir.options().open_read_only(NAME).unwrap();
        scope.spawn(|| read_all(pinning, false));
        scope.spawn(|| read_all(copying, true));
        start.wait();
        put(&mut writer, 1..=values);
        over.store(true, Ordering::Release);
    });
}

#[test]
fn pins_win_over_the_history() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(6).history(4).create::<u64>(NAME).unwrap();
    let mut reader = dir.reader();
    let mut held = Vec::new();
    for number in 1..=4 {
        put(&mut writer, [number]);
        held.push(reader.read_next_owned().unwrap().unwrap());
    }
    put(&mut writer, 5..=20);
    assert!(held.iter().zip(1..).all(|(sample, n)| sample.view::<u64>().unwrap()[[0]] == n));
    let (first, _) = next(&mut reader).unwrap();
    assert!(first >= 19, "two slots are left for the history");
    assert_eq!(rest(&mut reader), (first + 1..=20).collect::<Vec<_>>());
}

#[test]
fn more_history_than_slots_is_refused() {
    let dir = TestDir::new();
    for (slots, history) in [(64, 63), (4, 3), (8, 0), (3, 2)] {
        let refused = dir.options().max_slots(slots).history(history).create::<u8>(NAME);
        assert!(
            matches!(refused, Err(Error::InvalidOption { option: "history", found, min: 1, max, .. })
                if found == history && max == slots - 2),
            "{refused:?}"
        );
    }
    assert_eq!(dir.files(), [""; 0]);
    // Nor is a board taken over that has too few slots for it.
    dir.options().max_slots(4).persist(true).create::<u64>(NAME).unwrap().write(&[1], &[1]).unwrap();
    let refused = dir.options().history(3).create::<u64>(NAME);
    assert!(matches!(refused, Err(Error::InvalidOption { option: "history", found: 3, max: 2, .. })), "{refused:?}");
    assert_eq!(dir.reader().latest().unwrap().unwrap().seq(), 1, "it stays as it was");
    let mut writer = keeping(&dir, 2);
    assert_eq!(writer.write(&[1], &[2]).unwrap(), 2);
    assert_eq!(rest(&mut oldest(&dir)).last(), Some(&2));
}

#[test]
fn without_a_history_the_current_value_is_the_next() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u64>();
    let mut reader = dir.reader();
    put(&mut writer, 1..=7);
    assert_eq!(next(&mut reader), Some((7, 6)));
    assert_eq!(next(&mut reader), None);
    assert_eq!(rest(&mut oldest(&dir)), [7]);
}

#[test]
fn a_damaged_cell_is_an_error_and_the_last_value_stays() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(8).history(6).create::<u64>(NAME).unwrap();
    let mut reader = dir.reader();
    let mut copies = dir.options().open_read_only(NAME).unwrap();
    put(&mut writer, 1..=6);
    let at = |number: u64| SLOTS + SLOT * (number % 8) + CELL;
    let good = peek(&dir.board(), at(1), 8);
    let bad = |number: u64, slot: u64| number << 6 | slot;
    for (holds, found, slot) in [(bad(2, 1), 2, 1), (bad(1 + 8 * 1000, 3), 8001, 3), (bad(1, 8), 1, 8)] {
        overwrite(&dir.board(), at(1), &holds.to_ne_bytes());
        let is_it = |error: &Error| {
            let expected = HeaderError::Cell { number: 1, cell: 1, found, slot };
            matches!(error, Error::Corrupt(error) if *error == expected)
        };
        assert!(reader.read_next().is_err_and(|error| is_it(&error)));
        assert!(copies.read_next_owned().is_err_and(|error| is_it(&error)));
        assert!(reader.wait_next(TIMEOUT).is_err_and(|error| is_it(&error)));
    }
    for holds in [0, bad(1 + 8, 3)] {
        // A value that was never kept, or one that its writer is about to name.
        overwrite(&dir.board(), at(1), &u64::to_ne_bytes(holds));
        assert_eq!(dir.reader().latest().unwrap().unwrap().seq(), 6);
    }
    overwrite(&dir.board(), at(1), &bad(2, 1).to_ne_bytes());
    assert!(reader.read_next().is_err());
    let last = reader.latest().unwrap().map(|sample| (sample.seq(), sample.missed()));
    assert_eq!(last, Some((6, 5)));
    assert_eq!(copies.latest_owned().unwrap().unwrap().seq(), 6);
    put(&mut writer, [7, 8]);
    assert_eq!(rest(&mut reader), [7, 8]);
    overwrite(&dir.board(), at(1), &good);
    assert!(!rest(&mut oldest(&dir)).is_empty());
}

#[test]
fn a_damaged_value_is_reported_once_and_counts_as_missed() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(8).history(6).create::<u64>(NAME).unwrap();
    let mut reader = dir.reader();
    let mut copies = dir.options().open_read_only(NAME).unwrap();
    put(&mut writer, 1..=3);
    let slot_of = |number: u64| {
        let at = (0..8).map(|slot| SLOTS + SLOT * slot).find(|&at| peek(&dir.board(), at, 8) == number.to_ne_bytes());
        at.unwrap()
    };
    const TAG: u64 = 40;
    for number in [2, 3] {
        overwrite(&dir.board(), slot_of(number) + TAG, &[0]);
    }
    assert_eq!(next(&mut reader), Some((1, 0)));
    assert_eq!(copies.read_next_owned().unwrap().unwrap().seq(), 1);
    for _ in 2..=3 {
        assert!(matches!(reader.read_next(), Err(Error::Corrupt(HeaderError::DType { tag: 0 }))));
        assert!(matches!(copies.read_next_owned(), Err(Error::Corrupt(HeaderError::DType { tag: 0 }))));
    }
    assert!(matches!(reader.wait_next(A_MOMENT), Ok(None)), "it is passed over");
    assert!(matches!(copies.wait_next_owned(A_MOMENT), Ok(None)));
    put(&mut writer, [4]);
    assert_eq!(next(&mut reader), Some((4, 2)));
    assert_eq!(copies.read_next_owned().unwrap().unwrap().missed(), 2);
}

#[test]
fn a_value_too_large_is_passed_over() {
    let dir = TestDir::new();
    let mut writer = keeping(&dir, 6);
    let mut reader = dir.options().max_value_bytes(16).open(NAME).unwrap();
    writer.write(&[1], &[1]).unwrap();
    writer.write(&[3], &[2; 3]).unwrap();
    writer.write(&[1], &[3]).unwrap();
    assert_eq!(next(&mut reader), Some((1, 0)));
    assert!(matches!(reader.read_next(), Err(Error::ValueTooLarge { found: 24, max: 16, .. })));
    assert_eq!(next(&mut reader), Some((3, 1)));
}

#[test]
fn a_close_leaves_what_has_not_been_read() {
    let dir = TestDir::new();
    let mut writer = keeping(&dir, 5);
    let (mut fast, mut slow) = (dir.reader(), dir.reader());
    put(&mut writer, 1..=20);
    assert_eq!(fast.read().unwrap().unwrap().seq(), 20);
    put(&mut writer, [21, 22]);
    assert_eq!(rest(&mut fast), [21, 22]);
    writer.close().unwrap();
    assert!(matches!(fast.wait_next(TIMEOUT), Err(Error::Closed { .. })));
    assert_eq!(dir.payloads().len(), 5, "the history, for the one that is behind");
    let (first, missed) = next(&mut slow).unwrap();
    assert_eq!((first, missed), (18, 17));
    assert!(!slow.is_closed());
    assert_eq!(slow.wait_next(TIMEOUT).unwrap().unwrap().seq(), 19);
    assert_eq!(rest(&mut slow), [20, 21, 22]);
    assert_eq!(dir.files(), [""; 0], "nobody is behind any more");
    assert!(matches!(slow.wait_next(TIMEOUT), Err(Error::Closed { .. })));
    assert!(matches!(slow.wait_next(A_MOMENT), Ok(None)), "once for each close");
}

#[test]
fn a_close_leaves_only_what_a_reader_has_not_read() {
    let dir = TestDir::new();
    let mut writer = keeping(&dir, 5);
    let mut reader = dir.reader();
    put(&mut writer, 1..=9);
    assert!(next(&mut reader).unwrap().0 <= 5);
    while reader.seq() < Some(7) {
        next(&mut reader).unwrap();
    }
    writer.close().unwrap();
    assert_eq!(dir.payloads().len(), 2);
    assert_eq!(rest(&mut reader), [8, 9]);
    assert_eq!(dir.files(), [""; 0]);
}

#[test]
fn what_persists_has_its_history() {
    let dir = TestDir::new();
    let mut writer = dir.options().history(3).persist(true).create::<u64>(NAME).unwrap();
    put(&mut writer, 1..=20);
    drop(writer);
    assert_eq!(rest(&mut oldest(&dir)), [18, 19, 20]);
    let mut reader = oldest(&dir);
    assert_eq!(next(&mut reader), Some((18, 0)));
    // A next writer keeps as much of it as its own history is long, and what a reader has not read.
    let mut writer = keeping(&dir, 2);
    assert_eq!(rest(&mut reader), [19, 20]);
    put(&mut writer, [21]);
    assert_eq!(rest(&mut reader), [21]);
    assert_eq!(rest(&mut oldest(&dir)), [20, 21]);
}

#[test]
fn a_takeover_keeps_the_history() {
    let dir = TestDir::new();
    let mut dead = channel::start(&dir);
    assert_eq!(dead.ask("create-keeping 5"), "ok");
    let mut reader = dir.reader();
    for number in 1..=12 {
        assert_eq!(dead.ask(&format!("write uint64 [1] {number}")), number.to_string());
    }
    dead.kill();
    let mut writer = keeping(&dir, 4);
    assert_eq!(writer.write(&[1], &[13]).unwrap(), 13);
    let mut seen = Vec::new();
    while let Some(sample) = reader.read_next().unwrap() {
        seen.push((sample.seq(), sample.epoch()));
    }
    assert!(seen.ends_with(&[(10, 1), (11, 1), (12, 1), (13, 2)]), "four with the new one: {seen:?}");
    put(&mut writer, 14..=40);
    assert_eq!(dir.payloads().len(), dir.payloads().iter().collect::<std::collections::HashSet<_>>().len());
    assert_eq!(rest(&mut oldest(&dir)).last(), Some(&40));
    drop(writer);
    drop(reader);
    assert_eq!(dir.files(), [""; 0]);
}
