//! What this process holds of the kernel's: descriptors, mappings, memory, and how many it may.

use std::fs;
use std::io;

use anyhow::{Context, Result, ensure};

/// Open file descriptors.
pub(crate) fn descriptors() -> Result<usize> {
    // One of them is that of the listing.
    Ok(fs::read_dir("/proc/self/fd")?.count() - 1)
}

/// Mappings.
pub(crate) fn mappings() -> Result<usize> {
    Ok(fs::read_to_string("/proc/self/maps")?.lines().count())
}

/// How many mappings a process may have.
pub(crate) fn most_mappings() -> Result<usize> {
    Ok(fs::read_to_string("/proc/sys/vm/max_map_count")?.trim().parse()?)
}

/// Bytes of memory that are this process' own: neither files nor shared.
pub(crate) fn private_bytes() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no RssAnon")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024)
}

/// Lets this process have as many open files as it may, and returns how many.
pub(crate) fn raise_open_files() -> Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid place for one `rlimit`.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    ensure!(result == 0, "getrlimit: {}", io::Error::last_os_error());
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` is a valid `rlimit` that the call reads.
    let result = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) };
    ensure!(result == 0, "setrlimit: {}", io::Error::last_os_error());
    Ok(limit.rlim_cur)
}
