//! Arrays whose dtype is known at run time, and their elements by address.

use crate::shared::support::{NAME, TIMEOUT, TestDir};
use ndsharray::{AnyArrayView, AnySharedArray, DType, Error, SharedArray, raw::LockMode};
use std::thread;
use std::time::{Duration, Instant};

fn open(dir: &TestDir) -> AnySharedArray {
    dir.array_options().open_any(NAME).unwrap()
}

#[test]
fn dtype_and_shape_come_from_the_file() {
    let dir = TestDir::new();
    let made = dir.array_options().create_any(NAME, DType::I16, &[2, 3], |bytes| bytes.fill(1)).unwrap();
    let mut found = open(&dir);
    assert_eq!((found.dtype(), found.shape(), found.byte_len(), found.name()), (DType::I16, &[2, 3][..], 12, NAME));
    assert_eq!(*found.typed::<i16>().unwrap().read().unwrap(), [0x0101; 6]);
    assert!(matches!(found.typed::<u16>(), Err(Error::DTypeMismatch { expected: DType::U16, found: DType::I16, .. })));
    found.reshape(&[6]).unwrap();
    assert_eq!((found.shape(), made.shape()), (&[6][..], &[2, 3][..]));
    assert!(matches!(found.reshape(&[7]), Err(Error::ShapeMismatch { expected: 6, found: 7, .. })));
    made.unlink().unwrap();
    assert!(dir.files().is_empty());
    assert!(matches!(dir.array_options().open_any(NAME), Err(Error::NotFound { .. })));
}

#[test]
fn holds_are_the_guards_locks() {
    let dir = TestDir::new();
    let typed: SharedArray<u64> = dir.create(&[3]);
    let any = open(&dir);
    let writing = any.try_hold(LockMode::Write).unwrap().expect("free");
    assert!(typed.try_read().unwrap().is_none());
    assert!(matches!(writing.atomic::<u64>(), Err(Error::Unsupported { .. })));
    drop(writing);
    let reading = any.try_hold(LockMode::Read).unwrap().expect("free");
    assert!(typed.try_read().unwrap().is_some() && typed.try_write().unwrap().is_none());
    drop(reading);
    let single = any.try_hold(LockMode::Atomic).unwrap().expect("free");
    assert_eq!(single.atomic::<u64>().unwrap().fetch_add(1, 5), 0);
    typed.store(0, 1);
    assert!(typed.try_read().unwrap().is_none());
    drop(single);
    assert_eq!(*typed.read().unwrap(), [1, 5, 0]);
}

/// A hold keeps out accesses of two sizes, and bytes that are no bool.
#[test]
fn a_hold_knows_its_dtype() {
    let dir = TestDir::new();
    let _array: SharedArray<f64> = dir.create(&[3]);
    let hold = open(&dir).try_hold(LockMode::Atomic).unwrap().expect("free");
    assert!(matches!(hold.atomic::<u8>(), Err(Error::DTypeMismatch { expected: DType::U8, found: DType::F64, .. })));
    assert!(matches!(hold.atomic::<u64>(), Err(Error::DTypeMismatch { expected: DType::U64, found: DType::F64, .. })));
    hold.atomic::<f64>().unwrap().store(1, 2.5);
    std::fs::write(dir.path().join("block"), [0; 64]).unwrap();
    let block = dir.array_options().attach_raw_any("block", DType::Bool, &[4]).unwrap();
    let hold = block.try_hold(LockMode::Atomic).unwrap().expect("there is no lock");
    assert!(matches!(hold.atomic::<u8>(), Err(Error::DTypeMismatch { .. })));
    hold.atomic::<bool>().unwrap().store(0, true);
}

/// The callback that decides whether to go on may panic: the lock is free then.
#[test]
fn a_panic_while_waiting_leaves_the_lock_free() {
    let dir = TestDir::new();
    let typed: SharedArray<u64> = dir.create(&[3]);
    let any = open(&dir);
    let panics = |kind| {
        let hold =
            std::panic::AssertUnwindSafe(|| any.hold(kind, || std::panic::resume_unwind(Box::new("on purpose"))));
        assert!(std::panic::catch_unwind(hold).is_err());
    };
    // While it waits for those that share, it has the lock already.
    let reading = typed.read().unwrap();
    panics(LockMode::Write);
    panics(LockMode::Atomic);
    assert!(typed.try_read().unwrap().is_some());
    drop(reading);
    let writing = typed.write().unwrap();
    [LockMode::Write, LockMode::Read, LockMode::Atomic].into_iter().for_each(panics);
    drop(writing);
    assert!(typed.try_write().unwrap().is_some());
    assert!(!typed.is_poisoned().unwrap());
}

