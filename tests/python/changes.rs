//! Writers, files and shapes that change while the other end runs.

use crate::process::{Name, Peer, digest, digest_of, numbers};
use ndsharray::DType;
use ndsharray::compat::{self, Options, Overwrite, Reader};
use std::time::Duration;

fn write(writer: &mut compat::AnyWriter, shape: &[usize], seed: usize) -> String {
    let bytes = numbers(DType::I32, shape, seed);
    writer.write_bytes(DType::I32, shape, &bytes).unwrap();
    format!("True {} {}", digest(DType::I32, shape, &bytes), writer.payload_name().unwrap())
}

/// Python's reader keeps the tag file that it found first.
#[test]
#[ignore = "needs Python's ndsharray"]
fn pythons_reader_follows_from_writer_to_writer() {
    let name = Name::new();
    let mut peer = Peer::new();
    let mut python = Peer::new();
    assert_eq!(python.ask(&format!("writer {}", name.as_str())), "ok");
    python.ask("write int32 4 1");
    assert_eq!(peer.ask(&format!("reader {}", name.as_str())), "ok");
    assert!(peer.ask("read").starts_with("True int32 4 "));
    drop(python);
    for n in 0..3 {
        let mut writer = Options::new().persist(true).create_any(name.as_str()).unwrap();
        for seed in 0..5 {
            let expected = write(&mut writer, &[3 + n], seed);
            assert_eq!(peer.ask("read"), expected);
        }
    }
    assert_eq!(compat::leftovers(name.as_str()).unwrap().len(), 1, "what Python wrote before its int32 array");
}

/// A Python writer may take a channel over, too: it cuts the tag file first.
#[test]
#[ignore = "needs Python's ndsharray"]
fn our_reader_follows_from_writer_to_writer() {
    let name = Name::new();
    let mut writer = Options::new().persist(true).create_any(name.as_str()).unwrap();
    write(&mut writer, &[3], 1);
    drop(writer);
    let mut reader = Reader::open(name.as_str()).unwrap();
    assert!(reader.read().unwrap().is_some());
    for seed in 0..3 {
        let mut peer = Peer::new();
        assert_eq!(peer.ask(&format!("writer {}", name.as_str())), "ok");
        peer.ask(&format!("write int32 5 {seed}"));
        let array = reader.read().unwrap().unwrap();
        assert_eq!(digest_of(&array), digest(DType::I32, &[5], &numbers(DType::I32, &[5], seed)));
    }
}

#[test]
#[ignore = "needs Python's ndsharray"]
fn what_python_leaves_is_listed_and_removed() {
    let name = Name::new();
    let mut peer = Peer::new();
    assert_eq!(peer.ask(&format!("writer {}", name.as_str())), "ok");
    for n in 1..=30 {
        peer.ask(&format!("write uint8 {n} 0"));
    }
    // One at its start, one for each shape but the last.
    assert_eq!(compat::leftovers(name.as_str()).unwrap().len(), 30);
    assert_eq!(compat::remove_leftovers(name.as_str(), Duration::from_secs(3600)).unwrap(), []);
    assert_eq!(compat::remove_leftovers(name.as_str(), Duration::ZERO).unwrap().len(), 30);
    assert_eq!(name.files().len(), 2);
    peer.ask("write uint8 2 7");
    let mut reader = Reader::open(name.as_str()).unwrap();
    assert_eq!(reader.read().unwrap().unwrap().as_bytes(), numbers(DType::U8, &[2], 7), "its writer goes on");
    drop(peer);
    compat::remove(name.as_str()).unwrap();
    assert!(name.files().is_empty());
}

/// Shapes change as fast as the writer can, while Python reads.
///
/// Each value is what was written, and no read fails.
#[test]
#[ignore = "needs Python's ndsharray"]
fn shapes_change_while_python_reads() {
    for mode in [Overwrite::Never, Overwrite::InPlace] {
        let name = Name::new();
        let mut peer = Peer::new();
        let mut writer = Options::new().overwrite(mode).create_any(name.as_str()).unwrap();
        assert_eq!(peer.ask(&format!("reader {}", name.as_str())), "ok");
        peer.tell("flood-read 2000 60");
        let mut n = 0_u64;
        let answer = loop {
            n += 1;
            let len = (n * 37 % 5000) as usize + 1;
            writer.write_bytes(DType::U64, &[len], &n.to_ne_bytes().repeat(len)).unwrap();
            if let Some(answer) = peer.has_answered() {
                break answer;
            }
        };
        println!("{mode:?}, a new shape at each of {n} writes: accepted torn older invalid errors seconds: {answer}");
        let fields: Vec<f64> = answer.split(' ').map(|field| field.parse().unwrap()).collect();
        assert_eq!(fields[0], 2000.0, "{answer}");
        assert_eq!((fields[1], fields[2], fields[4]), (0.0, 0.0, 0.0), "{answer}");
    }
}
