//! Records: structs as elements, known by their fields.

use super::support::{NAME, TestDir};
use ndsharray::{
    AnyArrayView, AnyFieldView, DType, Error, Field, HeaderError, Options, RecordType, RecordView, Writer,
};
use ndsharray_derive::Record;
use std::fs;

#[derive(Clone, Copy, Debug, PartialEq, Record)]
#[repr(C)]
struct Point {
    x: f32,
    y: f32,
    z: f32,
    intensity: u16,
    ring: u16,
}

/// The same fields under another name, which does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Record)]
#[repr(C)]
struct Same {
    x: f32,
    y: f32,
    z: f32,
    intensity: u16,
    ring: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Record)]
#[repr(C)]
struct Scan {
    at: [Point; 2],
    matrix: [[f64; 2]; 2],
    is_good: bool,
    kind: u8,
    #[record(padding)]
    gap: [u8; 2],
    #[record(name = "the count")]
    count: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Record)]
#[repr(C, packed)]
struct Tick {
    side: u8,
    price: f64,
}

fn point(n: u16) -> Point {
    let x = f32::from(n);
    Point { x, y: x + 0.25, z: -x, intensity: n, ring: n % 16 }
}

fn scan(n: u16) -> Scan {
    let (at, count) = ([point(n), point(n + 1)], i32::from(n));
    Scan { at, matrix: [[1.0, 2.0], [3.0, f64::from(n)]], is_good: n.is_multiple_of(2), kind: 7, gap: [0; 2], count }
}

fn types_file(dir: &TestDir) -> std::path::PathBuf {
    dir.path().join(format!("{NAME}.ndsh-types"))
}

#[test]
fn structs_go_in_and_come_out() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<Point>();
    assert!(!types_file(&dir).exists(), "nothing is made before the first");
    let mut reader = dir.reader();
    let points: Vec<Point> = (0..100).map(point).collect();
    assert_eq!(writer.write(&[25, 4], &points).unwrap(), 1);
    let sample = reader.read().unwrap().unwrap();
    assert_eq!((sample.dtype(), sample.element_type().size()), (DType::Record, 16));
    let view = sample.view::<Point>().unwrap();
    assert_eq!((view.shape(), view.as_slice()), ([25, 4].as_slice(), points.as_slice()));
    assert_eq!(sample.view::<Same>().unwrap()[[24, 3]].ring, points[99].ring);
    let held = sample.into_owned();
    let mut loan = writer.loan(&[2]).unwrap();
    loan.as_mut_slice().copy_from_slice(&points[7..9]);
    loan.publish().unwrap();
    let mut copied = Vec::<Same>::new();
    let info = reader.read_into(&mut copied).unwrap().unwrap();
    assert_eq!((info.dtype, copied[1].intensity), (DType::Record, 8));
    assert_eq!(held.view::<Point>().unwrap().as_slice(), points);
    drop((writer, reader, held));
    assert_eq!(dir.files(), [""; 0], "the file of types too");
}

#[test]
fn nested_records_arrays_padding_and_packed_ones() {
    let dir = TestDir::new();
    let scans: Vec<Scan> = (0..5).map(scan).collect();
    let mut writer = dir.writer::<Scan>();
    writer.write(&[5], &scans).unwrap();
    let mut reader = dir.reader();
    let sample = reader.read().unwrap().unwrap();
    assert_eq!(sample.view::<Scan>().unwrap().as_slice(), scans);
    let shown = sample.record_type().unwrap().to_string();
    let point = "{x: float32, y: float32, z: float32, intensity: uint16, ring: uint16}";
    let rest = "matrix: 2x2 float64, is_good: bool, kind: uint8, the count: int32";
    assert_eq!(shown, format!("{{at: 2 {point}, {rest}}}"));
    let AnyArrayView::Record(view) = sample.any_view().unwrap() else { panic!("records") };
    assert_eq!(view.field("the count").unwrap().as_typed::<i32>().unwrap().to_vec(), [0, 1, 2, 3, 4]);
    let AnyFieldView::Record(at) = view.field("at").unwrap() else { panic!("records") };
    assert_eq!(at.field("intensity").unwrap().get::<u16>(&[3, 1]), Some(4));
    assert_eq!(view.field("at").unwrap().as_typed::<Point>().unwrap().get(&[2, 0]), Some(scans[2].at[0]));
    assert!(matches!(view.field("up"), Err(error) if matches!(Error::from(error.clone()), Error::NoField { .. })));
    drop(sample);

    let ticks = [Tick { side: 1, price: 2.5 }, Tick { side: 2, price: -1.0 }];
    let mut writer = writer.into_dtype::<Tick>();
    writer.write(&[2], &ticks).unwrap();
    let sample = reader.read().unwrap().unwrap();
    assert_eq!(sample.view::<Tick>().unwrap().as_slice(), ticks);
    let AnyArrayView::Record(view) = sample.any_view().unwrap() else { panic!("records") };
    let price = view.field("price").unwrap().as_typed::<f64>().unwrap();
    assert_eq!((price.to_vec(), price.strides()), (vec![2.5, -1.0], [9].as_slice()));
}

