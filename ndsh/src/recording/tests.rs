//! What is recorded comes back, also from files that are cut or damaged.

use super::elements::tests::all;
use super::*;
use crate::failure::{Exit, Failure, Result};
use ndsharray::DType;
use proptest::prelude::*;
use proptest::sample::Index;
use std::fs;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// A value as it is given to a recorder.
#[derive(Clone, Debug, PartialEq)]
struct Given {
    name: String,
    elements: Elements,
    shape: Vec<usize>,
    bytes: Vec<u8>,
    attributes: Vec<u8>,
    note: Note,
}

fn note(index: u64) -> Note {
    Note {
        time: index as f64 / 4.0,
        unix_time: 1e9 + index as f64 / 4.0,
        time_ns: Some(1_000_000_000_000_000_000 + i64::try_from(index).unwrap() * 250_000_000),
        monotonic_ns: None,
        seq: Some(7 + index),
        missed: Some(index % 2),
        epoch: Some(3),
        incarnation: Some(Uuid::from_u128(5)),
    }
}

/// A value of so many bytes.
fn given(index: u8) -> Given {
    let attributes: [&[u8]; 3] = [b"{\"frame\": 7}", b"", b"\xff\x00"];
    Given {
        name: "camera".to_owned(),
        elements: Elements::Plain(DType::U8.into()),
        shape: vec![usize::from(index)],
        bytes: vec![index; usize::from(index)],
        attributes: attributes[usize::from(index) % 3].to_vec(),
        note: note(index.into()),
    }
}

fn add(recorder: &mut Recorder, value: &Given) -> Result<()> {
    let Given { name, elements, shape, bytes, attributes, note } = value.clone();
    let message = Message::encode(Vec::new(), &elements, &shape, &bytes, &attributes, &note)?;
    let since = u64::try_from(std::time::Duration::from_secs_f64(note.time).as_nanos()).unwrap();
    let log_time = 1_000_000_000_000_000_000 + since;
    recorder.add(&name, &Taken { channel: 0, elements, shape, note, log_time, message })
}

fn record(path: &Path, values: &[Given]) {
    let mut recorder = Recorder::create(path, 1).unwrap();
    values.iter().for_each(|value| add(&mut recorder, value).unwrap());
    recorder.finish().unwrap();
}

/// The values of a recording, and why there are no more.
fn play(path: &Path) -> (Vec<Given>, Option<Failure>) {
    let mut recording = match Recording::open(path) {
        Ok(recording) => recording,
        Err(failure) => return (Vec::new(), Some(failure)),
    };
    let mut values = Vec::new();
    loop {
        match recording.next(0.0) {
            Ok(Some(value)) => values.push(Given {
                name: value.name.unwrap_or("camera").to_owned(),
                elements: value.elements.into_owned(),
                shape: value.shape.into_owned(),
                bytes: value.bytes.into_owned(),
                attributes: value.attributes.into_owned(),
                note: value.note,
            }),
            Ok(None) => return (values, None),
            Err(failure) => return (values, Some(failure)),
        }
    }
}

#[test]
fn recordings_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let values: Vec<_> = (0..3).map(given).collect();
    for name in ["directory", "archive.npz", "file.mcap"] {
        let path = dir.path().join(name);
        record(&path, &values);
        let (found, failure) = play(&path);
        assert!(failure.is_none(), "{name}: {failure:?}");
        assert_eq!(found, values, "{name}");
        let mut recording = Recording::open(&path).unwrap();
        assert_eq!((recording.count(), recording.is_unfinished()), (Some(3), false));
        assert_eq!(recording.next(0.25).unwrap().unwrap().note, note(1));
        recording.rewind();
        assert_eq!(recording.next(0.0).unwrap().unwrap().note, note(0));
        assert!(Recorder::create(&path, 1).is_err(), "nothing is overwritten");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
}

#[test]
fn an_archive_has_one_channel() {
    let dir = tempfile::tempdir().unwrap();
    let failure = Recorder::create(&dir.path().join("a.npz"), 2).err().unwrap();
    assert_eq!(failure.exit(), Exit::Usage);
    drop(Recorder::create(&dir.path().join("a.mcap"), 2).unwrap());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left without values");
}

