//! A close is a graceful death.
//!
//! Tested is what stays for readers, which process clears up, and that what a reader learns adds
//! up.

use crate::channel::support::{NAME, TIMEOUT, TestDir, latest_vec, os, wait_until};
use crate::peer::channel;
use ndsharray::inspect::Kind;
use ndsharray::{Error, Reader, Writer};
use std::sync::Barrier;
use std::time::{Duration, Instant};

const A_MOMENT: Duration = Duration::from_millis(20);

fn put(writer: &mut Writer<u64>, value: u64) -> u64 {
    writer.write(&[1], &[value]).unwrap()
}

/// The next value that polling gives.
fn poll(reader: &mut Reader) -> Option<u64> {
    reader.read().unwrap().map(|sample| sample.view::<u64>().unwrap()[[0]])
}

fn poll_seq(reader: &mut Reader) -> Option<u64> {
    reader.read().unwrap().map(|sample| sample.seq())
}

fn is_not_found(dir: &TestDir) -> bool {
    matches!(dir.options().open(NAME), Err(Error::NotFound { path, .. }) if path == dir.board())
}

#[test]
fn the_last_value_stands_however_late_its_reader_comes() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u64>();
    let mut reader = dir.reader();
    put(&mut writer, 7);
    assert!(reader.wait_for_news(Duration::ZERO).unwrap());
    writer.close().unwrap();
    assert!(!reader.is_closed(), "there is something to be read");
    assert!(is_not_found(&dir) && matches!(dir.options().open_read_only(NAME), Err(Error::NotFound { .. })));
    assert_eq!(dir.files().len(), 3, "board, table and the one value");
    assert_eq!(poll(&mut reader), Some(7));
    assert_eq!(poll(&mut reader), None);
    assert!(reader.is_closed() && !reader.is_writer_alive());
    assert_eq!(dir.files(), [""; 0], "nobody is behind any more");
    for _ in 0..3 {
        assert_eq!(latest_vec::<u64>(&mut reader), [7], "it keeps what it has read");
    }
    assert_eq!(reader.seq(), Some(1));
}

#[test]
fn what_was_copied_last_is_kept_as_well() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u64>();
    let mut reader = dir.reader();
    let mut copies = dir.options().open_read_only(NAME).unwrap();
    put(&mut writer, 7);
    let mut out = Vec::<u64>::new();
    let info = reader.read_into(&mut out).unwrap().unwrap();
    assert_eq!((info.seq, info.epoch, out.as_slice()), (1, 1, [7].as_slice()));
    assert_eq!(copies.read_into(&mut out).unwrap().unwrap().incarnation, info.incarnation);
    drop(writer);
    assert_eq!(dir.files(), [""; 0]);
    assert_eq!(latest_vec::<u64>(&mut reader), [7]);
    let sample = copies.latest_owned().unwrap().unwrap();
    assert_eq!((sample.seq(), sample.epoch(), sample.incarnation()), (1, 1, info.incarnation));
}

#[test]
fn files_stay_for_readers_that_are_behind_and_for_no_others() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u64>();
    let (mut first, mut second, third) = (dir.reader(), dir.reader(), dir.reader());
    let mut copies = dir.options().open_read_only(NAME).unwrap();
    (1..=20).for_each(|value| assert_eq!(put(&mut writer, value), value));
    assert!(dir.payloads().len() > 1);
    drop(writer);
    assert_eq!(dir.payloads().len(), 1, "all but the last value is given back");
    assert_eq!((poll(&mut first), poll(&mut first)), (Some(20), None));
    assert_eq!(dir.files().len(), 3, "two are behind");
    drop(third);
    assert_eq!(dir.files().len(), 3, "one is behind");
    assert_eq!(copies.read_owned().unwrap().unwrap().seq(), 20);
    assert_eq!(poll(&mut second), Some(20));
    drop(second);
    assert_eq!(dir.files(), [""; 0]);
    assert_eq!(latest_vec::<u64>(&mut first), [20]);
    assert_eq!(copies.latest_owned().unwrap().unwrap().seq(), 20);
}

