//! A writer that does not pause, and readers that look twice.
//!
//! No value may be a mixture, and none may change while it is held.

use crate::channel::support::{Done, NAME, TIMEOUT, TestDir};
use crate::common::stress::TORN;
use crate::peer::channel;
use ndsharray::{Error, Options, OwnedSample, Reader, Writer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Values that each reader must see, however long that takes within [`TIMEOUT`].
const ENOUGH: u64 = 300;

/// When the writer begins to pause.
///
/// A reader that has not seen enough by then copies on a machine too slow to do it between two
/// values.
fn pause() -> Duration {
    10 * TORN.time()
}

/// Every so many values the writer gives the processor away, at the worst moment.
///
/// On few cores that rarely happens by itself.
const SWITCH: u64 = 32;

/// An element that tells its value's number, its place and the length.
fn element(number: u64, index: usize, len: usize) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (index as u64) << 20 ^ len as u64
}

/// How large the values are.
#[derive(Clone, Copy)]
struct Size(usize);

impl Size {
    /// Length of a value, so that shape and file change now and then.
    fn of(self, number: u64) -> usize {
        self.0
            * match number % 64 {
                0 => 14,
                1..8 => 1,
                _ => 4,
            }
    }
}

const SMALL: Size = Size(16);

/// Takes long enough to copy for the writer to get in between.
const LARGE: Size = Size(2500);

fn flood(mut writer: Writer<u64>, size: Size, done: &AtomicBool) -> u64 {
    let mut number = 1;
    let (start, pause) = (Instant::now(), pause());
    while !done.load(Ordering::Relaxed) {
        let len = size.of(number);
        if number.is_multiple_of(16)
            && let Ok(mut loan) = writer.loan(&[len])
        {
            // No reader may ever see this.
            loan.as_mut_slice().fill(0);
        }
        let mut loan = match writer.loan(&[len]) {
            Ok(loan) => loan,
            Err(Error::AllSlotsPinned { .. }) => continue,
            Err(other) => panic!("{other}"),
        };
        for (index, place) in loan.as_mut_slice().iter_mut().enumerate() {
            if index == len / 2 && number.is_multiple_of(SWITCH) {
                std::thread::yield_now();
            }
            *place = element(number, index, len);
        }
        assert_eq!(loan.publish().unwrap(), number);
        number += 1;
        let time = start.elapsed();
        if time > pause {
            // The longer it takes, the slower the machine.
            std::thread::sleep(time / 2000);
        }
    }
    number
}

/// Looks at every element twice, from the front and then from the back.
fn look(size: Size, seq: u64, values: &[u64]) {
    let len = size.of(seq);
    assert_eq!(values.len(), len, "value {seq} has another value's shape");
    let whole = |(index, value): (usize, &u64)| *value == element(seq, index, len);
    assert!(values.iter().enumerate().all(whole), "value {seq} is torn");
    if seq.is_multiple_of(SWITCH / 4) {
        std::thread::yield_now();
    }
    std::hint::black_box(values);
    assert!(values.iter().enumerate().rev().all(whole), "value {seq} changed while it was held");
}

/// One way of opening.
type Open = fn(&TestDir) -> Reader;

/// One way of reading; looks at what is new and says which value it was.
type Look = fn(Size, &mut Reader, &mut Vec<u64>, &mut Vec<OwnedSample>) -> Option<u64>;

fn borrowed(size: Size, reader: &mut Reader, _: &mut Vec<u64>, _: &mut Vec<OwnedSample>) -> Option<u64> {
    let sample = reader.read().unwrap()?;
    look(size, sample.seq(), sample.view().unwrap().as_slice());
    Some(sample.seq())
}

/// Keeps the last three.
fn owned(size: Size, reader: &mut Reader, _: &mut Vec<u64>, held: &mut Vec<OwnedSample>) -> Option<u64> {
    let sample = reader.read_owned().unwrap()?;
    let seq = sample.seq();
    if held.len() == 3 {
        held.remove(0);
    }
    held.push(sample);
    for sample in held {
        look(size, sample.seq(), sample.view().unwrap().as_slice());
    }
    Some(seq)
}

