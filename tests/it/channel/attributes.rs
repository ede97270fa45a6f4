//! What belongs to a value beside its elements: attributes, times, and its source.

use crate::channel::support::{Done, NAME, TIMEOUT, TestDir, overwrite, peek, wait_until};
use crate::peer::channel;
use ndsharray::inspect::Kind;
use ndsharray::{DType, Error, HeaderError, MAX_ATTRIBUTES, OwnedSample, Reader, raw};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Where the fields stand, see `docs/FORMAT.md`.
const SLOTS: u64 = 128;
const SLOT: u64 = 576;
const FLAGS: u64 = 42;
const LENGTH: u64 = 568;

/// Bytes to put into a slot, and where.
type Writes = Vec<(u64, Vec<u8>)>;

fn attributes(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|index| (index * 7 + seed * 31 + 1) as u8).collect()
}

/// What every way of reading finds beside the current value.
fn all_ways(dir: &TestDir) -> Vec<Vec<u8>> {
    let mut reader = dir.reader();
    let mut copies = dir.options().open_read_only(NAME).unwrap();
    let mut found = vec![reader.latest().unwrap().unwrap().attributes().to_vec()];
    let owned = reader.latest_owned().unwrap().unwrap();
    found.push(owned.attributes().to_vec());
    found.push(owned.clone().attributes().to_vec());
    found.push(copies.latest_owned().unwrap().unwrap().attributes().to_vec());
    found.push(dir.reader().read_into(&mut Vec::<u8>::new()).unwrap().unwrap().attributes().to_vec());
    found
}

#[test]
fn of_every_length_come_with_every_way_of_writing_and_reading() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    for (seed, len) in [0, 1, 15, 16, 17, 100, 4095, 4096, 3, 0, 4096].into_iter().enumerate() {
        for elements in [0, 1, 64, 4096, 10_000] {
            let wanted = attributes(len, seed);
            writer.write_with(&[elements], &vec![9; elements], &wanted).unwrap();
            assert_eq!(all_ways(&dir), vec![wanted.clone(); 5], "{len} beside {elements}");
            let mut loan = writer.loan(&[elements]).unwrap();
            loan.set_attributes(b"others").unwrap();
            loan.as_mut_slice().fill(8);
            loan.set_attributes(&wanted).unwrap();
            assert!(loan.as_mut_slice().iter().all(|&element| element == 8));
            loan.publish().unwrap();
            assert_eq!(all_ways(&dir), vec![wanted; 5], "{len} beside a loan of {elements}");
        }
    }
    writer.write(&[64], &[1; 64]).unwrap();
    assert_eq!(all_ways(&dir), vec![Vec::new(); 5], "none, of a value without");
}

#[test]
fn with_a_dtype_chosen_at_run_time() {
    let dir = TestDir::new();
    let mut writer = dir.any_writer();
    let mut reader = dir.reader();
    for &dtype in DType::ALL {
        let bytes = vec![1; 6 * dtype.size()];
        writer.write_bytes_with(dtype, &[2, 3], &bytes, b"bytes").unwrap();
        let sample = reader.latest_owned().unwrap().unwrap();
        assert_eq!((sample.attributes(), sample.as_bytes()), (b"bytes".as_slice(), bytes.as_slice()));
        writer.write_any_with(&sample.any_view().unwrap(), b"any").unwrap();
        let sample = reader.latest().unwrap().unwrap();
        assert_eq!((sample.attributes(), sample.as_bytes()), (b"any".as_slice(), bytes.as_slice()));
        assert_eq!((sample.dtype(), sample.shape()), (dtype, [2, 3].as_slice()));
        drop(sample);
        let mut loan = writer.into_loan(dtype, &[2, 3]).unwrap();
        loan.as_mut_bytes().fill(1);
        loan.set_attributes(b"loan").unwrap();
        loan.publish().unwrap();
        assert!(matches!(loan.set_attributes(b"late"), Err(Error::Unsupported { .. })));
        writer = loan.into_writer();
        assert_eq!(reader.latest().unwrap().unwrap().attributes(), b"loan");
    }
}

