//! Readers that must see every value, and the writer that waits for them.

use crate::channel::support::{NAME, TIMEOUT, TestDir, wait_until};
use crate::peer::channel;
use ndsharray::{Error, Options, Reader, Writer};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const A_MOMENT: Duration = Duration::from_millis(20);

fn waiting(dir: &TestDir, slots: usize, limit: Duration) -> Writer<u64> {
    dir.options().max_slots(slots).wait_for_readers(limit).create(NAME).unwrap()
}

fn lossless(options: Options) -> Reader {
    options.lossless(true).open(NAME).unwrap()
}

fn put(writer: &mut Writer<u64>, values: impl IntoIterator<Item = u64>) {
    for value in values {
        assert_eq!(writer.write(&[1], &[value]).unwrap(), value);
    }
}

/// The next value, before which none has been missed.
fn next(reader: &mut Reader) -> Option<u64> {
    reader.read_next().unwrap().map(|sample| {
        assert_eq!((sample.view::<u64>().unwrap()[[0]], sample.missed()), (sample.seq(), 0));
        sample.seq()
    })
}

#[test]
fn a_write_waits_for_a_lossless_reader_and_says_so_in_the_end() {
    let dir = TestDir::new();
    let mut writer = waiting(&dir, 6, A_MOMENT);
    let mut reader = lossless(dir.options());
    put(&mut writer, 1..=6);
    for _ in 0..2 {
        let begin = Instant::now();
        let error = writer.write(&[1], &[7]).unwrap_err();
        assert!(begin.elapsed() >= A_MOMENT);
        assert!(
            matches!(error, Error::ReadersBehind { readers: 1, behind: 6, waited, .. } if waited == A_MOMENT),
            "{error:?}"
        );
        assert_eq!(writer.seq(), 6, "nothing was written");
    }
    assert!(matches!(writer.loan(&[1]), Err(Error::ReadersBehind { .. })));
    assert_eq!(next(&mut reader), Some(1));
    // Its sample is dropped, so that its slot is free.
    put(&mut writer, [7]);
    assert!(matches!(writer.write(&[1], &[8]), Err(Error::ReadersBehind { readers: 1, behind: 6, .. })));
    assert_eq!(std::iter::from_fn(|| next(&mut reader)).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
    put(&mut writer, 8..=13);
    drop(reader);
    put(&mut writer, 14..=40);
}

#[test]
fn a_read_lets_a_sleeping_writer_go_on() {
    let dir = TestDir::new();
    let mut writer = waiting(&dir, 4, TIMEOUT);
    let mut reader = lossless(dir.options());
    put(&mut writer, 1..=4);
    let written = AtomicU64::new(4);
    thread::scope(|scope| {
        scope.spawn(|| {
            for value in 5..=200 {
                put(&mut writer, [value]);
                written.store(value, Ordering::Release);
            }
        });
        for number in 1..=200 {
            let sample = reader.wait_next(TIMEOUT).unwrap().expect("a value");
            assert_eq!((sample.seq(), sample.missed()), (number, 0));
            assert!(written.load(Ordering::Acquire) <= number + 3, "it is four values ahead at most");
            drop(sample);
            if number.is_multiple_of(50) {
                thread::sleep(A_MOMENT);
            }
        }
    });
}

#[test]
fn a_write_waits_for_the_value_that_a_lossless_reader_holds() {
    for limit in [A_MOMENT, TIMEOUT] {
        let dir = TestDir::new();
        let mut writer = waiting(&dir, 3, limit);
        put(&mut writer, [1]);
        let mut ordinary = dir.reader();
        let first = ordinary.read().unwrap().unwrap();
        put(&mut writer, [2]);
        let mut reader = lossless(dir.options());
        let second = reader.read_next().unwrap().unwrap();
        put(&mut writer, [3]);
        // Nothing but the current value is unread, and no slot is free.
        if limit == TIMEOUT {
            thread::scope(|scope| {
                scope.spawn(|| put(&mut writer, [4]));
                drop(second);
            });
            assert_eq!(next(&mut reader), Some(3));
        } else {
            let begin = Instant::now();
            assert!(matches!(writer.write(&[1], &[4]), Err(Error::AllSlotsPinned { slots: 3, .. })));
            assert!(begin.elapsed() >= limit);
            drop(second);
            drop(reader);
            put(&mut writer, [4]);
            let mut ordinary = dir.reader();
            let _fourth = ordinary.read().unwrap().unwrap();
            put(&mut writer, [5]);
            assert!(matches!(writer.write(&[1], &[6]), Err(Error::AllSlotsPinned { slots: 3, .. })));
        }
        drop(first);
    }
}

#[test]
fn every_value_of_a_flood_arrives() {
    const VALUES: u64 = 5_000;
    for (slots, history) in [(64, 32), (3, 1), (16, 1)] {
        let dir = TestDir::new();
        let options = dir.options().max_slots(slots).history(history).wait_for_readers(TIMEOUT);
        let mut writer = options.create::<u64>(NAME).unwrap();
        let mut readers = [lossless(dir.options()), lossless(dir.options().from_oldest(true))];
        let mut latest = dir.reader();
        thread::scope(|scope| {
            for reader in &mut readers {
                scope.spawn(|| {
                    for number in 1..=VALUES {
                        let sample = reader.wait_next(TIMEOUT).unwrap().expect("a value");
                        assert_eq!((sample.seq(), sample.missed()), (number, 0));
                        assert_eq!(sample.view::<u64>().unwrap()[[0]], number);
                    }
                });
            }
            // An ordinary reader beside them takes what is current.
            scope.spawn(|| {
                let mut told = 0;
                while told < VALUES {
                    let sample = latest.wait(TIMEOUT).unwrap().expect("a value");
                    told += sample.missed() + 1;
                    assert_eq!(sample.seq(), told);
                }
            });
            put(&mut writer, 1..=VALUES);
        });
    }
}

#[test]
fn large_values_arrive_too() {
    const LEN: usize = 100_000;
    let dir = TestDir::new();
    let options = dir.options().max_slots(5).wait_for_readers(TIMEOUT);
    let mut writer = options.create::<u8>(NAME).unwrap();
    let mut reader = lossless(dir.options());
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..=300_u64 {
                let sample = reader.wait_next_owned(TIMEOUT).unwrap().expect("a value");
                assert_eq!((sample.seq(), sample.missed()), (number, 0));
                assert!(sample.as_bytes().iter().all(|&byte| u64::from(byte) == number % 256));
            }
        });
        for number in 1..=300_u64 {
            let mut loan = writer.loan(&[LEN]).unwrap();
            loan.as_mut_slice().fill((number % 256) as u8);
            loan.publish().unwrap();
        }
    });
}