/// A writer of records that are known at run time, with one field changed each time.
#[test]
fn the_first_difference_is_named() {
    let dir = TestDir::new();
    let mut writer = dir.options().create_any(NAME).unwrap();
    let mut reader = dir.reader();
    let fields = || {
        [
            ("x", 0, DType::F32),
            ("y", 4, DType::F32),
            ("z", 8, DType::F32),
            ("intensity", 12, DType::U16),
            ("ring", 14, DType::U16),
        ]
        .map(|(name, at, dtype)| Field::new(name, at, dtype))
    };
    let mut told = |size: usize, fields: Vec<Field>| {
        let record = RecordType::new(size, fields).unwrap();
        let bytes = vec![0; 2 * size];
        let view = RecordView::new(&record, &[2], &bytes).unwrap();
        writer.write_any(&view.into()).unwrap();
        let sample = reader.read().unwrap().unwrap();
        match sample.view::<Point>() {
            Err(Error::RecordMismatch { field, expected, found, .. }) => format!("{field}: {expected} | {found}"),
            Err(other) => panic!("{other}"),
            Ok(view) => format!("{} points", view.len()),
        }
    };
    let with = |index: usize, field: Field| {
        let mut fields = fields().to_vec();
        fields[index] = field;
        fields
    };
    assert_eq!(told(16, fields().to_vec()), "2 points");
    assert_eq!(told(16, fields().into_iter().rev().collect()), "2 points", "the order does not matter");
    assert_eq!(told(16, with(1, Field::new("y", 4, DType::U32))), "y: float32 at byte 4 | uint32 at byte 4");
    assert_eq!(told(16, with(4, Field::new("rang", 14, DType::U16))), "ring: uint16 at byte 14 | no such field");
    let shifted = with(4, Field::new("ring", 16, DType::U16));
    assert_eq!(told(18, shifted), "ring: uint16 at byte 14 | uint16 at byte 16");
    let array = with(3, Field::new("intensity", 12, DType::U8).with_shape(&[2]));
    assert_eq!(told(16, array), "intensity: uint16 at byte 12 | 2 uint8 at byte 12");
    let more = fields().into_iter().chain([Field::new("t", 16, DType::U8)]).collect();
    assert_eq!(told(17, more), "t: no such field | uint8 at byte 16");
    assert_eq!(told(20, fields().to_vec()), ": records of 16 bytes | records of 20 bytes");

    drop(reader);
    let mut reader = dir.reader();
    let sample = reader.latest().unwrap().unwrap();
    assert!(matches!(
        sample.view::<f32>(),
        Err(Error::DTypeMismatch { expected: DType::F32, found: DType::Record, .. })
    ));
    drop(sample);
    let mut reader = dir.reader();
    assert!(matches!(reader.read_into::<Point>(&mut Vec::new()), Err(Error::RecordMismatch { .. })));
}

#[test]
fn one_that_is_no_record_is_no_struct() {
    let dir = TestDir::new();
    dir.writer::<u8>().write(&[16], &[0; 16]).unwrap();
    let _writer = dir.writer::<u8>();
    let mut writer = dir.options().create::<u8>("other").unwrap();
    writer.write(&[16], &[0; 16]).unwrap();
    let mut reader = dir.options().open("other").unwrap();
    let sample = reader.latest().unwrap().unwrap();
    assert!(matches!(
        sample.view::<Point>(),
        Err(Error::DTypeMismatch { expected: DType::Record, found: DType::U8, .. })
    ));
    assert!(sample.record_type().is_none());
}

