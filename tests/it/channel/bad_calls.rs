//! Impossible calls: each has an error of its own, and the last value survives it.

use crate::channel::support::{NAME, TestDir, latest_vec, pattern};
use crate::peer::channel;
use ndsharray::{ArrayOptions, DType, DirSource, Error, Instead, Options, Reader, Writer, inspect};
use std::path::Path;
use std::time::Duration;

const BAD_NAMES: [&str; 12] = ["", ".", "..", ".hidden", "a/b", "/", "a\\b", "a\0b", "a\nb", "\t", "a\u{7f}", "\u{85}"];

#[test]
fn bad_names() {
    let dir = TestDir::new();
    let long = "x".repeat(201);
    let umlauts = "ä".repeat(101);
    for bad in BAD_NAMES.into_iter().chain([long.as_str(), &umlauts]) {
        let is_refused = |error: Error| {
            assert!(matches!(&error, Error::InvalidName { name, .. } if name == bad), "{bad:?}: {error}");
            assert!(error.to_string().starts_with(&format!("{bad:?} cannot be a name: ")), "{error}");
        };
        let options = dir.options();
        is_refused(options.create::<u8>(bad).unwrap_err());
        is_refused(options.create_any(bad).unwrap_err());
        is_refused(options.open(bad).unwrap_err());
        is_refused(options.open_read_only(bad).unwrap_err());
        is_refused(options.open_timeout(bad, std::time::Duration::from_secs(60)).unwrap_err());
        is_refused(options.remove(bad).unwrap_err());
        is_refused(Writer::<u8>::create(bad).unwrap_err());
        is_refused(Reader::open(bad).unwrap_err());
        is_refused(ndsharray::remove(bad).unwrap_err());
    }
    assert_eq!(dir.files(), [""; 0]);
}

#[test]
fn odd_names_that_are_good() {
    let dir = TestDir::new();
    let long = "x".repeat(200);
    let umlauts = "ä".repeat(100);
    let mut names = vec!["a", "-", "camera 1", "a.b", "%s", "名前", "a.ndsh", "a.ndsh-readers", &long, &umlauts];
    if cfg!(not(windows)) {
        names.extend(["a..", "a ", "*", "a:b", "NUL", "com1.x"]);
    }
    for good in names {
        let mut writer = dir.options().create::<u8>(good).unwrap();
        writer.write(&[1], &[good.len() as u8]).unwrap();
        let mut reader = dir.options().open(good).unwrap();
        assert_eq!((writer.name(), reader.name()), (good, good));
        assert_eq!(latest_vec::<u8>(&mut reader), [good.len() as u8]);
    }
}

/// Two channels whose files' names begin alike.
#[test]
fn names_that_extend_each_other_do_not_meet() {
    let dir = TestDir::new();
    let names = ["a", "a.ndsh", "a.ndsh-readers", "a.ndsh-00000000000040008000000000000000", "a.ndsh.ndsh"];
    let mut writers: Vec<_> = names.iter().map(|name| dir.options().create::<usize_t>(name).unwrap()).collect();
    for (i, writer) in writers.iter_mut().enumerate() {
        writer.write(&[1], &[i as usize_t]).unwrap();
    }
    for (i, name) in names.iter().enumerate() {
        assert_eq!(latest_vec::<usize_t>(&mut dir.options().open(name).unwrap()), [i as usize_t]);
    }
    writers.remove(0);
    assert_eq!(latest_vec::<usize_t>(&mut dir.options().open(names[1]).unwrap()), [1]);
}

#[allow(non_camel_case_types, reason = "an element type as wide as usize, which is none itself")]
type usize_t = u64;

