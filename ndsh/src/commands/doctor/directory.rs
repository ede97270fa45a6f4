//! The directory that holds the channels.

use super::check::Check;
use crate::output::{counted, size};
use crate::reports::reason_to_stay;
use ndsharray::Options;
use ndsharray::inspect::{Kind, Report};
use nix::sys::statvfs::statvfs;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const MIB: u64 = 1 << 20;

/// Docker's default size of a container's shared memory.
const DOCKER_SHM: u64 = 64 * MIB;

/// Checks the directory's place, owner, file system and space.
pub(super) fn checks(dir: &Path, named: bool) -> Vec<Check> {
    let from = match std::env::var_os("NDSHARRAY_DIR") {
        _ if named => "as --dir says",
        Some(value) if !value.is_empty() => "as NDSHARRAY_DIR says",
        _ => "the default",
    };
    let shown = dir.display();
    let meta = match fs::metadata(dir) {
        Ok(meta) if meta.is_dir() => meta,
        Ok(_) => {
            return vec![Check::bad(
                "directory",
                format!("{shown} ({from})"),
                "it is no directory: name another one with --dir or NDSHARRAY_DIR",
            )];
        }
        Err(error) => {
            let advice =
                format!("it cannot be used ({error}): make it, or name another one with --dir or NDSHARRAY_DIR");
            return vec![Check::bad("directory", format!("{shown} ({from})"), advice)];
        }
    };
    let mut checks = vec![Check::good("directory", format!("{shown} ({from})")), permissions(&meta)];
    checks.extend(file_system(dir));
    checks.extend(space(dir));
    checks
}

fn permissions(meta: &fs::Metadata) -> Check {
    let (mode, owner) = (meta.mode() & 0o7777, meta.uid());
    let found = format!("mode {mode:04o}, owned by user {owner}");
    if mode & 0o002 != 0 && mode & 0o1000 == 0 {
        let advice = "any user may remove the channels of others here: set the sticky bit (chmod +t)";
        return Check::mind("permissions", found, advice);
    }
    Check::good("permissions", found)
}

/// Finds the kind of file system, by the directory's mount point.
fn file_system(dir: &Path) -> Option<Check> {
    let dir = dir.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mut found: Option<(PathBuf, String)> = None;
    for line in mounts.lines() {
        let mut words = line.split(' ');
        let (Some(_), Some(at), Some(kind)) = (words.next(), words.next(), words.next()) else { continue };
        // The kernel escapes blanks in octal, which mount points of shared memory do not contain.
        let at = PathBuf::from(at);
        let longer = |(known, _): &(PathBuf, String)| at.components().count() >= known.components().count();
        if dir.starts_with(&at) && found.as_ref().is_none_or(longer) {
            found = Some((at, kind.to_owned()));
        }
    }
    let (at, kind) = found?;
    let text = format!("{kind}, mounted at {}", at.display());
    Some(match kind.as_str() {
        "tmpfs" | "ramfs" => Check::good("file system", text),
        "nfs" | "nfs4" | "cifs" | "smb3" | "9p" | "fuse.sshfs" => Check::bad(
            "file system",
            text,
            "a network file system shares no memory: choose a directory on a tmpfs, such as /dev/shm",
        ),
        _ => Check::mind(
            "file system",
            text,
            "this is no memory: values are written to disk in the background, so prefer a directory on a tmpfs, such as /dev/shm",
        ),
    })
}

fn space(dir: &Path) -> Option<Check> {
    let stat = statvfs(dir).ok()?;
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion, reason = "the fields' width differs by target")]
    let bytes = |blocks: u64| blocks.saturating_mul(u64::from(stat.fragment_size()));
    #[allow(clippy::useless_conversion, reason = "the fields' width differs by target")]
    let (total, free) = (bytes(stat.blocks().into()), bytes(stat.blocks_available().into()));
    if stat.blocks() == 0 {
        // A tmpfs without a limit.
        return Some(Check::good("space", "no limit"));
    }
    let found = format!("{} free of {}", size(free), size(total));
    let docker = "give the container more with `docker run --shm-size=1g` (Compose: shm_size; Kubernetes: an emptyDir with medium Memory at /dev/shm), or name a larger directory with NDSHARRAY_DIR";
    Some(if free < MIB {
        Check::bad(
            "space",
            found,
            format!(
                "there is no room for arrays: `ndsh gc` removes what no process uses; if that is not enough, {docker}"
            ),
        )
    } else if total <= DOCKER_SHM {
        Check::mind("space", found, format!("this is small, like Docker's 64 MB /dev/shm: {docker}"))
    } else if free < total / 10 {
        Check::mind(
            "space",
            found,
            "less than a tenth is free: `ndsh ls` shows what takes it, and `ndsh gc` removes what no process uses",
        )
    } else {
        Check::good("space", found)
    })
}

/// Finds what `ndsh gc` would remove.
pub(super) fn left_behind(options: &Options) -> Option<Check> {
    let listed = options.list().ok()?;
    let reports = listed.iter().filter(|found| found.kind != Kind::Python);
    let reports = reports.filter_map(|found| options.look(&found.name, found.kind).ok());
    let left = |report: &Report| report.is_in_use() == Some(false) && reason_to_stay(report, false).is_none();
    let unused: Vec<_> = reports.filter(left).collect();
    let memory = unused.iter().map(Report::memory).fold(0, u64::saturating_add);
    let found = format!("{} of dead processes, {}", counted(unused.len() as u64, "leftover"), size(memory));
    Some(if unused.is_empty() {
        Check::good("left behind", "nothing")
    } else {
        Check::mind("left behind", found, "`ndsh gc --dry-run` lists them, and `ndsh gc` removes them")
    })
}
