//! What the library needs from the kernel, tried out.

use super::check::Check;
use ndsharray::inspect::{Ability, try_out};
use std::path::Path;

pub(super) fn checks(dir: &Path) -> Vec<Check> {
    if !dir.is_dir() {
        return Vec::new();
    }
    let mut checks = Vec::new();
    for trial in try_out(dir) {
        let (what, works, advice) = match trial.ability {
            Ability::Create => (
                "create files",
                "files can be made here",
                "no channel can be made here: run as a user that may write to the directory, or name another one with NDSHARRAY_DIR",
            ),
            Ability::Reserve => (
                "fallocate",
                "memory can be set aside",
                "the file system cannot set memory aside: use a tmpfs, or one like ext4 or XFS",
            ),
            Ability::Map => {
                ("mmap", "files can be mapped and shared", "files cannot be mapped here: use a directory on a tmpfs")
            }
            Ability::Lock => (
                "file locks",
                "open-file-description locks work",
                "the kernel or a sandbox refuses F_OFD_SETLK, by which the living are told from the dead: Linux 3.15 or newer is needed, and gVisor or old emulators lack it",
            ),
            Ability::Wait => (
                "futex",
                "readers can sleep until they are woken",
                "readers cannot sleep in the kernel: `wait` will use up processor time",
            ),
            Ability::Lease => (
                "leases",
                "the kernel says whether a process has a file open",
                "without leases, files of Python's ndsharray cannot be proved unused (`ndsh gc --python`) nor reused by its writer: they cost more memory, and nothing else",
            ),
            _ => continue,
        };
        checks.push(match trial.outcome {
            Ok(()) => Check::good(what, works),
            Err(error) if trial.ability == Ability::Lease => Check::mind(what, error.to_string(), advice),
            Err(error) => Check::bad(what, error.to_string(), advice),
        });
    }
    checks
}
