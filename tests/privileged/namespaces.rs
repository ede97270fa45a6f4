//! Processes that know each other by no id, or by a wrong one.

use crate::common::{NAME, Named, Peer, TestDir, shape_of, value, wait_until};
use ndsharray::Error;

/// Starts a peer that is process 1 of a PID namespace of its own.
fn inside(role: &str, dir: &TestDir) -> Peer {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // SAFETY: takes a number; the children of this thread alone are concerned.
            assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWPID) }, 0, "this needs root");
            let mut child = Peer::start(role, dir.path(), |_| {});
            assert_eq!(child.hear(), "open");
            child
        });
        thread.join().unwrap()
    })
}

fn put(writer: &mut Peer, id: u64) {
    assert_eq!(writer.ask(&format!("write {id}")), format!("try {id}"));
    assert!(writer.hear().starts_with(&format!("done {id} ")));
}

#[test]
#[ignore = "needs root"]
fn a_writer_inside() {
    let dir = TestDir::new();
    let mut writer = inside("obey 4", &dir);
    let mut reader = dir.options().open(NAME).unwrap();
    put(&mut writer, 1);
    assert_eq!(reader.read().unwrap().unwrap().name(), 1);
    assert!(reader.is_writer_alive());
    let refused = dir.options().create::<u64>(NAME);
    assert!(matches!(refused, Err(Error::WriterExists { pid: Some(1), .. })), "{refused:?}");
    assert!(matches!(dir.options().remove(NAME), Err(Error::WriterExists { .. })));
    writer.kill();
    assert!(!reader.is_writer_alive());
    assert_eq!(reader.latest().unwrap().unwrap().name(), 1);
    // Another process 1 takes over.
    let mut successor = inside("obey 4", &dir);
    assert_eq!(reader.writer_epoch(), 2);
    put(&mut successor, 2);
    assert_eq!(reader.read().unwrap().unwrap().name(), 2);
    successor.kill();
    let mut writer = dir.options().create::<u64>(NAME).unwrap();
    assert_eq!(writer.write(&shape_of(3), &value(3)).unwrap(), 3);
    assert_eq!(reader.read().unwrap().unwrap().name(), 3);
    drop(writer);
    assert_eq!(dir.files(), [""; 0]);
}

#[test]
#[ignore = "needs root"]
fn a_reader_inside() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(3).create::<u64>(NAME).unwrap();
    let mut put = |id: u64| writer.write(&shape_of(id), &value(id));
    put(1).unwrap();
    // Each of them is process 1.
    let mut borrower = inside("hold", &dir);
    assert_eq!(borrower.ask("borrow"), "holds 1");
    put(2).unwrap();
    let mut holder = inside("hold", &dir);
    assert_eq!(holder.ask("hold"), "holds 2");
    put(3).unwrap();
    for _ in 0..20 {
        assert!(matches!(put(4), Err(Error::AllSlotsPinned { slots: 3, .. })));
    }
    assert_eq!((borrower.ask("check"), holder.ask("check")), ("1".to_owned(), "2".to_owned()));
    borrower.kill();
    (4..30).for_each(|id| assert!(put(id).is_ok()));
    assert_eq!(holder.ask("check"), "2");
    holder.kill();
    let mut reader = dir.options().open(NAME).unwrap();
    let held = reader.latest_owned().unwrap().unwrap();
    (30..60).for_each(|id| assert!(put(id).is_ok()));
    assert_eq!(held.name(), 29);
}

#[test]
#[ignore = "needs root"]
fn a_writer_and_readers_in_different_ones() {
    let dir = TestDir::new();
    let mut writer = inside("obey 3", &dir);
    put(&mut writer, 1);
    let mut readers = [inside("hold", &dir), inside("hold", &dir)];
    assert_eq!(readers[0].ask("hold"), "holds 1");
    put(&mut writer, 2);
    assert_eq!(readers[1].ask("hold"), "holds 2");
    put(&mut writer, 3);
    let mut refused = Peer::start("obey 3", dir.path(), |command| {
        command.stderr(std::process::Stdio::null());
    });
    assert!(!refused.end().success(), "a second writer");
    readers[0].kill();
    for id in 4..20 {
        put(&mut writer, id);
    }
    assert_eq!(readers[1].ask("check"), "2");
    writer.kill();
    let mut writer = inside("obey 3", &dir);
    for id in 20..40 {
        put(&mut writer, id);
    }
    assert_eq!(readers[1].ask("check"), "2");
    assert_eq!(readers[1].ask("release"), "released");
    assert_eq!(readers[1].ask("hold"), "holds 39", "it follows");
    writer.kill();
    readers[1].kill();
    let mut writer = dir.options().create::<u64>(NAME).unwrap();
    for id in 40..60 {
        writer.write(&shape_of(id), &value(id)).unwrap();
    }
    drop(writer);
    wait_until("nothing is left", || dir.files().is_empty());
}