/// A reader that waits needs no poll to find that it was the last.
#[test]
fn a_close_is_told_once_and_after_that_waiting_sleeps_until_a_successor_publishes() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u64>();
    let mut reader = dir.reader();
    for epoch in 1..=3 {
        put(&mut writer, epoch);
        drop(writer);
        assert_eq!(reader.wait(TIMEOUT).unwrap().unwrap().view::<u64>().unwrap()[[0]], epoch);
        assert!(matches!(reader.wait(TIMEOUT), Err(Error::Closed { name, .. }) if name == NAME));
        assert_eq!(dir.files(), [""; 0]);
        let start = Instant::now();
        assert!(reader.wait(A_MOMENT).unwrap().is_none() && reader.wait_owned(A_MOMENT).unwrap().is_none());
        assert!(start.elapsed() >= 2 * A_MOMENT);
        assert!(reader.is_closed());
        // Then for a successor.
        let options = dir.options();
        writer = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let sample = reader.wait_owned(TIMEOUT).unwrap().expect("the successor's value");
                (sample.view::<u64>().unwrap()[[0]], sample.missed())
            });
            let mut writer = options.create::<u64>(NAME).unwrap();
            put(&mut writer, 100);
            assert_eq!(waiting.join().unwrap(), (100, 0));
            writer
        });
    }
}

/// A reader that waits on a board left for another learns of the successor.
#[test]
fn a_successor_wakes_those_that_had_come_to_the_end() {
    let dir = TestDir::new();
    for slots in [64, 5] {
        let mut writer = dir.options().max_slots(5).create::<u64>(NAME).unwrap();
        let mut reader = dir.reader();
        let mut behind = dir.reader();
        put(&mut writer, 1);
        drop(writer);
        assert!(reader.wait(TIMEOUT).unwrap().is_some());
        assert!(matches!(reader.wait(TIMEOUT), Err(Error::Closed { .. })));
        let writer = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| reader.wait_owned(TIMEOUT).unwrap().expect("the successor's value").seq());
            let mut writer = dir.options().max_slots(slots).create::<u64>(NAME).unwrap();
            put(&mut writer, 2);
            assert_eq!(waiting.join().unwrap(), 2);
            writer
        });
        assert_eq!(behind.wait(TIMEOUT).unwrap().unwrap().missed(), 1);
        drop(writer);
        assert!(matches!(behind.wait(TIMEOUT), Err(Error::Closed { .. })));
        drop((reader, behind));
        assert_eq!(dir.files(), [""; 0]);
    }
}

#[test]
fn numbers_and_lineage_go_on_over_a_close() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u64>();
    let mut reader = dir.reader();
    put(&mut writer, 1);
    let first = reader.read_owned().unwrap().unwrap();
    assert_eq!((first.seq(), first.missed(), first.epoch()), (1, 0, 1));
    (2..=5).for_each(|value| assert_eq!(put(&mut writer, value), value));
    drop(writer);
    let mut writer = dir.writer::<u64>();
    assert_eq!((writer.seq(), writer.reader_count()), (5, 1));
    assert_eq!(latest_vec::<u64>(&mut dir.reader()), [5], "the successor has what was left");
    (6..=7).for_each(|value| assert_eq!(put(&mut writer, value), value));
    let sample = reader.read_owned().unwrap().unwrap();
    assert_eq!((sample.seq(), sample.missed(), sample.epoch()), (7, 5, 2));
    assert_eq!(sample.incarnation(), first.incarnation());
    assert_eq!((reader.seq(), reader.writer_epoch()), (Some(7), 2));
    drop(writer);
    // Everything has been read: nothing is left, and numbers begin anew, with another name to them.
    assert_eq!(dir.files(), [""; 0]);
    let mut writer = dir.writer::<u64>();
    assert_eq!(put(&mut writer, 8), 1);
    let sample = reader.read_owned().unwrap().unwrap();
    assert_eq!((sample.seq(), sample.missed(), sample.epoch()), (1, 0, 1));
    assert_ne!(sample.incarnation(), first.incarnation());
}

