//! Writer and readers in processes of their own.

use crate::channel::support::{NAME, TestDir, pattern, shapes};
use crate::peer::channel::{self, seen};
use ndsharray::DType;

fn axes(shape: &[usize]) -> String {
    format!("{shape:?}").replace(' ', "")
}

#[test]
fn every_dtype_and_shape_reaches_every_process() {
    let dir = TestDir::new();
    let mut writer = channel::start(&dir);
    assert_eq!(writer.ask("create 8 8 false"), "ok");
    let mut readers = [channel::start(&dir), channel::start(&dir)];
    for reader in &mut readers {
        assert_eq!(reader.ask("open"), "ok");
    }
    let mut here = dir.reader();
    let mut seq = 0;
    for dtype in DType::ALL {
        let mut all = shapes();
        // About a megabyte, whatever the dtype.
        all.push(vec![480 / dtype.size(), 640, 3]);
        for shape in &all {
            seq += 1;
            assert_eq!(writer.ask(&format!("write {dtype} {} {seq}", axes(shape))), seq.to_string());
            let expected = seen(seq, 0, *dtype, shape, seq);
            readers.iter_mut().for_each(|reader| reader.tell("read"));
            for reader in &mut readers {
                assert_eq!(reader.hear(), expected, "{dtype} {shape:?}");
            }
            assert!(here.read().unwrap().unwrap().as_bytes() == pattern(*dtype, shape.iter().product(), seq));
        }
    }
    writer.finish();
    assert_eq!(dir.files(), [""; 0]);
    for mut reader in readers {
        assert!(reader.ask("latest").starts_with(&format!("{seq} 0 ")));
        reader.finish();
    }
}

#[test]
fn values_held_in_another_process_stay() {
    let dir = TestDir::new();
    let mut writer = dir.any_writer();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("open"), "ok");
    let mut expected = Vec::new();
    for (dtype, seed) in DType::ALL.iter().zip(1..) {
        let len = 10_000 / seed as usize;
        writer.write_bytes(*dtype, &[len], &pattern(*dtype, len, seed)).unwrap();
        let missed = if seed == 1 { 0 } else { 20 };
        expected.push(seen(1 + (seed - 1) * 21, missed, *dtype, &[len], seed));
        assert_eq!(peer.ask("hold"), *expected.last().unwrap());
        for other in 0..20 {
            writer.write_bytes(DType::U32, &[2000], &pattern(DType::U32, 2000, other)).unwrap();
        }
    }
    assert_eq!(peer.ask("recheck"), expected.join("; "));
    drop(writer);
    assert_eq!(peer.ask("recheck"), expected.join("; "));
    peer.finish();
}

#[test]
fn a_sleeper_in_another_process_is_woken() {
    let dir = TestDir::new();
    let mut writer = dir.any_writer();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("open"), "ok");
    for seed in 1..=20 {
        peer.tell("wait 20000");
        writer.write_bytes(DType::I8, &[3], &pattern(DType::I8, 3, seed)).unwrap();
        assert_eq!(peer.hear(), seen(seed, 0, DType::I8, &[3], seed));
    }
    peer.tell("wait 20000");
    drop(writer);
    let answer = peer.hear();
    assert!(answer.contains(&format!("closed channel {NAME:?}")), "{answer}");
}

#[test]
fn two_channels_do_not_meet() {
    let dir = TestDir::new();
    let mut one = channel::start(&dir);
    let mut two = channel::start(&dir);
    assert_eq!(one.ask("create left"), "ok");
    assert_eq!(two.ask("create right"), "ok");
    assert_eq!(one.ask("write uint8 [5] 1"), "1");
    assert_eq!(two.ask("write int16 [6] 2"), "1");
    assert_eq!(one.ask("open right"), "ok");
    assert_eq!(two.ask("open left"), "ok");
    assert_eq!(one.ask("read"), seen(1, 0, DType::I16, &[6], 2));
    assert_eq!(two.ask("read"), seen(1, 0, DType::U8, &[5], 1));
}
