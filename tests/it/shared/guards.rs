//! What guards lend, in one thread.

use crate::shared::support::{NAME, TestDir};
use ndsharray::{AtomicElement, Complex, DType, Error, ShElement, SharedArray, bf16, f16};
use std::fmt::Debug;
use std::time::Duration;

#[test]
fn what_one_handle_writes_another_reads() {
    let dir = TestDir::new();
    let one = dir.create::<f32>(&[2, 3]);
    let two = dir.open::<f32>();
    assert_eq!((two.shape(), two.ndim(), two.len(), two.dtype(), two.name()), (&[2, 3][..], 2, 6, DType::F32, NAME));
    assert_eq!(*two.read().unwrap(), [0.0; 6]);
    {
        let mut guard = one.write().unwrap();
        guard[5] = 1.5;
        guard.as_mut_slice()[0] = -1.0;
        guard.view_mut()[[0, 1]] = 7.0;
        assert_eq!(guard.view()[[1, 2]], 1.5);
        assert_eq!(guard.to_ndarray()[[0, 0]], -1.0);
        assert!(two.try_read().unwrap().is_none());
        assert!(two.try_write().unwrap().is_none());
        assert!(two.read_timeout(Duration::from_millis(1)).unwrap().is_none());
        assert!(two.write_timeout(Duration::from_millis(1)).unwrap().is_none());
    }
    let guard = two.read().unwrap();
    assert_eq!(*guard, [-1.0, 7.0, 0.0, 0.0, 0.0, 1.5]);
    assert_eq!((guard.shape(), guard.view()[[1, 2]]), (&[2, 3][..], 1.5));
    assert_eq!(guard.to_ndarray()[[0, 1]], 7.0);
    let beside = one.try_read().unwrap().expect("two may look");
    assert_eq!(*beside, *guard);
    assert!(one.try_write().unwrap().is_none());
    assert!(one.write_timeout(Duration::from_millis(30)).unwrap().is_none());
    drop(beside);
    assert!(one.try_read().unwrap().is_some(), "an attempt to write leaves no trace");
    drop(guard);
    assert!(one.try_write().unwrap().is_some());
}

#[test]
fn empty_and_0d_arrays() {
    let dir = TestDir::new();
    let scalar: SharedArray<i16> = dir.array_options().create("scalar", &[]).unwrap();
    scalar.write().unwrap().view_mut()[[]] = 7;
    assert_eq!((scalar.load(0), scalar.len(), scalar.ndim()), (7, 1, 0));
    let empty: SharedArray<Complex<f64>> = dir.array_options().create("empty", &[3, 0, 5]).unwrap();
    assert!(empty.is_empty() && empty.write().unwrap().is_empty() && empty.read().unwrap().view().is_empty());
    assert_eq!(dir.array_options().open::<Complex<f64>>("empty").unwrap().shape(), [3, 0, 5]);
    let mut many = [1; 64];
    many[63] = 4;
    let many: SharedArray<u8> = dir.array_options().from_slice("many", &many, &[1, 2, 3, 4]).unwrap();
    assert_eq!(*many.read().unwrap(), [1, 2, 3, 4]);
}

#[test]
fn a_reshape_is_ones_own_affair() {
    let dir = TestDir::new();
    let mut one = dir.array_options().from_slice(NAME, &[2, 3], &[1, 2, 3, 4, 5, 6]).unwrap();
    one.reshape(&[3, 2]).unwrap();
    assert_eq!(one.read().unwrap().view()[[2, 0]], 5);
    assert_eq!(dir.open::<i32>().shape(), [2, 3]);
    assert!(matches!(one.reshape(&[7]), Err(Error::ShapeMismatch { expected: 6, found: 7, .. })));
    assert!(one.reshape(&[usize::MAX, 2]).is_err());
    assert_eq!(one.shape(), [3, 2]);
}

#[test]
fn arrays_of_ndarray_of_any_strides() {
    let dir = TestDir::new();
    let matrix = ndarray::Array2::from_shape_fn((3, 4), |(i, j)| (10 * i + j) as u16);
    let turned = dir.array_options().from_array("turned", &matrix.t()).unwrap();
    assert_eq!(turned.shape(), [4, 3]);
    assert_eq!(turned.read().unwrap().to_ndarray(), matrix.t().into_dyn());
    let every_other = matrix.slice(ndarray::s![..;2, ..;-1]);
    let sliced = dir.array_options().from_array("sliced", &every_other).unwrap();
    assert_eq!(sliced.read().unwrap().to_ndarray(), every_other.into_dyn());
}

