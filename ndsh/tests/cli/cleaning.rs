//! `ndsh rm` and `ndsh gc`

use crate::holder;
use crate::support::{TestDir, wait_until};
use serde_json::json;
use std::fs;
use std::os::unix::fs::FileExt;

#[test]
fn what_living_processes_have_is_not_removed() {
    let dir = TestDir::new();
    let mut writer = holder::hold(&dir, "writer", "camera");
    let reader = holder::hold(&dir, "reader", "camera");
    let before = dir.files();
    let refused = |args: &[&str], user: &str| {
        let ran = dir.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{ran:?}");
        assert!(
            ran.stderr.starts_with("ndsh: cannot remove camera: ") && ran.stderr.contains("  next: "),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains(user), "{}", ran.stderr);
        assert_eq!(dir.files(), before, "nothing has gone");
    };
    let pid = writer.id().to_string();
    refused(&["rm", "camera"], &pid);
    refused(&["rm", "--force", "camera"], &pid);
    assert_eq!(dir.ok(&["gc", "--all", "--python"]), "nothing to remove\n");
    writer.kill();
    refused(&["rm", "camera"], "1 of its readers or handles live");
    assert_eq!(dir.ok(&["gc", "--all"]), "nothing to remove\n");
    assert_eq!(dir.files(), before);
    assert_eq!(dir.ok(&["rm", "--force", "camera"]), "");
    assert!(dir.files().is_empty());
    drop(reader);
    let ran = dir.run(&["rm", "camera"]);
    assert_eq!(ran.code, 3, "{ran:?}");
}

#[test]
fn what_the_dead_have_left_is_removed() {
    let dir = TestDir::new();
    let mut writer = holder::hold(&dir, "writer", "camera");
    let mut reader = holder::hold(&dir, "reader", "camera");
    writer.kill();
    reader.kill();
    assert_eq!(dir.ok(&["rm", "camera"]), "");
    assert!(dir.files().is_empty());

    let mut array = holder::hold(&dir, "array", "matrix");
    assert_eq!(dir.run(&["rm", "matrix"]).code, 5);
    assert_eq!(dir.ok(&["rm", "--force", "matrix"]), "", "its handles keep it");
    assert!(dir.files().is_empty());
    array.kill();
}

#[test]
fn several_names_each_get_their_answer() {
    let dir = TestDir::new();
    let _writer = holder::hold(&dir, "writer", "busy");
    for name in ["a", "b"] {
        holder::leave(&dir, "kept", name);
    }
    holder::leave(&dir, "closed", "b");
    let ran = dir.run(&["rm", "nothing", "a", "b", "busy"]);
    assert_eq!(ran.code, 5, "the last failure's: {ran:?}");
    let errors: Vec<_> = ran.stderr.lines().filter(|line| line.starts_with("ndsh: cannot remove ")).collect();
    assert_eq!(errors.len(), 3, "{}", ran.stderr);
    assert!(errors[1].contains("b stands for several: channel, array"), "{}", ran.stderr);
    assert!(!dir.files().iter().any(|file| file.starts_with("a.")));
    let ran = dir.run(&["rm", "b"]);
    assert!(ran.code == 2 && ran.stderr.contains("--kind"), "{ran:?}");
    dir.ok(&["rm", "b", "--kind", "array"]);
    assert!(dir.file("b.ndsh").exists() && !dir.file("b.ndsa").exists());
    dir.ok(&["rm", "b"]);
    assert_eq!(dir.run(&["rm"]).code, 2);
}

