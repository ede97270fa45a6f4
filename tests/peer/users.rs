//! What another user may do, by the modes of the files.

use crate::common::{NAME, Named, TIMEOUT, listen, name_of, say};
use ndsharray::{Error, Options};
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Becomes another user, for good.
pub(super) fn become_user(user: u32) {
    // SAFETY: takes a number and an empty list of groups.
    let mut failed = unsafe { libc::setgroups(0, std::ptr::null()) } != 0;
    // SAFETY: takes a number.
    failed |= unsafe { libc::setgid(user) } != 0;
    // SAFETY: takes a number.
    failed |= unsafe { libc::setuid(user) } != 0;
    assert!(!failed, "cannot become user {user}");
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

pub(super) fn be_refused(options: &Options, dir: &Path) {
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

pub(super) fn read_in_place(options: &Options, dir: &Path) {
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
        // SAFETY: changes only what may be done with a whole mapping of this process; no reference
        // forbids more.
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

pub(super) fn copy(options: &Options) {
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
        match reader.wait_into::<u64>(&mut copy, TIMEOUT) {
            Ok(info) => {
                let info = info.expect("news");
                let bytes: Vec<u8> = copy.iter().flat_map(|word| word.to_ne_bytes()).collect();
                assert!(info.missed == 0 && info.age < TIMEOUT);
                say(format!("has {}", name_of(info.dtype, &info.shape, &bytes)));
            }
            Err(error) => break error,
        }
        match reader.wait_owned(TIMEOUT) {
            Ok(sample) => say(format!("has {}", sample.expect("news").name())),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Closed { .. }), "{error}");
    assert!(!reader.is_writer_alive());
    say("closed");
    listen().unwrap();
    // The name has a new channel.
    let sample = reader.wait_owned(TIMEOUT).unwrap().unwrap();
    say(format!("has {}", sample.name()));
    assert!(reader.wait_owned(Duration::from_millis(5)).unwrap().is_none());
}
