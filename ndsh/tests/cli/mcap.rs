//! Recordings of several channels, as MCAP files.

use crate::support::{Running, TIMEOUT, TestDir, python_program, wait_until};
use ndsharray::{DType, DateTime64, ElementType, Error, Options, OwnedSample, RecordType, TimeUnit};
use std::fs;
use std::time::{Duration, Instant};

/// Options of writers that keep all that the tests write.
fn keeping(dir: &TestDir) -> Options {
    dir.options().history(60)
}

/// Waits until a recorder has opened these channels.
fn has_readers(dir: &TestDir, names: &[&str]) {
    wait_until("the recorder has opened all", || {
        let all = dir.json(&["ls", "--json", "--interval=0"]);
        names.iter().all(|name| all.as_array().unwrap().iter().any(|one| one["name"] == *name && one["readers"] == 1))
    });
}

/// Writes values of many element types into `a` and `b`, which stay.
fn write_some(dir: &TestDir) {
    let mut a = keeping(dir).persist(true).create_any("a").unwrap();
    let mut b = keeping(dir).persist(true).create_any("b").unwrap();
    for frame in 0..20_u8 {
        let attributes = format!("{{\"frame\": {frame}}}");
        a.write_bytes_with(DType::U8, &[2, 3], &[frame; 6], attributes.as_bytes()).unwrap();
        let stamp = ElementType::datetime64(TimeUnit::MILLISECOND);
        b.write_bytes_with(stamp, &[], &i64::from(frame).to_ne_bytes(), b"").unwrap();
    }
    let point = RecordType::packed([("x", DType::F32), ("tag", DType::F8E4M3FN)]).unwrap();
    let mut loan = a.loan_records(&point, &[2]).unwrap();
    loan.as_mut_bytes().copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    loan.set_attributes(b"\xff").unwrap();
    loan.publish().unwrap();
    b.write_bytes_with(ElementType::text(2).unwrap(), &[1], &[b'x', 0, 0, 0, 0, 0, 0, 0], b"").unwrap();
}

/// All values of a channel that has kept them.
fn values(options: &Options, name: &str) -> Vec<OwnedSample> {
    let mut reader = options.clone().from_oldest(true).open(name).unwrap();
    std::iter::from_fn(|| reader.read_next_owned().unwrap()).collect()
}

/// What a value is, but for its times.
fn content(value: &OwnedSample) -> impl PartialEq + std::fmt::Debug {
    (
        (value.element_type().to_string(), value.record_type().cloned(), value.shape().to_vec()),
        (value.as_bytes().to_vec(), value.attributes().to_vec()),
        (value.seq(), value.epoch(), value.incarnation()),
    )
}

/// Follows a channel until it is closed, each value in its turn.
fn follow(dir: &TestDir, name: &str) -> std::thread::JoinHandle<Vec<OwnedSample>> {
    let (options, name) = (dir.options(), name.to_owned());
    std::thread::spawn(move || {
        let mut reader = options.from_oldest(true).open_timeout(&name, TIMEOUT).unwrap();
        let mut values = Vec::new();
        let end = Instant::now() + TIMEOUT;
        while Instant::now() < end {
            match reader.wait_next_owned(TIMEOUT) {
                Ok(value) => values.extend(value),
                Err(Error::Closed { .. }) => break,
                Err(error) => panic!("{error}"),
            }
        }
        values
    })
}

