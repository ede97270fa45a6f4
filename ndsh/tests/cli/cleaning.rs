//! `ndsh rm` and `ndsh gc`

use crate::holder;
use crate::support::{Room, wait_until};
use serde_json::json;
use std::fs;
use std::os::unix::fs::FileExt;

#[test]
fn what_living_processes_have_is_not_removed() {
    let room = Room::new();
    let mut writer = holder::hold(&room, "writer", "camera");
    let reader = holder::hold(&room, "reader", "camera");
    let before = room.files();
    let refused = |args: &[&str], who: &str| {
        let ran = room.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{ran:?}");
        assert!(
            ran.stderr.starts_with("ndsh: cannot remove camera: ") && ran.stderr.contains("  next: "),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains(who), "{}", ran.stderr);
        assert_eq!(room.files(), before, "nothing has gone");
    };
    let pid = writer.id().to_string();
    refused(&["rm", "camera"], &pid);
    refused(&["rm", "--force", "camera"], &pid);
    assert_eq!(room.ok(&["gc", "--all", "--python"]), "nothing to remove\n");
    writer.kill();
    refused(&["rm", "camera"], "1 of its readers or handles live");
    assert_eq!(room.ok(&["gc", "--all"]), "nothing to remove\n");
    assert_eq!(room.files(), before);
    assert_eq!(room.ok(&["rm", "--force", "camera"]), "");
    assert!(room.files().is_empty());
    drop(reader);
    let ran = room.run(&["rm", "camera"]);
    assert_eq!(ran.code, 3, "{ran:?}");
}

#[test]
fn what_the_dead_have_left_is_removed() {
    let room = Room::new();
    let mut writer = holder::hold(&room, "writer", "camera");
    let mut reader = holder::hold(&room, "reader", "camera");
    writer.kill();
    reader.kill();
    assert_eq!(room.ok(&["rm", "camera"]), "");
    assert!(room.files().is_empty());

    let mut array = holder::hold(&room, "array", "matrix");
    assert_eq!(room.run(&["rm", "matrix"]).code, 5);
    assert_eq!(room.ok(&["rm", "--force", "matrix"]), "", "its handles keep it");
    assert!(room.files().is_empty());
    array.kill();
}

#[test]
fn several_names_each_get_their_answer() {
    let room = Room::new();
    let _writer = holder::hold(&room, "writer", "busy");
    for name in ["a", "b"] {
        holder::leave(&room, "kept", name);
    }
    holder::leave(&room, "closed", "b");
    let ran = room.run(&["rm", "nothing", "a", "b", "busy"]);
    assert_eq!(ran.code, 5, "the last failure's: {ran:?}");
    let errors: Vec<_> = ran.stderr.lines().filter(|line| line.starts_with("ndsh: cannot remove ")).collect();
    assert_eq!(errors.len(), 3, "{}", ran.stderr);
    assert!(errors[1].contains("b stands for several: channel, array"), "{}", ran.stderr);
    assert!(!room.files().iter().any(|file| file.starts_with("a.")));
    let ran = room.run(&["rm", "b"]);
    assert!(ran.code == 2 && ran.stderr.contains("--kind"), "{ran:?}");
    room.ok(&["rm", "b", "--kind", "array"]);
    assert!(room.file("b.ndsh").exists() && !room.file("b.ndsa").exists());
    room.ok(&["rm", "b"]);
    assert_eq!(room.run(&["rm"]).code, 2);
}

