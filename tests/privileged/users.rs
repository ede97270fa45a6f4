//! What another user may do, by the modes of the files.

use crate::common::{Child, NAME, Named, PATIENCE, Room, listen, name_of, say, shape_of, value};
use ndsharray::{Error, Options, Writer};
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) const NOBODY: u32 = 65_534;

/// A room that all may enter.
pub(crate) fn open_room() -> Room {
    let room = Room::new();
    fs::set_permissions(room.path(), Permissions::from_mode(0o755)).unwrap();
    room
}

pub(crate) fn as_user(user: u32, role: &str, room: &Room) -> Child {
    Child::start(&format!("as {user} {role}"), room.path(), |_| {})
}

fn put(writer: &mut Writer<u64>, id: u64) -> ndsharray::Result<u64> {
    writer.write(&shape_of(id), &value(id))
}

fn is_denied<T>(result: ndsharray::Result<T>) {
    match result {
        Err(Error::PermissionDenied { source, .. }) => assert_eq!(source.kind(), ErrorKind::PermissionDenied),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was allowed"),
    }
}

fn is_denied_by_system<T>(result: io::Result<T>, what: &str) {
    let kind = result.err().unwrap_or_else(|| panic!("{what} was allowed")).kind();
    assert!(matches!(kind, ErrorKind::PermissionDenied), "{what}: {kind}");
}

#[test]
#[ignore = "needs root"]
fn a_channel_is_for_its_user_alone() {
    let room = open_room();
    let mut writer = room.options().create::<u64>(NAME).unwrap();
    put(&mut writer, 1).unwrap();
    as_user(NOBODY, "be-refused", &room).finish();
    put(&mut writer, 2).unwrap();
    drop(writer);
    assert_eq!(room.files(), [""; 0]);
}

/// Role.
pub(crate) fn be_refused(options: &Options, dir: &Path) {
    is_denied(options.open(NAME));
    is_denied(options.open_read_only(NAME));
    is_denied(options.open_timeout(NAME, Duration::ZERO));
    is_denied(options.create::<u64>(NAME));
    is_denied(options.create_any(NAME));
    is_denied(options.remove(NAME));
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        is_denied_by_system(fs::File::open(&path), "reading");
        is_denied_by_system(OpenOptions::new().write(true).open(&path), "writing");
        is_denied_by_system(fs::remove_file(&path), "removing");
    }
}

#[test]
#[ignore = "needs root"]
fn another_user_reads_in_place_and_changes_nothing() {
    let room = open_room();
    let options = room.options().max_slots(3).mode(0o644).readers_mode(0o666);
    let mut writer = options.create::<u64>(NAME).unwrap();
    put(&mut writer, 1).unwrap();
    let mut child = as_user(NOBODY, "read-in-place", &room);
    assert_eq!(child.hear(), "holds 1");
    (2..50).for_each(|id| assert!(put(&mut writer, id).is_ok()));
    assert_eq!(child.ask("attack"), "all failed");
    // Its pins count like anybody's.
    let mut reader = room.options().open(NAME).unwrap();
    let held = reader.latest_owned().unwrap().unwrap();
    put(&mut writer, 50).unwrap();
    assert!(matches!(put(&mut writer, 51), Err(Error::AllSlotsPinned { slots: 3, .. })));
    assert_eq!(child.ask("check"), "1");
    assert_eq!(held.name(), 49);
    child.kill();
    (51..70).for_each(|id| assert!(put(&mut writer, id).is_ok()));
    assert_eq!(held.name(), 49);
    // It is behind: what the writer leaves for it goes with it.
    drop((writer, reader, held));
    assert_eq!(room.files(), [""; 0]);
}

struct MappedFile {
    path: PathBuf,
    start: usize,
    len: usize,
    modes: String,
}

/// The files under `dir` that this process has mapped.
fn mapped(dir: &Path) -> Vec<MappedFile> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let lines = maps.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let path = PathBuf::from(words.get(5)?);
        let (start, end) = words[0].split_once('-')?;
        let start = usize::from_str_radix(start, 16).unwrap();
        let len = usize::from_str_radix(end, 16).unwrap() - start;
        path.starts_with(dir).then(|| MappedFile { path, start, len, modes: words[1].to_owned() })
    });
    lines.collect()
}