/// Leaves one of each kind of thing that `gc` tells apart.
#[test]
fn garbage_is_told_from_what_was_left_on_purpose() {
    let dir = TestDir::new();
    for name in ["dead", "torn"] {
        holder::hold(&dir, "writer", name).kill();
    }
    fs::remove_file(dir.file("torn.ndsh")).unwrap();
    holder::hold(&dir, "array", "dead-array").kill();
    fs::write(dir.file("unfinished.ndsa"), "").unwrap();
    let _living = holder::hold(&dir, "writer", "living");
    let _handle = holder::hold(&dir, "array", "living-array");
    holder::leave(&dir, "kept", "kept");
    holder::leave(&dir, "closed", "closed-array");
    holder::leave(&dir, "kept", "future");
    let board = fs::File::options().write(true).open(dir.file("future.ndsh")).unwrap();
    board.write_at(&9_u32.to_ne_bytes(), 12).unwrap();
    fs::write(dir.file("foreign.ndsh"), "somebody else's".repeat(100)).unwrap();
    holder::leave(&dir, "python", "python");

    let before = dir.files();
    let told = dir.json(&["gc", "--dry-run", "--json"]);
    let of = |action: &str| {
        let all = told.as_array().unwrap().iter().filter(|one| one["action"] == action);
        all.map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("would remove"), ["dead", "dead-array", "torn", "unfinished"], "{told}");
    assert_eq!(of("left alone"), ["closed-array", "foreign", "future", "kept"], "{told}");
    assert_eq!(told.as_array().unwrap().len(), 8);
    assert_eq!(dir.files(), before, "a dry run changes nothing");

    let reason = "left alone channel kept: its writer has kept it (--all removes it too)\n";
    assert!(dir.ok(&["gc", "--dry-run", "--verbose"]).contains(reason));
    let text = dir.ok(&["gc"]);
    assert_eq!(text.lines().filter(|line| line.starts_with("removed ")).count(), 4, "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("4 in all, ") && last.ends_with(" freed; 4 left alone (--verbose tells why)"), "{text}");
    assert_eq!(text.lines().count(), 5, "what stays is not listed unless that is asked for: {text}");
    let gone: Vec<_> = before.iter().filter(|file| !dir.files().contains(file)).cloned().collect();
    assert!(
        gone.iter().all(|file| ["dead", "torn", "unfinished"].iter().any(|name| file.starts_with(name))),
        "{gone:?}"
    );

    let text = dir.ok(&["gc", "--all", "-v"]);
    assert!(text.contains("removed channel kept: ") && text.contains("removed array closed-array: "), "{text}");
    assert!(text.contains("left alone channel future: ") && text.contains("left alone channel foreign: "), "{text}");
    let text = dir.ok(&["gc", "--all", "--python"]);
    assert!(text.contains("removed python python: "), "{text}");
    let left: Vec<_> =
        dir.json(&["ls", "--json", "--interval=0"]).as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(left, [json!("foreign"), json!("future"), json!("living"), json!("living-array")]);
    assert_eq!(dir.options().open("living").unwrap().latest().unwrap().unwrap().shape(), [2, 3]);
}

#[test]
fn pythons_files_go_when_nobody_has_them_open() {
    let dir = TestDir::new();
    holder::leave(&dir, "python", "lidar");
    let before = dir.files();
    // Mapped, as in a Python process.
    let tag = fs::File::open(dir.file("lidar")).unwrap();
    // SAFETY: no process changes or cuts the file while it is mapped.
    let mapped = unsafe { memmap2::Mmap::map(&tag) }.unwrap();
    drop(tag);
    assert_eq!(dir.ok(&["gc"]), "nothing to remove\n", "only on request");
    assert_eq!(dir.ok(&["gc", "--python"]), "nothing to remove\n");
    let pid = std::process::id();
    // A child that another test has just forked maps it too, until it calls `exec`.
    wait_until("this process alone has it mapped", || {
        let text = dir.ok(&["info", "lidar"]);
        assert!(text.contains("the tag mapped for reading (a hint)"), "{text}");
        text.contains(&format!("perhaps process {pid}, which has the tag mapped for reading"))
    });
    wait_until("it alone is in the way", || {
        let ran = dir.run(&["rm", "lidar"]);
        assert_eq!(ran.code, 5, "{ran:?}");
        ran.stderr.contains(&format!("it seems process {pid}"))
    });
    assert_eq!(dir.files(), before);
    drop(mapped);
    // A child that another test has just forked has our files open too, until it calls `exec`.
    wait_until("no process has it open", || {
        dir.ok(&["gc", "--python", "-n"]).contains("would remove python lidar: 8.0 KiB\n")
    });
    assert_eq!(dir.files(), before);
    wait_until("it is gone", || dir.run(&["rm", "lidar"]).code != 5);
    assert!(dir.files().is_empty());
}