#[test]
fn consent_is_the_writers() {
    let dir = TestDir::new();
    let mut writer = dir.options().history(4).create::<u64>(NAME).unwrap();
    let refused = dir.options().lossless(true).open(NAME);
    assert!(matches!(refused, Err(Error::LosslessRefused { name, .. }) if name == NAME));
    let refused = dir.options().lossless(true).open_read_only(NAME);
    assert!(matches!(refused, Err(Error::Unsupported { .. })));
    put(&mut writer, 1..=100);
    assert_eq!(writer.reader_count(), 0, "no entry was taken");
}

#[test]
fn a_reader_that_is_killed_is_not_waited_for() {
    let dir = TestDir::new();
    let mut writer = waiting(&dir, 4, TIMEOUT);
    let mut dead = channel::start(&dir);
    assert_eq!(dead.ask("open-lossless"), "ok");
    put(&mut writer, 1..=4);
    dead.kill();
    // It would wait for as long as a test may take.
    let begin = Instant::now();
    put(&mut writer, 5..=50);
    assert!(begin.elapsed() < TIMEOUT / 2);
    assert_eq!(writer.reader_count(), 0);
}

#[test]
fn a_reader_that_dies_while_it_is_waited_for_lets_the_writer_go_on() {
    let dir = TestDir::new();
    let mut writer = waiting(&dir, 4, TIMEOUT);
    let mut dead = channel::start(&dir);
    assert_eq!(dead.ask("open-lossless"), "ok");
    put(&mut writer, 1..=4);
    thread::scope(|scope| {
        let writing = scope.spawn(|| put(&mut writer, 5..=50));
        thread::sleep(A_MOMENT);
        assert!(!writing.is_finished(), "it waits for a living reader");
        dead.kill();
    });
}

