//! Waiting for values, the last value again, and numbers.

use crate::common::wait_until;
use crate::compat::support::{NAME, TestDir, i32s, next_i32};
use ndsharray::Error;
use ndsharray::compat::Overwrite;
use std::fs;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(20);

#[test]
fn a_wait_ends_with_a_value_or_with_the_time() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<i32>(NAME).unwrap();
    let mut reader = dir.reader();
    let start = Instant::now();
    assert!(reader.wait(SHORT).unwrap().is_none(), "nothing has been written");
    assert!(start.elapsed() >= SHORT);
    writer.write(&[1], &[1]).unwrap();
    assert_eq!(i32s(&reader.wait(Duration::ZERO).unwrap().unwrap()), [1], "it is there already");
    assert!(reader.wait(Duration::ZERO).unwrap().is_none(), "it has been read");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| i32s(&reader.wait(Duration::MAX).unwrap().unwrap()));
        std::thread::sleep(SHORT);
        writer.write(&[1], &[2]).unwrap();
        assert_eq!(waiting.join().unwrap(), [2]);
    });
}

/// A wait goes on beyond a writer, and finds the next one of the name.
///
/// The format knows no closing. The wait may also be in pieces.
#[test]
fn a_wait_goes_on_from_writer_to_writer() {
    for pieces in [false, true] {
        let dir = TestDir::new();
        let mut first = dir.options().create::<i32>(NAME).unwrap();
        first.write(&[1], &[1]).unwrap();
        let mut reader = dir.reader();
        assert_eq!(next_i32(&mut reader), [1]);
        drop(first);
        assert!(reader.wait(SHORT).unwrap().is_none());
        let mut second = dir.options().create::<i32>(NAME).unwrap();
        second.write(&[1], &[2]).unwrap();
        let end = Instant::now() + LONG;
        let found = loop {
            let piece = if pieces { Duration::from_millis(1) } else { LONG };
            if let Some(found) = reader.wait(piece).unwrap() {
                break found;
            }
            assert!(Instant::now() < end);
        };
        assert_eq!(i32s(&found), [2]);
    }
}

#[test]
fn a_value_that_is_being_written_does_not_prolong_a_wait() {
    let dir = TestDir::new();
    dir.options().persist(true).create::<i32>(NAME).unwrap().write(&[3], &[1, 2, 3]).unwrap();
    let whole = fs::read(dir.payload()).unwrap();
    let mut half = whole.clone();
    *half.last_mut().unwrap() ^= 1;
    fs::write(dir.payload(), half).unwrap();
    let mut reader = dir.reader();
    // Less than a read has patience. On a busy machine one of several has to do.
    wait_until("a wait as long as it was to be", || {
        let start = Instant::now();
        assert!(reader.wait(SHORT).unwrap().is_none());
        start.elapsed() < Duration::from_millis(1500)
    });
    fs::write(dir.payload(), whole).unwrap();
    assert_eq!(i32s(&reader.wait(LONG).unwrap().unwrap()), [1, 2, 3]);
}

#[test]
fn what_is_wrong_ends_a_wait() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<i32>(NAME).unwrap();
    writer.write(&[1], &[1]).unwrap();
    let mut reader = dir.reader();
    fs::write(dir.payload(), "no payload").unwrap();
    assert!(matches!(reader.wait(LONG), Err(Error::Wire(_))));
}

#[test]
fn the_last_value_is_there_again() {
    for mode in [Overwrite::Never, Overwrite::InPlace] {
        let dir = TestDir::new();
        let mut writer = dir.options().overwrite(mode).create::<i32>(NAME).unwrap();
        let mut reader = dir.reader();
        assert!(reader.latest().unwrap().is_none(), "nothing has been written");
        for n in 0..5 {
            writer.write(&[1], &[n]).unwrap();
            for _ in 0..3 {
                assert_eq!(i32s(&reader.latest().unwrap().unwrap()), [n]);
            }
            assert!(reader.read().unwrap().is_none(), "it has been read");
        }
        drop(writer);
        assert_eq!(i32s(&reader.latest().unwrap().unwrap()), [4], "a reader keeps what it has read");
        assert!(reader.read().unwrap().is_none());
        let mut next = dir.options().create::<i32>(NAME).unwrap();
        next.write(&[1], &[9]).unwrap();
        assert_eq!(i32s(&reader.wait(LONG).unwrap().unwrap()), [9]);
    }
}

#[test]
fn a_writer_numbers_its_values() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<i32>(NAME).unwrap();
    assert_eq!((1..=3).map(|n| writer.write(&[1], &[n]).unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(writer.write(&[2], &[1]).is_err());
    let mut other = writer.into_dtype::<u8>().unwrap();
    assert_eq!(other.write(&[1], &[1]).unwrap(), 4, "a call that failed is not counted");
    drop(other);
    let mut any = dir.options().overwrite(Overwrite::InPlace).create_any(NAME).unwrap();
    let view = ndsharray::ArrayView::new(&[1_i32], &[1]).unwrap();
    assert_eq!(any.write_any(&view.into()).unwrap(), 1);
    assert_eq!(any.write_bytes(ndsharray::DType::I32, &[1], &[0; 4]).unwrap(), 2);
}