#[test]
fn bools_are_valid_beside_any_attributes() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<bool>();
    let mut reader = dir.reader();
    for round in 0..30 {
        // Longer than the value before: the elements take the place of attributes.
        let len = 10 * round;
        if round % 2 == 0 {
            writer.write_with(&[len], &vec![true; len], &[0xff; 500]).unwrap();
        } else {
            let mut loan = writer.loan(&[len]).unwrap();
            assert_eq!(loan.as_mut_slice().len(), len);
            loan.set_attributes(&[0xfe; 300]).unwrap();
            loan.publish().unwrap();
        }
        assert_eq!(reader.latest().unwrap().unwrap().view::<bool>().unwrap().len(), len);
    }
    let mut loan = writer.loan(&[1000]).unwrap();
    loan.as_mut_slice().fill(true);
    loan.publish().unwrap();
    assert!(reader.latest().unwrap().unwrap().view::<bool>().unwrap().iter().all(|&element| element));
}

#[test]
fn too_many_are_an_error_and_nothing_is_written() {
    let dir = TestDir::new();
    let mut writer = dir.any_writer();
    let mut reader = dir.reader();
    writer.write_bytes_with(DType::U8, &[1], &[7], &[5; MAX_ATTRIBUTES]).unwrap();
    let long = [6; MAX_ATTRIBUTES + 1];
    let refused = |answer: Result<u64, Error>| match answer {
        Err(Error::AttributesTooLong { found: 4097, max: 4096, .. }) => {}
        other => panic!("{other:?}"),
    };
    refused(writer.write_bytes_with(DType::U8, &[1], &[8], &long));
    let mut loan = writer.loan(DType::U8, &[1]).unwrap();
    loan.set_attributes(b"first").unwrap();
    refused(loan.set_attributes(&long).map(|()| 0));
    drop(loan);
    let sample = reader.latest().unwrap().unwrap();
    assert_eq!((sample.seq(), sample.as_bytes(), sample.attributes()), (1, [7].as_slice(), [5; 4096].as_slice()));
    drop(sample);
    let mut loan = writer.loan(DType::U8, &[1]).unwrap();
    loan.set_attributes(b"first").unwrap();
    refused(loan.set_attributes(&long).map(|()| 0));
    assert_eq!(loan.publish().unwrap(), 2);
    assert_eq!(reader.latest().unwrap().unwrap().attributes(), b"first", "those set before");
}

/// The elements fill the file, so that attributes have it extended.
#[test]
fn set_attributes_moves_no_element() {
    let dir = TestDir::new();
    let mut writer = dir.any_writer();
    let mut reader = dir.reader();
    let mut copies = dir.options().open_read_only(NAME).unwrap();
    for pages in [1, 2, 256] {
        let len = pages * 4096;
        // The reader maps the files as they are before.
        for round in 0..8 {
            writer.write_bytes(DType::U8, &[len], &vec![round; len]).unwrap();
            assert_eq!(reader.latest().unwrap().unwrap().as_bytes()[len - 1], round);
        }
        for (round, count) in (0..12_u8).zip([1, 4096, 17, 0].into_iter().cycle()) {
            let mut loan = writer.into_loan(DType::U8, &[len]).unwrap();
            let address = loan.as_mut_ptr();
            loan.as_mut_bytes().fill(round);
            let wanted = attributes(count, usize::from(round));
            loan.set_attributes(&wanted).unwrap();
            assert_eq!(loan.as_mut_ptr(), address);
            assert!(loan.as_mut_bytes().iter().all(|&byte| byte == round));
            loan.publish().unwrap();
            writer = loan.into_writer();
            let sample = reader.latest().unwrap().unwrap();
            assert_eq!(sample.attributes(), wanted);
            assert!(sample.as_bytes().iter().all(|&byte| byte == round));
            assert_eq!(sample.attributes().as_ptr().addr() % 16, 0);
            assert_eq!(copies.latest_owned().unwrap().unwrap().attributes(), wanted);
        }
    }
}

