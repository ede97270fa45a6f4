//! What a sample promises while it is held.

use crate::channel::support::{Done, NAME, TIMEOUT, TestDir, latest_vec};
use ndsharray::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[test]
fn read_wants_news_and_latest_takes_anything() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    assert!(reader.read().unwrap().is_none());
    assert!(reader.latest().unwrap().is_none());
    assert!(reader.read_owned().unwrap().is_none());
    assert!(reader.latest_owned().unwrap().is_none());
    assert!(reader.read_into(&mut Vec::<u8>::new()).unwrap().is_none());
    assert_eq!(writer.payload_name(), None);

    writer.write(&[1], &[1]).unwrap();
    assert_eq!(reader.read().unwrap().unwrap().seq(), 1);
    assert!(reader.read().unwrap().is_none());
    assert_eq!(reader.latest().unwrap().unwrap().seq(), 1);
    assert_eq!(reader.latest_owned().unwrap().unwrap().seq(), 1);
    assert!(reader.read_owned().unwrap().is_none());
    writer.write(&[1], &[2]).unwrap();
    assert_eq!(reader.latest().unwrap().unwrap().seq(), 2);
    assert!(reader.read().unwrap().is_none(), "latest counts as reading");
    writer.write(&[1], &[3]).unwrap();
    let mut out = Vec::<u8>::new();
    assert_eq!(reader.read_into(&mut out).unwrap().unwrap().seq, 3);
    assert!(reader.read_into(&mut out).unwrap().is_none());
    assert!(reader.read().unwrap().is_none(), "so does a copy");
    assert_eq!(out, [3]);
}

#[test]
fn what_is_refused_stays_unread() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(2).create::<u8>(NAME).unwrap();
    let mut readers = [dir.reader(), dir.options().open_read_only(NAME).unwrap()];
    for reader in &mut readers {
        assert!(reader.read_owned_if(|_, _| unreachable!("there is no value")).unwrap().is_none());
    }
    writer.write(&[2, 3], &[7; 6]).unwrap();
    for reader in &mut readers {
        for _ in 0..3 {
            let refused = reader.read_owned_if(|dtype, shape| {
                assert_eq!((dtype, shape), (ndsharray::DType::U8, &[2, 3][..]));
                Err(Error::Forked)
            });
            assert!(matches!(refused, Err(Error::Forked)));
        }
    }
    // No reader holds a slot.
    for value in 2..=9 {
        writer.write(&[1], &[value]).unwrap();
    }
    for reader in &mut readers {
        let sample = reader.read_owned_if(|_, _| Ok(())).unwrap().unwrap();
        assert_eq!((sample.seq(), sample.as_bytes()), (9, &[9][..]));
        assert!(reader.read_owned_if(|_, _| unreachable!("nothing newer")).unwrap().is_none());
    }
}

#[test]
fn what_was_missed_is_counted() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u32>();
    let write = |writer: &mut ndsharray::Writer<u32>, times: u32| {
        (0..times).for_each(|n| {
            writer.write(&[1], &[n]).unwrap();
        });
    };
    write(&mut writer, 5);
    let mut reader = dir.reader();
    let mut copies = dir.options().open_read_only(NAME).unwrap();
    assert_eq!(reader.read().unwrap().unwrap().missed(), 0, "the first read misses nothing");
    assert_eq!(copies.read_owned().unwrap().unwrap().missed(), 0);
    write(&mut writer, 1);
    assert_eq!(reader.read().unwrap().unwrap().missed(), 0);
    write(&mut writer, 10);
    let sample = reader.read_owned().unwrap().unwrap();
    assert_eq!((sample.seq(), sample.missed()), (16, 9));
    assert_eq!(reader.latest().unwrap().unwrap().missed(), 0, "seen already");
    write(&mut writer, 3);
    let info = reader.read_into(&mut Vec::<u32>::new()).unwrap().unwrap();
    assert_eq!((info.seq, info.missed), (19, 2));
    assert_eq!(copies.read_owned().unwrap().unwrap().missed(), 13);
}

#[test]
fn age_is_the_time_since_the_write() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    let before = Instant::now();
    writer.write(&[1], &[1]).unwrap();
    let after = Instant::now();
    std::thread::sleep(Duration::from_millis(30));
    let sample = reader.latest().unwrap().unwrap();
    let (least, age, most) = (after.elapsed(), sample.age(), before.elapsed());
    assert!(least <= age && age <= most, "{least:?} {age:?} {most:?}");
    let owned = sample.into_owned();
    assert!(owned.age() >= age);
    writer.write(&[1], &[2]).unwrap();
    assert!(reader.latest().unwrap().unwrap().age() < owned.age());
    assert!(owned.age() >= Duration::from_millis(30));
}

