//! Arrays whose dtype is known at run time, and their elements by address.

use crate::support::{NAME, PATIENCE, Room};
use ndsharray::{AnySharedArray, DType, Error, HoldKind, SharedArray};
use std::thread;
use std::time::{Duration, Instant};

fn open(room: &Room) -> AnySharedArray {
    room.options().open_any_array(NAME).unwrap()
}

#[test]
fn dtype_and_shape_come_from_the_file() {
    let room = Room::new();
    let made = room.options().create_any_array(NAME, DType::I16, &[2, 3], |bytes| bytes.fill(1)).unwrap();
    let mut found = open(&room);
    assert_eq!((found.dtype(), found.shape(), found.byte_len(), found.name()), (DType::I16, &[2, 3][..], 12, NAME));
    assert_eq!(*found.typed::<i16>().unwrap().read().unwrap(), [0x0101; 6]);
    assert!(matches!(found.typed::<u16>(), Err(Error::DTypeMismatch { expected: DType::U16, found: DType::I16, .. })));
    found.reshape(&[6]).unwrap();
    assert_eq!((found.shape(), made.shape()), (&[6][..], &[2, 3][..]));
    assert!(matches!(found.reshape(&[7]), Err(Error::ShapeMismatch { expected: 6, found: 7, .. })));
    made.unlink().unwrap();
    assert!(room.files().is_empty());
    assert!(matches!(room.options().open_any_array(NAME), Err(Error::NotFound { .. })));
}

#[test]
fn holds_are_the_guards_locks() {
    let room = Room::new();
    let typed: SharedArray<u64> = room.create(&[3]);
    let any = open(&room);
    let writing = any.try_hold(HoldKind::Write).unwrap().expect("free");
    assert!(typed.try_read().unwrap().is_none());
    assert!(matches!(writing.atomic::<u64>(), Err(Error::Unsupported { .. })));
    drop(writing);
    let reading = any.try_hold(HoldKind::Read).unwrap().expect("free");
    assert!(typed.try_read().unwrap().is_some() && typed.try_write().unwrap().is_none());
    drop(reading);
    let single = any.try_hold(HoldKind::Atomic).unwrap().expect("free");
    assert_eq!(single.atomic::<u64>().unwrap().fetch_add(1, 5), 0);
    typed.store(0, 1);
    assert!(typed.try_read().unwrap().is_none());
    drop(single);
    assert_eq!(*typed.read().unwrap(), [1, 5, 0]);
}

#[test]
fn a_hold_outlives_its_array() {
    let room = Room::new();
    let typed: SharedArray<u8> = room.create(&[3]);
    let any = open(&room);
    let hold = any.try_hold(HoldKind::Write).unwrap().expect("free");
    drop(any);
    assert!(typed.try_read().unwrap().is_none());
    drop(hold);
    assert!(typed.try_read().unwrap().is_some());
}

#[test]
fn waiting_goes_on_as_long_as_it_is_told_to() {
    let room = Room::new();
    let typed: SharedArray<u8> = room.create(&[3]);
    let any = open(&room);
    let guard = typed.write().unwrap();
    let mut asked = 0;
    let waited = any.hold(HoldKind::Read, || {
        asked += 1;
        asked < 3
    });
    assert!(waited.unwrap().is_none());
    assert_eq!(asked, 3);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| any.hold(HoldKind::Write, || true).unwrap().is_some());
        thread::sleep(Duration::from_millis(30));
        drop(guard);
        assert!(waiter.join().unwrap());
    });
    let end = Instant::now() + PATIENCE;
    assert!(any.hold(HoldKind::Write, || Instant::now() < end).unwrap().is_some());
}

#[test]
fn poison_is_told_and_the_lock_taken() {
    let room = Room::new();
    let typed: SharedArray<u8> = room.create(&[3]);
    let any = open(&room);
    assert!(!any.try_hold(HoldKind::Read).unwrap().expect("free").is_poisoned());
    thread::scope(|scope| {
        let panicking = scope.spawn(|| {
            let _guard = typed.write().unwrap();
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        assert!(panicking.join().is_err());
    });
    let hold = any.try_hold(HoldKind::Write).unwrap().expect("free");
    assert!(hold.is_poisoned() && any.is_poisoned().unwrap());
    assert!(typed.try_read().unwrap().is_none());
    any.clear_poison().unwrap();
    drop(hold);
    assert!(typed.read().is_ok());
}

#[test]
#[cfg(all(target_os = "linux", not(ndsharray_portable)))]
fn severed_panes_show_the_array_no_more() {
    let room = Room::new();
    let typed: SharedArray<u8> = room.create(&[5000]);
    let any = open(&room);
    let mut pane = any.pane().unwrap();
    let address = pane.as_mut_ptr();
    assert_ne!(address, any.as_mut_ptr());
    let hold = any.try_hold(HoldKind::Write).unwrap().expect("free");
    // SAFETY: the pane has 5000 bytes mapped, and the array is held.
    unsafe { address.write_bytes(3, 5000) };
    let kept = pane.sever().unwrap().expect("there are elements");
    drop(hold);
    // SAFETY: `kept` keeps as many bytes there.
    unsafe { address.write_bytes(9, 5000) };
    assert!(typed.read().unwrap().iter().all(|&byte| byte == 3));
    let hold = any.try_hold(HoldKind::Read).unwrap().expect("free");
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
    let room = Room::new();
    std::fs::write(room.path().join("block"), [0; 64]).unwrap();
    let any = room.options().attach_raw_any("block", DType::U32, &[4, 4]).unwrap();
    assert!(matches!(any.try_hold(HoldKind::Read), Err(Error::Unsupported { .. })));
    assert!(matches!(any.pane(), Err(Error::Unsupported { .. })));
    let hold = any.hold(HoldKind::Atomic, || false).unwrap().expect("there is nobody to wait for");
    assert_eq!(hold.atomic::<u32>().unwrap().swap(15, 7), 0);
    assert_eq!(any.typed::<u32>().unwrap().load(15), 7);
}
