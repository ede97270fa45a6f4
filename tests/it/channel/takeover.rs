//! A writer is killed; another one goes on.

use crate::channel::support::{Facts, NAME, TestDir, latest_vec, pattern};
use crate::peer::channel::{self, seen};
use ndsharray::{DType, Error};

#[test]
fn the_last_value_survives_and_the_numbers_go_on() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 8 8 false"), "ok");
    let mut reader = dir.reader();
    assert_eq!(reader.writer_epoch(), 1);
    for seed in 1..=5 {
        assert_eq!(peer.ask(&format!("write float32 [40,50] {seed}")), seed.to_string());
    }
    assert_eq!(reader.read().unwrap().unwrap().missed(), 4, "it was there before the first");
    peer.kill();

    let value = pattern(DType::F32, 2000, 5);
    assert_eq!(reader.latest().unwrap().unwrap().as_bytes(), value);
    assert_eq!(dir.reader().latest().unwrap().unwrap().as_bytes(), value, "for one that comes later too");
    assert!(reader.read().unwrap().is_none());

    let mut writer = dir.writer::<i16>();
    assert_eq!(reader.latest().unwrap().unwrap().as_bytes(), value, "and for the new writer's readers");
    assert_eq!(reader.writer_epoch(), 2);
    assert_eq!(writer.payload_name().as_ref(), dir.payloads().first());
    assert_eq!(dir.payloads().len(), 1, "all else has gone");
    for (n, seq) in (6..=9).zip(6..) {
        assert_eq!(writer.write(&[1], &[n]).unwrap(), seq);
    }
    let sample = reader.read().unwrap().expect("news");
    assert_eq!((sample.seq(), sample.missed()), (9, 3));
    assert_eq!(sample.view::<i16>().unwrap().as_slice(), [9]);
    drop((sample, writer));
    assert_eq!(dir.files(), [""; 0]);
}

#[test]
fn what_readers_hold_survives_a_takeover() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 4 8 false"), "ok");
    let mut reader = dir.reader();
    let mut borrower = dir.reader();
    assert_eq!(peer.ask("write uint16 [500] 1"), "1");
    let owned = reader.read_owned().unwrap().unwrap();
    assert_eq!(peer.ask("write uint16 [700] 2"), "2");
    let borrowed = borrower.read().unwrap().unwrap();
    assert_eq!(peer.ask("write uint16 [900] 3"), "3");
    peer.kill();
    let facts = Facts::from(&owned);

    let mut writer = dir.writer::<u8>();
    for n in 0..100 {
        writer.write(&[2000], &vec![n; 2000]).unwrap();
    }
    assert_eq!(Facts::from(&owned), facts);
    assert_eq!(facts.bytes, pattern(DType::U16, 500, 1));
    assert_eq!(borrowed.as_bytes(), pattern(DType::U16, 700, 2));
    let second = reader.latest_owned().unwrap().unwrap();
    // Four slots: two held from before, one by `second`, one for the latest.
    assert_eq!(writer.write(&[1], &[1]).unwrap(), 104);
    assert!(matches!(writer.write(&[1], &[2]), Err(Error::AllSlotsPinned { slots: 4, .. })));
    drop(borrowed);
    assert_eq!(writer.write(&[1], &[2]).unwrap(), 105);
    drop((owned, second));
    for n in 0..10 {
        writer.write(&[2000], &vec![n; 2000]).unwrap();
    }
    assert!(dir.payloads().len() <= 4, "{:?}", dir.payloads());
}

#[test]
fn writers_come_and_go_in_the_middle_of_a_flood() {
    let dir = TestDir::new();
    let mut reader = None;
    let mut last = 0;
    for epoch in 1..=6 {
        let mut peer = channel::start(&dir);
        assert_eq!(peer.ask("create 4 8 false"), "ok");
        let reader = reader.get_or_insert_with(|| dir.reader());
        assert_eq!(reader.writer_epoch(), epoch);
        assert_eq!(peer.ask("flood"), "ok");
        for _ in 0..50 {
            let sample = reader.wait(crate::channel::support::TIMEOUT).unwrap().expect("the flood");
            let view = sample.view::<u64>().unwrap();
            assert!(view.iter().all(|n| *n == view[[0]]), "torn");
            assert!(sample.seq() > last, "{} after {last}", sample.seq());
            last = sample.seq();
        }
        peer.kill();
        let sample = reader.latest().unwrap().expect("the last value");
        assert!(sample.seq() >= last);
        last = sample.seq();
        let view = sample.view::<u64>().unwrap();
        assert!(view.iter().all(|n| *n == view[[0]]), "torn");
    }
    let mut writer = dir.writer::<u8>();
    let sample = reader.unwrap().latest_owned().unwrap().unwrap();
    assert!(dir.payloads().len() == 1, "{:?}", dir.payloads());
    assert!(writer.write(&[], &[1]).unwrap() > sample.seq());
    drop((sample, writer));
    assert_eq!(dir.files(), [""; 0]);
}

#[test]
fn a_smaller_number_of_slots_is_kept_to_after_a_takeover() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 6 3 false"), "ok");
    let mut reader = dir.reader();
    // Six slots in use, the current value in one that the next writer would not take by itself.
    let mut held = Vec::new();
    for seed in 1..=5 {
        assert_eq!(peer.ask(&format!("write uint8 [9] {seed}")), seed.to_string());
        held.push(reader.read_owned().unwrap().unwrap());
    }
    assert_eq!(peer.ask("write uint8 [9] 6"), "6");
    peer.kill();
    let mut writer = dir.options().max_slots(2).max_readers(64).create::<u8>(NAME).unwrap();
    assert!(matches!(writer.write(&[1], &[1]), Err(Error::AllSlotsPinned { .. })));
    assert_eq!(reader.latest().unwrap().unwrap().as_bytes(), pattern(DType::U8, 9, 6));
    drop(held);
    for n in 0..20 {
        writer.write(&[1], &[n]).unwrap();
        assert_eq!(latest_vec::<u8>(&mut reader), [n]);
    }
    assert!(dir.payloads().len() <= 2, "{:?}", dir.payloads());
    // Its readers' places are as they were, too.
    let _others = (dir.reader(), dir.reader());
    assert!(matches!(dir.options().open(NAME), Err(Error::TooManyReaders { max: 3, .. })));
}

#[test]
fn a_killed_writer_s_channel_can_be_removed() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 4 8 false"), "ok");
    assert_eq!(peer.ask("write int64 [20] 3"), "1");
    let mut other = channel::start(&dir);
    assert_eq!(other.ask("open"), "ok");
    let value = seen(1, 0, DType::I64, &[20], 3);
    assert_eq!(other.ask("hold"), value);
    peer.kill();
    dir.options().remove(NAME).unwrap();
    assert_eq!(dir.files(), [""; 0]);
    assert_eq!(other.ask("recheck"), value);
    assert!(matches!(dir.options().open(NAME), Err(Error::NotFound { .. })));
    let mut writer = dir.any_writer();
    writer.write_bytes(DType::I64, &[20], &pattern(DType::I64, 20, 4)).unwrap();
    assert_eq!(other.ask("latest"), seen(1, 0, DType::I64, &[20], 4));
    assert_eq!(other.ask("recheck"), value);
}
