//! Files that ndsharray did not create stay, whatever the command.

use crate::holder;
use crate::support::TestDir;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

/// Bytes or a link's target; mode, inode, number of links, modification time.
type Seen = (Vec<u8>, u32, u64, u64, i64, i64);

fn seen(path: &Path) -> Seen {
    let meta = path.symlink_metadata().unwrap();
    let content = if meta.is_symlink() {
        fs::read_link(path).unwrap().into_os_string().into_encoded_bytes()
    } else if meta.is_file() {
        fs::read(path).unwrap()
    } else {
        Vec::new()
    };
    (content, meta.mode(), meta.ino(), meta.nlink(), meta.mtime(), meta.mtime_nsec())
}

fn all(dir: &TestDir, files: &[String]) -> BTreeMap<String, Seen> {
    files.iter().map(|file| (file.clone(), seen(&dir.file(file)))).collect()
}

/// Commands that might touch a name, or everything.
fn commands<'a>(name: &'a str, array: &'a str, recording: &'a str) -> Vec<Vec<&'a str>> {
    let mut commands = vec![
        vec!["ls", "--interval=0"],
        vec!["info", "--interval=0", name],
        vec!["put", name, array],
        vec!["put", name, array, "--python"],
        vec!["put", name, array, "--python", "--any-owner"],
        vec!["play", name, recording, "--rate=1000"],
        vec!["play", name, recording, "--rate=1000", "--python"],
        vec!["play", name, recording, "--rate=1000", "--python", "--keep"],
        vec!["gc"],
        vec!["gc", "--all", "--python", "--any-owner"],
        vec!["rm", name],
        vec!["rm", name, "--force", "--any-owner"],
    ];
    for kind in ["channel", "array", "python"] {
        commands.push(vec!["rm", name, "--kind", kind]);
        commands.push(vec!["rm", name, "--kind", kind, "--force"]);
    }
    commands
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[A-Z][ -~]{0,80}".prop_map(String::into_bytes),
        prop::collection::vec(1_u8.., 1..5000),
        Just(b"NDSHBORX".repeat(100)),
        // Elements that look like nothing at all, and a longer tag.
        Just(format!("thesis.tex_{}x", "0".repeat(32)).into_bytes()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]
    #[test]
    fn foreign_files_are_as_before_after_every_command(
        contents in prop::collection::vec(content(), 9),
        modes in prop::collection::vec(prop::sample::select(vec![0o600_u32, 0o640, 0o644, 0o444]), 9),
    ) {
        let (dir, aside) = (TestDir::new(), TestDir::new());
        let array = aside.text_path("a.npy");
        let recording = aside.text_path("recording");
        aside.options().persist(true).create::<u8>("from").unwrap().write(&[2], &[1, 2]).unwrap();
        aside.ok(&["get", "from", &array]);
        prop_assert_eq!(aside.run(&["record", "from", &recording, "--count=1"]).code, 0);
        let digits = "0123456789abcdef0123456789abcdef";
        let names = [
            "thesis.tex".to_owned(),
            "plain".to_owned(),
            "board.ndsh".to_owned(),
            "table.ndsh-readers".to_owned(),
            "array.ndsa".to_owned(),
            format!("payload.ndsh-{digits}"),
            format!("old_{digits}"),
            "two words".to_owned(),
            "hard.ndsh".to_owned(),
        ];
        for ((name, content), mode) in names.iter().zip(&contents).zip(&modes) {
            fs::write(dir.file(name), content).unwrap();
            fs::set_permissions(dir.file(name), fs::Permissions::from_mode(*mode)).unwrap();
        }
        fs::hard_link(dir.file("hard.ndsh"), dir.file("hard")).unwrap();
        symlink(dir.file("thesis.tex"), dir.file("link.ndsh")).unwrap();
        symlink(dir.file("thesis.tex"), dir.file("link")).unwrap();
        fs::create_dir(dir.file("dir.ndsh")).unwrap();
        fs::create_dir(dir.file("dir")).unwrap();
        let files = dir.files();
        let before = all(&dir, &files);
        let asked = [
            "thesis.tex", "plain", "board", "table", "array", "payload", "old", "two words", "hard", "link", "dir",
        ];
        for name in asked {
            for command in commands(name, &array, &recording) {
                let ran = dir.run(&command);
                prop_assert!((0..=9).contains(&ran.code), "{command:?}: {ran:?}");
                prop_assert_eq!(all(&dir, &files), before.clone(), "{:?}: {:?}", command, ran);
            }
        }
    }
}

