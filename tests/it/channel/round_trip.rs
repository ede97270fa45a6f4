//! What is written is what is read, for every dtype and shape.

use crate::channel::support::{Numbered, TestDir, for_all_types, numbered_vec, pattern, shapes};
use ndsharray::{AnyArrayView, AnyWriter, ArrayView, DType, Error, Reader, Sample, ShElement};

fn len_of(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Looks at a value in every way there is.
fn assert_typed<T: Numbered>(sample: &Sample<'_>, shape: &[usize], data: &[T]) {
    assert_eq!(sample.dtype(), T::DTYPE);
    assert_eq!(sample.shape(), shape);
    let view = sample.view::<T>().unwrap();
    assert_eq!(view.shape(), shape);
    assert_eq!(view.as_slice(), data);
    assert_eq!(sample.as_bytes(), view.as_bytes());
    assert_eq!(sample.as_bytes().as_ptr().align_offset(align_of::<T>()), 0);
    assert!(view.to_ndarray().iter().eq(data));
    let any = sample.any_view().unwrap();
    assert_eq!(any.dtype(), T::DTYPE);
    assert_eq!(any.as_typed::<T>().unwrap(), view);
}

fn all_shapes<T: Numbered>()
where
    for<'a> AnyArrayView<'a>: From<ArrayView<'a, T>>,
{
    let dir = TestDir::new();
    let mut writer = dir.writer::<T>();
    let mut reader = dir.reader();
    let mut copies = dir.options().open_read_only("channel").unwrap();
    let mut out = vec![T::numbered(9); 2];
    let mut shapes = shapes();
    shapes.push(vec![48, 36, 3]);
    for (shape, seq) in shapes.iter().zip(1..) {
        let data = numbered_vec::<T>(len_of(shape));
        assert_eq!(writer.write(shape, &data).unwrap(), seq);
        let sample = reader.read().unwrap().expect("news");
        assert_eq!((sample.seq(), sample.missed()), (seq, 0));
        assert_typed(&sample, shape, &data);
        let owned = sample.into_owned();
        assert_eq!(owned.view::<T>().unwrap().as_slice(), data);
        assert_eq!((owned.dtype(), owned.shape(), owned.seq()), (T::DTYPE, shape.as_slice(), seq));
        assert!(reader.read().unwrap().is_none());

        let info = copies.read_into(&mut out).unwrap().expect("news");
        assert_eq!((info.seq, info.dtype, info.shape.as_slice()), (seq, T::DTYPE, shape.as_slice()));
        assert_eq!(out, data);
        let copy = copies.latest_owned().unwrap().expect("a value");
        assert_eq!(copy.view::<T>().unwrap().as_slice(), data);
        assert_eq!(copy.shape(), shape);
    }
    drop(writer);

    let mut writer = dir.any_writer();
    let data = numbered_vec::<T>(6);
    writer.write_any(&ArrayView::new(&data, &[3, 2]).unwrap().into()).unwrap();
    assert_typed(&dir.reader().latest().unwrap().unwrap(), &[3, 2], &data);
}

for_all_types!(all_shapes);

fn write_and_check(writer: &mut AnyWriter, reader: &mut Reader, dtype: DType, shape: &[usize], seed: u64) {
    let bytes = pattern(dtype, len_of(shape), seed);
    writer.write_bytes(dtype, shape, &bytes).unwrap();
    let sample = reader.read().unwrap().expect("news");
    assert_eq!((sample.dtype(), sample.shape()), (dtype, shape));
    assert!(sample.as_bytes() == bytes, "{dtype} {shape:?}");
    let any = sample.any_view().unwrap();
    assert_eq!((any.dtype(), any.shape(), any.len()), (dtype, shape, len_of(shape)));
    assert!(any.as_bytes() == bytes, "{dtype} {shape:?}");
}

#[test]
fn dtypes_chosen_at_run_time() {
    let dir = TestDir::new();
    let mut writer = dir.any_writer();
    let mut reader = dir.reader();
    for (dtype, seed) in DType::ALL.iter().zip(0..) {
        for shape in shapes() {
            write_and_check(&mut writer, &mut reader, *dtype, &shape, seed);
        }
    }
}

#[test]
fn images_of_every_dtype() {
    for (dtype, seed) in DType::ALL.iter().zip(0..) {
        let dir = TestDir::new();
        let mut writer = dir.any_writer();
        let mut reader = dir.reader();
        // Some four megabytes, whatever the dtype.
        write_and_check(&mut writer, &mut reader, *dtype, &[2400 / dtype.size(), 1800], seed);
    }
}

fn mismatch<T: ShElement>(sample: &Sample<'_>) {
    let found = sample.dtype();
    match sample.view::<T>() {
        Ok(_) => assert_eq!(T::DTYPE, found),
        Err(Error::DTypeMismatch { expected, found: told, .. }) => {
            assert_ne!(T::DTYPE, found);
            assert_eq!((expected, told), (T::DTYPE, found));
        }
        Err(other) => panic!("{other}"),
    }
    assert_eq!(sample.any_view().unwrap().as_typed::<T>().is_some(), T::DTYPE == found);
}

#[test]
fn another_dtype_is_an_error_that_names_both() {
    let dir = TestDir::new();
    let mut writer = dir.any_writer();
    let mut reader = dir.reader();
    for dtype in DType::ALL {
        writer.write_bytes(*dtype, &[4], &pattern(*dtype, 4, 0)).unwrap();
        let sample = reader.latest().unwrap().unwrap();
        mismatch::<bool>(&sample);
        mismatch::<i32>(&sample);
        mismatch::<u8>(&sample);
        mismatch::<u32>(&sample);
        mismatch::<ndsharray::f16>(&sample);
        mismatch::<ndsharray::bf16>(&sample);
        mismatch::<f32>(&sample);
        mismatch::<f64>(&sample);
        mismatch::<ndsharray::Complex<f32>>(&sample);
        mismatch::<ndsharray::LongDouble>(&sample);
    }
}

#[test]
fn copying_another_dtype_is_an_error_and_the_value_stays_unread() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u16>();
    writer.write(&[2], &[1, 2]).unwrap();
    let mut reader = dir.reader();
    let error = reader.read_into(&mut Vec::<i16>::new()).unwrap_err();
    assert!(matches!(error, Error::DTypeMismatch { expected: DType::I16, found: DType::U16, .. }), "{error}");
    let mut out = Vec::<u16>::new();
    assert_eq!(reader.read_into(&mut out).unwrap().unwrap().seq, 1);
    assert_eq!(out, [1, 2]);
}
