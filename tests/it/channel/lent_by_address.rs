//! Loans whose memory is lent by address, and callers that keep the address.

use crate::channel::support::{NAME, TestDir, for_all_types};
use crate::channel::support::{Numbered, numbered_vec};
use ndsharray::{AnyWriter, DType, Error, Reader, raw::OwnedLoan};

fn bytes_of<T: Numbered>(count: usize) -> Vec<u8> {
    let data = numbered_vec::<T>(count);
    ndsharray::ArrayView::new(&data, &[count]).unwrap().as_bytes().to_vec()
}

fn every_dtype<T: Numbered>() {
    let dir = TestDir::new();
    let mut reader = None;
    let mut writer = dir.options().create_any(NAME).unwrap();
    for (shape, seq) in crate::channel::support::shapes().iter().zip(1..) {
        let bytes = bytes_of::<T>(shape.iter().product());
        let mut loan = writer.into_loan(T::ELEMENT, shape).unwrap();
        assert_eq!((loan.dtype(), loan.shape()), (T::DTYPE, shape.as_slice()));
        loan.as_mut_bytes().copy_from_slice(&bytes);
        assert_eq!(loan.publish().unwrap(), seq);
        assert!(matches!(loan.publish(), Err(Error::Unsupported { .. })), "once");
        assert!(loan.as_mut_bytes().is_empty() && loan.forfeit().is_none() && loan.sever().is_err());
        writer = loan.into_writer();
        let sample = reader.get_or_insert_with(|| dir.reader()).read_owned().unwrap().expect("news");
        assert_eq!((sample.seq(), sample.dtype(), sample.shape()), (seq, T::DTYPE, shape.as_slice()));
        assert_eq!(sample.as_bytes(), bytes);
    }
}

for_all_types!(every_dtype);

/// A writer, its reader, and the loan of an array of eight thousand bytes.
fn lend(dir: &TestDir) -> (OwnedLoan, Reader) {
    let mut writer = dir.options().max_slots(3).create_any(NAME).unwrap();
    writer.write_bytes(DType::U8, &[1], &[1]).unwrap();
    (writer.into_loan(DType::U8, &[8000]).unwrap(), dir.reader())
}

/// What a caller does that has kept the address.
fn scribble(address: *mut u8) {
    // SAFETY: the tests keep what makes the address valid for so many bytes; there is no reference
    // to them.
    unsafe { address.write_bytes(0xdd, 8000) };
}

fn write_on(writer: &mut AnyWriter, reader: &mut Reader, address: *mut u8) {
    for byte in 0..20 {
        writer.write_bytes(DType::U8, &[8000], &[byte; 8000]).unwrap();
        scribble(address);
        assert!(reader.read().unwrap().expect("news").as_bytes().iter().all(|&found| found == byte));
    }
}

#[test]
#[cfg(all(target_os = "linux", not(ndsharray_portable)))]
fn severed_memory_is_nobody_elses() {
    let dir = TestDir::new();
    let (mut loan, mut reader) = lend(&dir);
    loan.as_mut_bytes().fill(7);
    let address = loan.as_mut_ptr();
    let kept = loan.sever().unwrap();
    // SAFETY: valid for reads as long as `kept` lives.
    assert_eq!(unsafe { address.read() }, 0);
    scribble(address);
    assert!(loan.as_mut_bytes().iter().all(|&byte| byte == 7), "the value is as it was");
    assert_ne!(loan.as_mut_ptr(), address);
    // As often as one likes.
    let second = loan.as_mut_ptr();
    let kept_too = loan.sever().unwrap();
    assert_eq!(loan.publish().unwrap(), 2);
    let sample = reader.read_owned().unwrap().expect("news");
    let mut writer = loan.into_writer();
    write_on(&mut writer, &mut reader, address);
    write_on(&mut writer, &mut reader, second);
    assert!(sample.as_bytes().iter().all(|&byte| byte == 7));
    drop((writer, reader, sample));
    scribble(address);
    scribble(second);
    drop((kept, kept_too));
    assert_eq!(dir.files().len(), 0);
}

#[test]
fn relinquished_memory_is_nobody_elses() {
    let dir = TestDir::new();
    let (mut loan, mut reader) = lend(&dir);
    let address = loan.as_mut_ptr();
    let before = dir.files().len();
    let kept = loan.forfeit().expect("the loan was open");
    assert_eq!(dir.files().len(), before - 1, "its file has no name");
    let mut writer = loan.into_writer();
    assert_eq!(reader.latest().unwrap().expect("as before").as_bytes(), [1]);
    write_on(&mut writer, &mut reader, address);
    drop((writer, reader));
    scribble(address);
    drop(kept);
}

#[test]
fn a_loan_given_back_leaves_no_value() {
    let dir = TestDir::new();
    let (mut loan, mut reader) = lend(&dir);
    loan.as_mut_bytes().fill(9);
    let mut writer = loan.into_writer();
    assert_eq!(reader.read().unwrap().expect("the one before").as_bytes(), [1]);
    assert_eq!(writer.write_bytes(DType::U8, &[1], &[2]).unwrap(), 2);
}

#[test]
fn a_refusal_gives_the_writer_back() {
    let dir = TestDir::new();
    let writer = dir.options().create_any(NAME).unwrap();
    let refused = writer.into_loan(DType::F64, &[usize::MAX, 2]).unwrap_err();
    assert!(matches!(refused.error, Error::TooLarge { .. }));
    let mut writer = *refused.writer;
    assert_eq!(writer.write_bytes(DType::U8, &[1], &[2]).unwrap(), 1);
}

#[test]
fn bools_are_checked_when_they_are_published() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(2).create_any(NAME).unwrap();
    for _ in 0..4 {
        writer.write_bytes(DType::U8, &[9000], &[0xff; 9000]).unwrap();
    }
    let mut loan = writer.into_loan(DType::Bool, &[9000]).unwrap();
    assert!(loan.as_mut_bytes().iter().all(|&byte| byte == 0), "it starts with bools");
    loan.as_mut_bytes()[8999] = 2;
    assert!(matches!(loan.publish(), Err(Error::InvalidBool { index: 8999, value: 2, .. })));
    // Given up like this, the memory is not taken for bools.
    let mut loan = loan.into_writer().into_loan(DType::Bool, &[9000]).unwrap();
    assert!(loan.as_mut_bytes().iter().all(|&byte| byte == 0));
    loan.as_mut_bytes()[8999] = 1;
    assert_eq!(loan.publish().unwrap(), 5);
}