#[test]
fn stay_as_they_are_while_they_are_held() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(6).create::<u32>(NAME).unwrap();
    let mut reader = dir.reader();
    let mut held: Vec<(Vec<u8>, OwnedSample)> = Vec::new();
    for seed in 0..200 {
        let wanted = attributes(seed * 13 % 4097, seed);
        writer.write_with(&[seed % 7], &vec![seed as u32; seed % 7], &wanted).unwrap();
        let sample = reader.read_owned().unwrap().unwrap();
        assert_eq!(sample.attributes().as_ptr().addr() % 16, 0);
        if held.len() == 3 {
            held.remove(seed % 3);
        }
        held.push((wanted, sample));
        held.iter().for_each(|(wanted, sample)| assert_eq!(sample.attributes(), wanted));
    }
    drop((writer, reader));
    held.iter().for_each(|(wanted, sample)| assert_eq!(sample.attributes(), wanted));
}

/// A writer that does not pause, and readers of each kind.
#[test]
fn are_never_torn() {
    const ENOUGH: u64 = 200;
    fn look(seq: u64, elements: &[u64], attributes: &[u8]) {
        let len = (seq as usize * 37) % 4097;
        assert!(elements.iter().all(|&element| element == seq), "value {seq} is torn");
        assert!(attributes.len() == len, "value {seq} has another value's attributes");
        let whole = || attributes.iter().all(|&byte| byte == seq as u8);
        assert!(whole(), "the attributes of {seq} are torn");
        std::thread::yield_now();
        std::hint::black_box(attributes);
        assert!(whole(), "the attributes of {seq} changed while they were held");
    }
    let dir = TestDir::new();
    let done = AtomicBool::new(false);
    let mut writer = dir.writer::<u64>();
    let observe = |mut reader: Reader, copies: bool| {
        let (start, mut seen, mut out) = (Instant::now(), 0, Vec::new());
        while seen < ENOUGH {
            assert!(start.elapsed() < TIMEOUT, "{seen} values only");
            let found = if copies {
                match reader.read_into(&mut out) {
                    Ok(info) => info.map(|info| look(info.seq, &out, info.attributes())),
                    // A copy may be overtaken each time; that is no tear.
                    Err(Error::Contended { .. }) => None,
                    Err(other) => panic!("{other}"),
                }
            } else {
                let sample = reader.read().unwrap();
                sample.map(|sample| look(sample.seq(), sample.view().unwrap().as_slice(), sample.attributes()))
            };
            seen += u64::from(found.is_some());
        }
    };
    std::thread::scope(|scope| {
        let ending = Done(&done);
        let readers =
            [(dir.reader(), false), (dir.reader(), true), (dir.options().open_read_only(NAME).unwrap(), true)]
                .map(|(reader, copies)| scope.spawn(move || observe(reader, copies)));
        scope.spawn(|| {
            for seq in 1_u64.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                let len = 1 + (seq as usize * 11) % 600;
                let (elements, attributes) = (vec![seq; len], vec![seq as u8; (seq as usize * 37) % 4097]);
                if seq % 2 == 0 {
                    writer.write_with(&[len], &elements, &attributes).unwrap();
                } else {
                    let mut loan = writer.loan(&[len]).unwrap();
                    loan.set_attributes(&attributes).unwrap();
                    loan.as_mut_slice().copy_from_slice(&elements);
                    loan.publish().unwrap();
                }
                // Copies on few cores get their turn.
                if seq % 16 == 0 {
                    std::thread::sleep(Duration::from_micros(500));
                }
            }
        });
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        drop(ending);
    });
}

