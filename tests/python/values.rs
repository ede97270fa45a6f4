//! Every dtype and many shapes, in both directions.

use crate::process::{Name, Peer, axes, digest, digest_of, numbers};
use ndsharray::compat::{DTypeTable, Options, Overwrite, Reader};
use ndsharray::{DType, Error};
use std::time::Duration;

fn shapes() -> Vec<Vec<usize>> {
    vec![vec![], vec![0], vec![3, 0, 5], vec![7], vec![5, 3], [vec![1; 30], vec![4, 2]].concat(), vec![300, 301]]
}

fn cases() -> impl Iterator<Item = (DType, Vec<usize>)> {
    DTypeTable::V1_1_4.dtypes().iter().flat_map(|dtype| shapes().into_iter().map(|shape| (*dtype, shape)))
}

#[test]
#[ignore = "needs Python's ndsharray"]
fn rust_to_python() {
    for mode in [Overwrite::Never, Overwrite::InPlace] {
        let name = Name::new();
        let mut peer = Peer::new();
        let mut writer = Options::new().overwrite(mode).create_any(name.as_str()).unwrap();
        assert_eq!(peer.ask(&format!("reader {}", name.as_str())), "ok");
        assert_eq!(peer.ask("read"), "False", "nothing has been written");
        assert_eq!(peer.ask("is-valid"), "False");
        for (n, (dtype, shape)) in cases().enumerate() {
            // Twice, so that in-place writing gets its turn.
            for seed in [n, n + 1] {
                let bytes = numbers(dtype, &shape, seed);
                writer.write_bytes(dtype, &shape, &bytes).unwrap();
                let expected = format!("True {} {}", digest(dtype, &shape, &bytes), writer.payload_name().unwrap());
                assert_eq!(peer.ask("read"), expected);
                assert_eq!(peer.ask("read"), "False", "nothing newer");
                assert_eq!(peer.ask("is-valid"), "True");
            }
        }
        let ms: f64 = peer.ask("read-time").parse().unwrap();
        assert!(ms > 0.0 && ms < 60_000.0, "{ms}");
        drop(writer);
        assert!(name.files().is_empty());
        assert_eq!(peer.ask("read"), "False");
    }
}

#[test]
#[ignore = "needs Python's ndsharray"]
fn python_to_rust() {
    let name = Name::new();
    let mut peer = Peer::new();
    assert_eq!(peer.ask(&format!("writer {}", name.as_str())), "ok");
    let mut reader = Reader::open(name.as_str()).unwrap();
    let first = reader.read().unwrap().unwrap();
    assert_eq!(digest_of(&first), digest(DType::U8, &[0], &[]), "the package's writer starts with an empty array");
    for (n, (dtype, shape)) in cases().enumerate() {
        for seed in [n, n + 1] {
            let payload_name = peer.ask(&format!("write {dtype} {} {seed}", axes(&shape)));
            let array = reader.read().unwrap().unwrap();
            assert_eq!(digest_of(&array), digest(dtype, &shape, &numbers(dtype, &shape, seed)));
            assert_eq!(reader.payload_name(), Some(payload_name));
            assert!(reader.is_valid() && reader.read_time_ms() > 0.0 && reader.read_time_ms() < 60_000.0);
            assert!(reader.read().unwrap().is_none(), "nothing newer");
        }
    }
}

#[test]
#[ignore = "needs Python's ndsharray"]
fn reader_first() {
    let name = Name::new();
    let mut peer = Peer::new();
    assert!(matches!(Reader::open(name.as_str()), Err(Error::NotFound { .. })));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| Reader::open_timeout(name.as_str(), Duration::from_secs(60)));
        assert_eq!(peer.ask(&format!("writer {}", name.as_str())), "ok");
        let mut reader = waiting.join().unwrap().unwrap();
        peer.ask("write int32 3 5");
        let array = reader.read().unwrap().unwrap();
        assert_eq!(digest_of(&array), digest(DType::I32, &[3], &numbers(DType::I32, &[3], 5)));
    });
}