#[test]
fn a_bool_in_a_record_is_checked() {
    let dir = TestDir::new();
    let mut writer = dir.options().create_any(NAME).unwrap();
    let record = {
        let mut first = dir.options().create::<Scan>("first").unwrap();
        first.write(&[1], &[scan(1)]).unwrap();
        let mut reader = dir.options().open("first").unwrap();
        reader.latest().unwrap().unwrap().record_type().unwrap().clone()
    };
    let at = record.field("is_good").unwrap().offset();
    let mut bytes = vec![0; 3 * record.item_size()];
    bytes[2 * record.item_size() + at] = 2;
    writer.write_any(&RecordView::new(&record, &[3], &bytes).unwrap().into()).unwrap();
    let mut reader = dir.reader();
    let sample = reader.latest().unwrap().unwrap();
    let error = sample.view::<Scan>().unwrap_err().to_string();
    assert_eq!(error, format!("byte {at} of record 2 is no bool: it is 2, which is neither 0 nor 1"));
    let AnyArrayView::Record(view) = sample.any_view().unwrap() else { panic!("records") };
    assert!(view.field("is_good").is_err());
    assert!(view.field("kind").is_ok());
    drop(sample);
    let mut reader = dir.reader();
    assert!(reader.read_into::<Scan>(&mut Vec::new()).is_err());

    // The memory of an older value is no record: a loan begins with zeros.
    drop((reader, writer));
    let mut writer: Writer<Scan> = dir.writer();
    writer.write(&[3], &[scan(2); 3]).unwrap();
    for _ in 0..8 {
        let mut loan = writer.loan(&[3]).unwrap();
        assert!(loan.as_mut_slice().iter().all(|scan| !scan.is_good));
        loan.publish().unwrap();
        writer.write(&[3], &[scan(2); 3]).unwrap();
    }
    let mut reader = dir.reader();
    assert!(reader.latest().unwrap().unwrap().view::<Scan>().is_ok());
}

#[test]
fn a_successor_goes_on_with_the_descriptions() {
    let dir = TestDir::new();
    let options = dir.options().persist(true);
    let mut writer = options.create::<Point>(NAME).unwrap();
    writer.write(&[1], &[point(1)]).unwrap();
    drop(writer);
    let before = fs::read(types_file(&dir)).unwrap();
    let mut reader = dir.reader();
    assert_eq!(reader.latest().unwrap().unwrap().view::<Point>().unwrap()[[0]], point(1));
    let mut writer = options.create::<Tick>(NAME).unwrap();
    writer.write(&[1], &[Tick { side: 1, price: 0.0 }]).unwrap();
    let mut writer = writer.into_dtype::<Point>();
    writer.write(&[1], &[point(2)]).unwrap();
    let after = fs::read(types_file(&dir)).unwrap();
    assert!(after.len() > before.len() && after.starts_with(&before), "one more behind the first");
    let mut writer = writer.into_dtype::<Same>();
    writer.write(&[1], &[Same { x: 0.0, y: 0.0, z: 0.0, intensity: 5, ring: 0 }]).unwrap();
    assert_eq!(fs::read(types_file(&dir)).unwrap(), after, "known already");
    assert_eq!(reader.read().unwrap().unwrap().view::<Point>().unwrap()[[0]].intensity, 5);
}

/// In place, in a copy, and in an array that is shared.
#[test]
fn records_lie_as_they_are_aligned() {
    #[derive(Clone, Copy, Debug, PartialEq, Record)]
    #[repr(C, align(64))]
    struct Line {
        bytes: [u8; 64],
    }
    let dir = TestDir::new();
    let lines = [Line { bytes: [7; 64] }; 3];
    let mut writer = dir.writer::<Line>();
    let mut copies = dir.options().open_read_only(NAME).unwrap();
    let mut kept = Vec::new();
    for _ in 0..20 {
        writer.write(&[3], &lines).unwrap();
        kept.push(copies.read_owned().unwrap().unwrap());
    }
    for sample in kept.iter().chain([&dir.reader().latest_owned().unwrap().unwrap()]) {
        assert_eq!(sample.view::<Line>().unwrap().as_slice(), lines);
    }
}

/// What a writer left that died while it added a description.
#[test]
fn a_piece_of_a_description_is_cut() {
    let dir = TestDir::new();
    let options = dir.options().persist(true);
    let mut writer = options.create::<Point>(NAME).unwrap();
    writer.write(&[1], &[point(1)]).unwrap();
    drop(writer);
    let whole = fs::read(types_file(&dir)).unwrap();
    let mut torn = whole.clone();
    torn.extend(40_u32.to_ne_bytes());
    torn.extend([0; 20]);
    fs::write(types_file(&dir), &torn).unwrap();
    let mut writer = options.create::<Point>(NAME).unwrap();
    writer.write(&[1], &[point(2)]).unwrap();
    assert_eq!(fs::read(types_file(&dir)).unwrap(), whole);
    let mut writer = writer.into_dtype::<Tick>();
    writer.write(&[0], &[]).unwrap();
    let mut reader = dir.reader();
    assert!(reader.latest().unwrap().unwrap().view::<Tick>().unwrap().is_empty());
}

