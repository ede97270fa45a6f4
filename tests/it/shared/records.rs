//! Arrays of records: their description stands in their own file.

use super::support::{NAME, TestDir};
use ndsharray::{AnyArrayView, AnySharedArray, DType, Error, Field, HeaderError, RecordType, SharedArray};
use ndsharray_derive::Record;
use std::fs;

#[derive(Clone, Copy, Debug, PartialEq, Record)]
#[repr(C)]
struct Cell {
    count: u64,
    mean: f32,
    is_set: bool,
    #[record(padding)]
    gap: [u8; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, Record)]
#[repr(C)]
struct Other {
    count: u64,
    mean: u32,
    is_set: bool,
    #[record(padding)]
    gap: [u8; 3],
}

fn record() -> RecordType {
    let fields =
        [Field::new("count", 0, DType::U64), Field::new("mean", 8, DType::F32), Field::new("is_set", 12, DType::Bool)];
    RecordType::new(16, fields).unwrap()
}

#[test]
fn structs_under_the_lock() {
    let dir = TestDir::new();
    let options = dir.array_options();
    let grid: SharedArray<Cell> = options.create(NAME, &[3, 4]).unwrap();
    assert_eq!((grid.dtype(), grid.len(), grid.record_type()), (DType::Record, 12, Some(&record())));
    assert!(grid.read().unwrap().iter().all(|cell| cell.count == 0 && !cell.is_set));
    let cell = Cell { count: 7, mean: 1.5, is_set: true, gap: [0; 3] };
    grid.write().unwrap()[5] = cell;
    let other = options.open::<Cell>(NAME).unwrap();
    assert_eq!(other.read().unwrap().view()[[1, 1]], cell);
    match options.open::<Other>(NAME) {
        Err(Error::RecordMismatch { field, expected, found, .. }) => {
            assert_eq!((field.as_str(), expected.as_str()), ("mean", "uint32 at byte 8"));
            assert_eq!(found, "float32 at byte 8");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(options.open_or_create::<Other>(NAME, &[3, 4]), Err(Error::RecordMismatch { .. })));
    assert!(matches!(options.open::<u8>(NAME), Err(Error::DTypeMismatch { found: DType::Record, .. })));
    assert_eq!(options.open_or_create::<Cell>(NAME, &[12]).unwrap().read().unwrap()[5], cell);

    let any: AnySharedArray = options.open_any(NAME).unwrap();
    {
        let guard = any.read().unwrap();
        let AnyArrayView::Record(view) = guard.view() else { panic!("records") };
        assert_eq!(view.field("mean").unwrap().get::<f32>(&[1, 1]), Some(1.5));
    }
    assert_eq!(any.typed::<Cell>().unwrap().read().unwrap()[5], cell);
    assert!(matches!(any.typed::<Other>(), Err(Error::RecordMismatch { .. })));

    // A byte that is no bool, written without a type.
    any.write().unwrap().as_mut_bytes()[2 * 16 + 12] = 3;
    let error = grid.read().unwrap_err().to_string();
    assert_eq!(error, "byte 12 of record 2 is no bool: it is 3, which is neither 0 nor 1");
    {
        let guard = any.read().unwrap();
        let AnyArrayView::Record(view) = guard.view() else { panic!("records") };
        assert!(view.field("is_set").is_err());
        assert_eq!(view.field("count").unwrap().get::<u64>(&[1, 1]), Some(7));
    }
    any.write().unwrap().as_mut_bytes()[2 * 16 + 12] = 1;
    assert!(grid.read().unwrap()[2].is_set);
    grid.unlink().unwrap();
    drop((other, any));
    assert_eq!(dir.files(), [""; 0]);
}

#[test]
fn records_that_are_known_at_run_time() {
    let dir = TestDir::new();
    let options = dir.array_options();
    let fill = |bytes: &mut [u8]| bytes.iter_mut().zip(0..).for_each(|(byte, i)| *byte = u8::from(i == 12));
    let any = options.create_records(NAME, &record(), &[2], fill).unwrap();
    assert_eq!(any.record_type(), Some(&record()));
    assert_eq!(options.open::<Cell>(NAME).unwrap().read().unwrap().iter().filter(|cell| cell.is_set).count(), 1);
    assert!(options.open_or_create_records(NAME, &record(), &[2, 1]).is_ok());
    let wider = RecordType::new(20, record().fields().to_vec()).unwrap();
    assert!(matches!(options.open_or_create_records(NAME, &wider, &[2]), Err(Error::RecordMismatch { .. })));
    assert!(matches!(options.create_any("bare", any.element_type(), &[2], |_| ()), Err(Error::View(_))));
}

/// A description that is longer than a page moves the elements on.
#[test]
fn a_long_description_has_its_room() {
    let dir = TestDir::new();
    let long = RecordType::packed((0..100).map(|i| (format!("{i:0>200}"), DType::U8))).unwrap();
    let any = dir.array_options().create_records(NAME, &long, &[3], |bytes| bytes.fill(7)).unwrap();
    let again = dir.array_options().open_any(NAME).unwrap();
    assert_eq!(again.record_type(), Some(&long));
    let guard = again.read().unwrap();
    assert_eq!(guard.as_bytes(), [7; 300]);
    drop(guard);
    drop((any, again));
}

#[test]
fn damage_is_an_error() {
    let dir = TestDir::new();
    drop(dir.array_options().create::<Cell>(NAME, &[2]).unwrap());
    let path = dir.path().join(format!("{NAME}.ndsa"));
    let whole = fs::read(&path).unwrap();
    // With 64 entries the lock ends here.
    let at = 4864;
    let told = |at: usize, bytes: &[u8]| {
        let mut file = whole.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        fs::write(&path, file).unwrap();
        match dir.array_options().open_any(NAME) {
            Err(Error::Corrupt(error)) => Some(error),
            Err(other) => panic!("{other}"),
            Ok(_) => None,
        }
    };
    assert_eq!(told(at, &[]), None);
    assert!(matches!(told(28, &0_u32.to_ne_bytes()), Some(HeaderError::RecordTypes { found: 0, .. })));
    assert!(matches!(told(28, &9_u32.to_ne_bytes()), Some(HeaderError::Record(_))));
    assert!(matches!(told(at, &17_u32.to_ne_bytes()), Some(HeaderError::RecordSize { expected: 17, found: 16 })));
    assert!(matches!(told(at, &[0; 64]), Some(HeaderError::Record(_))));
    assert_eq!(told(at, &[]), None);
}
