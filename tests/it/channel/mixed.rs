//! Processes for different processors on one channel.
//!
//! `NDSHARRAY_PEER` names this test binary, built for another target of the same operating system.
//! The tests of one module need a target of the same byte order, those of the other module one of
//! the other.

use crate::channel::support::{NAME, TestDir, pattern, shapes};
use crate::common::Peer;
use crate::peer::channel::{self, seen, target};
use ndsharray::{DType, Error, HeaderError};
use std::path::PathBuf;

fn peer(dir: &TestDir) -> Peer {
    let program = std::env::var_os("NDSHARRAY_PEER").expect("NDSHARRAY_PEER names the test binary of another target");
    let mut peer = channel::run(&PathBuf::from(program), dir);
    let target = peer.ask("target");
    println!("here: {}; there: {target}", crate::peer::channel::target());
    peer
}

fn order(target: &str) -> &str {
    target.split(' ').next().unwrap()
}

fn axes(shape: &[usize]) -> String {
    format!("{shape:?}").replace(' ', "")
}

fn is_long_double(dtype: DType) -> bool {
    matches!(dtype, DType::LongDouble | DType::ComplexLongDouble)
}

mod same_order {
    use super::*;

    /// A peer of the same byte order, and whether its long doubles are other ones.
    fn like_minded(dir: &TestDir) -> (Peer, bool) {
        let mut peer = peer(dir);
        let (here, there) = (target(), peer.ask("target"));
        assert_eq!(order(&here), order(&there));
        (peer, here.rsplit(' ').next() != there.rsplit(' ').next())
    }

    #[test]
    #[ignore = "needs this test binary for another target"]
    fn the_other_reads_what_is_written_here() {
        let dir = TestDir::new();
        let (mut reader, foreign_long_doubles) = like_minded(&dir);
        let mut writer = dir.any_writer();
        assert_eq!(reader.ask("open"), "ok");
        // What the reader cannot read it has missed.
        let mut refused = 0;
        for dtype in DType::ALL {
            for (shape, seed) in shapes().iter().zip(1..) {
                let seq = writer.write_bytes(*dtype, shape, &pattern(*dtype, shape.iter().product(), seed)).unwrap();
                if is_long_double(*dtype) && foreign_long_doubles {
                    let why = reader.ask("why-not read");
                    assert!(why.starts_with("long doubles in the format"), "{dtype} {shape:?}: {why}");
                    refused += 1;
                } else {
                    assert_eq!(reader.ask("read"), seen(seq, refused, *dtype, shape, seed), "{dtype} {shape:?}");
                    refused = 0;
                }
            }
        }
        drop(writer);
        reader.finish();
    }

    #[test]
    #[ignore = "needs this test binary for another target"]
    fn what_the_other_writes_is_read_here() {
        let dir = TestDir::new();
        let (mut writer, foreign_long_doubles) = like_minded(&dir);
        assert_eq!(writer.ask("create 8 8 false"), "ok");
        let mut reader = dir.reader();
        let mut copies = dir.options().open_read_only(NAME).unwrap();
        for dtype in DType::ALL {
            for (shape, seed) in shapes().iter().zip(1..) {
                let seq = writer.ask(&format!("write {dtype} {} {seed}", axes(shape)));
                if is_long_double(*dtype) && foreign_long_doubles {
                    for error in [reader.read().err(), copies.read_owned().err()] {
                        let error = error.expect("no value");
                        assert!(matches!(error, Error::Corrupt(HeaderError::LongDouble { .. })), "{error:?}");
                    }
                    continue;
                }
                let expected = pattern(*dtype, shape.iter().product(), seed);
                let sample = reader.read().unwrap().unwrap();
                assert_eq!((sample.dtype(), sample.shape(), sample.seq().to_string()), (*dtype, shape.as_slice(), seq));
                assert!(sample.as_bytes() == expected, "{dtype} {shape:?}");
                sample.any_view().unwrap();
                assert!(copies.read_owned().unwrap().unwrap().as_bytes() == expected, "{dtype} {shape:?}");
            }
        }
        writer.finish();
        // A reader that cannot read the last value has not come to it: it is left until it goes.
        drop((reader, copies));
        assert_eq!(dir.files(), [""; 0]);
    }

