//! Removal of files.
//!
//! Of files that another process has mapped, beside some that cannot be removed, and of those that
//! are found.

use crate::channel::support::{KEPT, NAME, TestDir, latest_vec, wait_until};
use crate::peer::channel;
use ndsharray::{Error, Foreign};
use std::fs;

/// All names in the directory.
///
/// Also what Windows keeps of removed files.
fn everything(dir: &TestDir) -> usize {
    std::fs::read_dir(dir.path()).unwrap().count()
}

#[test]
fn the_name_is_free_and_the_value_stays() {
    let dir = TestDir::new();
    let mut holder = channel::start(&dir);
    for round in 1..=3 {
        let mut writer = dir.writer::<u8>();
        assert_eq!(writer.write(&[9], &[round; 9]).unwrap(), 1);
        assert_eq!(holder.ask("open"), "ok");
        assert!(holder.ask("hold").starts_with("1 0 uint8 [9] "));
        drop(writer);
        assert_eq!(dir.files(), [""; 0]);
        assert!(matches!(dir.options().open(crate::channel::support::NAME), Err(Error::NotFound { .. })));
    }
    let held = holder.ask("recheck");
    assert_eq!(held.split("; ").count(), 3);
    drop(dir.writer::<u8>());
    assert_eq!(holder.ask("recheck"), held);
    holder.finish();
    assert_eq!(everything(&dir), 0, "the last who has it lets it go");
}

#[test]
fn what_a_killed_process_had_mapped_goes_too() {
    let dir = TestDir::new();
    let mut holder = channel::start(&dir);
    let mut writer = dir.writer::<u8>();
    writer.write(&[9], &[1; 9]).unwrap();
    assert_eq!(holder.ask("open"), "ok");
    assert!(holder.ask("hold").starts_with("1 0 uint8 [9] "));
    drop(writer);
    holder.kill();
    // The system may take a moment to let go of a dead process' files.
    wait_until("nothing is left", || {
        drop(dir.writer::<u8>());
        everything(&dir) == 0
    });
}

/// Names as payloads have them.
fn payload_name(number: u8) -> String {
    format!("{NAME}.ndsh-0000000000004000800000000000{number:04}")
}

/// What cannot be removed, or is a stranger's, is in the way of nothing else.
#[test]
fn one_that_stays_keeps_no_other() {
    for unused in [false, true] {
        let dir = TestDir::new();
        dir.keep_value();
        let (before, after) = (payload_name(0), format!("{NAME}.ndsh-ffffffffffff4fffbfffffffffffffff"));
        for name in [&before, &after] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        fs::write(dir.path().join(payload_name(1)), "left by a writer that was killed").unwrap();
        fs::write(dir.path().join("other.ndsh-00000000000040008000000000000001"), "another channel's").unwrap();
        let remove = || if unused { dir.options().remove_unused(NAME) } else { dir.options().remove(NAME) };
        let refused = |result| match result {
            Err(Error::ForeignOwner { path, what: Foreign::NotAFile, .. }) => {
                assert!([&before, &after].iter().any(|name| path.ends_with(name)), "{}", path.display());
            }
            other => panic!("{other:?}"),
        };
        refused(remove());
        let mut stay = vec![before.clone(), after.clone(), "other.ndsh-00000000000040008000000000000001".to_owned()];
        stay.sort();
        assert_eq!(dir.files(), stay);
        // Another call has the same answer.
        refused(remove());
        assert_eq!(dir.files(), stay);
        for name in [&before, &after] {
            fs::remove_dir(dir.path().join(name)).unwrap();
        }
        assert!(matches!(remove(), Err(Error::NotFound { .. })));
    }
}

#[cfg(unix)]
#[test]
fn links_with_a_payloads_name_stay() {
    let dir = TestDir::new();
    dir.keep_value();
    let link = dir.path().join(payload_name(0));
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    assert!(matches!(dir.options().remove(NAME), Err(Error::ForeignOwner { what: Foreign::Symlink, .. })));
    assert_eq!(dir.files(), [payload_name(0)]);
}

/// A writer that takes over looks for what its predecessor left.
///
/// One that creates the channel need not.
#[test]
fn leftovers_are_looked_for_where_there_can_be_some() {
    let dir = TestDir::new();
    let stray = dir.path().join(payload_name(0));
    let leave = || fs::write(&stray, "left").unwrap();

    dir.keep_value();
    leave();
    fs::create_dir(dir.path().join(payload_name(1))).unwrap();
    let writer = dir.writer::<i32>();
    assert!(!stray.exists(), "the last writer may have been killed");
    assert!(dir.path().join(payload_name(1)).exists(), "this was none of its files");
    assert_eq!(latest_vec::<i32>(&mut dir.reader()), KEPT);
    drop(writer);
    fs::remove_dir(dir.path().join(payload_name(1))).unwrap();

    dir.keep_value();
    leave();
    fs::remove_file(dir.board()).unwrap();
    drop(dir.writer::<i32>());
    assert!(!stray.exists(), "the board was removed, and left a table");

    // Neither board nor table: a walk through the directory would cost more than the channel.
    leave();
    drop(dir.writer::<i32>());
    assert_eq!(dir.files(), [payload_name(0)]);
    dir.options().remove(NAME).unwrap();
    assert_eq!(dir.files(), [""; 0]);
}
