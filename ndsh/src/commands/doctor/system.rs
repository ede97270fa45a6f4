//! Settings of the system that affect files in shared memory.

use super::check::Check;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// User ids below this one belong to the system; logind keeps their files.
const FIRST_USER: u32 = 1000;

pub(super) fn checks(dir: &Path) -> Vec<Check> {
    [hard_links(), removal_at_logout(dir)].into_iter().flatten().collect()
}

/// Checks whether other users may link to files that they may not write.
fn hard_links() -> Option<Check> {
    let found = fs::read_to_string("/proc/sys/fs/protected_hardlinks").ok()?;
    Some(if found.trim() == "0" {
        Check::mind(
            "hard links",
            "any user may link to the files of others",
            "another user can give a channel's files a second name, and they are refused from then on: forbid it with `sysctl fs.protected_hardlinks=1`",
        )
    } else {
        Check::good("hard links", "users may not link to the files of others")
    })
}

/// Checks whether this user's files are removed at the end of the last session.
fn removal_at_logout(dir: &Path) -> Option<Check> {
    // Only logind removes files.
    if !dir.starts_with("/dev/shm") || !Path::new("/run/systemd/seats").is_dir() {
        return None;
    }
    // The kernel gives this to the process's effective user.
    let user = fs::metadata("/proc/self").ok()?.uid();
    let texts = settings().into_iter().filter_map(|path| fs::read_to_string(path).ok());
    Some(verdict_on_logout(removes(texts), user))
}

fn verdict_on_logout(removes: bool, user: u32) -> Check {
    const WHAT: &str = "RemoveIPC";
    match (removes, user) {
        (false, _) => Check::good(WHAT, "files stay when their user logs out"),
        (true, ..FIRST_USER) => Check::good(WHAT, "files of users of the system stay when they log out"),
        (true, _) => Check::mind(
            WHAT,
            "files go when their user logs out for the last time",
            "logind removes a channel under its living processes: set RemoveIPC=no in /etc/systemd/logind.conf, let the user linger (`loginctl enable-linger`), or run services as a user of the system",
        ),
    }
}

/// Lists the files that logind reads, in the order in which they count.
fn settings() -> Vec<PathBuf> {
    // Of the main file the first counts. Of the additional files, a later name overrules an earlier
    // one.
    const DIRS: [&str; 4] = ["/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"];
    let main = DIRS.iter().map(|dir| Path::new(dir).join("logind.conf")).find(|path| path.exists());
    let mut more: Vec<PathBuf> = DIRS
        .iter()
        .filter_map(|dir| fs::read_dir(Path::new(dir).join("logind.conf.d")).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .collect();
    more.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    main.into_iter().chain(more).collect()
}

/// Returns the last value of `RemoveIPC` in these files; by default it is yes.
fn removes(texts: impl IntoIterator<Item = String>) -> bool {
    let mut removes = true;
    for text in texts {
        for line in text.lines() {
            if let Some((name, value)) = line.split_once('=')
                && name.trim() == "RemoveIPC"
            {
                removes =
                    !matches!(value.trim().to_ascii_lowercase().as_str(), "no" | "false" | "off" | "0" | "n" | "f");
            }
        }
    }
    removes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::Verdict;

    #[test]
    fn the_last_word_counts() {
        let says = |texts: &[&str]| removes(texts.iter().map(|text| (*text).to_owned()));
        assert!(says(&[]) && says(&["[Login]\n#RemoveIPC=no\n"]));
        assert!(!says(&["[Login]\nRemoveIPC = no\n"]) && !says(&["RemoveIPC=yes", "RemoveIPC=False"]));
        assert!(says(&["RemoveIPC=no\nOther=1", "RemoveIPC=yes"]));
    }

    #[test]
    fn users_of_the_system_need_not_mind() {
        let verdict = |removes, user| verdict_on_logout(removes, user).verdict;
        assert_eq!((verdict(true, 0), verdict(true, 999)), (Verdict::Good, Verdict::Good));
        assert_eq!((verdict(true, 1000), verdict(false, 1000)), (Verdict::Mind, Verdict::Good));
    }
}