#[test]
fn damaged_ones_are_an_error_for_every_reader() {
    let dir = TestDir::new();
    dir.options().persist(true).create::<u8>(NAME).unwrap().write_with(&[3], &[1, 2, 3], b"good").unwrap();
    let latest = u64::from_ne_bytes(peek(&dir.board(), 64, 8).try_into().unwrap());
    let slot = SLOTS + SLOT * (latest & 63);
    let length = |len: u32| (LENGTH, len.to_ne_bytes().to_vec());
    let too_long = |found| HeaderError::Attributes { found, max: MAX_ATTRIBUTES };
    let cases: Vec<(Writes, Option<HeaderError>)> = vec![
        (vec![length(0)], Some(too_long(0))),
        (vec![length(4097)], Some(too_long(4097))),
        (vec![length(u32::MAX)], Some(too_long(u32::MAX))),
        // Behind the file's end: 4096 bytes are in it.
        (vec![length(4081)], Some(HeaderError::Payload { expected: 4097, found: 4096 })),
        (vec![(FLAGS, vec![3]), length(4070)], Some(HeaderError::Payload { expected: 4118, found: 4096 })),
        (vec![(FLAGS, vec![4])], Some(HeaderError::Parameter { found: u64::from_ne_bytes([0, 0, 4, 0, 0, 0, 0, 0]) })),
        (
            vec![(FLAGS + 1, vec![1])],
            Some(HeaderError::Parameter { found: u64::from_ne_bytes([0, 0, 0, 1, 0, 0, 0, 0]) }),
        ),
        // Within the file, other lengths are as good as any, and so is any record.
        (vec![length(4080)], None),
        (vec![(FLAGS, vec![3])], None),
        // Not looked at.
        (vec![(FLAGS, vec![0]), length(9999)], None),
    ];
    for (writes, expected) in cases {
        let before: Vec<_> = writes.iter().map(|(at, bytes)| peek(&dir.board(), slot + at, bytes.len())).collect();
        writes.iter().for_each(|(at, bytes)| overwrite(&dir.board(), slot + at, bytes));
        let mut reader = dir.reader();
        let answers = [
            reader.latest().map(|sample| _ = sample.unwrap().time()),
            reader.latest_owned().map(|sample| _ = sample.unwrap().incarnation()),
            dir.reader().read_into(&mut Vec::<u8>::new()).map(|info| _ = info.unwrap().epoch()),
            dir.options().open_read_only(NAME).unwrap().latest_owned().map(drop),
        ];
        for answer in answers {
            match (&answer, &expected) {
                (Ok(()), None) => {}
                (Err(Error::Corrupt(found)), Some(expected)) if found == expected => {}
                _ => panic!("{answer:?}, but {expected:?}"),
            }
        }
        let report = dir.options().look(NAME, Kind::Channel);
        assert_eq!(report.unwrap().problems.is_empty(), expected.is_none());
        writes.iter().zip(before).for_each(|((at, _), before)| overwrite(&dir.board(), slot + at, &before));
        assert_eq!(all_ways(&dir), vec![b"good"; 5]);
    }
}

#[test]
fn a_takeover_and_a_channel_made_anew_keep_them() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 8 8 true"), "ok");
    assert_eq!(peer.ask("write-with uint8 [4096] 1 three"), "1");
    let mut reader = dir.reader();
    assert_eq!(reader.read().unwrap().unwrap().attributes(), b"three");
    peer.kill();
    let mut writer = dir.options().create::<u8>(NAME).unwrap();
    assert_eq!(all_ways(&dir), vec![b"three"; 5]);
    // A loan whose file has been extended.
    let mut loan = writer.loan(&[4096]).unwrap();
    loan.as_mut_slice().fill(5);
    loan.set_attributes(b"four").unwrap();
    loan.publish().unwrap();
    dir.files().iter().for_each(|name| crate::common::os::clear(&dir.path().join(name)));
    wait_until("it has been made anew", || {
        // A claim that needs a file notices, and periodic work does.
        drop(writer.loan(&[1 << 20]));
        dir.board().exists()
    });
    assert_eq!(all_ways(&dir), vec![b"four"; 5]);
}

#[test]
fn inspection_shows_them() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>(NAME).unwrap();
    writer.write_with(&[3], &[1, 2, 3], b"{\"frame\": 7}").unwrap();
    let report = dir.options().look(NAME, Kind::Channel).unwrap();
    let value = report.value.unwrap();
    assert_eq!(
        (value.attributes.as_slice(), value.attributes_len, value.origin),
        (b"{\"frame\": 7}".as_slice(), 12, None)
    );
}