#[test]
fn damage_is_an_error() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<Point>();
    writer.write(&[1], &[point(1)]).unwrap();
    let path = types_file(&dir);
    let whole = fs::read(&path).unwrap();
    let told = |bytes: Option<&[u8]>| {
        match bytes {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let mut reader = dir.reader();
        let seen = match reader.latest() {
            Err(Error::Corrupt(error)) => Some(error),
            Err(other) => panic!("{other}"),
            Ok(_) => None,
        };
        let mut copied = Vec::<Point>::new();
        assert_eq!(dir.reader().read_into(&mut copied).is_err(), seen.is_some());
        seen
    };
    assert_eq!(told(Some(&whole)), None);
    assert_eq!(told(Some(&whole[..70])), Some(HeaderError::NoRecordType { number: 0, found: 0 }));
    assert!(matches!(told(Some(&whole[..40])), Some(HeaderError::Truncated { .. })));
    assert_eq!(told(Some(&[])), Some(HeaderError::NoRecordType { number: 0, found: 0 }));
    let with = |at: usize, value: u8| {
        let mut bytes = whole.clone();
        bytes[at] = value;
        bytes
    };
    assert!(matches!(told(Some(&with(0, 0))), Some(HeaderError::Magic { .. })));
    assert!(matches!(told(Some(&with(8, 0))), Some(HeaderError::ByteOrder { .. })));
    assert!(matches!(told(Some(&with(20, 0))), Some(HeaderError::Stranger { .. })), "another lineage's");
    assert!(matches!(told(Some(&with(66, 255))), Some(HeaderError::RecordTypes { number: 0, .. })));
    let item_size = if cfg!(target_endian = "little") { 72 } else { 75 };
    assert!(matches!(told(Some(&with(item_size, 17))), Some(HeaderError::RecordSize { expected: 17, found: 16 })));
    assert!(matches!(told(Some(&with(item_size, 3))), Some(HeaderError::Record(_))));
    // The writer has the file open, and Windows keeps the name of an open file.
    if !cfg!(windows) {
        assert_eq!(told(None), Some(HeaderError::NoRecordType { number: 0, found: 0 }));
    }
    assert_eq!(told(Some(&whole)), None, "and it is mended");
}

#[test]
fn no_more_kinds_than_possible() {
    let dir = TestDir::new();
    let mut writer = dir.options().create_any(NAME).unwrap();
    let record = |i: usize| RecordType::packed([(format!("f{i}"), DType::U8)]).unwrap();
    let mut write = |i: usize| {
        let record = record(i);
        writer.write_any(&RecordView::new(&record, &[1], &[7]).unwrap().into())
    };
    for i in 0..256 {
        write(i).unwrap();
    }
    assert!(matches!(write(256), Err(Error::TooManyRecordTypes { max: 256, .. })));
    assert_eq!(write(255).unwrap(), 257, "the last value stays, and known ones go on");
    let mut reader = dir.reader();
    assert_eq!(reader.latest().unwrap().unwrap().record_type(), Some(&record(255)));
    assert!(writer.write_bytes(reader.latest().unwrap().unwrap().element_type(), &[1], &[7]).is_err());
    assert!(dir.options().remove(NAME).is_err(), "it has a writer");
    drop(writer);
    drop(reader);
    assert_eq!(dir.files(), [""; 0]);
}

/// Files removed under their writer come back, with the descriptions under the same numbers.
#[test]
fn a_writer_makes_a_lost_file_anew() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<Tick>();
    writer.write(&[0], &[]).unwrap();
    let mut writer = writer.into_dtype::<Point>();
    writer.write(&[1], &[point(1)]).unwrap();
    for file in dir.files() {
        fs::remove_file(dir.path().join(file)).unwrap();
    }
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let mut reader = loop {
        // The numbers go on: the writer notices within half a second.
        writer.write(&[1], &[point(2)]).unwrap();
        match dir.options().open(NAME) {
            Ok(reader) => break reader,
            Err(Error::NotFound { .. }) => assert!(std::time::Instant::now() < deadline),
            Err(other) => panic!("{other}"),
        }
    };
    let sample = reader.latest().unwrap().unwrap();
    assert_eq!(sample.view::<Point>().unwrap()[[0]], point(2));
    drop(sample);
    drop((reader, writer));
    assert_eq!(dir.files(), [""; 0]);
}

