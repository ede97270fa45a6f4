//! What this process holds of the kernel's: descriptors, mappings, memory, and how many it may.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

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

/// Has the kernel answer `EPERM` to a system call of this process, as sandboxes do.
pub(crate) fn refuse(call: libc::c_long) -> Result<()> {
    let jump = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    let give = (libc::BPF_RET | libc::BPF_K) as u16;
    let refusal = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    let mut filter = [
        // The call's number is the first field of `seccomp_data`.
        libc::sock_filter { code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, jt: 0, jf: 0, k: 0 },
        libc::sock_filter { code: jump, jt: 0, jf: 1, k: u32::try_from(call)? },
        libc::sock_filter { code: give, jt: 0, jf: 0, k: refusal },
        libc::sock_filter { code: give, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW },
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: takes numbers.
    let result = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    ensure!(result == 0, "PR_SET_NO_NEW_PRIVS: {}", io::Error::last_os_error());
    // SAFETY: the kernel reads the program, which outlives the call.
    let result = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    ensure!(result == 0, "PR_SET_SECCOMP: {}", io::Error::last_os_error());
    Ok(())
}

/// Waits until a descriptor is readable; `false` when `timeout` has passed.
pub(crate) fn is_readable(fd: &impl AsRawFd, timeout: Duration) -> Result<bool> {
    let mut polled = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one struct, which the call may write, with a descriptor that is open.
    let result = unsafe { libc::poll(&mut polled, 1, timeout.as_millis() as i32) };
    ensure!(result >= 0, "poll: {}", io::Error::last_os_error());
    Ok(result == 1)
}