#[test]
fn wrong_lengths() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u16>();
    writer.write(&[2], &[1, 2]).unwrap();
    for (shape, given, expected) in
        [(&[3_usize][..], 2, 3), (&[2, 2], 5, 4), (&[], 0, 1), (&[], 2, 1), (&[0], 1, 0), (&[4, 0], 4, 0)]
    {
        let error = writer.write(shape, &vec![7; given]).unwrap_err();
        let Error::ShapeMismatch { expected: told, found, .. } = error else { panic!("{error}") };
        assert_eq!((told, found), (expected, given));
        assert_eq!(latest_vec::<u16>(&mut dir.reader()), [1, 2]);
    }
    drop(writer);

    let mut writer = dir.any_writer();
    writer.write_bytes(DType::U16, &[2], &pattern(DType::U16, 2, 1)).unwrap();
    for (shape, given, expected) in [(&[3_usize][..], 5, 6), (&[3], 7, 6), (&[], 0, 2), (&[0], 1, 0)] {
        let error = writer.write_bytes(DType::U16, shape, &vec![7; given]).unwrap_err();
        let Error::ShapeMismatch { expected: told, found, .. } = error else { panic!("{error}") };
        assert_eq!((told, found), (expected, given));
    }
    assert_eq!(dir.reader().latest().unwrap().unwrap().as_bytes(), pattern(DType::U16, 2, 1));
    assert_eq!(writer.write_bytes(DType::U16, &[0], &[]).unwrap(), 2);
}

#[test]
fn too_many_dimensions() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    writer.write(&[1; 64], &[1]).unwrap();
    for ndim in [65, 66, 255, 256, 257, 1000] {
        let shape = vec![1; ndim];
        let is_refused = |error: Error| {
            assert!(matches!(error, Error::TooManyDims { found, max: 64, .. } if found == ndim), "{error}");
        };
        is_refused(writer.write(&shape, &[1]).unwrap_err());
        is_refused(writer.loan(&shape).unwrap_err());
        #[cfg(feature = "ndarray")]
        is_refused(writer.write_array(&ndarray::ArrayViewD::from_shape(shape.as_slice(), &[1]).unwrap()).unwrap_err());
    }
    let sample = dir.reader().latest_owned().unwrap().unwrap();
    assert_eq!((sample.shape(), sample.seq()), ([1; 64].as_slice(), 1));
    drop(writer);
    let error = dir.any_writer().write_bytes(DType::U8, &[1; 65], &[1]).unwrap_err();
    assert!(matches!(error, Error::TooManyDims { found: 65, max: 64, .. }), "{error}");
}

#[test]
fn overflowing_shapes() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u32>();
    writer.write(&[1], &[5]).unwrap();
    let half = usize::MAX / 2;
    for (shape, axis) in [
        (vec![usize::MAX], 0),
        (vec![half / 4 + 1], 0),
        (vec![2, half / 4], 1),
        (vec![1 << (usize::BITS / 2), 1, 1 << (usize::BITS / 2)], 2),
        // A zero elsewhere does not excuse it.
        (vec![0, usize::MAX], 1),
        (vec![usize::MAX, 0], 0),
        (vec![2; 64], usize::BITS as usize - 4),
    ] {
        let is_refused = |error: Error| {
            let Error::TooLarge { axis: told, len, .. } = error else { panic!("{error}") };
            assert_eq!((told, len), (axis, shape[axis]), "{shape:?}");
        };
        is_refused(writer.write(&shape, &[]).unwrap_err());
        is_refused(writer.loan(&shape).unwrap_err());
    }
    assert_eq!(latest_vec::<u32>(&mut dir.reader()), [5]);
    assert_eq!(writer.write(&[1], &[6]).unwrap(), 2);
}

#[test]
fn more_memory_than_there_is() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    writer.write(&[3], &[1, 2, 3]).unwrap();
    let files = dir.files();
    for len in
        [usize::try_from(1_u64 << 61).unwrap_or(isize::MAX as usize), isize::MAX as usize - 5000, isize::MAX as usize]
    {
        let error = writer.loan(&[len]).unwrap_err();
        let Error::OutOfMemory { requested, available, .. } = error else { panic!("{error}") };
        assert!(requested >= len as u64 && available < requested, "{requested} {available}");
        assert!(available > 0, "the directory is not full");
        assert_eq!(dir.files(), files, "nothing is left of the attempt");
        assert_eq!(latest_vec::<u8>(&mut reader), [1, 2, 3]);
    }
    assert_eq!(writer.write(&[1], &[4]).unwrap(), 2);
    assert_eq!(latest_vec::<u8>(&mut reader), [4]);
    drop(writer);

    let mut writer = dir.options().capacity_bytes(usize::MAX).create::<u8>(NAME).unwrap();
    assert!(matches!(writer.write(&[1], &[1]), Err(Error::OutOfMemory { .. })));
}