/// One of each thing that `gc` tells apart.
#[test]
fn garbage_is_told_from_what_was_left_on_purpose() {
    let room = Room::new();
    for name in ["dead", "torn"] {
        holder::hold(&room, "writer", name).kill();
    }
    fs::remove_file(room.file("torn.ndsh")).unwrap();
    holder::hold(&room, "array", "dead-array").kill();
    fs::write(room.file("unfinished.ndsa"), "").unwrap();
    let _living = holder::hold(&room, "writer", "living");
    let _handle = holder::hold(&room, "array", "living-array");
    holder::leave(&room, "kept", "kept");
    holder::leave(&room, "closed", "closed-array");
    holder::leave(&room, "kept", "future");
    let board = fs::File::options().write(true).open(room.file("future.ndsh")).unwrap();
    board.write_at(&9_u32.to_ne_bytes(), 12).unwrap();
    fs::write(room.file("foreign.ndsh"), "somebody else's".repeat(100)).unwrap();
    holder::leave(&room, "python", "python");

    let before = room.files();
    let told = room.json(&["gc", "--dry-run", "--json"]);
    let of = |action: &str| {
        let all = told.as_array().unwrap().iter().filter(|one| one["action"] == action);
        all.map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("would remove"), ["dead", "dead-array", "torn", "unfinished"], "{told}");
    assert_eq!(of("left alone"), ["closed-array", "foreign", "future", "kept"], "{told}");
    assert_eq!(told.as_array().unwrap().len(), 8);
    assert_eq!(room.files(), before, "a dry run changes nothing");

    let reason = "left alone channel kept: its writer has kept it (--all removes it too)\n";
    assert!(room.ok(&["gc", "--dry-run", "--verbose"]).contains(reason));
    let text = room.ok(&["gc"]);
    assert_eq!(text.lines().filter(|line| line.starts_with("removed ")).count(), 4, "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("4 in all, ") && last.ends_with(" freed; 4 left alone (--verbose tells why)"), "{text}");
    assert_eq!(text.lines().count(), 5, "what stays is not listed unless that is asked for: {text}");
    let gone: Vec<_> = before.iter().filter(|file| !room.files().contains(file)).cloned().collect();
    assert!(
        gone.iter().all(|file| ["dead", "torn", "unfinished"].iter().any(|name| file.starts_with(name))),
        "{gone:?}"
    );

    let text = room.ok(&["gc", "--all", "-v"]);
    assert!(text.contains("removed channel kept: ") && text.contains("removed array closed-array: "), "{text}");
    assert!(text.contains("left alone channel future: ") && text.contains("left alone channel foreign: "), "{text}");
    let text = room.ok(&["gc", "--all", "--python"]);
    assert!(text.contains("removed python python: "), "{text}");
    let left: Vec<_> = room
        .json(&["ls", "--json", "--interval=0"])
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    assert_eq!(left, [json!("foreign"), json!("future"), json!("living"), json!("living-array")]);
    assert_eq!(room.options().open("living").unwrap().latest().unwrap().unwrap().shape(), [2, 3]);
}

#[test]
fn pythons_files_go_when_nobody_has_them_open() {
    let room = Room::new();
    holder::leave(&room, "python", "lidar");
    let before = room.files();
    // As Python has it: mapped, by whoever.
    let tag = fs::File::open(room.file("lidar")).unwrap();
    // SAFETY: nobody changes the file while it is mapped, or cuts it.
    let mapped = unsafe { memmap2::Mmap::map(&tag) }.unwrap();
    drop(tag);
    assert_eq!(room.ok(&["gc"]), "nothing to remove\n", "only on request");
    assert_eq!(room.ok(&["gc", "--python"]), "nothing to remove\n");
    let pid = std::process::id();
    // A child that another test has just forked has it mapped too, until it calls `exec`.
    wait_until("this process alone has it mapped", || {
        let text = room.ok(&["info", "lidar"]);
        assert!(text.contains("the tag mapped for reading (a hint)"), "{text}");
        text.contains(&format!("perhaps process {pid}, which has the tag mapped for reading"))
    });
    wait_until("it alone is in the way", || {
        let ran = room.run(&["rm", "lidar"]);
        assert_eq!(ran.code, 5, "{ran:?}");
        ran.stderr.contains(&format!("it seems process {pid}"))
    });
    assert_eq!(room.files(), before);
    drop(mapped);
    // A child that another test has just forked has our files open too, until it calls `exec`.
    wait_until("nobody has it open", || {
        room.ok(&["gc", "--python", "-n"]).contains("would remove python lidar: 8.0 KiB\n")
    });
    assert_eq!(room.files(), before);
    wait_until("it is gone", || room.run(&["rm", "lidar"]).code != 5);
    assert!(room.files().is_empty());
}