#[test]
fn when_all_slots_are_held_the_old_value_stays() {
    let dir = TestDir::new();
    for slots in [2, 3, 64] {
        let mut writer = dir.options().max_slots(slots).create::<u64>(NAME).unwrap();
        let mut reader = dir.reader();
        let mut held = Vec::new();
        for n in 1..slots as u64 {
            writer.write(&[2], &[n, n]).unwrap();
            held.push(reader.read_owned().unwrap().unwrap());
        }
        writer.write(&[2], &[777, 777]).unwrap();
        for _ in 0..3 {
            let error = writer.write(&[2], &[1, 1]).unwrap_err();
            assert!(matches!(error, Error::AllSlotsPinned { slots: told, .. } if told == slots), "{error}");
            assert!(matches!(writer.loan(&[1]), Err(Error::AllSlotsPinned { .. })));
            assert_eq!(latest_vec::<u64>(&mut reader), [777, 777]);
        }
        assert_eq!(latest_vec::<u64>(&mut dir.reader()), [777, 777], "to those who come later too");
        for (sample, n) in held.iter().zip(1..) {
            assert_eq!(sample.view::<u64>().unwrap().as_slice(), [n, n]);
        }
        held.swap_remove(held.len() / 2);
        for n in 1000..1100 {
            writer.write(&[2], &[n, n]).unwrap();
            assert_eq!(latest_vec::<u64>(&mut reader), [n, n]);
        }
    }
}

#[test]
fn one_slot_held_many_times_is_held_until_the_last() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(2).create::<u8>(NAME).unwrap();
    let mut reader = dir.reader();
    writer.write(&[1], &[1]).unwrap();
    let mut held = vec![reader.latest_owned().unwrap().unwrap(), reader.latest_owned().unwrap().unwrap()];
    held.push(held[0].clone());
    held.push(dir.reader().latest_owned().unwrap().unwrap());
    let borrowed = reader.latest().unwrap().unwrap();
    writer.write(&[1], &[2]).unwrap();
    while let Some(sample) = held.pop() {
        assert!(matches!(writer.write(&[1], &[3]), Err(Error::AllSlotsPinned { slots: 2, .. })));
        assert_eq!(sample.as_bytes(), [1]);
    }
    assert!(matches!(writer.write(&[1], &[3]), Err(Error::AllSlotsPinned { slots: 2, .. })), "still borrowed");
    drop(borrowed);
    writer.write(&[1], &[3]).unwrap();
}

#[test]
fn owned_samples_die_on_other_threads_while_their_reader_pins_again() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(6).create::<u64>(NAME).unwrap();
    let mut reader = dir.reader();
    let done = AtomicBool::new(false);
    let start = Instant::now();
    let refused = std::thread::scope(|scope| {
        // At most: one sample in the queue, one with the thread, one with the reader, one borrowed.
        let (sender, receiver) = std::sync::mpsc::sync_channel::<ndsharray::OwnedSample>(1);
        let dropper = scope.spawn(move || {
            let mut checked = 0_u64;
            for sample in receiver {
                let n = sample.seq();
                assert!(sample.view::<u64>().unwrap().iter().all(|&m| m == n), "torn");
                checked += 1;
            }
            checked
        });
        let ending = Done(&done);
        let done = &done;
        let flood = scope.spawn(move || {
            let mut refused = 0_u64;
            let mut next = 1;
            while !done.load(Ordering::Relaxed) {
                match writer.write(&[200], &[next; 200]) {
                    Ok(seq) => {
                        assert_eq!(seq, next);
                        next += 1;
                    }
                    Err(Error::AllSlotsPinned { .. }) => refused += 1,
                    Err(other) => panic!("{other}"),
                }
            }
            refused
        });
        let mut sent = 0_u64;
        while start.elapsed() < Duration::from_millis(500) || sent < 500 {
            assert!(start.elapsed() < TIMEOUT, "{sent} samples only");
            if let Some(sample) = reader.latest().unwrap() {
                let n = sample.seq();
                assert!(sample.view::<u64>().unwrap().iter().all(|&m| m == n), "torn");
                match sender.try_send(sample.into_owned()) {
                    Ok(()) => sent += 1,
                    Err(_) => std::thread::yield_now(),
                }
            }
        }
        drop(sender);
        assert_eq!(dropper.join().unwrap(), sent);
        drop(ending);
        flood.join().unwrap()
    });
    assert_eq!(refused, 0, "four slots are held at most, so six are enough");
}

