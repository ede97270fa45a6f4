//! Shared arrays whose file holds anything.

use super::damage::{Reach, damage};
use super::input::Input;
use super::open::{BOUND, answered};
use super::place::Place;
use crate::element::ShElement;
use crate::element::atomic::AtomicElement;
use crate::error::{Error, Result};
use crate::format::array::ArrayHead;
use crate::options::{ArrayOptions, Options};
use crate::shared::SharedArray;
use std::time::{Duration, Instant};

/// The array that is damaged, and one beside it, whose file may be mistaken for its own.
const NAME: &str = "a";
const OTHER: &str = "b";

/// Longer than it takes to notice that somebody is dead.
const PATIENCE: Duration = Duration::from_secs(20);

/// Heads decode or are refused; what decodes encodes to bytes that mean the same.
pub fn array_head(data: &[u8]) {
    if let Ok(head) = ArrayHead::decode(data) {
        assert_eq!(ArrayHead::decode(&head.encode()), Ok(head), "encoded and decoded again");
    }
}

/// Whatever the file of an array holds, each call answers with a value or an error, in bounded time: no lock that is written there keeps anybody out
/// whom no living process keeps out. Once removed, the array is gone and can be made anew.
///
/// Input: entries; a dtype and a shape for each of two arrays; then damage to the end.
pub fn array(data: &[u8]) {
    let start = Instant::now();
    let mut input = Input::new(data);
    let place = Place::new();
    let options = Options::new().dir(place.dir());
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
        damage(&mut input, &place, Reach::Unmapped);
    }
    let boolean = hear(arrays.open::<bool>(NAME));
    for array in boolean.into_iter().chain(hear(arrays.open::<bool>(NAME))) {
        lend(&array);
    }
    atomics(&arrays, 1_u8);
    atomics(&arrays, 1_i32);
    atomics(&arrays, 0.5_f64);
    if let Some(raw) = hear(arrays.attach_raw::<u16>(&file_name(&options), &[7])) {
        assert!(matches!(raw.read(), Err(Error::Unsupported { .. })), "a raw array has no lock");
        raw.store(6, 0x1234);
        assert_eq!(raw.load(6), 0x1234);
    }
    remove_and_make_again(&options);
    assert!(start.elapsed() < BOUND, "took {:?}", start.elapsed());
}

/// The name under which the array's file can be attached as a bare block.
fn file_name(options: &Options) -> String {
    let location = options.location(NAME).unwrap();
    location.array().file_name().unwrap().to_str().unwrap().to_owned()
}

/// The value, if there is one; an error that can be told otherwise.
fn hear<T>(result: Result<T>) -> Option<T> {
    result.inspect_err(answered).ok()
}

/// Two handles of the array, each with all that the lock has to offer.
fn atomics<T: AtomicElement + PartialEq + std::fmt::Debug>(arrays: &ArrayOptions, value: T) {
    let (Some(first), Some(second)) = (hear(arrays.open::<T>(NAME)), hear(arrays.open::<T>(NAME))) else {
        return;
    };
    lend(&first);
    lend(&second);
    if !first.is_empty() {
        first.store(0, value);
        assert_eq!(second.load(0), value, "two handles of one array");
    }
}

/// Takes the lock in each way. Nobody else is there, so whatever stands in the file, it is to be had.
fn lend<T: ShElement>(array: &SharedArray<T>) {
    let len = array.shape().iter().product::<usize>();
    if let Err(error @ Error::Poisoned(_)) = array.read_timeout(PATIENCE).map(drop) {
        answered(&error);
        drop(error);
        array.clear_poison().unwrap();
    }
    match array.read_timeout(PATIENCE) {
        Ok(guard) => assert_eq!(guard.expect("nobody living has the array").len(), len),
        Err(error) => answered(&error),
    }
    match array.write_timeout(PATIENCE) {
        Ok(guard) => {
            let mut guard = guard.expect("nobody living has the array");
            assert_eq!(guard.as_mut_slice().len(), len);
            if let Some(first) = guard.first().copied() {
                guard.fill(first);
            }
        }
        Err(error) => answered(&error),
    }
    match (array.try_read(), array.try_write()) {
        (Ok(read), Ok(write)) => assert!(read.is_some() && write.is_none(), "one reads, so nobody writes"),
        (read, write) => drop((hear(read), hear(write))),
    }
    assert!(!format!("{array:?}").is_empty());
}

fn remove_and_make_again(options: &Options) {
    match options.remove_array(NAME) {
        Ok(()) => {}
        Err(Error::NotFound { .. }) => {}
        // Something that is no file stands there.
        Err(error) => return answered(&error),
    }
    let arrays = ArrayOptions::from(options);
    assert!(matches!(arrays.open::<u8>(NAME), Err(Error::NotFound { .. })), "removed, and yet there");
    let made = arrays.create::<u8>(NAME, &[3]).expect("the name is free");
    assert_eq!(*made.read().expect("nobody has it"), [0, 0, 0], "new, and yet not zero");
}