/// A file that is made anew has other numbers, which a reader does not take for those it knows.
#[test]
fn a_file_made_anew_has_its_own_numbers() {
    #[derive(Clone, Copy, Debug, PartialEq, Record)]
    #[repr(C, packed)]
    struct Kcit {
        price: f64,
        side: u8,
    }
    let dir = TestDir::new();
    let options = dir.options().persist(true);
    let mut writer = options.create::<Tick>(NAME).unwrap();
    writer.write(&[1], &[Tick { side: 1, price: 2.0 }]).unwrap();
    let (mut reader, mut copies) = (dir.reader(), dir.options().open_read_only(NAME).unwrap());
    assert!(reader.read().unwrap().unwrap().view::<Tick>().is_ok());
    assert!(copies.read_owned().unwrap().unwrap().view::<Tick>().is_ok());
    drop(writer);
    // Open until the end, so that no other file gets its number.
    let _gone = fs::File::open(types_file(&dir)).unwrap();
    fs::remove_file(types_file(&dir)).unwrap();
    let mut writer = options.create::<Kcit>(NAME).unwrap();
    let value = Kcit { price: 2.0, side: 1 };
    writer.write(&[1], &[value]).unwrap();
    for sample in [reader.read_owned(), copies.read_owned()].map(|read| read.unwrap().unwrap()) {
        assert!(sample.view::<Tick>().is_err());
        assert_eq!(sample.view::<Kcit>().unwrap()[[0]], value);
    }
}

#[test]
fn what_is_not_ours_stays() {
    let dir = TestDir::new();
    fs::write(types_file(&dir), b"precious!").unwrap();
    let mut writer = dir.writer::<Point>();
    assert!(matches!(writer.write(&[0], &[]), Err(Error::Corrupt(HeaderError::Magic { .. }))));
    assert!(writer.close().is_err(), "it stays, and that is said");
    assert_eq!(fs::read(types_file(&dir)).unwrap(), b"precious!");
    assert!(matches!(dir.options().remove(NAME), Err(Error::Corrupt(HeaderError::Magic { .. }))));
    fs::remove_file(types_file(&dir)).unwrap();

    // One that its maker did not finish, and one of a channel that has gone, are.
    for left in [[0; 80].to_vec(), {
        let mut writer = Options::new().dir(dir.path()).create::<Tick>("gone").unwrap();
        writer.write(&[0], &[]).unwrap();
        fs::read(dir.path().join("gone.ndsh-types")).unwrap()
    }] {
        fs::write(types_file(&dir), left).unwrap();
        let mut writer = dir.writer::<Point>();
        writer.write(&[1], &[point(3)]).unwrap();
        assert_eq!(dir.reader().latest().unwrap().unwrap().view::<Point>().unwrap()[[0]], point(3));
    }
    fs::write(types_file(&dir), [0; 80]).unwrap();
    dir.options().remove(NAME).unwrap();
    assert_eq!(dir.files(), [""; 0], "it had no board");
}

/// A loan of records is checked like an array that is written: what readers would refuse is not
/// published, and the value before it stays.
#[test]
fn a_loan_publishes_no_byte_that_is_none_of_its_records() {
    let dir = TestDir::new();
    let described =
        RecordType::new(2, vec![Field::new("level", 0, DType::U8), Field::new("good", 1, DType::Bool)]).unwrap();
    let mut writer = dir.options().create_any(NAME).unwrap();
    let mut loan = writer.loan_records(&described, &[2]).unwrap();
    loan.as_mut_bytes().copy_from_slice(&[7, 1, 9, 0]);
    loan.publish().unwrap();

    let mut loan = writer.loan_records(&described, &[2]).unwrap();
    loan.as_mut_bytes().copy_from_slice(&[7, 1, 9, 2]);
    let error = loan.publish().unwrap_err();
    assert!(matches!(error, Error::View(_)), "{error:?}");

    let mut loan = writer.into_loan_of_records(&described, &[2]).map_err(|refused| refused.error).unwrap();
    loan.as_mut_bytes().copy_from_slice(&[7, 3, 9, 0]);
    let error = loan.publish().unwrap_err();
    assert!(matches!(error, Error::View(_)), "{error:?}");
    let mut reader = dir.options().open(NAME).unwrap();
    assert_eq!(reader.latest().unwrap().unwrap().as_bytes(), [7, 1, 9, 0]);

    // The loan goes on, and can be mended.
    loan.as_mut_bytes()[1] = 1;
    loan.publish().unwrap();
    assert_eq!(reader.latest().unwrap().unwrap().as_bytes(), [7, 1, 9, 0]);
}
