//! What this process may still take of memory that the system itself counts.
//!
//! File systems count their own.

use std::fs;
use std::io::Read;
use std::path::Path;

/// Bytes of address space that this process may still map (`RLIMIT_AS`).
///
/// `None` when it has no limit of its own.
pub(crate) fn address_space_left() -> Option<u64> {
    let limit = super::limit_of(libc::RLIMIT_AS)?;
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').next()?.parse().ok()?;
    // SAFETY: takes a number, touches no memory.
    let page = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
    Some(limit.saturating_sub(pages.saturating_mul(page)))
}

/// Mappings that this process may still have; `None` when the system does not say.
pub(crate) fn mappings_left() -> Option<u64> {
    let most: u64 = fs::read_to_string("/proc/sys/vm/max_map_count").ok()?.trim().parse().ok()?;
    // Piece by piece: a process that can map no more may not get memory for all of it either.
    let (mut maps, mut piece, mut have) = (fs::File::open("/proc/self/maps").ok()?, [0; 4096], 0);
    loop {
        match maps.read(&mut piece).ok()? {
            0 => return Some(most.saturating_sub(have)),
            n => have += piece.iter().take(n).filter(|&&byte| byte == b'\n').count() as u64,
        }
    }
}

/// Bytes that this process' control group may still take, if less than `wanted`.
///
/// The groups above it count too, and all that the kernel could reclaim or swap out for it. Beyond
/// that the kernel ends a process of the group.
pub(crate) fn group_memory_short_of(wanted: u64) -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    groups_of(&groups).filter_map(|group| group.short_of(wanted, Path::new("/sys/fs/cgroup"))).min()
}

/// A line of `/proc/self/cgroup`, as far as it is about memory.
#[derive(Debug, PartialEq, Eq)]
struct Group<'a> {
    /// Directory below the mount point, of version 1's memory controller.
    controller: &'static str,
    path: &'a str,
    files: &'static Files,
}

/// The names of a group's files, and the reclaimable counts in `memory.stat`.
#[derive(Debug, PartialEq, Eq)]
struct Files {
    most: &'static str,
    used: &'static str,
    reclaimable: [&'static str; 3],
    swap_most: &'static str,
    swap_used: &'static str,
    /// Whether the counts of swap are those of memory and swap together.
    swap_with_memory: bool,
}

const VERSION_1: Files = Files {
    most: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    reclaimable: ["total_inactive_file", "total_active_file", "total_slab_reclaimable"],
    swap_most: "memory.memsw.limit_in_bytes",
    swap_used: "memory.memsw.usage_in_bytes",
    swap_with_memory: true,
};

const VERSION_2: Files = Files {
    most: "memory.max",
    used: "memory.current",
    reclaimable: ["inactive_file", "active_file", "slab_reclaimable"],
    swap_most: "memory.swap.max",
    swap_used: "memory.swap.current",
    swap_with_memory: false,
};

/// The groups that limit memory, by a text like `/proc/self/cgroup`: lines of
/// `NUMBER:CONTROLLERS:PATH`.
fn groups_of(text: &str) -> impl Iterator<Item = Group<'_>> {
    text.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        match rest.split_once(':')? {
            ("", path) => Some(Group { controller: "", path, files: &VERSION_2 }),
            (controllers, path) if controllers.split(',').any(|one| one == "memory") => {
                Some(Group { controller: "memory", path, files: &VERSION_1 })
            }
            _ => None,
        }
    })
}