#[test]
fn times_are_those_of_the_write() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    let before = SystemTime::now();
    writer.write(&[1], &[1]).unwrap();
    let after = SystemTime::now();
    // The clocks are read one after the other, and stamps are exact to a tenth of a millisecond.
    let slack = Duration::from_secs(1);
    let in_place = reader.latest().unwrap().unwrap();
    assert!(in_place.time() > before - slack && in_place.time() < after + slack);
    let stamp = in_place.monotonic_ns();
    let owned = in_place.into_owned();
    let info = dir.reader().read_into(&mut Vec::<u8>::new()).unwrap().unwrap();
    assert_eq!((owned.monotonic_ns(), info.monotonic_ns()), (stamp, stamp));
    assert!(info.time() > before - slack && info.time() < after + slack);
    assert_eq!((info.epoch(), info.incarnation()), (owned.epoch(), owned.incarnation()));
    writer.write(&[1], &[1]).unwrap();
    assert!(reader.latest().unwrap().unwrap().monotonic_ns() >= stamp);
}

/// The source of the values in a test.
fn origin(seed: u64) -> raw::Origin {
    let time = UNIX_EPOCH + Duration::new(1_600_000_000 + seed, 123_456_700);
    raw::Origin { incarnation: Uuid::from_u128(0xabc + u128::from(seed)), epoch: 40 + seed, time }
}

/// What an imported value says of itself.
fn told(sample: &OwnedSample) -> (u64, raw::Origin) {
    assert!(sample.is_imported());
    let (incarnation, epoch, time) = (sample.incarnation(), sample.epoch(), sample.time());
    (sample.seq(), raw::Origin { incarnation, epoch, time })
}

#[test]
fn an_imported_value_tells_of_its_source() {
    let dir = TestDir::new();
    let source = origin(1);
    let mut writer = raw::create_import(&dir.options(), NAME, source.incarnation, 1000).unwrap();
    let mut reader = dir.reader();
    let mut copies = dir.options().open_read_only(NAME).unwrap();
    let mut expect = |number, attributes: &[u8], missed| {
        let held = reader.read_owned().unwrap().unwrap();
        assert_eq!((told(&held), held.attributes(), held.missed()), ((number, source), attributes, missed));
        let copied = copies.read_owned().unwrap().unwrap();
        assert_eq!((told(&copied), copied.attributes(), copied.missed()), ((number, source), attributes, missed));
        let info = dir.reader().read_into(&mut Vec::<u8>::new()).unwrap().unwrap();
        let told = raw::Origin { incarnation: info.incarnation(), epoch: info.epoch(), time: info.time() };
        assert_eq!((info.is_imported(), info.seq, told, info.attributes()), (true, number, source, attributes));
        assert_eq!((info.incarnation, info.epoch), (source.incarnation, source.epoch));
        let value = dir.options().look(NAME, Kind::Channel).unwrap().value.unwrap();
        assert_eq!((value.origin, value.attributes.as_slice()), (Some(source), attributes));
        assert!(held.age() < TIMEOUT);
    };
    let array = (DType::U8, [2].as_slice(), [1, 2].as_slice());
    assert_eq!(raw::write_as(&mut writer, 1001, &source, array, b"").unwrap(), 1001);
    expect(1001, b"", 0);
    assert_eq!(raw::write_as(&mut writer, 1004, &source, array, b"with").unwrap(), 1004);
    expect(1004, b"with", 2);
    let mut loan = writer.loan(DType::U8, &[4096]).unwrap();
    loan.as_mut_bytes().fill(3);
    assert_eq!(raw::publish_as(loan, 1005, &source, b"a loan").unwrap(), 1005);
    expect(1005, b"a loan", 0);
    let mut loan = writer.into_loan(DType::U8, &[4096]).unwrap();
    loan.as_mut_bytes().fill(3);
    assert_eq!(loan.publish_as(1006, &source, b"").unwrap(), 1006);
    expect(1006, b"", 0);
    let mut writer = loan.into_writer();
    // Numbers only grow.
    for number in [0, 1, 1006] {
        let refused = raw::write_as(&mut writer, number, &source, array, b"");
        assert!(matches!(refused, Err(Error::NumberUsed { number: found, last: 1006, .. }) if found == number));
        let refused = raw::publish_as(writer.loan(DType::U8, &[1]).unwrap(), number, &source, b"");
        assert!(matches!(refused, Err(Error::NumberUsed { number: found, last: 1006, .. }) if found == number));
    }
    let refused = raw::write_as(&mut writer, u64::MAX, &source, array, b"");
    assert!(matches!(refused, Err(Error::NumbersExhausted { .. })));
    assert_eq!(writer.write_bytes(DType::U8, &[1], &[1]).unwrap(), 1007, "one of the channel's own");
    let own = reader.read_owned().unwrap().unwrap();
    assert!(!own.is_imported() && own.incarnation() == source.incarnation && own.epoch() == 1);
}

