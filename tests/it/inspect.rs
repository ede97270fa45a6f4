//! Reports on channels and arrays: contents, damage, and no disturbance of any process.

use crate::channel::support::{NAME, TIMEOUT, TestDir, overwrite, wait_until};
use crate::peer::channel;
#[cfg(not(windows))]
use ndsharray::compat;
use ndsharray::inspect::{Ability, ChannelState, Details, Kind, Life, Report, Role, Slot, SlotState};
use ndsharray::{ArrayOptions, DType, Error, HeaderError, SharedArray, raw};
use std::fs;
use std::time::{Duration, Instant};
use uuid::Uuid;

fn look(dir: &TestDir, kind: Kind) -> Report {
    dir.options().look(NAME, kind).unwrap()
}

fn slots(report: &Report) -> &[Slot] {
    match &report.details {
        Details::Channel { slots, .. } => slots,
        other => panic!("{other:?}"),
    }
}

fn state(report: &Report) -> Option<ChannelState> {
    match &report.details {
        Details::Channel { state, .. } => *state,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_channel_tells_all() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(5).max_readers(3).create::<f32>(NAME).unwrap();
    let report = look(&dir, Kind::Channel);
    assert!(report.value.is_none() && report.problems.is_empty() && state(&report) == Some(ChannelState::Open));

    writer.write(&[2, 3], &[0.0; 6]).unwrap();
    let mut reader = dir.reader();
    let held = reader.latest_owned().unwrap().unwrap();
    writer.write(&[40, 30], &[1.0; 1200]).unwrap();
    let borrowed = reader.latest().unwrap().unwrap();

    let report = look(&dir, Kind::Channel);
    assert!(report.problems.is_empty(), "{report:?}");
    let value = report.value.as_ref().unwrap();
    assert_eq!((value.seq, value.dtype, value.shape.as_slice()), (Some(2), DType::F32, [40, 30].as_slice()));
    assert_eq!(value.byte_len, 4800);
    assert!(value.age.unwrap() < TIMEOUT);
    let me = Some(std::process::id());
    assert_eq!((report.writer.life, report.writer.pid), (Life::Alive, me));
    assert_eq!((report.readers.len(), report.max_readers, report.is_in_use()), (1, 3, Some(true)));
    let entry = &report.readers[0];
    assert_eq!((entry.index, entry.owner.life, entry.owner.pid, entry.seen), (0, Life::Alive, me, 2));
    assert_eq!(entry.pins.len(), 2);

    let slots = slots(&report);
    assert_eq!((slots.len(), report.pinned()), (5, 2));
    let of = |state| slots.iter().filter(|slot| slot.state == state).collect::<Vec<_>>();
    let (current, earlier) = (of(SlotState::Current), of(SlotState::Earlier));
    assert_eq!((current.len(), earlier.len(), of(SlotState::Unused).len()), (1, 1, 3));
    assert_eq!((current[0].value.as_ref().unwrap().seq, current[0].pinned_by.as_slice()), (Some(2), [0].as_slice()));
    assert_eq!((current[0].capacity, current[0].index), (Some(8192), entry.pins[0]));
    assert_eq!(
        (earlier[0].value.as_ref().unwrap().shape.as_slice(), earlier[0].capacity),
        ([2, 3].as_slice(), Some(4096))
    );
    let roles: Vec<_> = report.files.iter().map(|file| file.role).collect();
    assert_eq!(roles[..2], [Role::Board, Role::Readers]);
    assert_eq!(roles[2..], [Role::Payload; 2]);
    let on_disk: u64 = report.files.iter().map(|file| fs::metadata(&file.path).unwrap().len()).sum();
    assert_eq!(report.files.iter().map(|file| file.len).sum::<u64>(), on_disk);
    assert!(report.memory() >= on_disk && report.files.iter().all(|file| file.mode == 0o600));
    drop((borrowed, held));

    let report = look(&dir, Kind::Channel);
    assert_eq!((report.pinned(), report.readers[0].pins.len()), (0, 0));
    drop(reader);
    assert!(look(&dir, Kind::Channel).readers.is_empty());
    drop(writer);
    assert!(matches!(dir.options().look(NAME, Kind::Channel), Err(Error::NotFound { .. })));
}

#[test]
fn a_look_takes_no_part() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(2).max_readers(1).create::<u8>(NAME).unwrap();
    writer.write(&[1], &[1]).unwrap();
    let before =
        |dir: &TestDir| dir.files().iter().map(|name| fs::read(dir.path().join(name)).unwrap()).collect::<Vec<_>>();
    let bytes = before(&dir);
    for _ in 0..100 {
        assert!(look(&dir, Kind::Channel).readers.is_empty());
    }
    assert!(bytes == before(&dir));
    // The one entry is free, and so is the one slot beside the current value's.
    let reader = dir.reader();
    writer.write(&[1], &[2]).unwrap();
    drop(reader);
}