#[test]
fn missed_counts_from_where_the_reader_stood_when_it_was_opened() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u64>();
    let mut early = dir.reader();
    let mut copies = dir.options().open_read_only(NAME).unwrap();
    (1..=4).for_each(|value| assert_eq!(put(&mut writer, value), value));
    let mut late = dir.reader();
    assert_eq!((early.seq(), late.seq()), (None, None));
    assert_eq!(late.read().unwrap().unwrap().missed(), 0);
    assert_eq!(early.read().unwrap().unwrap().missed(), 3);
    let mut later = dir.reader();
    (5..=7).for_each(|value| assert_eq!(put(&mut writer, value), value));
    assert_eq!(later.read().unwrap().unwrap().missed(), 3, "4 was current, then came 5 and 6");
    assert_eq!(copies.read_into(&mut Vec::<u64>::new()).unwrap().unwrap().missed, 6);
    assert_eq!(late.latest().unwrap().unwrap().missed(), 2);
    assert_eq!(late.latest().unwrap().unwrap().missed(), 0);
}

#[test]
fn more_slots_than_there_are_replace_the_board_and_goes_on_from_its_base() {
    let dir = TestDir::new();
    let writer_of = |slots, readers| dir.options().max_slots(slots).max_readers(readers).create::<u64>(NAME).unwrap();
    let mut writer = writer_of(4, 4);
    let mut reader = dir.reader();
    let mut behind = dir.reader();
    (1..=3).for_each(|value| assert_eq!(put(&mut writer, value), value));
    let first = reader.read_owned().unwrap().unwrap();
    drop(writer);
    drop(writer_of(3, 2));
    assert_eq!(dir.options().look(NAME, Kind::Channel).unwrap().max_readers, 4, "one that has enough is taken over");
    let mut writer = writer_of(8, 2);
    assert_eq!(writer.seq(), 3, "with the last value");
    assert_eq!(poll(&mut behind), Some(3), "which is where it was");
    assert_eq!(poll(&mut behind), None);
    assert_eq!(poll(&mut reader), None, "it is no news");
    assert_eq!(latest_vec::<u64>(&mut reader), [3]);
    assert!(matches!(dir.options().open(NAME), Err(Error::TooManyReaders { max: 2, .. })), "as was asked for");
    assert_eq!(put(&mut writer, 4), 4);
    assert_eq!(put(&mut writer, 5), 5);
    for reader in [&mut reader, &mut behind] {
        let sample = reader.read().unwrap().unwrap();
        assert_eq!((sample.seq(), sample.missed(), sample.epoch()), (5, 1, 3));
        assert_eq!(sample.incarnation(), first.incarnation());
    }
    drop(first);
    drop(writer);
    assert_eq!(dir.files(), [""; 0]);
}

/// A hundred writers end beside a hundred readers that are behind.
#[test]
fn many_writers_close_at_once_and_no_reader_loses_the_last_value() {
    const MANY: usize = 100;
    let dir = TestDir::new();
    let options = dir.options();
    let name = |i: usize| format!("channel {i}");
    let mut writers: Vec<Writer<u64>> = (0..MANY).map(|i| options.create(&name(i)).unwrap()).collect();
    let mut readers: Vec<Reader> = (0..MANY).map(|i| options.open(&name(i)).unwrap()).collect();
    for (writer, i) in writers.iter_mut().zip(0..) {
        put(writer, i);
        put(writer, 1000 + i);
    }
    let start = Instant::now();
    drop(writers);
    let time = start.elapsed();
    // No reader is waited for: that would take at least 50 ms each. On an idle Linux all together
    // take a hundredth of a second, but this is no benchmark. Wine takes as long for its own
    // reasons.
    assert!(cfg!(windows) || time < MANY as u32 * Duration::from_millis(50), "{time:?}");
    for (mut reader, i) in readers.drain(..).zip(0..) {
        let sample = reader.wait(TIMEOUT).unwrap().expect("the last value");
        assert_eq!((sample.view::<u64>().unwrap()[[0]], sample.missed()), (1000 + i, 1));
        drop(sample);
        assert!(matches!(reader.wait(TIMEOUT), Err(Error::Closed { .. })));
    }
    assert_eq!(dir.files(), [""; 0]);
}

