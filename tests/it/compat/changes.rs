//! Values, shapes, dtypes, one after another.

use crate::compat::support::{NAME, TestDir, next_i32};
use ndsharray::compat::{DTypeTable, Overwrite};
use ndsharray::{AnyArrayView, ArrayView, DType, ElementType, Error, LongDouble, bf16};
use std::fs;
use std::time::Duration;

const MODES: [Overwrite; 2] = [Overwrite::Never, Overwrite::InPlace];

#[test]
fn values_follow_each_other() {
    for mode in MODES {
        let dir = TestDir::new();
        let mut writer = dir.options().overwrite(mode).create::<i32>(NAME).unwrap();
        let mut reader = dir.reader();
        assert!(reader.read().unwrap().is_none());
        assert!(!reader.is_valid(), "nothing has been written");
        for n in 0..100 {
            writer.write(&[2], &[n, -n]).unwrap();
            assert_eq!(next_i32(&mut reader), [n, -n]);
            assert!(reader.read().unwrap().is_none());
            assert!(reader.is_valid());
            assert_eq!(reader.payload_name(), writer.payload_name());
            assert!(reader.read_time_ms() > 0.0 && reader.read_time_ms() < 60_000.0);
        }
    }
}

/// Arrays of other lengths and dtypes, small ones and ones that are copied in several looks.
#[test]
fn memory_that_is_given_back_serves_again() {
    let dir = TestDir::new();
    let mut writer = dir.options().create_any(NAME).unwrap();
    let mut reader = dir.reader();
    for n in 0_u8..40 {
        let len = [0, 3, 1000, 5000, 5000, 20_000][usize::from(n) % 6];
        if n % 2 == 0 {
            writer.write_bytes(DType::U8, &[len], &[n].repeat(len)).unwrap();
        } else {
            writer.write_bytes(DType::U16, &[len], &u16::from(n).to_ne_bytes().repeat(len)).unwrap();
        }
        let array = reader.read().unwrap().unwrap();
        assert_eq!(array.shape(), [len]);
        if n % 2 == 0 {
            assert_eq!(array.view::<u8>().unwrap().as_slice(), [n].repeat(len));
        } else {
            assert_eq!(array.view::<u16>().unwrap().as_slice(), [u16::from(n)].repeat(len));
        }
        reader.recycle(array);
        assert!(reader.read().unwrap().is_none());
    }
}

#[test]
fn payload_names_change_as_the_mode_says() {
    for mode in MODES {
        let dir = TestDir::new();
        let mut writer = dir.options().overwrite(mode).create::<i32>(NAME).unwrap();
        assert_eq!(writer.payload_name(), None);
        writer.write(&[2], &[1, 2]).unwrap();
        let first = writer.payload_name();
        writer.write(&[2], &[3, 4]).unwrap();
        assert_eq!(writer.payload_name() == first, mode == Overwrite::InPlace);
        writer.write(&[1, 2], &[3, 4]).unwrap();
        assert_ne!(writer.payload_name(), first);
        assert_eq!(fs::read_to_string(dir.tag()).unwrap(), writer.payload_name().unwrap());
    }
}

#[test]
fn shapes_and_dtypes_change() {
    for mode in MODES {
        let dir = TestDir::new();
        let mut writer = dir.options().overwrite(mode).create_any(NAME).unwrap();
        let mut reader = dir.reader();
        for round in 0..3_u8 {
            for dtype in DTypeTable::V1_1_4.dtypes() {
                for shape in [vec![], vec![0], vec![3, 0, 5], vec![7], vec![5, 3], vec![1; 64], vec![90_000]] {
                    let body = vec![round.min(1); dtype.size() * shape.iter().product::<usize>()];
                    writer.write_bytes(*dtype, &shape, &body).unwrap();
                    let array = reader.read().unwrap().unwrap();
                    assert_eq!((array.dtype(), array.shape(), array.as_bytes()), (*dtype, &*shape, &*body));
                }
            }
        }
        drop(writer);
        assert_eq!(dir.files(), Vec::<String>::new());
    }
}

