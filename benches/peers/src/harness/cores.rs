//! Keeps writer and reader on a core each, so that the scheduler does not decide the race.

use anyhow::{Result, ensure};
use std::io;
use std::mem;

/// The cores this process may use.
pub(crate) fn allowed() -> Result<Vec<usize>> {
    let set = affinity()?;
    let cores = (0..libc::CPU_SETSIZE as usize)
        // SAFETY: CPU_ISSET only reads the set, and asserts that the core is within it.
        .filter(|&core| unsafe { libc::CPU_ISSET(core, &set) })
        .collect();
    Ok(cores)
}

/// Ties the calling thread to one core until the guard is dropped.
pub(crate) fn pin(core: usize) -> Result<Pinned> {
    let before = affinity()?;
    // SAFETY: an all-zero `cpu_set_t`, a plain array of bits, is the empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: `set` is a valid set; a core beyond it would be refused by an assertion.
    unsafe { libc::CPU_SET(core, &mut set) };
    set_affinity(&set)?;
    Ok(Pinned { before })
}

/// The calling thread is tied to a core; dropping this gives it back its former cores.
pub(crate) struct Pinned {
    before: libc::cpu_set_t,
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let _ = set_affinity(&self.before);
    }
}

fn affinity() -> Result<libc::cpu_set_t> {
    // SAFETY: an all-zero `cpu_set_t`, a plain array of bits, is the empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: the kernel writes at most the given size into `set`; 0 is the calling thread.
    let result = unsafe { libc::sched_getaffinity(0, size_of_val(&set), &mut set) };
    ensure!(result == 0, "sched_getaffinity: {}", io::Error::last_os_error());
    Ok(set)
}

fn set_affinity(set: &libc::cpu_set_t) -> Result<()> {
    // SAFETY: the kernel reads the given size from `set`; 0 is the calling thread.
    let result = unsafe { libc::sched_setaffinity(0, size_of_val(set), set) };
    ensure!(result == 0, "sched_setaffinity: {}", io::Error::last_os_error());
    Ok(())
}