#[test]
fn what_is_left_for_a_reader_that_is_killed_is_removed_by_others() {
    type Clear = fn(&TestDir);
    let clearers: [(&str, Clear); 6] = [
        ("a writer", |dir| drop(dir.writer::<u64>())),
        ("remove", |dir| dir.options().remove(NAME).unwrap()),
        ("remove_unused", |dir| dir.options().remove_unused(NAME).unwrap()),
        ("a reader that leaves", |_| {}),
        ("a reader that looks", |_| {}),
        ("a reader that waits", |_| {}),
    ];
    for (who, clear) in clearers {
        let dir = TestDir::new();
        let mut writer = dir.writer::<u64>();
        let mut peer = channel::start(&dir);
        assert_eq!(peer.ask("open"), "ok");
        let mut reader = dir.reader();
        put(&mut writer, 1);
        assert_eq!(poll(&mut reader), Some(1));
        drop(writer);
        assert_eq!(dir.files().len(), 3, "left for the other");
        assert!(matches!(dir.options().remove_unused(NAME), Err(Error::InUse { living: Some(2), .. })));
        if who.starts_with("a reader") {
            // It has come to the end, and found that another has not.
            assert_eq!(poll(&mut reader), None);
            assert_eq!(dir.files().len(), 3);
            peer.kill();
            match who {
                "a reader that looks" => assert_eq!(poll(&mut reader), None),
                "a reader that waits" => {
                    assert!(matches!(reader.wait(TIMEOUT), Err(Error::Closed { .. })));
                    assert!(reader.wait(A_MOMENT).unwrap().is_none());
                }
                _ => drop(reader),
            }
        } else {
            drop(reader);
            assert_eq!(dir.files().len(), 3);
            peer.kill();
            assert!(is_not_found(&dir));
            clear(&dir);
        }
        assert_eq!(dir.files(), [""; 0], "{who}");
    }
}

/// Readers and writers come and go: whichever is the last, no file stays.
///
/// None of them is in the way of another.
#[test]
fn whoever_is_the_last_nothing_stays() {
    let dir = TestDir::new();
    for round in 0..60 {
        let mut writer = dir.writer::<u64>();
        let readers: Vec<Reader> = (0..round % 3).map(|_| dir.reader()).collect();
        put(&mut writer, round);
        let barrier = Barrier::new(4);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                barrier.wait();
                drop(writer);
            });
            scope.spawn(|| {
                barrier.wait();
                for mut reader in readers {
                    assert_eq!(poll(&mut reader), Some(round));
                }
            });
            for _ in 0..2 {
                scope.spawn(|| {
                    barrier.wait();
                    for _ in 0..5 {
                        match dir.options().open(NAME) {
                            Ok(mut reader) => assert!(poll(&mut reader).is_some()),
                            Err(Error::NotFound { .. }) => {}
                            Err(other) => panic!("{other}"),
                        }
                    }
                });
            }
        });
        assert_eq!(dir.files(), [""; 0], "round {round}");
    }
}

/// A new writer beside others that clear up is not taken for a second one.
#[test]
fn a_successor_is_not_refused_because_somebody_clears_up() {
    let dir = TestDir::new();
    let mut seen = 0;
    for round in 0..100 {
        let mut writer = dir.writer::<u64>();
        let mut reader = dir.reader();
        put(&mut writer, round);
        drop(writer);
        let barrier = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                barrier.wait();
                drop(reader.read().unwrap().unwrap());
                drop(reader);
            });
            barrier.wait();
            let mut writer = dir.writer::<u64>();
            seen += u64::from(put(&mut writer, 0) == 1);
        });
    }
    assert_eq!(dir.files(), [""; 0]);
    println!("{seen} of 100 came after the reader");
}

#[test]
fn a_wait_in_pieces_follows_the_name() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u64>();
    put(&mut writer, 1);
    let mut readers = [dir.reader(), dir.options().open_read_only(NAME).unwrap()];
    for reader in &mut readers {
        assert_eq!(reader.read_owned().unwrap().unwrap().seq(), 1);
    }
    // A writer that never writes again does not notice either.
    for name in dir.files() {
        os::clear(&dir.path().join(&name));
    }
    let mut new = dir.options().create::<u64>(NAME).unwrap();
    put(&mut new, 2);
    for reader in &mut readers {
        let start = Instant::now();
        let sample = loop {
            if let Some(sample) = reader.wait_owned(A_MOMENT).unwrap() {
                break sample;
            }
            assert!(start.elapsed() < TIMEOUT, "it never follows");
        };
        assert_eq!(sample.view::<u64>().unwrap()[[0]], 2);
    }
    // Not even by pieces of nothing.
    for name in dir.files() {
        os::clear(&dir.path().join(&name));
    }
    let mut newer = dir.options().create::<u64>(NAME).unwrap();
    put(&mut newer, 3);
    for reader in &mut readers {
        wait_until("it follows", || reader.wait_owned(Duration::ZERO).unwrap().is_some());
    }
    drop((writer, new, newer));
}

