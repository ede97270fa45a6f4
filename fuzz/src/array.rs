//! Shared arrays whose file holds anything.

use crate::damage::{Reach, damage};
use crate::input::Input;
use crate::open::{BOUND, answered};
use crate::scratch::Scratch;
use ndsharray::__decoders::ArrayHeader;
use ndsharray::{ArrayOptions, AtomicElement, Error, Options, Result, ShElement, SharedArray};
use std::time::{Duration, Instant};

/// The damaged array.
const NAME: &str = "a";
/// An array beside it, whose file may be mistaken for its own.
const OTHER: &str = "b";
/// The damaged array's file.
const FILE: &str = "a.ndsa";

/// Longer than it takes to notice that a holder is dead.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Heads decode or are refused; what decodes encodes to bytes that mean the same.
///
/// # Panics
///
/// The property does not hold.
pub fn array_head(data: &[u8]) {
    if let Ok(head) = ArrayHeader::decode(data) {
        assert_eq!(ArrayHeader::decode(&head.encode()), Ok(head), "encoded and decoded again");
    }
}

/// Whatever the file of an array holds, each call answers in bounded time: a value or an error.
///
/// A lock that the file merely claims keeps no process out: only a living holder does. Once
/// removed, the array is gone and can be made anew.
///
/// Input: entries; a dtype and a shape for each of two arrays; then damage to the end.
///
/// # Panics
///
/// The property does not hold.
pub fn array(data: &[u8]) {
    let start = Instant::now();
    let mut input = Input::new(data);
    let scratch = Scratch::new();
    let options = Options::new().dir(scratch.dir());
    let arrays = ArrayOptions::from(&options).max_handles(2 + input.below(70));
    for name in [NAME, OTHER] {
        let shape = [1 + input.below(3), input.below(40)];
        match input.below(4) {
            0 => drop(arrays.create::<u8>(name, &shape).unwrap()),
            1 => drop(arrays.create::<bool>(name, &shape).unwrap()),
            2 => drop(arrays.create::<f64>(name, &shape).unwrap()),
            _ => drop(arrays.create::<i32>(name, &shape).unwrap()),
        }
    }
    for _ in 0..64 {
        if input.is_empty() {
            break;
        }
        damage(&mut input, &scratch, Reach::Unmapped);
    }
    let boolean = value_of(arrays.open::<bool>(NAME));
    for array in boolean.into_iter().chain(value_of(arrays.open::<bool>(NAME))) {
        lock_in_all_ways(&array);
    }
    atomics(&arrays, 1_u8);
    atomics(&arrays, 1_i32);
    atomics(&arrays, 0.5_f64);
    if let Some(raw) = value_of(arrays.attach_raw::<u16>(FILE, &[7])) {
        assert!(matches!(raw.read(), Err(Error::Unsupported { .. })), "a raw array has no lock");
        raw.store(6, 0x1234);
        assert_eq!(raw.load(6), 0x1234);
    }
    remove_and_make_again(&options);
    assert!(start.elapsed() < BOUND, "took {:?}", start.elapsed());
}

/// Returns the value, if there is one, and checks that an error has a text.
fn value_of<T>(result: Result<T>) -> Option<T> {
    result.inspect_err(answered).ok()
}

/// Opens the array twice, and does through the two handles everything that its lock allows.
fn atomics<T: AtomicElement + PartialEq + std::fmt::Debug>(arrays: &ArrayOptions, value: T) {
    let first = value_of(arrays.open::<T>(NAME));
    let (Some(first), Some(second)) = (first, value_of(arrays.open::<T>(NAME))) else {
        return;
    };
    lock_in_all_ways(&first);
    lock_in_all_ways(&second);
    if !first.is_empty() {
        first.store(0, value);
        assert_eq!(second.load(0), value, "two handles of one array");
    }
}

/// Takes the lock in each way. It is free, whatever the file says: no other process is there.
fn lock_in_all_ways<T: ShElement>(array: &SharedArray<T>) {
    let len = array.shape().iter().product::<usize>();
    if let Err(error @ Error::Poisoned(_)) = array.read_timeout(TIMEOUT).map(drop) {
        answered(&error);
        drop(error);
        array.clear_poison().unwrap();
    }
    match array.read_timeout(TIMEOUT) {
        Ok(guard) => assert_eq!(guard.expect("no living process holds the lock").len(), len),
        Err(error) => answered(&error),
    }
    match array.write_timeout(TIMEOUT) {
        Ok(guard) => {
            let mut guard = guard.expect("no living process holds the lock");
            assert_eq!(guard.as_mut_slice().len(), len);
            if let Some(first) = guard.first().copied() {
                guard.fill(first);
            }
        }
        Err(error) => answered(&error),
    }
    match (array.try_read(), array.try_write()) {
        (Ok(read), Ok(write)) => assert!(read.is_some() && write.is_none(), "a reader keeps a writer out"),
        (read, write) => drop((value_of(read), value_of(write))),
    }
    assert!(!format!("{array:?}").is_empty());
}

fn remove_and_make_again(options: &Options) {
    match options.remove_array(NAME) {
        Ok(()) => {}
        Err(Error::NotFound { .. }) => {}
        // The name belongs to something that is not a file.
        Err(error) => return answered(&error),
    }
    let arrays = ArrayOptions::from(options);
    assert!(matches!(arrays.open::<u8>(NAME), Err(Error::NotFound { .. })), "removed, and yet there");
    let made = arrays.create::<u8>(NAME, &[3]).expect("the name is free");
    assert_eq!(*made.read().expect("the lock is free"), [0, 0, 0], "new, and yet not zero");
}
