//! Writers and readers that are killed, aborted and stopped at named points.

use super::obedient::put;
use crate::common::{NAME, Named, TIMEOUT, attributes_of, len_of, listen, name_of, say, shape_of, value, wait_until};
use ndsharray::{Error, Options, Writer};
use ndsharray_derive::Record;
use std::path::Path;
use std::time::Duration;

/// Time for the parent to write some values beside a held one.
const A_WHILE: Duration = Duration::from_millis(1);

/// Puts the value called `id` through a loan.
fn lend(writer: &mut Writer<u64>, id: u64) {
    let mut loan = writer.loan(&shape_of(id)).unwrap();
    loan.as_mut_slice().copy_from_slice(&value(id));
    say(format!("try {id}"));
    let seq = loan.publish().unwrap();
    say(format!("done {id} {seq}"));
}

/// Everything that a writer does in its life.
pub(super) fn write(options: &Options, first: u64) {
    let mut writer = options.create::<u64>(NAME).unwrap();
    say("open");
    let mut ids = first..;
    let mut next = || ids.next().unwrap();
    for _ in 0..5 {
        put(&mut writer, next());
    }
    let mut given_back = writer.loan(&[7, 2]).unwrap();
    given_back.as_mut_slice()[..7].fill(1);
    drop(given_back);
    lend(&mut writer, next());
    let mut writer = writer.into_dtype::<f64>();
    for _ in 0..6 {
        put(&mut writer, next());
    }
    say("closing");
    drop(writer);
    say("closed");
}

/// Publishes values with attributes, some of which do not fit their files.
pub(super) fn write_attributes(options: &Options, first: u64) {
    let mut writer = options.create::<u64>(NAME).unwrap();
    say("open");
    // Those that fill a file: attributes have it extended.
    let full = (first..).filter(|&id| (8 * len_of(id)).is_multiple_of(4096));
    for (id, is_full) in full.zip([true; 3]).chain((first + 5000..).zip([false; 3])) {
        say(format!("try {id}"));
        let (shape, value, attributes) = (shape_of(id), value(id), attributes_of(id));
        let seq = if is_full {
            let mut loan = writer.loan(&shape).unwrap();
            loan.set_attributes(b"others").unwrap();
            loan.as_mut_slice().copy_from_slice(&value);
            loan.set_attributes(&attributes).unwrap();
            loan.publish().unwrap()
        } else {
            writer.write_with(&shape, &value, &attributes).unwrap()
        };
        say(format!("done {id} {seq}"));
    }
    say("closing");
}

#[derive(Clone, Copy, Record)]
#[repr(C)]
struct Word {
    word: u64,
}

#[derive(Clone, Copy, Record)]
#[repr(C)]
struct Halves {
    first: u32,
    second: u32,
}

/// Writes records of two kinds.
pub(super) fn write_records(options: &Options, first: u64) {
    let mut writer = options.create::<Word>(NAME).unwrap();
    say("open");
    (first..first + 2).for_each(|id| put(&mut writer, id));
    let mut writer = writer.into_dtype::<Halves>();
    (first + 2..first + 4).for_each(|id| put(&mut writer, id));
    say("closing");
}

/// Leaves its value, takes it over again, and leaves no more than that.
pub(super) fn keep(options: &Options, first: u64) {
    let options = options.clone().persist(true);
    let mut writer = options.create::<u64>(NAME).unwrap();
    say("open");
    (first..first + 4).for_each(|id| put(&mut writer, id));
    drop(writer);
    drop(options.create::<i64>(NAME).unwrap());
    let mut writer = options.persist(false).create::<i64>(NAME).unwrap();
    put(&mut writer, first + 4);
    say("closing");
}

/// Keeps values, and waits a little for a lossless reader that is behind.
pub(super) fn keep_values(options: &Options, first: u64) {
    let options = options.clone().history(3).wait_for_readers(Duration::from_millis(2));
    let mut writer = options.create::<u64>(NAME).unwrap();
    say("open");
    listen().unwrap();
    for id in first..first + 15 {
        let seq = loop {
            match writer.write(&shape_of(id), &value(id)) {
                Ok(seq) => break seq,
                Err(Error::ReadersBehind { .. }) => {
                    say("behind");
                    listen().unwrap();
                }
                Err(other) => panic!("{other}"),
            }
        };
        say(format!("done {id} {seq}"));
    }
    say("closing");
}

/// Takes values in order, and holds some of them for a while.
pub(super) fn read_in_order(options: &Options) {
    let mut reader = options.open(NAME).unwrap();
    say("open");
    let mut last = None;
    for turn in 0..12 {
        let (name, missed) = if turn % 3 == 0 {
            let sample = reader.wait_next_owned(TIMEOUT).unwrap().unwrap();
            (look(&sample), sample.missed())
        } else {
            let sample = reader.wait_next(TIMEOUT).unwrap().unwrap();
            (look(&sample), sample.missed())
        };
        assert!(last.is_none_or(|last| name == last + 1 + missed), "{name} after {last:?}, {missed} missed");
        last = Some(name);
    }
}