#[test]
fn a_reader_that_leaves_lets_the_writer_go_on() {
    let dir = TestDir::new();
    let mut writer = waiting(&dir, 4, TIMEOUT);
    let reader = lossless(dir.options());
    put(&mut writer, 1..=4);
    thread::scope(|scope| {
        let writing = scope.spawn(|| put(&mut writer, 5..=50));
        thread::sleep(A_MOMENT);
        assert!(!writing.is_finished());
        drop(reader);
    });
}

#[test]
fn a_lossless_reader_may_skip_by_itself() {
    let dir = TestDir::new();
    let mut writer = waiting(&dir, 4, A_MOMENT);
    let mut reader = lossless(dir.options());
    for round in 0..20 {
        put(&mut writer, round * 3 + 1..=round * 3 + 3);
        let skipped = match round % 3 {
            0 => reader.latest().unwrap().map(|sample| sample.missed()),
            1 => reader.read().unwrap().map(|sample| sample.missed()),
            _ => reader.wait(Duration::ZERO).unwrap().map(|sample| sample.missed()),
        };
        assert_eq!(skipped, Some(2), "it says itself that it needs no older ones");
    }
}

#[test]
fn it_begins_with_what_is_current_or_oldest() {
    let dir = TestDir::new();
    let options = dir.options().max_slots(8).history(4).wait_for_readers(A_MOMENT);
    let mut writer = options.create::<u64>(NAME).unwrap();
    put(&mut writer, 1..=20);
    let mut current = lossless(dir.options());
    let mut oldest = lossless(dir.options().from_oldest(true));
    let mut written = 20;
    while writer.write(&[1], &[written + 1]).is_ok() {
        written += 1;
    }
    assert!(written < 28, "eight slots");
    assert_eq!(std::iter::from_fn(|| next(&mut current)).collect::<Vec<_>>(), (20..=written).collect::<Vec<_>>());
    let mut all = Vec::new();
    // Beyond the history there may be gaps.
    while let Some(sample) = oldest.read_next().unwrap() {
        all.push(sample.seq());
    }
    assert!(all.ends_with(&(17..=written).collect::<Vec<_>>()), "{all:?}");
}

#[test]
fn a_next_writer_without_consent_says_so_once() {
    let dir = TestDir::new();
    let mut writer = waiting(&dir, 6, A_MOMENT);
    let (mut reader, mut asleep) = (lossless(dir.options()), lossless(dir.options()));
    put(&mut writer, 1..=4);
    assert_eq!(next(&mut reader), Some(1));
    for _ in 1..=4 {
        next(&mut asleep);
    }
    let mut waiter = thread::spawn(move || {
        let refused = matches!(asleep.wait_next(TIMEOUT), Err(Error::LosslessRefused { .. }));
        (refused, asleep)
    });
    // As if it had died: the channel goes on under another writer.
    writer.close().unwrap();
    let mut writer = dir.options().max_slots(6).create::<u64>(NAME).unwrap();
    let first = reader.read_next().map(drop);
    assert!(matches!(&first, Err(Error::LosslessRefused { name, .. }) if name == NAME), "{first:?}");
    let mut seen = Vec::new();
    while let Some(sample) = reader.read_next().unwrap() {
        seen.push(sample.seq());
    }
    assert_eq!(seen, [2, 3, 4], "what it had not read still stands");
    // No longer waited for.
    put(&mut writer, 5..=100);
    let sample = reader.read_next().unwrap().unwrap();
    assert_eq!((sample.seq(), sample.missed()), (100, 95));
    drop(sample);
    while !waiter.is_finished() {
        thread::yield_now();
    }
    let (_told, mut asleep) = std::mem::replace(&mut waiter, thread::spawn(|| unreachable!())).join().unwrap();
    // Whether it saw the close first, or the new writer: it is told, and goes on.
    while asleep.seq() != Some(100) {
        let _ = asleep.read_next();
    }
}