#[test]
fn the_dead_are_told_from_the_living() {
    let dir = TestDir::new();
    let mut writer = channel::start(&dir);
    assert_eq!(writer.ask("create 4 4 false"), "ok");
    writer.ask("write int32 [3] 1");
    let mut reader = channel::start(&dir);
    reader.ask("open");
    reader.ask("hold");
    let report = look(&dir, Kind::Channel);
    assert_eq!((report.writer.life, report.writer.pid), (Life::Alive, Some(writer.id())));
    assert_eq!((report.readers[0].owner.life, report.readers[0].owner.pid), (Life::Alive, Some(reader.id())));

    writer.kill();
    let report = look(&dir, Kind::Channel);
    assert_eq!(
        (report.writer.life, report.is_in_use(), state(&report)),
        (Life::Gone, Some(true), Some(ChannelState::Open))
    );
    assert!(report.problems.is_empty() && report.value.is_some());
    reader.kill();
    let report = look(&dir, Kind::Channel);
    // No process has cleared away after it yet.
    assert_eq!((report.readers[0].owner.life, report.pinned(), report.is_in_use()), (Life::Gone, 1, Some(false)));
}

#[test]
fn a_flooding_writer_does_not_look_damaged() {
    let dir = TestDir::new();
    let mut writer = channel::start(&dir);
    writer.ask("create 8 4 false");
    writer.ask("flood");
    wait_until("a value", || look(&dir, Kind::Channel).value.is_some());
    let mut last = 0;
    for _ in 0..300 {
        let report = look(&dir, Kind::Channel);
        assert!(report.problems.is_empty(), "{report:?}");
        let value = report.value.unwrap();
        assert_eq!((value.dtype, value.shape.as_slice()), (DType::U64, [512].as_slice()));
        assert!(value.seq.unwrap() >= last);
        last = value.seq.unwrap();
    }
    writer.kill();
}

#[test]
fn damage_is_explained() {
    let dir = TestDir::new();
    let mut writer = dir.options().persist(true).create::<u8>(NAME).unwrap();
    writer.write(&[5], &[0; 5]).unwrap();
    let payload = dir.path().join(writer.payload_name().unwrap());
    drop(writer);
    let report = look(&dir, Kind::Channel);
    assert_eq!((state(&report), report.writer.life), (Some(ChannelState::Kept), Life::Gone));
    let current = slots(&report).iter().find(|slot| slot.state == SlotState::Current).unwrap().index;

    fs::remove_file(&payload).unwrap();
    let report = look(&dir, Kind::Channel);
    let [problem] = report.problems.as_slice() else { panic!("{report:?}") };
    assert!(matches!(problem.error, Error::Corrupt(HeaderError::Payload { expected: 5, found: 0 })));
    assert_eq!((&problem.path, problem.slot), (&payload, Some(current)));
    assert!(problem.to_string().ends_with("the array 5"), "{problem}");

    let board = fs::File::options().write(true).open(dir.board()).unwrap();
    // The dtype tag of that slot.
    crate::common::os::write_all_at(&board, &[200], 128 + 576 * current as u64 + 40).unwrap();
    let report = look(&dir, Kind::Channel);
    assert!(matches!(report.problems[0].error, Error::Corrupt(HeaderError::DType { tag: 200 })), "{report:?}");
    assert_eq!((report.problems.len(), slots(&report)[current].state), (1, SlotState::Damaged));

    fs::remove_file(dir.path().join(format!("{NAME}.ndsh-readers"))).unwrap();
    assert!(look(&dir, Kind::Channel).problems.iter().any(|p| matches!(p.error, Error::NotFound { .. })));
    crate::common::os::write_all_at(&board, b"nonsense", 0).unwrap();
    let report = look(&dir, Kind::Channel);
    assert!(matches!(report.problems[0].error, Error::Corrupt(HeaderError::Magic { .. })));
    assert_eq!((state(&report), report.is_in_use()), (None, Some(false)));
    board.set_len(0).unwrap();
    let report = look(&dir, Kind::Channel);
    assert_eq!((state(&report), report.problems.len()), (Some(ChannelState::Starting), 0));
    drop(board);
    fs::remove_file(dir.board()).unwrap();
    assert!(matches!(dir.options().look(NAME, Kind::Channel), Err(Error::NotFound { .. })));
}