#[test]
fn a_refusal_says_how_to_remove_by_hand() {
    let dir = TestDir::new();
    for file in ["thesis.tex", "board.ndsh", "array.ndsa", "my board.ndsh"] {
        fs::write(dir.file(file), "\\documentclass").unwrap();
    }
    for (name, file) in
        [("thesis.tex", "thesis.tex"), ("board", "board.ndsh"), ("array", "array.ndsa"), ("my board", "my board.ndsh")]
    {
        let path = dir.text_path(file);
        let by_hand = if file.contains(' ') { format!("`rm -- '{path}'`") } else { format!("`rm -- {path}`") };
        for command in [&["rm"][..], &["rm", "--force"], &["info", "--interval=0"]] {
            let ran = dir.run(&[command, &[name]].concat());
            assert_eq!(ran.code, 4, "{command:?} {name}: {ran:?}");
            assert!(ran.stderr.contains(&by_hand), "{command:?} {name}: {}", ran.stderr);
            assert!(!ran.stderr.contains("ndsh rm"), "{command:?} {name}: {}", ran.stderr);
        }
        assert_eq!(fs::read(dir.file(file)).unwrap(), b"\\documentclass");
    }
    let ran = dir.run(&["put", "thesis.tex", "-", "--python"]);
    assert_eq!(ran.code, 1, "there is no array: {ran:?}");
}

/// A file that `gc` may not remove does not stop it; dry runs agree.
#[test]
fn foreign_files_do_not_stop_a_sweep() {
    let dir = TestDir::new();
    for name in ["a", "z"] {
        holder::hold(&dir, "writer", name).kill();
    }
    let foreign = ["board.ndsh", "table.ndsh-readers", "array.ndsa"];
    for file in foreign {
        fs::write(dir.file(file), "hi").unwrap();
    }
    for name in ["python", "z"] {
        fs::create_dir(dir.file(name)).unwrap();
    }
    let sweep = |arguments: &[&str]| {
        let told = dir.json(&[&["gc", "--json", "--all", "--python"], arguments].concat());
        let told = told.as_array().unwrap().iter().map(|one| {
            let reason = one["reason"].as_str().unwrap_or_default();
            (one["action"].as_str().unwrap().to_owned(), one["name"].as_str().unwrap().to_owned(), reason.to_owned())
        });
        told.collect::<Vec<_>>()
    };
    let planned = sweep(&["--dry-run"]);
    let done = sweep(&[]);
    let of = |told: &[(String, String, String)], wanted: &str| {
        told.iter().filter(|(action, ..)| action == wanted).map(|(_, name, _)| name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of(&planned, "would remove"), ["a", "z"], "{planned:?}");
    assert_eq!(of(&done, "removed"), ["a", "z"], "{done:?}");
    assert_eq!(of(&planned, "left alone"), of(&done, "left alone"));
    for file in foreign {
        let path = dir.text_path(file);
        assert!(done.iter().any(|(.., reason)| reason.contains(&path)), "{file}: {done:?}");
        assert_eq!(fs::read(dir.file(file)).unwrap(), b"hi");
    }
}

/// Where nothing of Python's has the name, no process is blamed.
#[test]
fn what_is_no_tag_is_in_no_process_hands() {
    let dir = TestDir::new();
    fs::create_dir(dir.file("dir")).unwrap();
    fs::write(dir.file("aim"), "").unwrap();
    symlink(dir.file("aim"), dir.file("link")).unwrap();
    for name in ["dir", "link"] {
        let ran = dir.run(&["rm", name]);
        assert_eq!(ran.code, 4, "{name}: {ran:?}");
        let path = dir.text_path(name);
        assert!(ran.stderr.contains("remove it by hand") && ran.stderr.contains(&path), "{name}: {}", ran.stderr);
        assert!(!ran.stderr.contains("--force"), "{name}: {}", ran.stderr);
    }
}