    #[test]
    #[ignore = "needs this test binary for another target"]
    fn each_wakes_the_other() {
        let dir = TestDir::new();
        let (mut other, _) = like_minded(&dir);
        let mut writer = dir.any_writer();
        assert_eq!(other.ask("open"), "ok");
        for seed in 1..=10 {
            other.tell("wait 60000");
            writer.write_bytes(DType::I16, &[3], &pattern(DType::I16, 3, seed)).unwrap();
            assert_eq!(other.hear(), seen(seed, 0, DType::I16, &[3], seed));
        }
        other.tell("wait 60000");
        drop(writer);
        assert!(other.hear().contains("closed channel"));
        assert_eq!(other.ask("create 8 8 false"), "ok");
        let mut reader = dir.reader();
        for seed in 1..=10 {
            other.tell(&format!("write uint8 [5] {seed}"));
            let sample = reader.wait(crate::channel::support::TIMEOUT).unwrap().expect("news");
            assert!(sample.as_bytes() == pattern(DType::U8, 5, seed));
            drop(sample);
            other.hear();
        }
        other.finish();
    }

    #[test]
    #[ignore = "needs this test binary for another target"]
    fn each_survives_the_death_of_the_other() {
        let dir = TestDir::new();
        let (mut writer, _) = like_minded(&dir);
        assert_eq!(writer.ask("create 3 8 false"), "ok");
        assert_eq!(writer.ask("write float32 [4] 1"), "1");
        let mut reader = dir.reader();
        let held = reader.latest_owned().unwrap().unwrap();
        writer.kill();
        assert!(!reader.is_writer_alive());
        let mut successor = dir.any_writer();
        assert_eq!(reader.writer_epoch(), 2);
        assert!(held.as_bytes() == pattern(DType::F32, 4, 1));
        let (mut holder, _) = like_minded(&dir);
        assert_eq!(holder.ask("open"), "ok");
        assert_eq!(holder.ask("hold"), seen(1, 0, DType::F32, &[4], 1));
        // Of three slots: the value that both hold, the current one, and the next.
        for seed in 2..20 {
            successor.write_bytes(DType::F32, &[4], &pattern(DType::F32, 4, seed)).unwrap();
        }
        assert_eq!(holder.ask("recheck"), seen(1, 0, DType::F32, &[4], 1));
        assert!(holder.ask("hold").starts_with("19 "));
        let full = successor
            .write_bytes(DType::F32, &[4], &pattern(DType::F32, 4, 20))
            .and_then(|_| successor.write_bytes(DType::F32, &[4], &pattern(DType::F32, 4, 21)));
        assert!(matches!(full, Err(Error::AllSlotsPinned { .. })), "{full:?}");
        holder.kill();
        successor.write_bytes(DType::F32, &[4], &pattern(DType::F32, 4, 22)).unwrap();
        assert!(held.as_bytes() == pattern(DType::F32, 4, 1));
        assert!(reader.read().unwrap().unwrap().as_bytes() == pattern(DType::F32, 4, 22));
    }
}

mod other_order {
    use super::*;

    fn contrary(dir: &TestDir) -> Peer {
        let mut peer = peer(dir);
        assert_ne!(order(&target()), order(&peer.ask("target")));
        peer
    }

    fn is_byte_order<T>(what: Result<T, Error>) -> bool {
        matches!(what, Err(Error::Corrupt(HeaderError::ByteOrder { found: 0x0403_0201 })))
    }

    #[test]
    #[ignore = "needs this test binary for a target of the other byte order"]
    fn a_board_from_there_is_an_error_here() {
        let dir = TestDir::new();
        let mut writer = contrary(&dir);
        assert_eq!(writer.ask("create 8 8 true"), "ok");
        assert_eq!(writer.ask("write int32 [3] 1"), "1");
        let all_refuse = || {
            assert!(is_byte_order(dir.options().open(NAME)));
            assert!(is_byte_order(dir.options().open_read_only(NAME)));
        };
        all_refuse();
        assert!(matches!(dir.options().create::<i32>(NAME), Err(Error::WriterExists { .. })));
        let files = dir.files();
        writer.finish();
        all_refuse();
        // Nor is it taken over, or removed to make room.
        assert!(is_byte_order(dir.options().create::<i32>(NAME)));
        assert_eq!(dir.files(), files);
        dir.options().remove(NAME).unwrap();
        assert_eq!(dir.files(), [""; 0]);
    }

    #[test]
    #[ignore = "needs this test binary for a target of the other byte order"]
    fn a_board_from_here_is_an_error_there() {
        let dir = TestDir::new();
        let mut other = contrary(&dir);
        let mut writer = dir.options().persist(true).create::<i32>(NAME).unwrap();
        writer.write(&[2], &[1, -1]).unwrap();
        for open in ["open", "open-read-only"] {
            assert!(other.ask(&format!("why-not {open}")).starts_with("byte order mark 0x04030201"));
        }
        drop(writer);
        let refusal = other.ask("create 8 8 false");
        let expected = "error: corrupt or foreign data in shared memory: byte order mark 0x04030201";
        assert!(refusal.starts_with(expected), "{refusal}");
        assert_eq!(dir.reader().latest().unwrap().unwrap().view::<i32>().unwrap().as_slice(), [1, -1]);
        other.finish();
    }
}
