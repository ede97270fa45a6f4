//! Across processes: death, and forks.

use crate::common::{Child, listen, role, say};
use crate::support::{NAME, Room, next_i32};
use ndsharray::Error;

#[test]
#[ignore = "the body of a child process, started by other tests"]
fn body() {
    let Some((_, dir)) = role() else { return };
    let options = ndsharray::compat::Options::new().dir(dir);
    let mut writer = options.create::<i32>(NAME).unwrap();
    for n in 1..=20 {
        writer.write(&[2], &[n, -n]).unwrap();
    }
    say("written");
    // Until it is killed.
    listen();
}

/// The last value of a killed writer stays readable; the next writer goes on where it was, and removes what it left.
#[test]
fn a_killed_writer_is_succeeded() {
    let room = Room::new();
    let mut child = Child::start("write", room.path(), |_| ());
    assert_eq!(child.hear(), "written");
    let exists = room.options().create::<i32>(NAME);
    child.kill();
    assert!(matches!(exists, Err(Error::WriterExists { .. })));

    let mut reader = room.reader();
    assert_eq!(next_i32(&mut reader), [20, -20]);
    assert!(room.options().leftovers(NAME).unwrap().len() >= 2);
    let mut writer = room.options().create::<i32>(NAME).unwrap();
    assert_eq!(room.options().leftovers(NAME).unwrap(), [], "they are the new writer's");
    writer.write(&[1], &[7]).unwrap();
    assert_eq!(next_i32(&mut reader), [7]);
    drop(writer);
    assert_eq!(room.files(), Vec::<String>::new());
}

#[test]
fn a_forked_child_does_nothing_to_the_channel() {
    let room = Room::new();
    let mut writer = room.options().create::<i32>(NAME).unwrap();
    writer.write(&[1], &[1]).unwrap();
    // SAFETY: the child does nothing but what follows, and ends without returning.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let refused = matches!(writer.write(&[1], &[2]), Err(Error::Forked));
        drop(writer);
        // SAFETY: takes a number; nothing of this process is needed any more.
        unsafe { libc::_exit(if refused { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: `status` is an integer that the call may write.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert!(pid > 0 && waited == pid && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0);
    writer.write(&[1], &[3]).unwrap();
    assert_eq!(next_i32(&mut room.reader()), [3]);
}
