//! `record` and `play`.

use crate::support::{TIMEOUT, TestDir, wait_until};
use ndsharray::{Error, Writer};
use std::fs;
use std::time::{Duration, Instant};

/// Publishes `count` values, at least this far apart, as soon as there is a reader.
///
/// It comes to each of them before the next.
fn publish(dir: &TestDir, writer: &mut Writer<u8>, count: u8, apart: Duration) {
    wait_until("there is a reader", || {
        let all = dir.json(&["ls", "--json", "--interval=0"]);
        all.as_array().unwrap().iter().any(|one| one["name"] == "from" && one["readers"] == 1)
    });
    for value in 1..=count {
        let number = writer.write(&[2], &[value; 2]).unwrap();
        std::thread::sleep(apart);
        dir.wait_until_seen(number);
    }
}

/// Each value that comes until the channel closes, with the moment when it was written.
///
/// Not before that moment, and on a busy machine after it.
fn follow(dir: &TestDir, name: &str) -> Vec<(u8, Instant)> {
    let mut reader = dir.options().open_timeout(name, TIMEOUT).unwrap();
    let mut seen = Vec::new();
    loop {
        match reader.wait(TIMEOUT) {
            Ok(sample) => {
                let sample = sample.unwrap();
                let age = sample.age();
                seen.push((sample.as_bytes()[0], Instant::now().checked_sub(age).unwrap()));
            }
            Err(Error::Closed { .. }) => return seen,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_recording_is_played_as_it_was() {
    let dir = TestDir::new();
    for to in ["recording", "recording.npz"] {
        let to = dir.text_path(to);
        let mut writer = dir.options().create::<u8>("from").unwrap();
        let record = dir.start(&["record", "from", &to]);
        publish(&dir, &mut writer, 5, Duration::from_millis(60));
        drop(writer);
        let ran = record.end();
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.stderr, "5 values recorded, 0 missed\n");

        let began = Instant::now();
        let play = dir.start(&["play", "again", &to]);
        let played = follow(&dir, "again");
        assert_eq!(play.end().code, 0);
        let values: Vec<u8> = played.iter().map(|(value, _)| *value).collect();
        assert!(values.is_sorted() && values.ends_with(&[5]), "{values:?}");
        // Never before its time; how late, the machine decides.
        for (value, written) in &played {
            let due = Duration::from_millis(60) * u32::from(value - 1);
            assert!(*written + Duration::from_millis(20) >= began + due, "{value} after {:?}", *written - began);
        }
        assert!(matches!(dir.options().open("again"), Err(Error::NotFound { .. })), "it goes at the end");
    }
}

#[test]
fn a_recording_ends_when_it_is_told_to() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("from").unwrap();
    writer.write(&[2], &[9; 2]).unwrap();
    assert_eq!(
        dir.run(&["record", "from", &dir.text_path("one"), "--count", "1"]).stderr,
        "1 values recorded, 0 missed\n"
    );
    let files = fs::read_dir(dir.file("one")).unwrap().count();
    assert_eq!(files, 2, "the value and the index");
    assert_eq!(dir.run(&["record", "from", &dir.text_path("some.npz"), "--seconds", "0.2"]).code, 0);
    assert_eq!(dir.run(&["record", "from", &dir.text_path("one")]).code, 1, "nothing is overwritten");
    // Ctrl-C leaves an archive that can be read.
    let to = dir.text_path("told.npz");
    let record = dir.start(&["record", "from", &to]);
    publish(&dir, &mut writer, 3, Duration::from_millis(20));
    record.interrupt();
    let ran = record.end();
    assert_eq!(ran.code, 0, "{ran:?}");
    drop(writer);
    let play = dir.run(&["play", "again", &to, "--rate", "1000", "--keep"]);
    assert_eq!((play.code, play.stderr.as_str()), (0, ""));
    assert_eq!(dir.options().open("again").unwrap().latest().unwrap().unwrap().as_bytes(), [3, 3]);
}

#[test]
fn a_recorder_follows_writers_and_waits_for_the_first() {
    let dir = TestDir::new();
    let to = dir.text_path("recording");
    let record = dir.start(&["record", "from", &to, "--wait", "30", "--follow", "--count", "4"]);
    for _ in 0..2 {
        let mut writer = dir.options().create::<u8>("from").unwrap();
        publish(&dir, &mut writer, 2, Duration::from_millis(60));
    }
    assert_eq!(record.end().code, 0);
    let index = fs::read_to_string(dir.file("recording/index.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = index.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    let times: Vec<f64> = lines.iter().map(|line| line["time"].as_f64().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(lines[3]["shape"], serde_json::json!([2]));
}

#[test]
fn what_is_no_recording_is_refused() {
    let dir = TestDir::new();
    dir.array_options().from_slice::<u8>("array", &[1], &[1]).unwrap();
    let file = dir.text_path("a.npz");
    dir.ok(&["get", "array", &file]);
    assert_eq!(dir.run(&["record", "array", &dir.text_path("recording")]).code, 2);
    for (from, code) in [(file, 3), (dir.text_path("nothing"), 3), ("/dev/null".to_owned(), 2)] {
        let ran = dir.run(&["play", "again", &from]);
        assert_eq!(ran.code, code, "{from}: {ran:?}");
    }
    assert!(matches!(dir.options().open("again"), Err(Error::NotFound { .. })));
}
