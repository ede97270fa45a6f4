//! A process that is stopped is not dead.

use crate::common::{NAME, Named, Peer, TestDir, shape_of, value};
use ndsharray::Error;

pub(crate) fn a_stopped_reader_keeps_its_view() {
    for hold in ["hold", "borrow"] {
        let dir = TestDir::new();
        let mut writer = dir.options().max_slots(3).create::<u64>(NAME).unwrap();
        let mut watcher = dir.options().open(NAME).unwrap();
        let mut put = |id: u64| writer.write(&shape_of(id), &value(id));
        put(1).unwrap();
        let mut holder = Peer::start("hold", dir.path(), |_| {});
        assert_eq!((holder.hear(), holder.ask(hold)), ("open".to_owned(), "holds 1".to_owned()));
        holder.stop();
        for id in 2..200 {
            put(id).unwrap();
            assert_eq!(watcher.read().unwrap().unwrap().name(), id);
        }
        // Three slots: held there, held here, the latest.
        let held = watcher.latest_owned().unwrap().unwrap();
        put(200).unwrap();
        for _ in 0..50 {
            assert!(matches!(put(201), Err(Error::AllSlotsPinned { slots: 3, .. })));
        }
        drop(held);
        put(201).unwrap();
        holder.signal(libc::SIGCONT);
        assert_eq!(holder.ask("check"), "1");
        put(202).unwrap();
        assert_eq!(holder.ask("check"), "1");
        holder.finish();
        let held = watcher.latest_owned().unwrap().unwrap();
        for id in 203..210 {
            put(id).unwrap();
        }
        assert_eq!(held.name(), 202);
    }
}

pub(crate) fn a_stopped_writer_is_not_taken_over() {
    let dir = TestDir::new();
    let mut writer = Peer::start("obey 3", dir.path(), |_| {});
    assert_eq!(writer.hear(), "open");
    assert_eq!(writer.ask("write 1"), "try 1");
    assert_eq!(writer.hear(), "done 1 1");
    let mut reader = dir.options().open(NAME).unwrap();
    writer.stop();
    for _ in 0..20 {
        let refused = dir.options().create::<u64>(NAME);
        assert!(matches!(refused, Err(Error::WriterExists { pid, .. }) if pid == Some(writer.id())), "{refused:?}");
        assert!(matches!(dir.options().remove(NAME), Err(Error::WriterExists { .. })));
        assert_eq!(reader.latest().unwrap().unwrap().name(), 1);
        assert_eq!(dir.options().open(NAME).unwrap().latest().unwrap().unwrap().name(), 1);
    }
    assert!(reader.is_writer_alive());
    assert_eq!(reader.writer_epoch(), 1);
    writer.signal(libc::SIGCONT);
    assert_eq!(writer.ask("write 2"), "try 2");
    assert_eq!(writer.hear(), "done 2 2");
    assert_eq!(reader.read().unwrap().unwrap().name(), 2);
    writer.tell_no_more();
    assert_eq!(writer.hear(), "closing");
    writer.finish();
    assert_eq!(dir.files(), [""; 0]);
}