#[test]
fn wrong_bools() {
    let dir = TestDir::new();
    let mut writer = dir.any_writer();
    writer.write_bytes(DType::Bool, &[3], &[1, 0, 1]).unwrap();
    for (bytes, index, value) in [([2, 0, 0], 0, 2), ([0, 1, 255], 2, 255), ([1, 3, 4], 1, 3)] {
        let error = writer.write_bytes(DType::Bool, &[3], &bytes).unwrap_err();
        let Error::InvalidBool { index: i, value: v, .. } = error else { panic!("{error}") };
        assert_eq!((i, v), (index, value));
    }
    assert_eq!(latest_vec::<bool>(&mut dir.reader()), [true, false, true]);
    assert_eq!(writer.write_bytes(DType::Bool, &[0], &[]).unwrap(), 2);
}

#[test]
fn options_out_of_range() {
    let dir = TestDir::new();
    let refused = |options: Options, name: &str, value: usize, least: usize, most: usize| {
        let error = options.create::<u8>(NAME).unwrap_err();
        let Error::InvalidOption { option, found, min, max, .. } = error else { panic!("{error}") };
        assert_eq!((option, found, min, max), (name, value, least, most));
    };
    for slots in [0, 1, 65, usize::MAX] {
        refused(dir.options().max_slots(slots), "max_slots", slots, 2, 64);
    }
    for readers in [0, 449, usize::MAX] {
        refused(dir.options().max_readers(readers), "max_readers", readers, 1, 448);
    }
    for mode in [0o622, 0o602, 0o660] {
        let error = dir.options().mode(mode).create::<u8>(NAME).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    }
    assert_eq!(dir.files(), [""; 0]);
    let writer = dir.options().max_slots(64).max_readers(448).create::<u8>(NAME).unwrap();
    let readers: Vec<_> = (0..448).map(|_| dir.reader()).collect();
    assert!(matches!(dir.options().open(NAME), Err(Error::TooManyReaders { max: 448, .. })));
    drop((writer, readers));
}

#[test]
fn channels_that_are_not_there() {
    let dir = TestDir::new();
    let board = dir.path().join(format!("{NAME}.ndsh"));
    let options = dir.options();
    for error in
        [options.open(NAME).unwrap_err(), options.open_read_only(NAME).unwrap_err(), options.remove(NAME).unwrap_err()]
    {
        assert!(matches!(&error, Error::NotFound { path, instead: None, .. } if path == &board), "{error}");
    }
}

#[test]
fn directories_that_are_not_there() {
    let dir = TestDir::new();
    std::fs::write(dir.path().join("file"), "").unwrap();
    for dir in [dir.path().join("no/such"), dir.path().join("file")] {
        let options = Options::new().dir(&dir);
        for error in [
            options.create::<u8>(NAME).unwrap_err(),
            options.open(NAME).unwrap_err(),
            options.open_read_only(NAME).unwrap_err(),
            options.open_timeout(NAME, Duration::from_millis(1)).unwrap_err(),
            options.remove(NAME).unwrap_err(),
            options.remove_unused(NAME).unwrap_err(),
            ArrayOptions::from(&options).create::<u8>(NAME, &[1]).unwrap_err(),
            ArrayOptions::from(&options).open::<u8>(NAME).unwrap_err(),
            ArrayOptions::from(&options).attach_raw::<u8>(NAME, &[1]).unwrap_err(),
            options.remove_array(NAME).unwrap_err(),
            options.list().unwrap_err(),
            options.look(NAME, inspect::Kind::Channel).unwrap_err(),
        ] {
            let Error::MissingDirectory { dir: told, named_by: DirSource::Options, .. } = &error else {
                panic!("{error}")
            };
            assert_eq!(told, &dir);
            assert!(error.to_string().contains(&format!("no directory {} (the options name it)", told.display())));
        }
    }
}

