//! Filling a value in place.

use crate::channel::support::{NAME, Numbered, TestDir, for_all_types, latest_vec, numbered_vec};
#[cfg(unix)]
use crate::common::Peer;
use ndsharray::{DType, Error};

fn every_dtype<T: Numbered>() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<T>();
    let mut reader = dir.reader();
    for (shape, seq) in crate::channel::support::shapes().iter().zip(1..) {
        let data = numbered_vec::<T>(shape.iter().product());
        let mut loan = writer.loan(shape).unwrap();
        assert_eq!(loan.shape(), shape);
        assert_eq!(loan.view_mut().shape(), shape);
        loan.as_mut_slice().copy_from_slice(&data);
        assert!(loan.view_mut().iter().eq(&data));
        assert_eq!(loan.publish().unwrap(), seq);
        let sample = reader.read().unwrap().expect("news");
        assert_eq!((sample.seq(), sample.shape()), (seq, shape.as_slice()));
        assert_eq!(sample.view::<T>().unwrap().as_slice(), data);
    }
}

for_all_types!(every_dtype);

#[test]
fn through_ndarray() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<i32>();
    let mut loan = writer.loan(&[2, 3]).unwrap();
    loan.view_mut().swap_axes(0, 1);
    for (n, element) in loan.view_mut().reversed_axes().iter_mut().enumerate() {
        *element = n as i32;
    }
    loan.publish().unwrap();
    assert_eq!(latest_vec::<i32>(&mut dir.reader()), [0, 2, 4, 1, 3, 5]);
}

#[test]
fn of_a_dtype_chosen_at_run_time() {
    let dir = TestDir::new();
    let mut writer = dir.any_writer();
    let mut reader = dir.reader();
    for &dtype in DType::ALL {
        let mut loan = writer.loan(dtype, &[2, 3]).unwrap();
        assert_eq!((loan.dtype(), loan.shape()), (dtype, [2, 3].as_slice()));
        assert_eq!(loan.as_mut_bytes().len(), 6 * dtype.size());
        loan.as_mut_bytes().fill(1);
        let seq = loan.publish().unwrap();
        let sample = reader.read().unwrap().expect("news");
        assert_eq!((sample.seq(), sample.dtype(), sample.shape()), (seq, dtype, [2, 3].as_slice()));
        assert!(sample.any_view().unwrap().as_bytes().iter().all(|&byte| byte == 1));
    }
}

#[test]
fn a_bool_that_is_none_is_not_published() {
    let dir = TestDir::new();
    let mut writer = dir.any_writer();
    let mut reader = dir.reader();
    writer.write_bytes(DType::U8, &[1], &[7]).unwrap();
    let mut loan = writer.loan(DType::Bool, &[2]).unwrap();
    loan.as_mut_bytes().copy_from_slice(&[1, 2]);
    assert!(matches!(loan.publish(), Err(Error::InvalidBool { index: 1, value: 2, .. })));
    assert_eq!(latest_vec::<u8>(&mut reader), [7]);
    // What has been lent since has bools again.
    for _ in 0..4 {
        let loan = writer.loan(DType::Bool, &[2]).unwrap();
        loan.publish().unwrap();
        assert!(reader.read().unwrap().expect("news").view::<bool>().is_ok());
    }
}