#[test]
fn readers_of_an_unreadable_channel_are_noticed() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    writer.write(&[1], &[1]).unwrap();
    let reader = dir.reader();
    crate::common::os::write_all_at(&fs::File::options().write(true).open(dir.board()).unwrap(), b"nonsense", 0)
        .unwrap();
    let report = look(&dir, Kind::Channel);
    assert_eq!((report.writer.life, report.readers.len(), report.is_in_use()), (Life::Alive, 1, Some(true)));
    drop((reader, writer));
}

#[test]
fn an_array_tells_who_has_it() {
    let dir = TestDir::new();
    let array: SharedArray<f64> = dir.array_options().max_handles(5).create(NAME, &[4, 5]).unwrap();
    let other: SharedArray<f64> = dir.array_options().open(NAME).unwrap();
    let report = look(&dir, Kind::Array);
    let value = report.value.as_ref().unwrap();
    assert_eq!(
        (value.dtype, value.shape.as_slice(), value.byte_len, value.seq),
        (DType::F64, [4, 5].as_slice(), 160, None)
    );
    assert_eq!((report.readers.len(), report.max_readers, report.writer.life), (2, 5, Life::Gone));
    assert!(report.problems.is_empty() && report.is_in_use() == Some(true));

    let guard = other.write().unwrap();
    let report = look(&dir, Kind::Array);
    assert_eq!((report.writer.life, report.writer.pid), (Life::Alive, Some(std::process::id())));
    let Details::Array { lock: Some(lock) } = report.details else { panic!() };
    assert_eq!((lock.holder, lock.poisoned), (Some(1), false));
    drop(guard);
    let guard = array.read().unwrap();
    assert_eq!(look(&dir, Kind::Array).readers[0].sharing, 1);
    drop(guard);
    drop((array, other));
    let report = look(&dir, Kind::Array);
    assert_eq!((report.readers.len(), report.is_in_use()), (0, Some(false)));

    let file = fs::File::options().write(true).open(dir.path().join(format!("{NAME}.ndsa"))).unwrap();
    file.set_len(4200).unwrap();
    let report = look(&dir, Kind::Array);
    let truncated = Error::Corrupt(HeaderError::Truncated { expected: 4256, found: 4200 });
    assert_eq!(report.problems[0].error.to_string(), truncated.to_string());
    crate::common::os::write_all_at(&file, b"nonsense", 0).unwrap();
    assert!(matches!(look(&dir, Kind::Array).problems[0].error, Error::Corrupt(HeaderError::Magic { .. })));
}

#[cfg(not(windows))]
#[test]
fn pythons_channels_are_listed_and_looked_at() {
    let dir = TestDir::new();
    let python = compat::Options::new().dir(dir.path());
    let mut writer = python.create::<f32>(NAME).unwrap();
    writer.write(&[2, 3], &[1.0; 6]).unwrap();
    let report = look(&dir, Kind::Python);
    assert!(report.problems.is_empty(), "{report:?}");
    assert_eq!(report.writer.life, Life::Alive, "a writer of this library");
    let value = report.value.as_ref().unwrap();
    assert_eq!((value.dtype, value.shape.as_slice(), value.byte_len), (DType::F32, [2, 3].as_slice(), 24));
    assert!(value.age.unwrap() < TIMEOUT);
    assert_eq!(report.details, Details::Python { whole: true });
    drop(writer);

    // As Python leaves it: no writer that could be noticed, and files of earlier shapes.
    let mut writer = python.persist(true).create::<i16>(NAME).unwrap();
    writer.write(&[4], &[1; 4]).unwrap();
    drop(writer);
    let tag = fs::read_to_string(dir.path().join(NAME)).unwrap();
    let old = dir.path().join(format!("{NAME}_{}", "0".repeat(32)));
    fs::copy(dir.path().join(&tag), &old).unwrap();
    fs::write(dir.path().join("no-channel"), "x".repeat(43)).unwrap();
    let report = look(&dir, Kind::Python);
    assert_eq!((report.writer.life, report.is_in_use()), (Life::Unknown, None));
    let roles: Vec<_> = report.files.iter().map(|file| file.role).collect();
    assert_eq!(roles, [Role::Tag, Role::Payload, Role::Unnamed]);
    let listed = dir.options().list().unwrap();
    assert_eq!(listed.iter().map(|l| (l.name.as_str(), l.kind)).collect::<Vec<_>>(), [(NAME, Kind::Python)]);

    let payload = fs::File::options().write(true).open(dir.path().join(&tag)).unwrap();
    crate::common::os::write_all_at(&payload, &[0xff; 8], 8).unwrap();
    assert!(matches!(look(&dir, Kind::Python).problems[0].error, Error::Wire(_)));
    fs::remove_file(dir.path().join(&tag)).unwrap();
    assert!(matches!(look(&dir, Kind::Python).problems[0].error, Error::NotFound { .. }));
    fs::remove_file(dir.path().join(NAME)).unwrap();
    assert_eq!(dir.options().list().unwrap().len(), 1, "a payload file alone is still something");
}