/// Files go one by one, or all at once.
///
/// So do `rm`, a sweeper of temporary files, and the end of a login session.
#[test]
fn a_writer_whose_files_go_makes_its_channel_anew() {
    // Each takes a second or two of waiting.
    let cases = [("", 1), (".ndsh", 1), ("-readers", 1), ("payload", 10_000), ("", 10_000)];
    std::thread::scope(|scope| {
        for (what, len) in cases {
            scope.spawn(move || makes_its_channel_anew(what, len));
        }
    });
}

fn makes_its_channel_anew(what: &str, len: usize) {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u64>();
    let mut reader = dir.reader();
    let mut poller = dir.reader();
    let fill = |value: u64| vec![value; len];
    for value in 1..=3 {
        writer.write(&[len], &fill(value)).unwrap();
    }
    let first = reader.read_owned().unwrap().unwrap();
    assert_eq!(poll(&mut poller), Some(3));
    for name in dir.files() {
        let is_payload = dir.payloads().contains(&name);
        if if what == "payload" { is_payload } else { name.ends_with(what) } {
            os::clear(&dir.path().join(&name));
        }
    }
    // At two values a second: each write is one at which it may notice.
    let mut last = 3;
    let start = Instant::now();
    while dir.options().open(NAME).and_then(|mut reader| reader.latest_owned()).is_err() {
        assert!(start.elapsed() < TIMEOUT, "{what}: it is never made anew");
        last += 1;
        assert_eq!(writer.write(&[len], &fill(last)).unwrap(), last);
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(last <= 3 + 3, "{what}: within two looks");
    let mut new = dir.reader();
    let sample = new.latest_owned().unwrap().unwrap();
    assert_eq!((sample.seq(), sample.epoch(), sample.incarnation()), (last, 1, first.incarnation()), "{what}");
    assert_eq!(sample.view::<u64>().unwrap().to_vec(), fill(last));
    // The others follow, by waiting or polling, and it adds up.
    writer.write(&[len], &fill(last + 1)).unwrap();
    let count = |reader: &mut Reader, read: fn(&mut Reader) -> Option<u64>| {
        let mut sum = 3;
        wait_until("it comes to the last", || {
            sum += read(reader).map_or(0, |missed| missed + 1);
            reader.seq() == Some(last + 1)
        });
        assert_eq!(sum, last + 1, "{what}: seen and missed");
    };
    count(&mut reader, |reader| reader.wait(A_MOMENT).unwrap().map(|sample| sample.missed()));
    count(&mut poller, |reader| reader.read().unwrap().map(|sample| sample.missed()));
    drop((first, sample, writer));
    let left = dir.files();
    assert_eq!((poll_seq(&mut new), poll_seq(&mut new)), (Some(last + 1), None), "{what}: {left:?}");
    assert_eq!(dir.files(), [""; 0], "{what}: {left:?}");
}

#[test]
fn a_writer_whose_name_has_gone_to_another_says_so() {
    let dir = TestDir::new();
    let mut old = dir.writer::<u64>();
    put(&mut old, 1);
    for name in dir.files() {
        os::clear(&dir.path().join(&name));
    }
    let mut new = dir.writer::<u64>();
    put(&mut new, 100);
    let start = Instant::now();
    let error = loop {
        match old.write(&[1], &[2]) {
            Ok(_) => assert!(start.elapsed() < TIMEOUT, "it goes on into nothing"),
            Err(error) => break error,
        }
        std::thread::sleep(A_MOMENT);
    };
    assert!(matches!(error, Error::WriterExists { .. }), "{error}");
    assert!(matches!(old.loan(&[1]), Err(Error::WriterExists { .. })));
    assert_eq!(latest_vec::<u64>(&mut dir.reader()), [100]);
    drop(new);
    // The name is free again.
    let number = put(&mut old, 3);
    assert!(number > 1);
    assert_eq!(latest_vec::<u64>(&mut dir.reader()), [3]);
    drop(old);
    assert_eq!(dir.files(), [""; 0]);
}
