//! Limits on this process.

use super::check::Check;
use crate::output::size;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::sys::statvfs::statvfs;
use std::fs;
use std::path::Path;

/// Linux' own default.
const USUAL_MAPS: u64 = 65_530;

/// Fewer descriptors than this are few for a process with several channels.
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

/// This library locks no memory; programs that lock their arrays want to know the limit.
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

/// Compares the memory limit of the control group with the room in the directory.
///
/// Files on a tmpfs count as memory of the group that first touched them. Where the limit is lower
/// than the room, writing ends in the out-of-memory killer instead of an error.
fn memory_of_the_group(dir: &Path) -> Option<Check> {
    let memberships = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let Group { most, used } = tightest(Path::new("/sys/fs/cgroup"), &memberships)?;
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
                "the directory has room for {}, but this container or systemd unit may not use so much memory: before the directory is full the kernel ends a process, so give it more memory or a smaller /dev/shm",
                size(free)
            ),
        )
    } else {
        Check::good("memory limit", found)
    })
}

/// Memory of a control group, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Group {
    most: u64,
    used: u64,
}

/// Finds the control group with the least memory left, up from this process's group.
///
/// A systemd slice sets its limit above the process's own group.
fn tightest(root: &Path, memberships: &str) -> Option<Group> {
    // Each line is `number:controllers:path`; in version 2 the controllers are empty.
    let groups = memberships.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        match controllers {
            "" => Some((root.to_owned(), path, ["memory.max", "memory.current"])),
            _ if controllers.split(',').any(|controller| controller == "memory") => {
                Some((root.join("memory"), path, ["memory.limit_in_bytes", "memory.usage_in_bytes"]))
            }
            _ => None,
        }
    });
    let limits = groups.flat_map(|(root, path, files)| {
        let path = Path::new(path.trim_start_matches('/'));
        // In a container the root is its own group; the groups above it are not visible.
        let ups: Vec<_> = path.ancestors().map(|up| root.join(up)).collect();
        ups.into_iter().filter_map(move |group| {
            let [most, used] = files.map(|file| fs::read_to_string(group.join(file)).ok()?.trim().parse().ok());
            // In version 1, a number beyond all memory means no limit.
            most.filter(|most| *most <= 1 << 60).zip(used).map(|(most, used)| Group { most, used })
        })
    });
    limits.min_by_key(|group| group.most.saturating_sub(group.used))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(root: &Path, path: &str, most: &str, used: &str) {
        let dir = root.join(path);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("memory.max"), format!("{most}\n")).unwrap();
        fs::write(dir.join("memory.current"), format!("{used}\n")).unwrap();
    }

    #[test]
    fn the_limit_of_a_slice_counts() {
        let root = tempfile::tempdir().unwrap();
        group(root.path(), "user.slice", "1000", "400");
        group(root.path(), "user.slice/app.service", "max", "300");
        let found = tightest(root.path(), "0::/user.slice/app.service\n");
        assert_eq!(found, Some(Group { most: 1000, used: 400 }));
        group(root.path(), "user.slice/app.service", "350", "300");
        assert_eq!(tightest(root.path(), "0::/user.slice/app.service\n"), Some(Group { most: 350, used: 300 }));
        assert_eq!(tightest(root.path(), "0::/other.slice\n"), None);
        assert_eq!(tightest(root.path(), "not what a kernel says"), None);
    }

    #[test]
    fn the_first_version_has_a_tree_for_memory() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("memory/docker/abc");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("memory.limit_in_bytes"), "500\n").unwrap();
        fs::write(dir.join("memory.usage_in_bytes"), "100\n").unwrap();
        let found = tightest(root.path(), "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n");
        assert_eq!(found, Some(Group { most: 500, used: 100 }));
        fs::write(dir.join("memory.limit_in_bytes"), "9223372036854771712\n").unwrap();
        assert_eq!(tightest(root.path(), "4:memory:/docker/abc\n"), None);
    }
}