/// Makes its channel anew when its files have gone.
pub(super) fn write_anew(options: &Options, dir: &Path, first: u64) {
    let mut writer = options.create::<u64>(NAME).unwrap();
    say("open");
    let mut ids = first..;
    for _ in 0..3 {
        put(&mut writer, ids.next().unwrap());
    }
    say("ready");
    listen().unwrap();
    let board = dir.join(format!("{NAME}.ndsh"));
    wait_until("it has been made anew", || {
        put(&mut writer, ids.next().unwrap());
        std::thread::sleep(Duration::from_millis(20));
        board.exists()
    });
    put(&mut writer, ids.next().unwrap());
    say("closing");
}

/// Publishes as soon as a reader sleeps.
pub(super) fn write_when_asleep(options: &Options, dir: &Path, first: u64) {
    let mut writer = options.create::<u64>(NAME).unwrap();
    say("open");
    let table = dir.join(format!("{NAME}.ndsh-readers"));
    for id in first..first + 3 {
        // `asleep` is the first word after the table's head.
        wait_until("a reader sleeps", || std::fs::read(&table).unwrap()[64] != 0);
        put(&mut writer, id);
    }
    say("closing");
}

/// The sample twice, with a while in between.
fn look(sample: &(impl Named + ?Sized)) -> u64 {
    let name = sample.name();
    std::thread::sleep(A_WHILE);
    assert_eq!(sample.name(), name);
    name
}

/// Does everything that a reader does in its life.
///
/// A writer writes all the time beside it.
pub(super) fn read(options: &Options) {
    let mut reader = options.open(NAME).unwrap();
    say("open");
    let mut last = 0;
    let mut newer = |name: u64| {
        assert!(name > last, "{name} after {last}");
        last = name;
        name
    };
    for _ in 0..2 {
        newer(look(&reader.wait(TIMEOUT).unwrap().unwrap()));
        let first = reader.wait_owned(TIMEOUT).unwrap().unwrap();
        let second = reader.wait_owned(TIMEOUT).unwrap().unwrap();
        newer(first.name());
        newer(look(&second));
        assert_eq!(first.name() + 1 + second.missed(), second.name());
        let again = first.clone();
        drop(first);
        look(&again);
        drop((again, second));
    }
    let mut copy = Vec::<u64>::new();
    let info = reader.wait_into(&mut copy, TIMEOUT).unwrap().unwrap();
    let bytes: Vec<u8> = copy.iter().flat_map(|word| word.to_ne_bytes()).collect();
    newer(name_of(info.dtype, &info.shape, &bytes));
    let outlives_its_reader = reader.wait(TIMEOUT).unwrap().unwrap().into_owned();
    drop(reader);
    let last = newer(look(&outlives_its_reader));
    // New readers begin with what is current.
    let mut copies = options.open_read_only(NAME).unwrap();
    let copied = copies.wait_owned(TIMEOUT).unwrap().unwrap().name();
    drop(outlives_its_reader);
    assert!(last <= copied && copied <= look(&options.open(NAME).unwrap().wait(TIMEOUT).unwrap().unwrap()));
}

/// The reader that a closed channel was left for.
pub(super) fn read_last(options: &Options) {
    let mut reader = options.open(NAME).unwrap();
    say("open");
    listen().unwrap();
    say(look(&reader.wait(TIMEOUT).unwrap().unwrap()));
    assert!(matches!(reader.wait(TIMEOUT), Err(Error::Closed { .. })));
    assert!(reader.latest().unwrap().is_some());
}

/// Opens, reads one value.
pub(super) fn read_once(options: &Options) {
    let mut reader = options.open(NAME).unwrap();
    say("open");
    look(&reader.latest().unwrap().unwrap());
}

/// Goes along when its channel is closed and made anew.
pub(super) fn follow(options: &Options) {
    let mut reader = options.open(NAME).unwrap();
    let first = reader.wait(TIMEOUT).unwrap().unwrap().name();
    say("open");
    let end = std::time::Instant::now() + TIMEOUT;
    loop {
        assert!(std::time::Instant::now() < end, "it never came to the new channel");
        match reader.wait(TIMEOUT) {
            // The parent leaves a gap in the names when it makes the channel anew.
            Ok(Some(sample)) if look(&sample) >= first + 1000 => return,
            Ok(_) | Err(Error::Closed { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

/// Publishes until it is killed.
pub(super) fn write_without_end(options: &Options) {
    let mut writer = options.create::<u64>(NAME).unwrap();
    say(writer.seq());
    for value in 0.. {
        writer.write(&[1], &[value]).unwrap();
    }
}