/// A number that no next writer would go on from is refused, as numbers are not used again.
#[test]
fn an_imported_number_leaves_room_for_those_to_come() {
    let array = (DType::U8, [1].as_slice(), [1].as_slice());
    let source = origin(1);
    for number in (50..64).map(|bit| (1 << bit) + 5) {
        let dir = TestDir::new();
        let options = dir.options().persist(true);
        let Ok(mut writer) = raw::create_import(&options, NAME, source.incarnation, 0) else { panic!("from 0 on") };
        match raw::write_as(&mut writer, number, &source, array, b"") {
            Ok(written) => assert_eq!(written, number),
            Err(Error::NumbersExhausted { .. }) => {
                assert!(raw::create_import(&options, "other", source.incarnation, number).is_err(), "{number}");
                continue;
            }
            Err(other) => panic!("{other}"),
        }
        drop(writer);
        assert_eq!(options.create::<u8>(NAME).unwrap().write(&[1], &[1]).unwrap(), number + 1);
    }
}

#[test]
fn a_source_that_begins_anew_gets_a_new_board() {
    let dir = TestDir::new();
    let (first, second) = (origin(1), origin(2));
    let array = (DType::U8, [1].as_slice(), [1].as_slice());
    let mut writer = raw::create_import(&dir.options().persist(true), NAME, first.incarnation, 9).unwrap();
    let mut reader = dir.reader();
    raw::write_as(&mut writer, 10, &first, array, b"").unwrap();
    assert_eq!(reader.read().unwrap().unwrap().missed(), 0);
    raw::write_as(&mut writer, 12, &first, array, b"").unwrap();
    drop(writer);
    // The same source: the board goes on.
    let mut writer = raw::create_import(&dir.options().persist(true), NAME, first.incarnation, 20).unwrap();
    assert_eq!(writer.seq(), 12);
    raw::write_as(&mut writer, 21, &first, array, b"").unwrap();
    let sample = reader.read_owned().unwrap().unwrap();
    assert_eq!((told(&sample), sample.missed()), ((21, first), 10));
    drop((writer, sample));
    // Another: numbers begin anew. What the first had no more, counts, and all of the second.
    let mut writer = raw::create_import(&dir.options(), NAME, second.incarnation, 2).unwrap();
    assert_eq!(writer.seq(), 0);
    raw::write_as(&mut writer, 3, &second, array, b"").unwrap();
    let sample = wait_for(&mut reader);
    assert_eq!((told(&sample), sample.missed()), ((3, second), 2));
    // A reader that comes to an empty channel misses nothing before.
    drop((writer, sample, reader));
    let mut writer = raw::create_import(&dir.options(), NAME, first.incarnation, 500).unwrap();
    let mut reader = dir.reader();
    raw::write_as(&mut writer, 502, &first, array, b"").unwrap();
    assert_eq!(reader.read().unwrap().unwrap().missed(), 1);
}

