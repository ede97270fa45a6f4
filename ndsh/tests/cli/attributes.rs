//! Attributes, and the times and numbers of values that are played again.

use crate::support::{TIMEOUT, TestDir, wait_until};
use ndsharray::inspect::Kind;
use ndsharray::{Error, OwnedSample};
use std::time::{Duration, SystemTime};

/// Text, JSON, no attributes, bytes that are no text.
const ATTRIBUTES: [&[u8]; 4] = [b"exposure 20 ms", br#"{"frame": 7}"#, b"", b"\xff\x00"];

fn apart(a: SystemTime, b: SystemTime) -> Duration {
    a.duration_since(b).unwrap_or_else(|error| error.duration())
}

/// Records a channel `from` that has a value with each of these, into `to`.
///
/// Returns the values.
fn record(dir: &TestDir, to: &str) -> Vec<OwnedSample> {
    let mut writer = dir.options().history(8).create::<u8>("from").unwrap();
    let mut reader = dir.options().open("from").unwrap();
    let mut samples = Vec::new();
    let count = (ATTRIBUTES.len() + 1).to_string();
    writer.write_with(&[1], &[9], b"").unwrap();
    let record = dir.start(&["record", "from", to, "--count", &count]);
    // The recorder comes to each before the next.
    let all_have_seen = |number| {
        let report = dir.options().look("from", Kind::Channel).unwrap();
        report.readers.len() == 2 && report.readers.iter().all(|reader| reader.seen >= number)
    };
    reader.read().unwrap();
    wait_until("it records", || all_have_seen(1));
    for (value, attributes) in (0..).zip(ATTRIBUTES) {
        let number = writer.write_with(&[1], &[value], attributes).unwrap();
        samples.push(reader.read_owned().unwrap().unwrap());
        // With the last value it may be gone.
        wait_until("it takes the value", || number == 5 || all_have_seen(number));
    }
    let ran = record.end();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, "5 values recorded, 0 missed\n"));
    samples
}

#[test]
fn a_recording_keeps_them() {
    for to in ["recording", "recording.npz"] {
        let dir = TestDir::new();
        let to = dir.text_path(to);
        let recorded = record(&dir, &to);
        assert_eq!(dir.run(&["play", "again", &to, "--rate", "1000", "--keep"]).code, 0);
        let last = recorded.last().unwrap();
        let played = dir.options().open("again").unwrap().latest_owned().unwrap().unwrap();
        assert_eq!((played.attributes(), played.as_bytes()), (last.attributes(), last.as_bytes()));
        let identity = |sample: &OwnedSample| (sample.seq(), sample.incarnation(), sample.epoch());
        assert!(played.is_imported() && identity(&played) == identity(last));
        let difference = apart(played.time(), last.time());
        assert!(difference < Duration::from_millis(100), "{:?} for {:?}", played.time(), last.time());

        let mut reader = dir.options().open("again").unwrap();
        reader.latest().unwrap();
        let play = dir.start(&["play", "again", &to, "--rate", "10"]);
        // The channel has come further: numbers of its own, but the times of the source.
        let mut last = 0;
        while last < 5 {
            let sample = match reader.wait_owned(TIMEOUT) {
                Ok(sample) => sample.expect("a value"),
                Err(Error::Closed { .. }) => continue,
                Err(other) => panic!("{other}"),
            };
            last = sample.seq();
            // The first was there before.
            let Some(recorded) = (last as usize).checked_sub(2).and_then(|index| recorded.get(index)) else { continue };
            assert_eq!((sample.attributes(), sample.as_bytes()), (recorded.attributes(), recorded.as_bytes()));
            assert_ne!(sample.incarnation(), recorded.incarnation());
            assert!(apart(sample.time(), recorded.time()) < Duration::from_millis(100));
        }
        assert_eq!(play.end().code, 0);
    }
}

#[test]
fn info_shows_them() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("from").unwrap();
    let mut shown = |attributes: &[u8]| {
        writer.write_with(&[1], &[1], attributes).unwrap();
        let json = dir.json(&["info", "from", "--json", "--interval=0"]);
        (dir.ok(&["info", "from", "--interval=0"]), json[0]["attributes"].clone(), json[0]["slots"].clone())
    };
    let (text, json, slots) = shown(b"{\"frame\": 7}");
    assert!(text.contains("12 bytes of attributes: {\"frame\": 7}"), "{text}");
    assert_eq!(json, serde_json::json!({"frame": 7}));
    assert_eq!(slots[0]["attributes_bytes"], 12);
    let (text, json, _) = shown(b"plain");
    assert!(text.contains("5 bytes of attributes: plain") && json == "plain", "{text}");
    let (text, json, _) = shown(b"\x1b[2J");
    assert!(text.contains("attributes: hex 1b5b324a") && json == "hex:1b5b324a", "{text}");
    let (text, json, _) = shown(b"");
    assert!(!text.contains("attributes:") && json.is_null(), "{text}");
}

#[test]
fn put_publishes_them() {
    let dir = TestDir::new();
    dir.put_value();
    let file = dir.text_path("value.npy");
    assert_eq!(dir.run(&["get", "from", &file]).code, 0);
    assert_eq!(dir.run(&["put", "to", &file, "--attributes", "{\"frame\": 7}"]).code, 0);
    let sample = dir.options().open("to").unwrap().latest_owned().unwrap().unwrap();
    assert_eq!((sample.attributes(), sample.as_bytes()), (b"{\"frame\": 7}".as_slice(), [1, 2, 3, 4].as_slice()));
    let long = "x".repeat(4097);
    let ran = dir.run(&["put", "to", &file, "--attributes", &long]);
    assert!(ran.code != 0 && ran.stderr.contains("4097 bytes of attributes"), "{ran:?}");
}