#[test]
fn all_kinds_are_listed_under_their_names() {
    let dir = TestDir::new();
    let options = dir.options().persist(true);
    let strange = "Gr\u{f6}\u{df}e \u{202e}x";
    for name in ["b", "a", strange] {
        options.create::<u8>(name).unwrap().write(&[1], &[1]).unwrap();
    }
    drop(ArrayOptions::from(&options).create::<u8>("a", &[1]).unwrap());
    fs::write(dir.path().join("lost.ndsh-readers"), "").unwrap();
    fs::write(dir.path().join("not ours"), "").unwrap();
    fs::create_dir(dir.path().join("dir.ndsh")).unwrap();
    let listed = options.list().unwrap();
    let found: Vec<_> = listed.iter().map(|listed| (listed.name.as_str(), listed.kind)).collect();
    use Kind::{Array, Channel};
    assert_eq!(
        found,
        [(strange, Channel), ("a", Channel), ("a", Array), ("b", Channel), ("dir", Channel), ("lost", Channel)]
    );
    let report = options.look("dir", Channel).unwrap();
    assert!(matches!(report.problems[0].error, Error::ForeignOwner { .. }), "{report:?}");
    assert!(matches!(options.look("lost", Channel).unwrap().problems[0].error, Error::NotFound { .. }));
    assert!(matches!(options.clone().dir("/nowhere/at/all").list(), Err(Error::MissingDirectory { .. })));
    assert!(matches!(options.look("a/b", Channel), Err(Error::InvalidName { .. })));
}

#[test]
fn the_machine_can_do_what_it_must() {
    let dir = TestDir::new();
    let start = Instant::now();
    let trials = ndsharray::inspect::try_out(dir.path());
    assert!(trials.len() == 6 && trials.iter().all(|trial| trial.outcome.is_ok() || trial.ability == Ability::Lease));
    assert!(dir.files().is_empty() && start.elapsed() < TIMEOUT);
    let trials = ndsharray::inspect::try_out("/nowhere/at/all");
    assert!(trials.len() == 1 && trials[0].outcome.is_err());
}

/// Which is how a bridge tells a local writer's channel from one that it made.
#[test]
fn where_numbers_began_is_shown() {
    let began_here = |dir: &TestDir| match look(dir, Kind::Channel).details {
        Details::Channel { began_here, .. } => began_here,
        other => panic!("{other:?}"),
    };
    let dir = TestDir::new();
    let writer = dir.writer::<u8>();
    assert!(began_here(&dir));
    drop(writer);
    let _imported = raw::create_import(&dir.options(), NAME, Uuid::from_u128(7), 41).unwrap();
    assert!(!began_here(&dir));
}

#[test]
fn history_and_how_far_readers_are_behind_are_shown() {
    let dir = TestDir::new();
    let options = dir.options().max_slots(8).history(4).wait_for_readers(Duration::ZERO);
    let mut writer = options.create::<u64>(NAME).unwrap();
    let mut recorder = dir.options().lossless(true).open(NAME).unwrap();
    let mut display = dir.reader();
    for value in 1..=5 {
        writer.write(&[1], &[value]).unwrap();
    }
    recorder.read_next().unwrap();
    display.read().unwrap();
    let report = look(&dir, Kind::Channel);
    assert!(matches!(report.details, Details::Channel { history: 4, waits: true, .. }), "{report:?}");
    let shown: Vec<_> = report.readers.iter().map(|r| (r.seen, r.behind, r.lossless)).collect();
    assert_eq!(shown, [(1, 4, true), (5, 0, false)]);
    assert!(report.problems.is_empty());

    // The cell of value 3, which then names slot 63.
    let at = 128 + 576 * 3 + 560;
    overwrite(&dir.board(), at, &(3_u64 << 6 | 63).to_ne_bytes());
    let report = look(&dir, Kind::Channel);
    let expected = HeaderError::Cell { number: 3, cell: 3, found: 3, slot: 63 };
    assert!(
        matches!(report.problems.as_slice(), [problem] if problem.slot == Some(3)
            && matches!(&problem.error, Error::Corrupt(error) if *error == expected)),
        "{:?}",
        report.problems
    );
    assert_eq!(report.value.unwrap().seq, Some(5), "the last value is there all the same");
}