/// With more slots its board is another, and it is closed before the reader looks again.
#[test]
fn a_refused_reader_is_an_ordinary_one_of_the_next_board() {
    let dir = TestDir::new();
    let mut writer = waiting(&dir, 6, A_MOMENT);
    let mut reader = lossless(dir.options());
    put(&mut writer, 1..=2);
    drop(writer);
    let mut writer = dir.options().max_slots(8).create::<u64>(NAME).unwrap();
    put(&mut writer, 3..=9);
    assert!(matches!(reader.read_next(), Err(Error::LosslessRefused { .. })));
    drop(writer);
    let sample = reader.read_next().unwrap().unwrap();
    assert_eq!((sample.seq(), sample.missed()), (9, 8));
}

#[test]
fn a_next_writer_with_consent_goes_on_waiting() {
    let dir = TestDir::new();
    let mut dead = channel::start(&dir);
    assert_eq!(dead.ask("create-waiting 6 1000"), "ok");
    let mut reader = lossless(dir.options());
    for number in 1..=6 {
        assert_eq!(dead.ask(&format!("write uint64 [1] {number}")), number.to_string());
    }
    dead.kill();
    let mut writer = waiting(&dir, 6, A_MOMENT);
    assert!(matches!(writer.write(&[1], &[7]), Err(Error::ReadersBehind { readers: 1, behind: 6, .. })));
    for number in 1..=6 {
        let sample = reader.read_next().unwrap().unwrap();
        assert_eq!((sample.seq(), sample.missed(), sample.epoch()), (number, 0, 1));
    }
    put(&mut writer, 7..=12);
    assert_eq!(std::iter::from_fn(|| next(&mut reader)).collect::<Vec<_>>(), [7, 8, 9, 10, 11, 12]);
}

/// Its writer kept no cells. The board is the same one, and then one that replaces it.
#[test]
fn the_value_that_a_writer_finds_is_not_missed() {
    for slots in [6, 8] {
        let dir = TestDir::new();
        let mut before = dir.options().max_slots(6).persist(true).create::<u64>(NAME).unwrap();
        put(&mut before, 1..=2);
        drop(before);
        let mut writer = waiting(&dir, slots, A_MOMENT);
        let mut reader = lossless(dir.options());
        put(&mut writer, 3..=5);
        assert_eq!(std::iter::from_fn(|| next(&mut reader)).collect::<Vec<_>>(), [2, 3, 4, 5]);
    }
}

#[test]
fn a_close_keeps_what_a_lossless_reader_has_not_read() {
    let dir = TestDir::new();
    let mut writer = waiting(&dir, 8, A_MOMENT);
    let mut reader = lossless(dir.options());
    put(&mut writer, 1..=7);
    assert_eq!(next(&mut reader), Some(1));
    writer.close().unwrap();
    assert_eq!(dir.payloads().len(), 6);
    assert_eq!(std::iter::from_fn(|| next(&mut reader)).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
    assert_eq!(dir.files(), [""; 0]);
    assert!(matches!(reader.wait_next(TIMEOUT), Err(Error::Closed { .. })));
}

#[test]
fn full_memory_waits_for_readers_before_it_is_an_error() {
    let dir = TestDir::new();
    let mut writer = waiting(&dir, 3, A_MOMENT);
    let mut reader = lossless(dir.options());
    put(&mut writer, 1..=3);
    // All slots are unread; a larger value needs one of them.
    assert!(matches!(writer.write(&[5000], &[4; 5000]), Err(Error::ReadersBehind { .. })));
    assert_eq!(next(&mut reader), Some(1));
    assert_eq!(writer.write(&[5000], &[4; 5000]).unwrap(), 4);
    assert_eq!((next(&mut reader), next(&mut reader)), (Some(2), Some(3)));
    wait_until("the larger one", || reader.read_next().unwrap().is_some_and(|sample| sample.shape() == [5000]));
}