#[test]
fn a_hold_outlives_its_array() {
    let dir = TestDir::new();
    let typed: SharedArray<u8> = dir.create(&[3]);
    let any = open(&dir);
    let hold = any.try_hold(LockMode::Write).unwrap().expect("free");
    drop(any);
    assert!(typed.try_read().unwrap().is_none());
    drop(hold);
    assert!(typed.try_read().unwrap().is_some());
}

#[test]
fn waiting_goes_on_as_long_as_it_is_told_to() {
    let dir = TestDir::new();
    let typed: SharedArray<u8> = dir.create(&[3]);
    let any = open(&dir);
    let guard = typed.write().unwrap();
    let mut asked = 0;
    let waited = any.hold(LockMode::Read, || {
        asked += 1;
        asked < 3
    });
    assert!(waited.unwrap().is_none());
    assert_eq!(asked, 3);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| any.hold(LockMode::Write, || true).unwrap().is_some());
        thread::sleep(Duration::from_millis(30));
        drop(guard);
        assert!(waiter.join().unwrap());
    });
    let end = Instant::now() + TIMEOUT;
    assert!(any.hold(LockMode::Write, || Instant::now() < end).unwrap().is_some());
}

#[test]
fn poison_is_told_and_the_lock_taken() {
    let dir = TestDir::new();
    let typed: SharedArray<u8> = dir.create(&[3]);
    let any = open(&dir);
    assert!(!any.try_hold(LockMode::Read).unwrap().expect("free").is_poisoned());
    thread::scope(|scope| {
        let panicking = scope.spawn(|| {
            let _guard = typed.write().unwrap();
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        assert!(panicking.join().is_err());
    });
    let hold = any.try_hold(LockMode::Write).unwrap().expect("free");
    assert!(hold.is_poisoned() && any.is_poisoned().unwrap());
    assert!(typed.try_read().unwrap().is_none());
    any.clear_poison().unwrap();
    drop(hold);
    assert!(typed.read().is_ok());
}

#[test]
#[cfg(all(target_os = "linux", not(ndsharray_portable)))]
fn severed_panes_show_the_array_no_more() {
    let dir = TestDir::new();
    let typed: SharedArray<u8> = dir.create(&[5000]);
    let any = open(&dir);
    let mut pane = any.pane().unwrap();
    let address = pane.as_mut_ptr();
    assert_ne!(address, any.as_mut_ptr());
    let hold = any.try_hold(LockMode::Write).unwrap().expect("free");
    // SAFETY: the pane has 5000 bytes mapped, and the array is held.
    unsafe { address.write_bytes(3, 5000) };
    let kept = pane.sever().unwrap().expect("there are elements");
    drop(hold);
    // SAFETY: `kept` keeps as many bytes there.
    unsafe { address.write_bytes(9, 5000) };
    assert!(typed.read().unwrap().iter().all(|&byte| byte == 3));
    let hold = any.try_hold(LockMode::Read).unwrap().expect("free");
    // SAFETY: the pane shows the array at another address, and the array is held.
    assert_eq!(unsafe { pane.as_mut_ptr().wrapping_add(4999).read() }, 3);
    drop(hold);
    drop((pane, any, typed));
    // SAFETY: as before.
    assert_eq!(unsafe { address.read() }, 9);
    drop(kept);
}

#[test]
fn a_block_without_a_head_has_single_elements_alone() {
    let dir = TestDir::new();
    std::fs::write(dir.path().join("block"), [0; 64]).unwrap();
    let any = dir.array_options().attach_raw_any("block", DType::U32, &[4, 4]).unwrap();
    assert!(matches!(any.try_hold(LockMode::Read), Err(Error::Unsupported { .. })));
    assert!(matches!(any.pane(), Err(Error::Unsupported { .. })));
    let hold = any.hold(LockMode::Atomic, || false).unwrap().expect("there is nobody to wait for");
    assert_eq!(hold.atomic::<u32>().unwrap().swap(15, 7), 0);
    assert_eq!(any.typed::<u32>().unwrap().load(15), 7);
}

#[test]
fn guards_lend_views_and_bytes() {
    let dir = TestDir::new();
    let made = dir.array_options().create_any(NAME, DType::I16, &[2, 3], |_| ()).unwrap();
    let other = open(&dir);
    {
        let mut guard = made.write().unwrap();
        assert_eq!((guard.dtype(), guard.shape()), (DType::I16, &[2, 3][..]));
        guard.as_mut_bytes()[2..4].copy_from_slice(&7_i16.to_ne_bytes());
        assert_eq!(guard.view().as_typed::<i16>().unwrap()[[0, 1]], 7);
        assert_eq!(guard.as_bytes().len(), 12);
        assert!(other.try_read().unwrap().is_none() && other.try_write().unwrap().is_none());
        assert!(other.read_timeout(Duration::from_millis(1)).unwrap().is_none());
        assert!(other.write_timeout(Duration::from_millis(1)).unwrap().is_none());
    }
    let guard = other.read().unwrap();
    assert!(made.try_read().unwrap().is_some() && made.try_write().unwrap().is_none());
    match guard.view() {
        AnyArrayView::I16(view) => assert_eq!((view.as_slice(), view.shape()), (&[0, 7, 0, 0, 0, 0][..], &[2, 3][..])),
        other => panic!("{}", other.dtype()),
    }
    drop(guard);
    // Where a payload or array begins is a promise.
    for dtype in DType::ALL {
        let array = dir.array_options().create_any("each", *dtype, &[3, 0, 2], |_| ()).unwrap();
        assert!(array.write().unwrap().view().is_empty());
        array.unlink().unwrap();
        let array = dir.array_options().create_any("each", *dtype, &[5], |_| ()).unwrap();
        assert!(array.read().unwrap().as_bytes().as_ptr().addr().is_multiple_of(64));
        assert_eq!(array.write().unwrap().view().dtype(), *dtype);
        array.unlink().unwrap();
    }
}

#[test]
fn bools_are_checked_when_their_bytes_have_been_lent() {
    let dir = TestDir::new();
    let array = dir.array_options().create_any(NAME, DType::Bool, &[4], |_| ()).unwrap();
    let mut guard = array.write().unwrap();
    guard.as_mut_bytes()[1] = 1;
    assert_eq!(guard.view().as_typed::<bool>().unwrap().as_slice(), [false, true, false, false]);
    guard.as_mut_bytes()[2] = 2;
    let viewed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| guard.view().len()));
    assert!(viewed.is_err());
    drop(guard);
    assert!(matches!(array.read(), Err(Error::InvalidBool { index: 2, value: 2, .. })));
    assert!(matches!(array.write(), Err(Error::InvalidBool { .. })));
    assert!(array.try_hold(LockMode::Write).unwrap().is_some(), "an error leaves the lock free");
}

#[test]
fn poison_becomes_a_guard_of_any_dtype() {
    let dir = TestDir::new();
    let array = dir.array_options().create_any(NAME, DType::U8, &[4], |_| ()).unwrap();
    thread::scope(|scope| {
        let panicking = scope.spawn(|| {
            let _guard = array.write().unwrap();
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        assert!(panicking.join().is_err());
    });
    let Err(Error::Poisoned(lock)) = array.read() else { panic!("it is poisoned") };
    assert_eq!(lock.into_any_read_guard(&array).unwrap().as_bytes(), [0; 4]);
    let Err(Error::Poisoned(lock)) = array.write() else { panic!("it is poisoned") };
    assert!(matches!(lock.into_any_write_guard(&open(&dir)), Err(Error::Unsupported { .. })), "another handle's");
    let Err(Error::Poisoned(lock)) = array.write() else { panic!("it is poisoned") };
    lock.into_any_write_guard(&array).unwrap().as_mut_bytes().fill(3);
    array.clear_poison().unwrap();
    assert_eq!(array.read().unwrap().as_bytes(), [3; 4]);
}