/// A channel is made before it is known where its numbers begin; readers come, and then they do.
#[test]
fn numbers_may_begin_after_readers_have_come() {
    let dir = TestDir::new();
    let source = origin(1);
    let array = (DType::U8, [1].as_slice(), [1].as_slice());
    let mut writer = raw::create_import(&dir.options().history(4), NAME, source.incarnation, 3).unwrap();
    let (mut reader, mut in_order) = (dir.reader(), dir.reader());
    let (mut copies, mut into) = (dir.options().open_read_only(NAME).unwrap(), dir.reader());
    raw::begin_after(&mut writer, 400).unwrap();
    raw::begin_after(&mut writer, 499).unwrap();
    raw::begin_after(&mut writer, 2).unwrap();
    let mut late = dir.reader();
    let used = raw::write_as(&mut writer, 499, &source, array, b"");
    assert!(matches!(used, Err(Error::NumberUsed { number: 499, last: 499, .. })));
    raw::write_as(&mut writer, 500, &source, array, b"").unwrap();
    assert_eq!(reader.read().unwrap().unwrap().missed(), 0);
    assert_eq!(late.read().unwrap().unwrap().missed(), 0);
    assert_eq!(copies.read_owned().unwrap().unwrap().missed(), 0);
    assert_eq!(into.read_into(&mut Vec::<u8>::new()).unwrap().unwrap().missed, 0);
    // With a value, nothing moves any more.
    raw::begin_after(&mut writer, 900).unwrap();
    raw::write_as(&mut writer, 502, &source, array, b"").unwrap();
    assert_eq!(reader.read().unwrap().unwrap().missed(), 1);
    let first = in_order.read_next().unwrap().unwrap();
    assert_eq!((first.seq(), first.missed()), (500, 0));
    drop(first);
    assert_eq!(in_order.read_next().unwrap().unwrap().missed(), 1);
    // What is left of it goes on from there, though nothing was written.
    let mut empty = raw::create_import(&dir.options().persist(true), "empty", source.incarnation, 3).unwrap();
    raw::begin_after(&mut empty, 70).unwrap();
    assert!(matches!(raw::begin_after(&mut empty, u64::MAX), Err(Error::NumbersExhausted { .. })));
    drop(empty);
}

fn wait_for(reader: &mut Reader) -> OwnedSample {
    loop {
        match reader.wait_owned(TIMEOUT) {
            Ok(sample) => return sample.expect("a value"),
            Err(Error::Closed { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_wait_ends_with_a_killed_writer_if_it_is_to() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 8 8 false"), "ok");
    assert_eq!(peer.ask("write uint8 [1] 1"), "1");
    let options = dir.options().end_with_writer(true);
    let (mut reader, mut copies) = (options.open(NAME).unwrap(), options.open_read_only(NAME).unwrap());
    let mut patient = dir.reader();
    let gone = |answer: Result<Option<OwnedSample>, Error>| match answer {
        Err(Error::WriterGone { name, .. }) => assert_eq!(name, NAME),
        other => panic!("{other:?}"),
    };
    assert!(reader.wait(Duration::ZERO).unwrap().is_some());
    assert!(reader.wait(Duration::from_millis(60)).unwrap().is_none(), "the writer lives");
    peer.kill();
    // The last value comes first, and then the death, as often as it is asked for.
    assert!(copies.wait_owned(TIMEOUT).unwrap().is_some());
    for _ in 0..2 {
        gone(reader.wait_owned(TIMEOUT));
        gone(copies.wait_owned(TIMEOUT));
        gone(reader.wait_owned(Duration::ZERO));
    }
    assert!(patient.wait(Duration::ZERO).unwrap().is_some());
    assert!(patient.wait(Duration::from_millis(60)).unwrap().is_none(), "a wait that was not to end");
    // With a successor it goes on.
    let mut writer = dir.writer::<u8>();
    assert!(reader.wait(Duration::from_millis(30)).unwrap().is_none());
    writer.write(&[1], &[1]).unwrap();
    assert_eq!(reader.wait(TIMEOUT).unwrap().unwrap().seq(), 2);
    // A close is no death.
    drop(writer);
    assert!(matches!(reader.wait(TIMEOUT), Err(Error::Closed { .. })));
    assert!(reader.wait(Duration::from_millis(30)).unwrap().is_none());
}

/// A sleeping reader notices a death that comes while it sleeps.
#[test]
fn a_sleeping_wait_ends_with_its_writer() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 8 8 false"), "ok");
    for read_only in [false, true] {
        let options = dir.options().end_with_writer(true);
        let mut reader = if read_only { options.open_read_only(NAME) } else { options.open(NAME) }.unwrap();
        let waited = std::thread::scope(|scope| {
            let waiter = scope.spawn(|| reader.wait_owned(TIMEOUT));
            if !read_only {
                // `asleep` is the first word after the table's head.
                wait_until("it sleeps", || peek(&dir.table(), 64, 4) != [0; 4]);
                peer.kill();
            }
            waiter.join().unwrap()
        });
        assert!(matches!(waited, Err(Error::WriterGone { .. })), "{waited:?}");
    }
}
