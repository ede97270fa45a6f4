//! Lowers the limits of this process: descriptors, addresses, mappings, bytes of a file.

use std::fs;
use std::io::Error;

/// Sets a limit of this process to what it has already, or takes it away.
pub(super) fn limit(what: &str) -> Result<(), Box<dyn std::error::Error>> {
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
                // SAFETY: a new mapping without a user.
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

/// Allows this process as many descriptors as it may have, and returns their number.
pub(super) fn raise_descriptors() -> Result<usize, Box<dyn std::error::Error>> {
    limit("descriptors-no-more")?;
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).ok_or("no such limit")?;
    Ok(line.split_whitespace().next().ok_or("no number")?.parse().unwrap_or(usize::MAX))
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
