//! What this process may use.

use super::Check;
use crate::output::size;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::sys::statvfs::statvfs;
use std::fs;
use std::path::Path;

/// Linux' own default.
const USUAL_MAPS: u64 = 65_530;

/// Descriptors that are few for a process with several channels.
const FEW_FILES: u64 = 256;

pub(super) fn checks(dir: &Path) -> Vec<Check> {
    [file_size(), open_files(), locked_memory(), maps(), memory_of_the_group(dir)].into_iter().flatten().collect()
}

fn limit(resource: Resource) -> Option<u64> {
    let (soft, _) = getrlimit(resource).ok()?;
    #[allow(clippy::useless_conversion, reason = "its width differs by target")]
    Some(soft.into())
}

fn bytes(limit: u64) -> String {
    if limit == RLIM_INFINITY { "no limit".to_owned() } else { size(limit) }
}

fn file_size() -> Option<Check> {
    let found = limit(Resource::RLIMIT_FSIZE)?;
    Some(if found == RLIM_INFINITY {
        Check::good("file size limit", bytes(found))
    } else {
        Check::mind(
            "file size limit",
            bytes(found),
            "a larger array cannot be made, and the kernel may end the process that tries (SIGXFSZ): raise it with `ulimit -f unlimited`",
        )
    })
}

fn open_files() -> Option<Check> {
    let found = limit(Resource::RLIMIT_NOFILE)?;
    let text = if found == RLIM_INFINITY { "no limit".to_owned() } else { format!("{found} descriptors") };
    Some(if found < FEW_FILES {
        let advice = "each writer, reader or array keeps one to five files open: raise it with `ulimit -n 4096`";
        Check::mind("open files limit", text, advice)
    } else {
        Check::good("open files limit", text)
    })
}

/// Nothing here locks memory; programs that do, to keep their pages from being swapped out, will want to know.
fn locked_memory() -> Option<Check> {
    let found = limit(Resource::RLIMIT_MEMLOCK)?;
    Some(Check::good(
        "memlock limit",
        format!("{} (ndsharray locks no memory; a program that calls mlock on its arrays may)", bytes(found)),
    ))
}

fn maps() -> Option<Check> {
    let found: u64 = fs::read_to_string("/proc/sys/vm/max_map_count").ok()?.trim().parse().ok()?;
    let text = format!("{found} mappings a process");
    Some(if found < USUAL_MAPS {
        let advice = "a reader maps up to 66 files a channel, so a process with very many channels runs out: raise it with `sysctl vm.max_map_count=65530`";
        Check::mind("map count", text, advice)
    } else {
        Check::good("map count", text)
    })
}

/// Files on a tmpfs count as memory of the control group that first touched them. Where that has less than the file system, writing
/// ends in the out-of-memory killer instead of an error.
fn memory_of_the_group(dir: &Path) -> Option<Check> {
    let read = |name: &str| fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok();
    let number = |text: String| text.trim().parse::<u64>().ok();
    let most = read("memory.max").and_then(number).or_else(|| read("memory/memory.limit_in_bytes").and_then(number))?;
    let used =
        read("memory.current").and_then(number).or_else(|| read("memory/memory.usage_in_bytes").and_then(number))?;
    // Version 1 says "no limit" by a number beyond all memory.
    if most > 1 << 60 {
        return None;
    }
    let left = most.saturating_sub(used);
    let stat = statvfs(dir).ok()?;
    #[allow(clippy::useless_conversion, reason = "the fields' width differs by target")]
    let free = u64::from(stat.blocks_available()).saturating_mul(stat.fragment_size().into());
    let found = format!("{} left of {}", size(left), size(most));
    Some(if left < free {
        Check::mind(
            "memory limit",
            found,
            format!(
                "the directory has room for {}, but this container may not use so much memory: before the directory is full the kernel ends a process, so give it more memory or a smaller /dev/shm",
                size(free)
            ),
        )
    } else {
        Check::good("memory limit", found)
    })
}
