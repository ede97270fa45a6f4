//! The functions without options, in the directory that the environment names.

use crate::channel::support::TestDir;
use crate::peer::channel::{self, seen};
use ndsharray::DType;

#[test]
fn writer_and_reader_meet_by_name_alone() {
    let dir = TestDir::new();
    let mut writer = channel::start(&dir);
    let mut reader = channel::start(&dir);
    assert!(reader.ask("open shared").contains("nothing of that name"));
    assert_eq!(writer.ask("create shared"), "ok");
    assert_eq!(dir.files(), ["shared.ndsh", "shared.ndsh-readers"]);
    assert_eq!(reader.ask("open shared"), "ok");
    assert_eq!(reader.ask("read"), "none");
    assert_eq!(writer.ask("write complex64 [2,3] 4"), "1");
    assert_eq!(reader.ask("read"), seen(1, 0, DType::C64, &[2, 3], 4));
    writer.finish();
    assert_eq!(dir.files(), [""; 0]);
    reader.finish();
}

#[cfg(unix)]
#[test]
fn files_belong_to_their_owner_alone() {
    use std::os::unix::fs::MetadataExt;
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    writer.write(&[1], &[1]).unwrap();
    assert_eq!(dir.files().len(), 3);
    for name in dir.files() {
        let meta = std::fs::metadata(dir.path().join(&name)).unwrap();
        assert_eq!(meta.mode() & 0o7777, 0o600, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn other_modes_on_request() {
    use std::os::unix::fs::MetadataExt;
    let dir = TestDir::new();
    let mut writer = dir.options().mode(0o644).readers_mode(0o666).create::<u8>("open").unwrap();
    writer.write(&[1], &[1]).unwrap();
    for name in dir.files() {
        let mode = std::fs::metadata(dir.path().join(&name)).unwrap().mode() & 0o7777;
        assert_eq!(mode, if name.ends_with("-readers") { 0o666 } else { 0o644 }, "{name}");
    }
}

/// Only users that may write the reader table can read it, whatever the mode says.
#[cfg(unix)]
#[test]
fn the_reader_table_is_for_readers_alone() {
    use crate::channel::support::NAME;
    use std::os::unix::fs::MetadataExt;
    for (readers_mode, expected) in [(None, 0o600), (Some(0o644), 0o600), (Some(0o664), 0o660), (Some(0o606), 0o606)] {
        let dir = TestDir::new();
        let mut options = dir.options().mode(0o644);
        if let Some(mode) = readers_mode {
            options = options.readers_mode(mode);
        }
        let _writer = options.create::<u8>(NAME).unwrap();
        let mode = |path| std::fs::metadata(path).unwrap().mode() & 0o7777;
        assert_eq!((mode(dir.table()), mode(dir.board())), (expected, 0o644), "{readers_mode:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn payloads_are_mapped_read_only_in_readers() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 4 4 false"), "ok");
    assert_eq!(peer.ask("write uint8 [9] 1"), "1");
    let mut reader = dir.reader();
    let _sample = reader.latest().unwrap().unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let here = dir.path().to_str().unwrap();
    let mut seen = 0;
    for line in maps.lines().filter(|line| line.contains(here)) {
        let writable = line.split(' ').nth(1).unwrap().contains('w');
        assert_eq!(writable, line.ends_with("-readers"), "{line}");
        seen += 1;
    }
    assert_eq!(seen, 3, "board, reader table, payload");
}