#[test]
fn a_panic_with_the_array_in_hand_poisons() {
    let dir = TestDir::new();
    let array = dir.create::<u8>(&[4]);
    let other = dir.open::<u8>();
    let panics = |body: &(dyn Fn() + Sync)| std::thread::scope(|scope| assert!(scope.spawn(body).join().is_err()));
    panics(&|| {
        let _guard = array.read().unwrap();
        panic!("on purpose");
    });
    assert!(!other.is_poisoned().unwrap(), "who only looks leaves nothing half done");
    panics(&|| {
        let mut guard = array.write().unwrap();
        guard[1] = 1;
        panic!("on purpose");
    });
    assert!(other.is_poisoned().unwrap());

    // The error holds the lock, wherever it is kept.
    let error = (|| -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        other.write()?[0] = 1;
        Ok(())
    })()
    .unwrap_err();
    assert!(error.source().is_none());
    assert!(error.to_string().contains("died or panicked"), "{error}");
    assert!(array.try_read().unwrap().is_none(), "the lock lives in the error");
    drop(error);

    let Err(Error::Poisoned(lock)) = array.read() else { panic!("poison stays") };
    assert!(matches!(lock.into_write_guard(&array), Err(Error::Unsupported { .. })), "a lock to read is none to write");
    let Err(Error::Poisoned(lock)) = array.read() else { panic!("poison stays") };
    assert!(matches!(lock.into_read_guard(&other), Err(Error::Unsupported { .. })), "of another handle");
    let Err(Error::Poisoned(lock)) = array.read() else { panic!("poison stays") };
    assert_eq!(*lock.into_read_guard(&array).unwrap(), [0, 1, 0, 0]);
    assert!(matches!(array.try_read(), Err(Error::Poisoned(_))));
    assert!(matches!(array.try_write(), Err(Error::Poisoned(_))));
    assert!(matches!(array.atomic(), Err(Error::Poisoned(_))));
    assert_eq!(array.load(1), 1, "single elements do not mind");

    let Err(Error::Poisoned(lock)) = array.write() else { panic!("poison stays") };
    let mut guard = lock.into_write_guard(&array).unwrap();
    assert!(other.try_read().unwrap().is_none());
    guard.fill(0);
    array.clear_poison().unwrap();
    drop(guard);
    assert_eq!(*other.read().unwrap(), [0; 4]);
}

/// Destructors that run while a thread panics may use arrays.
#[test]
fn a_guard_taken_while_panicking_does_not_poison() {
    struct Late<'a>(&'a SharedArray<u8>);
    impl Drop for Late<'_> {
        fn drop(&mut self) {
            self.0.write().unwrap()[0] = 9;
        }
    }
    let dir = TestDir::new();
    let array = dir.create::<u8>(&[1]);
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let _late = Late(&array);
            panic!("on purpose");
        });
        assert!(thread.join().is_err());
    });
    assert_eq!(*array.read().unwrap(), [9]);
}

#[test]
fn a_forgotten_guard_ends_with_its_handle() {
    let dir = TestDir::new();
    let other = dir.create::<u8>(&[1]);
    let array = dir.open::<u8>();
    std::mem::forget(array.read().unwrap());
    assert!(other.try_write().unwrap().is_none());
    drop(array);
    assert!(other.try_write().unwrap().is_some());
    let array = dir.open::<u8>();
    std::mem::forget(array.write().unwrap());
    assert!(other.try_read().unwrap().is_none());
    drop(array);
    assert!(matches!(other.try_read(), Err(Error::Poisoned(_))));
}

#[test]
fn bytes_that_are_no_bool_are_refused() {
    let dir = TestDir::new();
    let array = dir.create::<bool>(&[5]);
    array.store(3, true);
    assert_eq!(*array.read().unwrap(), [false, false, false, true, false]);
    let file = std::fs::OpenOptions::new().write(true).open(dir.file()).unwrap();
    let len = file.metadata().unwrap().len();
    crate::common::os::write_all_at(&file, &[7], len - 3).unwrap();
    assert!(matches!(array.read(), Err(Error::InvalidBool { index: 2, value: 7, .. })));
    assert!(matches!(array.write(), Err(Error::InvalidBool { index: 2, value: 7, .. })));
    assert!(array.load(2));
    array.store(2, false);
    assert_eq!(array.write().unwrap().len(), 5, "the lock was given back");
}