#[test]
fn typed_writers_change_their_dtype() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<i32>(NAME).unwrap();
    writer.write(&[1], &[1]).unwrap();
    let mut reader = dir.reader();
    assert_eq!(next_i32(&mut reader), [1]);
    let mut writer = writer.into_dtype::<f64>().unwrap();
    writer.write(&[1], &[0.5]).unwrap();
    assert_eq!(reader.read().unwrap().unwrap().view::<f64>().unwrap()[[0]], 0.5);
    assert!(matches!(writer.into_dtype::<bf16>(), Err(Error::Unsupported { .. })));
}

#[test]
fn dtypes_that_python_lacks() {
    let dir = TestDir::new();
    assert!(matches!(dir.options().create::<bf16>(NAME), Err(Error::Unsupported { .. })));
    assert!(matches!(dir.options().create::<LongDouble>(NAME), Err(Error::Unsupported { .. })));
    assert_eq!(dir.files(), Vec::<String>::new());
    assert!(dir.options().dtypes(DTypeTable::V1_1_1).create::<LongDouble>(NAME).is_ok());
    let mut writer = dir.options().create_any(NAME).unwrap();
    assert!(matches!(writer.write_bytes(DType::BF16, &[1], &[0; 2]), Err(Error::Unsupported { .. })));
    writer.write_bytes(DType::I32, &[1], &7_i32.to_ne_bytes()).unwrap();
    for name in
        ["datetime64[ns]", "timedelta64[25s]", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu", "S5", "U2", "V3"]
    {
        let element: ElementType = name.parse().unwrap();
        let refused = writer.write_bytes(element, &[1], &vec![0; element.size()]);
        assert!(matches!(refused, Err(Error::Unsupported { .. })), "{name}: {refused:?}");
    }
    assert_eq!(next_i32(&mut dir.reader()), [7]);
}

#[test]
fn wrong_calls_leave_the_last_value() {
    let dir = TestDir::new();
    let mut writer = dir.options().create_any(NAME).unwrap();
    writer.write_any(&AnyArrayView::from(ArrayView::new(&[1, 2], &[2]).unwrap())).unwrap();
    let wrong = writer.write_bytes(DType::I32, &[3], &[0; 8]);
    assert!(matches!(wrong, Err(Error::ShapeMismatch { expected: 12, found: 8, .. })));
    let wrong = writer.write_bytes(DType::Bool, &[2], &[1, 2]);
    assert!(matches!(wrong, Err(Error::InvalidBool { index: 1, value: 2, .. })));
    let wrong = writer.write_bytes(DType::U8, &[usize::MAX, 2], &[]);
    assert!(matches!(wrong, Err(Error::TooLarge { .. })));
    assert_eq!(next_i32(&mut dir.reader()), [1, 2]);
    drop(writer);
    let mut typed = dir.options().create::<u8>(NAME).unwrap();
    assert!(matches!(typed.write(&[2, 2], &[0; 3]), Err(Error::ShapeMismatch { expected: 4, found: 3, .. })));
}

#[cfg(feature = "ndarray")]
#[test]
fn strides_are_laid_out() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<i32>(NAME).unwrap();
    let matrix = ndarray::array![[1, 2, 3], [4, 5, 6]];
    writer.write_array(&matrix.view()).unwrap();
    let mut reader = dir.reader();
    assert_eq!(next_i32(&mut reader), [1, 2, 3, 4, 5, 6]);
    writer.write_array(&matrix.t()).unwrap();
    assert_eq!(next_i32(&mut reader), [1, 4, 2, 5, 3, 6]);
}

#[test]
fn a_reader_that_waits_for_the_writer() {
    let dir = TestDir::new();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| dir.options().open_timeout(NAME, Duration::from_secs(20)).unwrap());
        let mut writer = dir.options().create::<i32>(NAME).unwrap();
        let mut reader = reader.join().unwrap();
        writer.write(&[1], &[5]).unwrap();
        assert_eq!(next_i32(&mut reader), [5]);
    });
}