impl Group<'_> {
    /// The least that this group or one above it has left, if less than `wanted`.
    fn short_of(&self, wanted: u64, mount: &Path) -> Option<u64> {
        let top = mount.join(self.controller);
        let own = top.join(self.path.trim_start_matches('/'));
        // A container may see the path that its group has outside, and its own group mounted as the
        // top.
        let own = if own.is_dir() { own } else { top.clone() };
        let up = own.ancestors().take_while(|dir| dir.starts_with(&top));
        up.filter_map(|dir| self.short_in(wanted, dir)).min()
    }

    fn short_in(&self, wanted: u64, dir: &Path) -> Option<u64> {
        let files = self.files;
        // "max" is no number, and means what it says.
        let number = |name: &str| fs::read_to_string(dir.join(name)).ok()?.trim().parse::<u64>().ok();
        let most = number(files.most).filter(|&most| most < NO_LIMIT)?;
        let used = number(files.used)?;
        let is_short = |left: &u64| *left < wanted;
        let left = Some(most.saturating_sub(used)).filter(is_short)?;
        // Only now, as these take longer to find.
        let stat = fs::read_to_string(dir.join("memory.stat")).ok()?;
        let reclaimable = files.reclaimable.iter().filter_map(|name| count(&stat, name));
        let left = reclaimable.fold(left, u64::saturating_add);
        let free_swap = fs::read_to_string("/proc/meminfo").ok().and_then(|text| count(&text, "SwapFree:"));
        let free_swap = free_swap.unwrap_or(0).saturating_mul(1024);
        let swap = match (number(files.swap_most), number(files.swap_used)) {
            (Some(swap_most), Some(swap_used)) => {
                let (swap_most, swap_used) = match files.swap_with_memory {
                    true => (swap_most.saturating_sub(most), swap_used.saturating_sub(used)),
                    false => (swap_most, swap_used),
                };
                free_swap.min(swap_most.saturating_sub(swap_used))
            }
            _ => free_swap,
        };
        Some(left.saturating_add(swap)).filter(is_short)
    }
}

/// Version 1 says "no limit" by a number beyond all memory.
const NO_LIMIT: u64 = 1 << 60;

/// The number behind `name`, in lines of names and numbers.
fn count(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(dir: &Path, files: &[(&str, &str)]) {
        fs::create_dir_all(dir).unwrap();
        files.iter().for_each(|(name, text)| fs::write(dir.join(name), text).unwrap());
    }

    #[test]
    fn the_tightest_group_on_the_way_up_counts() {
        let mount = tempfile::tempdir().unwrap();
        let slice = [("memory.max", "1000000\n"), ("memory.current", "900000\n"), ("memory.stat", "anon 5\nfile 7\n")];
        put(&mount.path().join("user.slice"), &slice);
        let unlimited = [("memory.max", "max\n"), ("memory.current", "500\n"), ("memory.stat", "")];
        put(&mount.path().join("user.slice/a.scope"), &unlimited);
        let group = |path| groups_of(path).next().unwrap().short_of(u64::MAX, mount.path());
        let no_swap = [("memory.swap.max", "0\n"), ("memory.swap.current", "0\n")];
        put(&mount.path().join("user.slice"), &no_swap);
        assert_eq!(group("0::/user.slice/a.scope\n"), Some(100_000));
        assert_eq!(group("0::/elsewhere\n"), None, "the top has no limit");
        let inner = [
            ("memory.max", "60000"),
            ("memory.current", "50000"),
            ("memory.stat", "inactive_file 30\nactive_file 4\n"),
        ];
        put(&mount.path().join("user.slice/b.scope"), &inner);
        put(&mount.path().join("user.slice/b.scope"), &no_swap);
        assert_eq!(group("0::/user.slice/b.scope\n"), Some(10_034));
    }

    #[test]
    fn version_1_counts_memory_and_swap_together() {
        let mount = tempfile::tempdir().unwrap();
        let files = [
            ("memory.limit_in_bytes", "1000\n"),
            ("memory.usage_in_bytes", "600\n"),
            ("memory.memsw.limit_in_bytes", "1000\n"),
            ("memory.memsw.usage_in_bytes", "600\n"),
            ("memory.stat", "inactive_file 1\ntotal_inactive_file 50\ntotal_active_file 5\n"),
        ];
        put(&mount.path().join("memory/docker/x"), &files);
        let text = "5:cpu,cpuacct:/\n4:memory:/docker/x\n0::/\n";
        let groups: Vec<_> = groups_of(text).collect();
        assert_eq!(groups.len(), 2);
        let left = |group: &Group<'_>| group.short_of(u64::MAX, mount.path());
        assert_eq!(groups.iter().filter_map(left).min(), Some(455));
        for (wanted, short) in [(400, None), (455, None), (456, Some(455))] {
            assert_eq!(groups.iter().filter_map(|group| group.short_of(wanted, mount.path())).min(), short);
        }
        put(&mount.path().join("memory/docker/x"), &[("memory.limit_in_bytes", "9223372036854771712")]);
        assert_eq!(groups.iter().filter_map(left).min(), None);
    }

    #[test]
    fn mappings_are_counted() {
        let left = mappings_left().unwrap();
        assert!(left > 0 && left < 1 << 40, "{left}");
    }
}