fn each_operation<T: AtomicElement + PartialEq + Debug>(dir: &TestDir, a: T, b: T)
where
    SharedArray<T>: Send,
{
    let name = T::DTYPE.name();
    let array: SharedArray<T> = dir.array_options().from_slice(name, &[2, 2], &[a; 4]).unwrap();
    assert_eq!(array.load(3), a);
    array.store(3, b);
    assert_eq!(array.swap(3, a), b);
    assert_eq!(array.compare_exchange(3, b, b), Err(a));
    assert_eq!(array.compare_exchange(3, a, b), Ok(a));
    assert_eq!(array.update(3, |found| if found == b { a } else { b }), b);
    let guard = array.atomic().unwrap();
    assert_eq!((guard.len(), guard.load(3)), (4, a));
    guard.store(0, b);
    drop(guard);
    assert_eq!(*array.read().unwrap(), [b, a, a, a]);
    array.unlink().unwrap();
}

#[test]
fn atomic_access_for_each_dtype_that_fits() {
    let dir = TestDir::new();
    each_operation(&dir, false, true);
    each_operation(&dir, 1_u8, 255);
    each_operation(&dir, -1_i8, 100);
    each_operation(&dir, 1_u16, 60_000);
    each_operation(&dir, -1_i16, 300);
    each_operation(&dir, 1_u32, 1 << 31);
    each_operation(&dir, -1_i32, 1 << 20);
    each_operation(&dir, 1_u64, 1 << 63);
    each_operation(&dir, -1_i64, 1 << 40);
    each_operation(&dir, f16::from_f32(1.5), f16::from_f32(-2.0));
    each_operation(&dir, bf16::from_f32(1.5), bf16::from_f32(-2.0));
    each_operation(&dir, 1.5_f32, -2.5);
    each_operation(&dir, 1.5_f64, -2.5);
    each_operation(&dir, Complex::new(1.5_f32, 0.5), Complex::new(-2.5, 1.0));
}

#[test]
fn sums_wrap_around() {
    let dir = TestDir::new();
    let array = dir.create::<i8>(&[3]);
    assert_eq!(array.fetch_add(1, 127), 0);
    assert_eq!(array.fetch_add(1, 2), 127);
    assert_eq!(array.fetch_sub(1, 1), -127);
    assert_eq!(*array.read().unwrap(), [0, -128, 0]);
}

#[test]
#[should_panic(expected = "index 6 is out of range for an array of 6 elements")]
fn an_index_out_of_range_panics() {
    let dir = TestDir::new();
    let _ = dir.create::<f32>(&[2, 3]).load(6);
}

#[test]
fn a_panic_over_an_index_gives_the_lock_back() {
    let dir = TestDir::new();
    let array = dir.create::<f32>(&[2]);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| array.store(usize::MAX, 1.0)));
    assert!(caught.is_err());
    assert!(array.try_write().unwrap().is_some());
}

#[test]
fn errors_name_what_was_found() {
    let dir = TestDir::new();
    let _array = dir.create::<f32>(&[2]);
    assert!(matches!(
        dir.array_options().open::<f64>(NAME),
        Err(Error::DTypeMismatch { expected: DType::F64, found: DType::F32, .. })
    ));
    assert!(matches!(dir.array_options().open::<f32>("other"), Err(Error::NotFound { .. })));
    assert!(matches!(dir.array_options().create::<f32>(NAME, &[2]), Err(Error::AlreadyExists { .. })));
    assert!(matches!(
        dir.array_options().from_slice("short", &[2, 2], &[1, 2, 3]),
        Err(Error::ShapeMismatch { expected: 4, found: 3, .. })
    ));
    assert!(matches!(dir.array_options().create::<f32>("a/b", &[2]), Err(Error::InvalidName { .. })));
    assert!(dir.array_options().create::<f32>("huge", &[usize::MAX, 2]).is_err());
    assert!(dir.array_options().create::<u8>("dims", &[1; 65]).is_err());
    assert!(matches!(
        dir.array_options().create::<u8>("full", &[isize::MAX as usize]),
        Err(Error::OutOfMemory { requested, .. }) if requested > isize::MAX as u64
    ));
    assert_eq!(dir.files(), [format!("{NAME}.ndsa")], "what failed leaves nothing");
}

fn all_elements<T: ShElement + PartialEq + Debug>(dir: &TestDir, values: &[T]) {
    let array = dir.array_options().from_slice(T::DTYPE.name(), &[values.len()], values).unwrap();
    assert_eq!(*array.read().unwrap(), *values);
    array.write().unwrap().reverse();
    let reopened: SharedArray<T> = dir.array_options().open(T::DTYPE.name()).unwrap();
    assert!(reopened.read().unwrap().iter().eq(values.iter().rev()));
}

#[test]
fn dtypes_without_atomics() {
    let dir = TestDir::new();
    all_elements(&dir, &[Complex::new(1.0_f64, 2.0), Complex::new(-1.0, 0.5)]);
    all_elements(&dir, &[ndsharray::LongDouble::from(1.5), ndsharray::LongDouble::from(2.5)]);
}