/// Role.
pub(crate) fn read_in_place(options: &Options, dir: &Path) {
    is_denied(options.create::<u64>(NAME));
    is_denied(options.remove(NAME));
    let mut reader = options.open(NAME).unwrap();
    assert!(reader.is_writer_alive());
    let sample = reader.latest().unwrap().unwrap();
    say(format!("holds {}", sample.name()));
    assert_eq!(listen().as_deref(), Some("attack"));

    let is_table = |path: &Path| path.to_str().unwrap().ends_with("-readers");
    let here = sample.as_bytes().as_ptr() as usize;
    let mut found = [false; 3];
    for MappedFile { path, start, len, modes } in mapped(dir) {
        // SAFETY: changes nothing but what may be done with a whole mapping of this process, to which no reference forbids more.
        let made_writable =
            unsafe { libc::mprotect(start as *mut libc::c_void, len, libc::PROT_READ | libc::PROT_WRITE) } == 0;
        if is_table(&path) {
            assert!(made_writable && modes.starts_with("rw-s"));
            found[0] = true;
            continue;
        }
        assert!(!made_writable, "{} was made writable", path.display());
        assert_eq!(io::Error::last_os_error().kind(), ErrorKind::PermissionDenied);
        assert!(modes.starts_with("r--s"), "{modes}");
        found[if (start..start + len).contains(&here) { 1 } else { 2 }] = true;
    }
    assert_eq!(found, [true; 3], "table, the sample's payload, board");

    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        is_denied_by_system(fs::remove_file(&path), "removing");
        is_denied_by_system(fs::rename(&path, dir.join("other")), "renaming");
        is_denied_by_system(fs::set_permissions(&path, Permissions::from_mode(0o666)), "changing the mode");
        let write = || OpenOptions::new().write(true).open(&path);
        if is_table(&path) {
            write().unwrap();
        } else {
            is_denied_by_system(write(), "writing");
            is_denied_by_system(OpenOptions::new().append(true).open(&path), "appending");
            is_denied_by_system(OpenOptions::new().write(true).truncate(true).open(&path), "cutting");
        }
    }
    is_denied_by_system(symlink("/", dir.join("link")), "a new link");
    for fd in fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path()) {
        if fs::read_link(&fd).is_ok_and(|target| target.starts_with(dir) && !is_table(&target)) {
            is_denied_by_system(OpenOptions::new().write(true).open(&fd), "opening again");
        }
    }
    say("all failed");
    while listen().is_some() {
        say(sample.name());
    }
}

#[test]
#[ignore = "needs root"]
fn another_user_copies_without_any_write_permission() {
    let room = open_room();
    let mut writer = room.options().max_slots(2).mode(0o644).create::<u64>(NAME).unwrap();
    put(&mut writer, 1).unwrap();
    let mut child = as_user(NOBODY, "copy", &room);
    assert_eq!(child.hear(), "has 1");
    for id in 2..40 {
        // It is in the wait, or will be.
        put(&mut writer, id).unwrap();
        assert_eq!(child.hear(), format!("has {id}"));
    }
    drop(writer);
    assert_eq!(child.hear(), "closed");
    let mut writer = room.options().mode(0o644).create::<u64>(NAME).unwrap();
    put(&mut writer, 50).unwrap();
    child.tell("go on");
    assert_eq!(child.hear(), "has 50");
    child.finish();
    drop(writer);
    assert_eq!(room.files(), [""; 0]);
}

/// Role.
pub(crate) fn copy(options: &Options) {
    is_denied(options.open(NAME));
    is_denied(options.create::<u64>(NAME));
    let mut reader = options.open_read_only(NAME).unwrap();
    assert!(reader.is_writer_alive());
    assert!(matches!(reader.latest(), Err(Error::Unsupported { .. })));
    let first = reader.latest_owned().unwrap().unwrap();
    assert!(reader.read_owned().unwrap().is_none());
    assert!(reader.read_into(&mut Vec::<u64>::new()).unwrap().is_none());
    say(format!("has {}", first.name()));
    let mut copy = Vec::new();
    let error = loop {
        match reader.wait_into::<u64>(&mut copy, PATIENCE) {
            Ok(info) => {
                let info = info.expect("news");
                let bytes: Vec<u8> = copy.iter().flat_map(|word| word.to_ne_bytes()).collect();
                assert!(info.missed == 0 && info.age < PATIENCE);
                say(format!("has {}", name_of(info.dtype, &info.shape, &bytes)));
            }
            Err(error) => break error,
        }
        match reader.wait_owned(PATIENCE) {
            Ok(sample) => say(format!("has {}", sample.expect("news").name())),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Closed { .. }), "{error}");
    assert!(!reader.is_writer_alive());
    say("closed");
    listen().unwrap();
    // The name has a new channel.
    let sample = reader.wait_owned(PATIENCE).unwrap().unwrap();
    say(format!("has {}", sample.name()));
    assert!(reader.wait_owned(Duration::from_millis(5)).unwrap().is_none());
}
