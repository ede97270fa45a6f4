//! What a process may have runs out: descriptors, addresses, mappings, bytes of a file.
//!
//! The limits are those of a child. It can go on with small values in the files that it has.

use crate::common::Child;
use crate::puppet;
use crate::support::{Room, pattern};
use ndsharray::{DType, Reader};
use std::fs;
use std::io::Error;

/// Sets a limit of this process to what it has already, or takes it away.
pub(crate) fn limit(what: &str) -> Result<(), Box<dyn std::error::Error>> {
    match what {
        "descriptors" => set(libc::RLIMIT_NOFILE, Some(0)),
        "descriptors-no-more" => set(libc::RLIMIT_NOFILE, None),
        "addresses" => {
            let status = fs::read_to_string("/proc/self/status")?;
            let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).ok_or("no VmSize")?;
            let kilobytes: u64 = size.trim().trim_end_matches(" kB").parse()?;
            set(libc::RLIMIT_AS, Some(kilobytes * 1024))
        }
        "addresses-no-more" => set(libc::RLIMIT_AS, None),
        "file-size" => set(libc::RLIMIT_FSIZE, Some(1 << 20)),
        "file-size-no-more" => set(libc::RLIMIT_FSIZE, None),
        "mappings" => {
            // Neighbours differ, so that the system does not make one of them. They go with the
            // process.
            for protection in [libc::PROT_NONE, libc::PROT_READ].into_iter().cycle() {
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                // SAFETY: a new mapping, which nobody uses.
                let map = unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, flags, -1, 0) };
                if map == libc::MAP_FAILED {
                    return Ok(());
                }
            }
            Ok(())
        }
        _ => Err("no such limit".into()),
    }
}

/// What the C library numbers limits with.
#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

fn set(resource: Resource, most: Option<u64>) -> Result<(), Box<dyn std::error::Error>> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is the struct that the call writes.
    let got = unsafe { libc::getrlimit(resource, &raw mut limit) } == 0;
    // The type of a limit is narrower on some systems.
    let most = most.map_or(limit.rlim_max, |most| libc::rlim_t::try_from(most).unwrap_or(libc::rlim_t::MAX));
    limit.rlim_cur = most.min(limit.rlim_max);
    // SAFETY: `limit` is the struct that the call reads.
    let done = got && unsafe { libc::setrlimit(resource, &raw const limit) } == 0;
    if done { Ok(()) } else { Err(Error::last_os_error().into()) }
}

/// Has `writer` publish `len` bytes, which `reader` finds.
fn put(writer: &mut Child, reader: &mut Reader, len: usize, seed: u64) {
    let answer = writer.ask(&format!("write uint8 [{len}] {seed}"));
    assert!(answer.parse::<u64>().is_ok(), "{answer}");
    let sample = reader.read().unwrap().unwrap();
    assert!(sample.as_bytes() == pattern(DType::U8, len, seed), "{seed}");
}

/// A writer that has published two values, which may take turns in more files than those, is
/// limited.
fn limited(room: &Room, what: &str) -> (Child, Reader) {
    let mut writer = puppet::start(room);
    assert_eq!(writer.ask("create 64 8 false"), "ok");
    let mut reader = room.reader();
    put(&mut writer, &mut reader, 16_000, 1);
    put(&mut writer, &mut reader, 16_000, 2);
    assert_eq!(writer.ask(&format!("limit {what}")), "ok");
    (writer, reader)
}

#[test]
fn no_descriptors() {
    let room = Room::new();
    let (mut writer, mut reader) = limited(&room, "descriptors");
    (3..1000).for_each(|seed| put(&mut writer, &mut reader, 16_000, seed));
    assert_eq!(room.payloads().len(), 2);
    let refused = writer.ask("write uint8 [100000] 1");
    assert_eq!(refused, "error: out of memory: there are no more descriptors to be had for open files (RLIMIT_NOFILE)");
    put(&mut writer, &mut reader, 16_000, 1000);
    assert_eq!(writer.ask("limit descriptors-no-more"), "ok");
    put(&mut writer, &mut reader, 100_000, 1001);
    // Not at once, but at last, files are made that are good to have.
    (0..1000).for_each(|seed| put(&mut writer, &mut reader, 16_000, seed));
    assert_eq!(room.payloads().len(), 6);
}

#[test]
fn no_addresses() {
    let room = Room::new();
    let (mut writer, mut reader) = limited(&room, "addresses");
    (3..1000).for_each(|seed| put(&mut writer, &mut reader, 16_000, seed));
    assert_eq!(room.payloads().len(), 2);
    let refused = writer.ask("write uint8 [1000000] 1");
    assert!(refused.starts_with("error: out of memory: 1048576 bytes requested, "), "{refused}");
    assert!(refused.ends_with(" available of the address space of this process (RLIMIT_AS)"), "{refused}");
    put(&mut writer, &mut reader, 16_000, 1000);
    assert_eq!(writer.ask("limit addresses-no-more"), "ok");
    put(&mut writer, &mut reader, 1_000_000, 1001);
}

// Elsewhere the system does not say that it is mappings which are short.
#[cfg(not(ndsharray_portable))]
#[test]
fn no_mappings() {
    let room = Room::new();
    let (mut writer, mut reader) = limited(&room, "mappings");
    (3..1000).for_each(|seed| put(&mut writer, &mut reader, 16_000, seed));
    assert_eq!(room.payloads().len(), 2);
    // The file that a larger value replaces gives its mapping back first.
    put(&mut writer, &mut reader, 1_000_000, 1000);
    put(&mut writer, &mut reader, 1_000_000, 1001);
    let refused = writer.ask("open");
    assert_eq!(
        refused,
        "error: out of memory: there are no more mappings to be had for this process (vm.max_map_count)"
    );
    put(&mut writer, &mut reader, 16_000, 1002);
}

/// The system would end the process by a signal.
#[test]
fn no_larger_files() {
    let room = Room::new();
    let (mut writer, mut reader) = limited(&room, "file-size");
    let refusal = |bytes: u64| {
        format!(
            "error: out of memory: {bytes} bytes requested, 1048576 available of the size that this process may give to a file \
             (RLIMIT_FSIZE)"
        )
    };
    assert_eq!(writer.ask("write uint8 [2097152] 1"), refusal(2 << 20), "a file that its content fills");
    assert_eq!(writer.ask("write uint8 [2000000] 1"), refusal(2 << 20));
    let refused = writer.ask("make-array a 2000000");
    assert!(refused.ends_with("of the size that this process may give to a file (RLIMIT_FSIZE)"), "{refused}");
    put(&mut writer, &mut reader, 1 << 20, 3);
    assert_eq!(writer.ask("limit file-size-no-more"), "ok");
    put(&mut writer, &mut reader, 2 << 20, 4);
    assert_eq!(room.payloads().len(), room.files().len() - 2, "nothing is left of the attempts");
}
