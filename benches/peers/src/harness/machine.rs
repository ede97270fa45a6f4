//! Where and when a table was made: an undated figure without a machine means nothing.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use super::cores;

/// The versions that were built, as the workspace's lock file knows them.
const LOCK: &str = include_str!("../../../../Cargo.lock");

/// The load averages, to tell a crowded run from a quiet one.
pub(crate) fn load() -> String {
    line("/proc/loadavg").split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// One line each: date, machine, load, versions.
///
/// `more` are versions that the lock file does not know.
pub(crate) fn describe(versions_of: &[&str], more: &[String]) -> String {
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown CPU".into());
    // Without what a distribution appends to it.
    let kernel = line("/proc/sys/kernel/osrelease");
    let kernel = kernel.split('-').next().unwrap_or_default();
    let cores = cores::allowed().map_or(0, |cores| cores.len());
    let mut versions: Vec<String> = versions_of.iter().map(|name| format!("{name} {}", version(name))).collect();
    versions.extend_from_slice(more);
    format!(
        "- {} UTC, {cpu}, {cores} cores, Linux {kernel}, load before {}\n- {}\n",
        date(),
        load(),
        versions.join(", "),
    )
}

fn line(path: &str) -> String {
    fs::read_to_string(path).map_or("?".into(), |text| text.trim().to_owned())
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn version(package: &str) -> &str {
    let name = format!("name = \"{package}\"");
    LOCK.split("[[package]]")
        .find(|entry| entry.lines().any(|line| line == name))
        .and_then(|entry| entry.lines().find_map(|line| line.strip_prefix("version = ")))
        .map_or("?", |version| version.trim_matches('"'))
}

fn date() -> String {
    let days = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / 86_400);
    let (year, month, day) = civil(days);
    format!("{year}-{month:02}-{day:02}")
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    // Counts from 1 March of year 0, in eras of 400 years, so that leap days come last.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_454), (2026, 1, 1));
    }

    #[test]
    fn the_lock_file_knows_the_rivals() {
        assert_eq!(version("iceoryx2"), "0.10.0");
        assert_eq!(version("no-such-package"), "?");
    }
}