#[test]
fn samples_outlive_reader_and_writer() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<f32>();
    let mut reader = dir.reader();
    let mut other = dir.reader();
    writer.write(&[2], &[1.5, 2.5]).unwrap();
    let owned = reader.read_owned().unwrap().unwrap();
    let borrowed = other.read().unwrap().unwrap();
    drop(reader);
    for n in 0..200_u16 {
        writer.write(&[2], &[f32::from(n); 2]).unwrap();
    }
    assert_eq!(owned.view::<f32>().unwrap().as_slice(), [1.5, 2.5]);
    drop(writer);
    assert_eq!(owned.view::<f32>().unwrap().as_slice(), [1.5, 2.5]);
    assert_eq!(borrowed.view::<f32>().unwrap().as_slice(), [1.5, 2.5]);
    let lent = borrowed.into_owned();
    drop(other);
    assert_eq!(dir.files(), [""; 0], "a reader that has gone reads no more, whatever it has left");
    assert_eq!(lent.view::<f32>().unwrap().as_slice(), [1.5, 2.5]);
    let thread = std::thread::spawn(move || owned.view::<f32>().unwrap().to_vec());
    assert_eq!(thread.join().unwrap(), [1.5, 2.5]);
}

#[test]
fn a_forgotten_sample_holds_its_slot_until_the_next_read() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(2).create::<u8>(NAME).unwrap();
    let mut reader = dir.reader();
    writer.write(&[1], &[1]).unwrap();
    std::mem::forget(reader.latest().unwrap().unwrap());
    writer.write(&[1], &[2]).unwrap();
    assert!(matches!(writer.write(&[1], &[3]), Err(Error::AllSlotsPinned { slots: 2, .. })));
    assert_eq!(latest_vec::<u8>(&mut reader), [2]);
    writer.write(&[1], &[3]).unwrap();
    assert_eq!(latest_vec::<u8>(&mut reader), [3]);
}

#[test]
fn samples_print_what_they_are() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<f32>();
    writer.write(&[2], &[1.0, 2.0]).unwrap();
    let mut reader = dir.reader();
    let sample = reader.latest().unwrap().unwrap();
    assert_eq!(format!("{sample:?}"), "Sample { seq: 1, dtype: F32, shape: [2], .. }");
    assert_eq!(format!("{:?}", sample.into_owned()), "OwnedSample { seq: 1, dtype: F32, shape: [2], .. }");
}

#[test]
fn copies_use_memory_again_once_no_sample_has_it() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.options().open_read_only(NAME).unwrap();
    let mut addresses = std::collections::BTreeSet::new();
    let mut last = None;
    for number in 0..20_u8 {
        writer.write(&[1000], &[number; 1000]).unwrap();
        let sample = if number % 2 == 0 { reader.read_owned() } else { reader.read_next_owned() }.unwrap().unwrap();
        assert_eq!(sample.as_bytes(), [number; 1000]);
        addresses.insert(sample.as_bytes().as_ptr().addr());
        // The one before is held until here.
        if let Some(last) = last.replace(sample) {
            assert_eq!(last.as_bytes(), [number - 1; 1000]);
        }
    }
    assert!(addresses.len() <= 2, "{addresses:?}");

    // Samples that are held keep their memory, whatever is read beside them.
    let held: Vec<_> = (0..4).map(|_| reader.latest_owned().unwrap().unwrap()).collect();
    writer.write(&[1000], &[77; 1000]).unwrap();
    assert_eq!(reader.latest_owned().unwrap().unwrap().as_bytes(), [77; 1000]);
    writer.write(&[3], &[1, 2, 3]).unwrap();
    assert_eq!(reader.read_owned().unwrap().unwrap().as_bytes(), [1, 2, 3]);
    for sample in held.iter().chain(&last) {
        assert_eq!(sample.as_bytes(), [19; 1000]);
    }
}

#[test]
fn bytes_are_copied_where_the_caller_says() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u16>();
    for mut reader in [dir.reader(), dir.options().open_read_only(NAME).unwrap()] {
        writer.write_with(&[2], &[1, 2], b"note").unwrap();
        let mut out = [0; 4];
        let refused = reader.read_bytes_into(&mut out, |_, _| Err(Error::Forked));
        assert!(matches!(refused, Err(Error::Forked)), "{refused:?}");
        let short = reader.read_bytes_into(&mut out[..3], |_, _| Ok(()));
        assert!(matches!(short, Err(Error::ShapeMismatch { expected: 3, found: 4, .. })), "{short:?}");
        // It is still unread.
        let info = reader.read_bytes_into(&mut out, |element, shape| {
            assert_eq!((element, shape), (ndsharray::DType::U16.into(), &[2][..]));
            Ok(())
        });
        let info = info.unwrap().unwrap();
        assert_eq!(info.attributes(), b"note");
        let bytes: Vec<u8> = [1_u16, 2].into_iter().flat_map(u16::to_ne_bytes).collect();
        assert_eq!(out.as_slice(), bytes);
        assert!(reader.read_bytes_into(&mut out, |_, _| Ok(())).unwrap().is_none());
        assert!(reader.read().is_ok_and(|sample| sample.is_none()) || reader.read_owned().unwrap().is_none());
    }
}
