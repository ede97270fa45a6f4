//! `ndsh doctor`

use crate::holder;
use crate::support::{Ran, TestDir};
use std::process::Command;

#[test]
fn this_machine_is_fine() {
    let dir = TestDir::new();
    let text = dir.ok(&["doctor"]);
    for check in [
        "directory",
        "permissions",
        "file system",
        "space",
        "create files",
        "fallocate",
        "mmap",
        "file locks",
        "futex",
        "leases",
        "file size limit",
        "open files limit",
        "memlock limit",
        "map count",
        "left behind",
    ] {
        assert!(text.lines().any(|line| line.starts_with(check)), "{check}: {text}");
    }
    assert!(text.contains(&dir.path().display().to_string()) && text.contains("tmpfs"), "{text}");
    assert!(dir.files().is_empty());
    let checks = dir.json(&["doctor", "--json"]);
    for check in checks.as_array().unwrap() {
        let good = check["verdict"] == "good";
        assert_eq!(check["advice"].is_null(), good, "advice where something is to be done: {check}");
        assert!(check["found"].as_str().is_some_and(|found| !found.is_empty()), "{check}");
    }
    assert!(dir.ok(&["doctor", "--dir", dir.path().to_str().unwrap()]).contains("as --dir says"));
}

#[test]
fn what_does_not_work_is_8() {
    let dir = TestDir::new();
    let ran = dir.run(&["doctor", "--dir", "/nowhere/at/all"]);
    assert_eq!(ran.code, 8);
    assert!(
        ran.stdout.contains("directory") && ran.stdout.contains("bad") && ran.stdout.contains("name another one"),
        "{}",
        ran.stdout
    );
    assert!(ran.stderr.starts_with("ndsh: this does not work here: directory\n  next: "), "{}", ran.stderr);
    std::fs::write(dir.file("file"), "").unwrap();
    assert_eq!(dir.run(&["doctor", "--dir", dir.file("file").to_str().unwrap()]).code, 8);
    // No file can be made there, even by root.
    let ran = dir.run(&["doctor", "--dir", "/proc"]);
    assert!(ran.code == 8 && ran.stderr.contains("create files"), "{ran:?}");
}

#[test]
fn leftovers_and_limits_are_minded() {
    let dir = TestDir::new();
    holder::hold(&dir, "writer", "dead").kill();
    let text = dir.ok(&["doctor"]);
    assert!(text.contains("1 leftover of dead processes") && text.contains("`ndsh gc` removes them"), "{text}");
    let limited = |limit: &str| {
        let script = format!("ulimit -S {limit} && exec \"$0\" doctor");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_ndsh")]).env("NDSHARRAY_DIR", dir.path());
        Ran::from(command.output().unwrap())
    };
    let ran = limited("-n 100");
    assert!(
        ran.code == 0 && ran.stdout.contains("100 descriptors") && ran.stdout.contains("ulimit -n 4096"),
        "{ran:?}"
    );
    let ran = limited("-f 2000");
    assert!(ran.code == 0 && ran.stdout.contains("ulimit -f unlimited"), "{ran:?}");
}

/// A file system of its own takes root, or user namespaces.
#[test]
#[ignore = "mounts a file system; `.ci/run cli` runs it"]
fn a_small_shared_memory_is_told_and_a_full_one() {
    let dir = TestDir::new();
    let doctor = |size: &str, fill: &str| {
        let script = format!("mount -t tmpfs -o size={size} none \"$1\" && {fill} && exec \"$0\" doctor");
        // SAFETY: takes nothing and cannot fail.
        let how = if unsafe { libc::geteuid() } == 0 { "-m" } else { "-Urm" };
        let mut command = Command::new("unshare");
        command.args([how, "sh", "-c", &script, env!("CARGO_BIN_EXE_ndsh")]).arg(dir.path());
        Ran::from(command.env("NDSHARRAY_DIR", dir.path()).output().unwrap())
    };
    let ran = doctor("64M", "true");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stdout.contains("64.0 MiB free of 64.0 MiB") && ran.stdout.contains("docker run --shm-size"),
        "{ran:?}"
    );
    let ran = doctor("4M", "head -c 4190000 /dev/zero > \"$1/full\"");
    assert_eq!(ran.code, 8, "{ran:?}");
    assert!(ran.stdout.contains("there is no room for arrays") && ran.stderr.contains("space"), "{ran:?}");
}