#[test]
fn an_array_is_no_channel_and_the_error_says_so() {
    let dir = TestDir::new();
    let array = dir.array_options().create::<u8>("array", &[1]).unwrap();
    let error = dir.options().open("array").unwrap_err();
    assert!(matches!(&error, Error::NotFound { instead: Some(Instead::SharedArray), .. }), "{error}");
    assert!(error.to_string().contains("a shared array of that name"), "{error}");
    drop(array);
    let writer = dir.writer::<u8>();
    let error = dir.array_options().open::<u8>(writer.name()).unwrap_err();
    assert!(matches!(&error, Error::NotFound { instead: Some(Instead::Channel), .. }), "{error}");
}

#[test]
fn errors_say_why() {
    let dir = TestDir::new();
    let options = dir.options().max_readers(1);
    let _writer = options.create::<u8>("full").unwrap();
    let _reader = options.open("full").unwrap();
    let error = options.open("full").unwrap_err();
    assert!(error.to_string().contains("max_readers"), "{error}");
    let board = dir.path().join("broken.ndsh");
    std::fs::write(&board, [7; 4096]).unwrap();
    let error = dir.options().open("broken").unwrap_err();
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(error.to_string().contains(&cause), "{error}");
}

#[test]
fn a_relative_directory_does_not_move_with_the_process() {
    let dir = TestDir::new();
    for name in ["here", "elsewhere"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
    }
    let mut peer = channel::start(&dir);
    let go_to = |dir: &Path| format!("go-to {}", dir.display());
    assert_eq!(peer.ask(&go_to(dir.path())), "ok");
    assert_eq!(peer.ask("create-in here"), "ok");
    assert_eq!(peer.ask(&go_to(&dir.path().join("elsewhere"))), "ok");
    assert_eq!(peer.ask("write uint8 [3] 1"), "1");
    let mut reader = Options::new().dir(dir.path().join("here")).open(NAME).unwrap();
    assert_eq!(reader.latest().unwrap().unwrap().shape(), [3]);
    drop(reader);
    assert_eq!(peer.ask("drop-writer"), "ok");
    assert_eq!(std::fs::read_dir(dir.path().join("here")).unwrap().count(), 0);
    // Where the process is no more, the directory is missing: nothing is made elsewhere.
    assert!(peer.ask("create-in here").contains("no directory"));
}

#[test]
fn an_empty_directory_is_none() {
    let named = Options::new().dir("").directory();
    assert_eq!(named, Options::new().directory());
    assert!(Options::new().dir("here").directory().is_absolute());
}

#[test]
fn a_reader_that_only_copies_has_no_views() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    writer.write(&[1], &[1]).unwrap();
    let mut copies = dir.options().open_read_only(NAME).unwrap();
    assert!(matches!(copies.read(), Err(Error::Unsupported { .. })));
    assert!(matches!(copies.latest(), Err(Error::Unsupported { .. })));
    assert_eq!(copies.read_owned().unwrap().unwrap().as_bytes(), [1]);
}

/// A reader with limits refuses a larger value, in all ways to read.
///
/// It goes on with the next value.
#[test]
fn values_larger_than_a_reader_accepts() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u16>();
    let mut readers = [
        dir.options().max_value_bytes(8).open(NAME).unwrap(),
        dir.options().max_value_bytes(8).open_read_only(NAME).unwrap(),
    ];
    for fits in [1, 4] {
        writer.write(&[5], &[7; 5]).unwrap();
        for reader in &mut readers {
            let is_refused = |error: Error| {
                assert!(matches!(error, Error::ValueTooLarge { found: 10, max: 8, .. }), "{error}");
                assert!(error.to_string().contains("10 bytes") && error.to_string().contains("8 at most"), "{error}");
            };
            is_refused(reader.read_owned().unwrap_err());
            is_refused(reader.latest_owned().unwrap_err());
            is_refused(reader.wait_owned(Duration::from_secs(1)).unwrap_err());
            is_refused(reader.read_into(&mut Vec::<u16>::new()).unwrap_err());
        }
        assert!(matches!(readers[0].read().map(drop), Err(Error::ValueTooLarge { .. })));
        writer.write(&[fits], &vec![8; fits]).unwrap();
        for reader in &mut readers {
            let sample = reader.read_owned().unwrap().unwrap();
            assert_eq!(
                (sample.shape(), sample.view::<u16>().unwrap().as_slice()),
                ([fits].as_slice(), [8; 4].get(..fits).unwrap())
            );
        }
    }
}
