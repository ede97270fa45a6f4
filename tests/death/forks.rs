//! What a forked child can and cannot do with what it inherits.

use crate::common::{NAME, Named, Peer, TestDir, shape_of, value, wait_until};
use ndsharray::Error;

pub(crate) fn children_release_nothing() {
    let dir = TestDir::new();
    let mut parent = Peer::start("fork", dir.path(), |_| {});
    for step in ["loan", "nothing", "exit", "drop", "use", "own", "nest"] {
        assert_eq!(parent.hear(), step);
        // Seen from outside: the lock, the value and the files are still there.
        assert!(matches!(dir.options().create::<u8>(NAME), Err(Error::WriterExists { .. })), "after {step}");
        assert_eq!(
            dir.options().open(NAME).unwrap().latest().unwrap().unwrap().name(),
            3 - u64::from(step == "loan") * 2
        );
        parent.tell("go on");
    }
    // A living child keeps the locks of its parent.
    assert_eq!(parent.hear(), "lingers");
    parent.kill();
    assert!(matches!(dir.options().create::<u8>(NAME), Err(Error::WriterExists { .. })));
    parent.tell_no_more();
    let mut writer = None;
    wait_until("the child has gone, and the lock with it", || {
        writer = dir.options().create::<u64>(NAME).ok();
        writer.is_some()
    });
    for id in 4..20 {
        writer.as_mut().unwrap().write(&shape_of(id), &value(id)).unwrap();
    }
    drop(writer);
    assert_eq!(dir.files(), [""; 0]);
}