#[test]
fn an_index_names_only_files_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("recording");
    record(&path, &[given(1), given(2)]);
    let index = path.join("index.jsonl");
    let text = fs::read_to_string(&index).unwrap().replace("00000001.npy", "../secret.npy");
    fs::write(&index, text).unwrap();
    assert_eq!(Recording::open(&path).err().unwrap().exit(), Exit::Corrupt);
}

#[test]
fn a_line_that_was_not_finished_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("recording");
    record(&path, &[given(0), given(1), given(2)]);
    let index = path.join("index.jsonl");
    let text = fs::read_to_string(&index).unwrap();
    fs::write(&index, &text[..text.len() - 5]).unwrap();
    assert_eq!(play(&path).0, [given(0), given(1)]);
}

/// An MCAP file in which each value has a chunk of its own, and its values.
fn small_file(dir: &Path) -> (PathBuf, Vec<u8>, Vec<Given>) {
    let path = dir.join("small.mcap");
    let values: Vec<_> = (0..3).map(given).collect();
    let mut recorder = Recorder::create(&path, 1).unwrap();
    for value in &values {
        add(&mut recorder, value).unwrap();
        let Recorder::Mcap(recorder) = &mut recorder else { panic!("its name ends so") };
        recorder.complete().unwrap();
    }
    recorder.finish().unwrap();
    let bytes = fs::read(&path).unwrap();
    (path, bytes, values)
}

#[test]
fn a_cut_file_gives_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let (path, bytes, values) = small_file(dir.path());
    let mut counts = vec![0; values.len() + 1];
    for len in 0..bytes.len() {
        fs::write(&path, &bytes[..len]).unwrap();
        let (found, failure) = play(&path);
        assert_eq!(found, values[..found.len()], "{len}");
        counts[found.len()] += 1;
        match failure {
            // Not even the mark at its beginning.
            Some(failure) => assert_eq!((failure.exit(), len < 8), (Exit::Corrupt, true), "{len}: {failure}"),
            None => assert!(len >= 8, "{len}"),
        }
    }
    // Each chunk counts as soon as it is complete.
    assert!(counts.iter().all(|&count| count > 100), "{counts:?}");
}

#[test]
fn a_damaged_file_never_gives_another_value() {
    let dir = tempfile::tempdir().unwrap();
    let (path, bytes, values) = small_file(dir.path());
    let mut refused = 0;
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= [0x01, 0x80, 0xff][at % 3];
        fs::write(&path, &bytes).unwrap();
        let (found, failure) = play(&path);
        assert_eq!(found, values[..found.len()], "{at}");
        match failure {
            Some(failure) => {
                assert_eq!(failure.exit(), Exit::Corrupt, "{at}: {failure}");
                refused += 1;
            }
            // What the file's end alone says, and a chunk's times, which serve for `--start`.
            None => assert_eq!(found.len(), values.len(), "{at}"),
        }
    }
    assert!(refused > 500, "{refused} of {}", bytes.len());
}

#[test]
fn a_length_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mcap");
    for len in [0, 1, 40, 100, u64::from(u32::MAX), u64::MAX - 8, u64::MAX] {
        for op in 0..=16 {
            let mut bytes = mcap_magic().to_vec();
            bytes.push(op);
            bytes.extend(len.to_le_bytes());
            bytes.resize(bytes.len() + 60, 0xff);
            fs::write(&path, &bytes).unwrap();
            let (found, failure) = play(&path);
            assert!(found.is_empty() && failure.is_none_or(|failure| failure.exit() == Exit::Corrupt), "{len} {op}");
        }
    }
}

fn mcap_magic() -> &'static [u8] {
    ::mcap::MAGIC
}

#[test]
fn a_file_of_another_program_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.mcap");
    let mut writer = ::mcap::Writer::new(fs::File::create(&path).unwrap()).unwrap();
    let channel = writer.add_channel(0, "chatter", "cdr", &Default::default()).unwrap();
    let header = ::mcap::records::MessageHeader { channel_id: channel, sequence: 0, log_time: 1, publish_time: 1 };
    writer.write_to_known_channel(&header, b"hello").unwrap();
    writer.finish().unwrap();
    assert!(play(&path).0.is_empty());
    let mut recording = Recording::open(&path).unwrap();
    assert!(recording.next(0.0).unwrap().is_none());
    let failure = recording.no_values();
    assert_eq!(failure.exit(), Exit::Corrupt);
    assert!(failure.to_string().contains("\"chatter\" are encoded as \"cdr\""), "{failure}");
}