#[test]
fn what_is_played_is_what_was_recorded() {
    let dir = TestDir::new();
    write_some(&dir);
    let to = dir.text_path("all.mcap");
    let ran = dir.run(&["record", "--every", "a", "b", &to]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, "42 values recorded, 0 missed\n"));
    let both = ["replay.a", "replay.b"].map(|name| follow(&dir, name));
    // Slowly enough for readers that keep no history.
    let ran = dir.run(&["play", &to, "--prefix", "replay.", "--rate", "100"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for (name, played) in ["a", "b"].into_iter().zip(both) {
        let (recorded, played) = (values(&dir.options(), name), played.join().unwrap());
        assert!(recorded.len() == 21 && played.len() > 1 && played.iter().all(OwnedSample::is_imported));
        // A busy machine may have the reader miss some: what it has seen is the same.
        for value in &played {
            let wanted = recorded.iter().find(|wanted| wanted.seq() == value.seq()).unwrap();
            assert_eq!(content(value), content(wanted));
            // A channel has no time of day, but each reader reckons it.
            let difference = wanted.time().duration_since(value.time()).unwrap_or_else(|other| other.duration());
            assert!(difference < Duration::from_secs(1), "{difference:?}");
        }
        assert_eq!(content(played.last().unwrap()), content(recorded.last().unwrap()));
        // A reader that was opened late has not missed what came before.
        for pair in played.windows(2) {
            assert_eq!(pair[1].seq() - pair[0].seq(), 1 + pair[1].missed(), "{name}");
        }
    }
    let left = dir.json(&["ls", "--json", "--interval=0"]);
    assert_eq!(left.as_array().unwrap().len(), 2, "the played ones go at the end: {left}");
}

#[test]
fn a_part_can_be_chosen_and_renamed() {
    let dir = TestDir::new();
    write_some(&dir);
    let to = dir.text_path("all.mcap");
    assert_eq!(dir.run(&["record", "--every", "[ab]", &to, "--count", "42"]).code, 0);
    let listing = dir.json(&["play", &to, "--list", "--json", "--only", "b"]);
    let b = &listing["channels"][0];
    assert_eq!(listing["finished"], true);
    assert_eq!(
        (&b["name"], &b["values"], &b["missed"], &b["dtype"]),
        (&"b".into(), &21.into(), &0.into(), &"U2".into())
    );
    let ran = dir.run(&["play", "one", &to]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("several channels: a, b"), "{ran:?}");
    assert_eq!(dir.run(&["play", &to, "--only", "c"]).code, 3);
    assert_eq!(dir.run(&["play", &to, "--start", "3600"]).code, 3);
    dir.ok(&["play", "one", &to, "--only", "b", "--rate", "10000", "--keep"]);
    let mut one = dir.options().open("one").unwrap();
    assert_eq!(one.latest().unwrap().unwrap().element_type(), ElementType::text(2).unwrap());
    // A directory has several channels too, and says which; an archive has one.
    let dated = keeping(&dir).persist(true).create::<DateTime64>("plain").unwrap();
    drop(dated);
    keeping(&dir).persist(true).create::<f32>("c").unwrap().write(&[1], &[2.5]).unwrap();
    keeping(&dir).persist(true).create::<f32>("d").unwrap().write(&[1], &[3.5]).unwrap();
    assert_eq!(dir.run(&["record", "c", "d", &dir.text_path("x.npz")]).code, 2);
    assert_eq!(dir.run(&["record", "c", "d", &dir.text_path("both"), "--count", "2"]).code, 0);
    dir.ok(&["play", &dir.text_path("both"), "--prefix", "again-", "--keep"]);
    for (name, value) in [("again-c", 2.5), ("again-d", 3.5)] {
        let mut reader = dir.options().open(name).unwrap();
        assert_eq!(reader.latest().unwrap().unwrap().view::<f32>().unwrap().as_slice(), [value]);
    }
    assert_eq!(dir.run(&["record", "nothing*", &dir.text_path("y.mcap")]).code, 3);
    assert_eq!(dir.run(&["record", "c", &dir.text_path("z.mcap"), "--lossless"]).code, 1, "its writer did not consent");
}

/// How many values of `from` a recording has, so far.
fn count(dir: &TestDir, path: &str) -> u64 {
    let ran = dir.run(&["play", path, "--list", "--json"]);
    if ran.code != 0 {
        return 0;
    }
    let listing: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(listing["finished"], false);
    listing["channels"][0]["values"].as_u64().unwrap()
}

#[test]
fn a_killed_recorder_leaves_what_it_had_a_second_ago() {
    let dir = TestDir::new();
    let to = dir.text_path("killed.mcap");
    let mut writer = keeping(&dir).create::<u8>("from").unwrap();
    let mut record: Running = dir.start(&["record", "--every", "from", &to]);
    has_readers(&dir, &["from"]);
    for value in 0..7_u8 {
        writer.write_with(&[2], &[value; 2], &[value]).unwrap();
    }
    // Nothing more comes, and yet they come to the disk.
    wait_until("all are in the file", || count(&dir, &to) == 7);
    record.kill();
    let ran = dir.run(&["play", &to, "--list"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.contains("from") && ran.stdout.contains("uint8"), "{ran:?}");
    assert!(ran.stderr.contains("its recorder was killed"), "{ran:?}");
    let ran = dir.run(&["play", &to, "--prefix", "after.", "--rate", "1000", "--keep"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("its recorder was killed"), "{ran:?}");
    let last = dir.options().open("after.from").unwrap().latest_owned().unwrap().unwrap();
    assert_eq!((last.as_bytes(), last.attributes(), last.seq()), (&[6_u8; 2][..], &[6_u8][..], 7));
}

#[test]
fn a_lossless_recorder_misses_nothing_of_a_fast_writer() {
    let dir = TestDir::new();
    let to = dir.text_path("all.mcap");
    let options = dir.options().max_slots(4).wait_for_readers(TIMEOUT);
    let mut writer = options.create::<u64>("from").unwrap();
    let record = dir.start(&["record", "--lossless", "from", &to, "--count", "500"]);
    has_readers(&dir, &["from"]);
    for value in 0..500 {
        writer.write(&[1], &[value]).unwrap();
    }
    let ran = record.end();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, "500 values recorded, 0 missed\n"));
}

#[test]
fn space_pauses_and_goes_on() {
    let dir = TestDir::new();
    let mut writer = keeping(&dir).persist(true).create::<u8>("from").unwrap();
    writer.write(&[1], &[1]).unwrap();
    let to = dir.text_path("one.mcap");
    assert_eq!(dir.run(&["record", "from", &to, "--count", "1"]).code, 0);
    let mut play = dir.terminal(&["play", "again", &to, "--loop", "--rate", "50"]);
    let mut reader = dir.options().open_timeout("again", TIMEOUT).unwrap();
    let mut next = |what: &str| {
        let seq = reader.seq();
        wait_until(what, || reader.read().unwrap().is_some());
        assert!(reader.seq() > seq);
    };
    next("it plays");
    play.send(" ").unwrap();
    play.flush().unwrap();
    play.exp_string("paused").unwrap();
    let seq = |dir: &TestDir| dir.options().open("again").unwrap().latest().unwrap().unwrap().seq();
    let before = seq(&dir);
    // Ten values would have come; on a busy machine fewer would, and the test sees less.
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(seq(&dir), before);
    play.send(" ").unwrap();
    play.flush().unwrap();
    next("what was there");
    next("it goes on");
    play.send_control('c').unwrap();
    play.exp_eof().unwrap();
}

/// The reader that Foxglove makes, and the lines that docs/RECORDINGS.md shows.
#[test]
#[ignore = "needs NDSHARRAY_PYTHON with the package mcap"]
fn foxgloves_reader_opens_it() {
    let dir = TestDir::new();
    write_some(&dir);
    let to = dir.text_path("all.mcap");
    assert_eq!(dir.run(&["record", "--every", "a", "b", &to]).code, 0);
    let document = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/RECORDINGS.md")).unwrap();
    let program = document.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let checks = r#"
seen = {"a": [], "b": []}
for name, array, note in values(sys.argv[1]):
    seen[name].append((array, note))
assert [len(seen[name]) for name in "ab"] == [21, 21]
for frame, (array, note) in enumerate(seen["a"][:20]):
    assert (array == np.full((2, 3), frame, np.uint8)).all() and array.dtype == np.uint8
    assert note["attributes"] == b'{"frame": %d}' % frame, note
    assert note["number"] == frame + 1 and note["missed"] == 0 and note["epoch"] == 1, note
assert seen["a"][20][0].dtype.names == ("x", "tag") and seen["a"][20][1]["attributes"] == b"\xff"
for frame, (array, note) in enumerate(seen["b"][:20]):
    assert array.dtype == np.dtype("<M8[ms]") and array == np.datetime64(frame, "ms")
assert seen["b"][20][0].tolist() == ["x"]
times = [note["time_ns"] for _, note in seen["a"]]
assert times == sorted(times) and abs(times[0] / 1e9 - __import__("time").time()) < 3600
from mcap.reader import make_reader
summary = make_reader(open(sys.argv[1], "rb")).get_summary()
assert sorted({channel.topic for channel in summary.channels.values()}) == ["a", "b"]
assert summary.statistics.message_count == 42
"#;
    python_program(&dir, &format!("{program}{checks}"), &[&to]);
}