fn copied(size: Size, reader: &mut Reader, out: &mut Vec<u64>, _: &mut Vec<OwnedSample>) -> Option<u64> {
    match reader.read_into(out) {
        Ok(info) => info.map(|info| {
            look(size, info.seq, out);
            info.seq
        }),
        // A copy may be overtaken each time; that is no tear.
        Err(Error::Contended { .. }) => None,
        Err(other) => panic!("{other}"),
    }
}

fn copied_owned(size: Size, reader: &mut Reader, _: &mut Vec<u64>, _: &mut Vec<OwnedSample>) -> Option<u64> {
    match reader.read_owned() {
        Ok(sample) => sample.map(|sample| {
            look(size, sample.seq(), sample.view().unwrap().as_slice());
            sample.seq()
        }),
        Err(Error::Contended { .. }) => None,
        Err(other) => panic!("{other}"),
    }
}

/// What a peer floods: every element is one less than the value's number.
fn flooded(_: Size, reader: &mut Reader, _: &mut Vec<u64>, _: &mut Vec<OwnedSample>) -> Option<u64> {
    let sample = reader.read().unwrap()?;
    let view = sample.view::<u64>().unwrap();
    let whole = |value: &u64| *value == sample.seq() - 1;
    assert!(view.iter().all(whole), "value {} is torn", sample.seq());
    std::thread::yield_now();
    std::hint::black_box(view.as_slice());
    assert!(view.iter().rev().all(whole), "value {} changed while it was held", sample.seq());
    Some(sample.seq())
}

/// Reads until there was enough of it, and asserts that it was.
fn observe(size: Size, mut reader: Reader, look: Look) {
    let (mut out, mut held) = (Vec::new(), Vec::new());
    let (mut seen, mut last) = (0, 0);
    let (start, time) = (Instant::now(), TORN.time());
    while start.elapsed() < time || seen < ENOUGH {
        assert!(start.elapsed() < TIMEOUT, "{seen} values only");
        match look(size, &mut reader, &mut out, &mut held) {
            Some(seq) => {
                assert!(seq > last, "value {seq} came after {last}");
                last = seq;
                seen += 1;
            }
            None => std::thread::yield_now(),
        }
    }
}

fn stress(dir: &TestDir, options: &Options, size: Size, readers: [(Open, Look); 4]) {
    let writer = options.create(NAME).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let ending = Done(&done);
        let writer = scope.spawn(|| flood(writer, size, &done));
        let readers = readers.map(|(open, look)| {
            let reader = open(dir);
            scope.spawn(move || observe(size, reader, look))
        });
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        drop(ending);
        assert!(writer.join().unwrap() > ENOUGH);
    });
}

fn in_place(dir: &TestDir) -> Reader {
    dir.reader()
}

fn read_only(dir: &TestDir) -> Reader {
    dir.options().open_read_only(NAME).unwrap()
}

#[test]
fn views() {
    let dir = TestDir::new();
    let (borrowed, owned) = ((in_place as Open, borrowed as Look), (in_place as Open, owned as Look));
    stress(&dir, &dir.options(), SMALL, [borrowed, borrowed, owned, owned]);
}

/// As few slots as four readers leave the writer: one is current, one is written.
#[test]
fn views_with_few_slots() {
    let dir = TestDir::new();
    stress(&dir, &dir.options().max_slots(6), SMALL, [(in_place, borrowed); 4]);
}

#[test]
fn copies() {
    let dir = TestDir::new();
    let copies: (Open, Look) = (in_place, copied);
    stress(
        &dir,
        &dir.options().max_slots(3),
        LARGE,
        [copies, (read_only, copied), (read_only, copied_owned), (in_place, borrowed)],
    );
}

/// Another process floods, so that nothing but the files is shared.
#[test]
fn across_processes() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 64 8 false"), "ok");
    let readers: Vec<Reader> = (0..4).map(|_| dir.reader()).collect();
    assert_eq!(peer.ask("flood"), "ok");
    std::thread::scope(|scope| {
        for reader in readers {
            scope.spawn(move || observe(SMALL, reader, flooded));
        }
    });
}