fn values() -> impl Strategy<Value = Vec<Given>> {
    let value = (
        0_usize..3,
        any::<Index>(),
        prop::collection::vec(0_usize..4, 0..4),
        prop::collection::vec(any::<u8>(), 0..20),
        any::<[u8; 16]>(),
        (any::<[u64; 4]>(), any::<i64>(), 0_u64..1_000_000),
    );
    let value = value.prop_map(|(name, which, shape, attributes, seed, ([seq, missed, epoch, monotonic], time, _))| {
        let all = all();
        let elements = which.get(&all).clone();
        // Any bytes but those that a bool cannot have.
        let mask = if elements == Elements::Plain(DType::Bool.into()) { 1 } else { 0xff };
        let len = elements.size() * shape.iter().product::<usize>();
        let note = Note {
            time: 0.0,
            unix_time: time as f64 / 1e9,
            time_ns: Some(time),
            monotonic_ns: Some(monotonic),
            seq: Some(seq.max(1)),
            missed: Some(missed),
            epoch: Some(epoch.max(1)),
            incarnation: Some(Uuid::from_bytes(seed)).filter(|id| !id.is_nil()),
        };
        Given {
            name: ["camera", "imu/0", "größe"][name].to_owned(),
            elements,
            bytes: seed.into_iter().cycle().take(len).map(|byte| byte & mask).collect(),
            shape,
            attributes,
            note,
        }
    });
    let gap = 0_u32..2_000_000_000;
    prop::collection::vec((value, gap), 1..12).prop_map(|values| {
        let mut at = 0_u64;
        let timed = values.into_iter().enumerate().map(|(index, (mut value, gap))| {
            at += if index == 0 { 0 } else { u64::from(gap) };
            value.note.time = std::time::Duration::from_nanos(at).as_secs_f64();
            value
        });
        timed.collect()
    })
}

/// An MCAP file with a value of every element type, whose chunk has no check sum.
fn unguarded_file(path: &Path) -> Vec<u8> {
    let values: Vec<_> = all()
        .into_iter()
        .map(|elements| Given { bytes: vec![1; 2 * elements.size()], shape: vec![2, 1], elements, ..given(2) })
        .collect();
    record(path, &values);
    let mut bytes = fs::read(path).unwrap();
    assert_eq!(play(path).0.len(), values.len());
    // Behind the mark and the header stands the only chunk; its check sum behind three numbers.
    let header = usize::from(bytes[9]);
    let chunk = 8 + 9 + header;
    assert_eq!(bytes[chunk], ::mcap::records::op::CHUNK);
    bytes[chunk + 9 + 24..][..4].fill(0);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Damage that no check sum tells reaches the innermost decoder.
    #[test]
    fn any_damage_has_an_answer(
        patches in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        // Most of the file is its only chunk.
        far: bool,
    ) {
        static FILE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.mcap");
        let mut bytes = FILE.get_or_init(|| unguarded_file(&path)).clone();
        for (at, byte) in patches {
            let at = at.index(if far { bytes.len() } else { 600 });
            bytes[at] = byte;
        }
        fs::write(&path, &bytes).unwrap();
        let (found, failure) = play(&path);
        prop_assert!(failure.is_none_or(|failure| matches!(failure.exit(), Exit::Corrupt | Exit::Failure)));
        for value in found {
            prop_assert_eq!(value.bytes.len(), value.elements.size() * value.shape.iter().product::<usize>());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_values_come_back(values in values()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("any.mcap");
        record(&path, &values);
        let (mut found, failure) = play(&path);
        prop_assert!(failure.is_none(), "{:?}", failure);
        // To the nanosecond in the file, and a little less as seconds.
        for (found, wanted) in found.iter_mut().zip(&values) {
            prop_assert!((found.note.time - wanted.note.time).abs() < 2e-9);
            found.note.time = wanted.note.time;
        }
        prop_assert_eq!(found, values);
    }
}