/// How a loan may end without being published.
fn ends(leak: bool) {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(3).create::<u16>(NAME).unwrap();
    let mut reader = dir.reader();
    let end = |writer: &mut ndsharray::Writer<u16>, len: usize| {
        let mut loan = writer.loan(&[len]).unwrap();
        loan.as_mut_slice().fill(0xdead);
        if leak {
            std::mem::forget(loan);
        } else {
            drop(loan);
        }
    };
    end(&mut writer, 10);
    assert!(reader.latest().unwrap().is_none());
    assert_eq!(writer.payload_name(), None);
    assert_eq!(writer.write(&[2], &[1, 2]).unwrap(), 1, "no number was used");
    let held = reader.read_owned().unwrap().unwrap();
    let name = writer.payload_name();
    for len in [1, 2, 1000, 100_000, 5, 0].into_iter().cycle().take(30) {
        end(&mut writer, len);
        assert!(reader.read().unwrap().is_none());
        assert_eq!(latest_vec::<u16>(&mut reader), [1, 2]);
        assert_eq!(writer.payload_name(), name);
    }
    assert_eq!(held.view::<u16>().unwrap().as_slice(), [1, 2]);
    for n in 2..10 {
        assert_eq!(writer.write(&[2], &[n, n]).unwrap(), u64::from(n));
        end(&mut writer, 2);
        assert_eq!(latest_vec::<u16>(&mut reader), [n, n]);
    }
    assert!(dir.payloads().len() <= 3);
    drop((writer, reader, held));
    assert_eq!(dir.files(), [""; 0]);
}

#[test]
fn a_dropped_loan_never_was() {
    ends(false);
}

#[test]
fn a_forgotten_loan_never_was() {
    ends(true);
}

#[test]
fn a_loan_that_panics_never_was() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    writer.write(&[1], &[1]).unwrap();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut loan = writer.loan(&[1]).unwrap();
        loan.as_mut_slice().fill(9);
        std::panic::resume_unwind(Box::new("on purpose"));
    }));
    assert!(caught.is_err());
    assert_eq!(latest_vec::<u8>(&mut dir.reader()), [1]);
    assert_eq!(writer.write(&[1], &[2]).unwrap(), 2);
}

/// All bytes of all slots are 0xff; then bools are lent out of that memory.
#[test]
fn bools_are_valid_whatever_was_there_before() {
    for leak in [false, true] {
        let dir = TestDir::new();
        let mut bytes = dir.options().max_slots(3).create::<u8>(NAME).unwrap();
        for round in 0..12 {
            for len in [5000, 100, 0] {
                if leak {
                    let mut loan = bytes.loan(&[len]).unwrap();
                    loan.as_mut_slice().fill(0xff);
                    std::mem::forget(loan);
                } else {
                    bytes.write(&[len], &vec![0xff; len]).unwrap();
                }
            }
            let mut bools = bytes.into_dtype::<bool>();
            for len in [100, 5000] {
                let mut loan = bools.loan(&[len]).unwrap();
                assert_eq!(loan.as_mut_slice().len(), len);
                // SAFETY: the memory of the slice, looked at as bytes, which any bool may be.
                let raw = unsafe { std::slice::from_raw_parts(loan.as_mut_slice().as_ptr().cast::<u8>(), len) };
                assert!(raw.iter().all(|byte| *byte <= 1), "round {round}: {raw:?}");
                loan.as_mut_slice()[len - 1] = true;
                loan.publish().unwrap();
                let mut reader = dir.reader();
                let sample = reader.latest().unwrap().unwrap();
                assert_eq!(sample.dtype(), DType::Bool);
                assert!(sample.view::<bool>().unwrap()[[len - 1]]);
            }
            bytes = bools.into_dtype();
        }
    }
}

#[test]
fn loans_take_turns_with_writes() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u64>();
    let mut reader = dir.reader();
    for n in 1..200_u64 {
        if n % 2 == 0 {
            writer.write(&[8], &[n; 8]).unwrap();
        } else {
            let mut loan = writer.loan(&[2, 4]).unwrap();
            loan.as_mut_slice().fill(n);
            assert_eq!(loan.publish().unwrap(), n);
        }
        let sample = reader.read().unwrap().unwrap();
        assert_eq!(sample.view::<u64>().unwrap().as_slice(), [n; 8]);
        assert_eq!(sample.shape().len(), 2 - usize::from(n % 2 == 0));
    }
}

/// A forked child has the open loan of its parent, but not its memory.
#[cfg(unix)]
#[test]
fn a_forked_child_does_not_fill_its_parents_loan() {
    Peer::start("fork-loan", TestDir::new().path(), |_| {}).finish();
}
