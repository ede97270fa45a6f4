//! Exit codes, on every path, and the messages along with them.

use crate::support::{Ran, TestDir, wait_until};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use zip::write::SimpleFileOptions;

/// Runs `ndsh` by a shell, as `script` says.
fn shell(dir: &TestDir, script: &str, args: &[&str]) -> Ran {
    let ndsh = dir.command(args);
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(ndsh.get_program()).args(ndsh.get_args());
    command.env("NDSHARRAY_DIR", dir.path()).stdin(Stdio::null());
    command.output().unwrap().into()
}

#[test]
fn a_full_output_disk_is_no_full_shared_memory() {
    let dir = TestDir::new();
    dir.put_value();
    for args in [
        &["get", "from", "/dev/full", "--format=npy"][..],
        &["get", "from", "/dev/full", "--format=npz"],
        &["get", "from", "-"],
        &["get", "from", "-", "--format=npz"],
        &["view", "from", "--png", "/dev/full"],
        &["view", "from"],
        &["ls", "--interval=0"],
        &["ls", "--json", "--interval=0"],
        &["info", "from", "--interval=0"],
        &["watch", "from", "--count=1", "--interval=0.05"],
        &["gc"],
        &["doctor"],
        &["man"],
        &["completions", "bash"],
        &["--help"],
        &["--version"],
    ] {
        let ran = shell(&dir, "exec \"$0\" \"$@\" > /dev/full", args);
        assert_eq!((ran.code, ran.stderr.lines().count()), (1, 1), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains("No space left"), "{args:?}: {ran:?}");
    }
}

#[test]
fn a_closed_standard_output_is_a_failure_where_it_is_needed() {
    let dir = TestDir::new();
    dir.put_value();
    for args in [
        &["ls", "--interval=0"][..],
        &["get", "from", "-"],
        &["view", "from"],
        &["get", "from", "-", "--follow"],
        &["watch", "from"],
        &["man"],
        &["--help"],
    ] {
        let ran = shell(&dir, "exec \"$0\" \"$@\" >&-", args);
        assert_eq!((ran.code, ran.stderr.as_str()), (1, "ndsh: standard output is closed\n"), "{args:?}");
    }
    let ran = shell(&dir, "exec \"$0\" \"$@\" >&-", &["rm", "from"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "it prints nothing");
}

#[test]
fn nothing_in_the_time_given_is_9() {
    let dir = TestDir::new();
    let file = dir.text_path("a.npy");
    for args in [
        &["get", "nothing", file.as_str(), "--wait=0.05"][..],
        &["get", "nothing", &file, "--wait=0"],
        &["view", "nothing", "--wait=0.05"],
        &["record", "nothing", &file, "--wait=50ms"],
        &["watch", "nothing", "--count=2", "--interval=0.05"],
    ] {
        assert_eq!(dir.run(args).code, 9, "{args:?}");
    }
    for args in [&["get", "nothing", file.as_str()][..], &["view", "nothing"], &["record", "nothing", &file]] {
        assert_eq!(dir.run(args).code, 3, "{args:?}");
    }
    let _writer = dir.options().create::<u8>("empty").unwrap();
    let recording = dir.text_path("recording");
    assert_eq!(dir.run(&["record", "empty", &recording, "--seconds=0.1"]).code, 9);
    assert_eq!(dir.run(&["watch", "empty", "--count=1", "--interval=0.05"]).code, 9);
}

#[test]
fn ctrl_c_before_there_is_anything_is_130() {
    let dir = TestDir::new();
    let file = dir.text_path("a.npy");
    let fifo = dir.text_path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for args in [&["get", "nothing", file.as_str(), "--wait=60"][..], &["view", "nothing", "--wait=60"]] {
        let running = dir.start(args);
        wait_until("it catches signals", || {
            let status = fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
            u64::from_str_radix(caught, 16).unwrap() & 1 << (libc::SIGINT - 1) != 0
        });
        running.interrupt();
        assert_eq!(running.end().code, 130, "{args:?}");
    }
}

/// Makes a `.npz` with one entry: a `.npy` with more bytes behind it.
fn archive(dir: &TestDir, name: &str, method: zip::CompressionMethod, behind: &[u8]) -> Vec<u8> {
    dir.put_value();
    let npy = dir.text_path("plain.npy");
    dir.ok(&["get", "from", &npy]);
    let mut zip = zip::ZipWriter::new(File::create(dir.file(name)).unwrap());
    zip.start_file("a.npy", SimpleFileOptions::default().compression_method(method)).unwrap();
    zip.write_all(&fs::read(npy).unwrap()).unwrap();
    zip.write_all(behind).unwrap();
    zip.finish().unwrap();
    dir.ok(&["rm", "from"]);
    fs::read(dir.file(name)).unwrap()
}

#[test]
fn damaged_archives_are_4_and_leave_nothing() {
    let dir = TestDir::new();
    let file = dir.text_path("a.npz");
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        let good = archive(&dir, "a.npz", method, b"");
        dir.ok(&["put", "to", &file]);
        dir.ok(&["rm", "to"]);
        // The middle of the entry: elements, or compressed data.
        let end = good.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        for at in end - 12..end {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            fs::write(&file, bad).unwrap();
            let ran = dir.run(&["put", "to", &file]);
            assert_eq!(ran.code, 4, "{method} {at}: {ran:?}");
            assert_eq!(dir.files(), ["a.npz", "plain.npy"], "{method} {at}");
        }
        archive(&dir, "a.npz", method, b"more");
        let ran = dir.run(&["put", "to", &file]);
        assert!(ran.code == 4 && ran.stderr.contains("more follows"), "{ran:?}");
        assert_eq!(dir.files(), ["a.npz", "plain.npy"]);
    }
}

#[test]
fn half_read_input_leaves_nothing_or_is_told() {
    let dir = TestDir::new();
    dir.put_value();
    let (one, bad) = (dir.text_path("one.npy"), dir.text_path("bad.npy"));
    dir.ok(&["get", "from", &one]);
    dir.ok(&["rm", "from"]);
    let array = fs::read(&one).unwrap();
    let twice = [array.as_slice(), &array].concat();
    let leaves_nothing = |args: &[&str], code: i32, what: &str| {
        let ran = dir.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{what}: {ran:?}");
        assert!(dir.files().iter().all(|file| file.ends_with(".npy")), "{what}: {:?}", dir.files());
    };
    for (what, content, code) in [
        ("junk behind an array", [array.as_slice(), b"junk"].concat(), 4),
        ("half an array behind one", twice[..twice.len() - 1].to_vec(), 4),
        ("half an array", array[..array.len() - 1].to_vec(), 4),
        ("two arrays at once", twice.clone(), 2),
        ("nothing", Vec::new(), 4),
    ] {
        fs::write(&bad, content).unwrap();
        leaves_nothing(&["put", "to", &bad], code, what);
        if code == 4 {
            leaves_nothing(&["put", "to", &one, &bad, "--rate=1000"], code, what);
        }
    }
    leaves_nothing(&["put", "to", &one, "/nonexistent/a.npy", "--rate=1000"], 3, "a missing second file");
    // A pipe shows its content only as it comes.
    let ran = dir.run_with_input(&["put", "to", "-"], &[twice.as_slice(), b"junk"].concat());
    assert!(ran.code == 4 && ran.stderr.contains("2 values had been published before"), "{ran:?}");
    assert!(!dir.file("to.ndsh").exists(), "it went with its input");
    let ran = dir.run_with_input(&["put", "to", "-", "--keep"], &[twice.as_slice(), b"junk"].concat());
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stderr.contains("2 values had been published before") && ran.stderr.contains("`ndsh rm to`"),
        "{ran:?}"
    );
    dir.ok(&["rm", "to"]);
    let ran = dir.run_with_input(&["put", "to", "-"], &array[..array.len() - 1]);
    assert!(ran.code == 4 && !ran.stderr.contains("published"), "{ran:?}");
    assert!(!dir.file("to.ndsh").exists());
}

#[test]
fn advice_helps() {
    let dir = TestDir::new();
    let advice = |args: &[&str]| {
        let ran = dir.run(args);
        assert_ne!(ran.code, 0, "{args:?}");
        let next = ran.stderr.lines().find_map(|line| line.strip_prefix("  next: ")).unwrap_or_default();
        assert!(!next.split_whitespace().any(|word| word.contains("NAME")), "{args:?}: {next}");
        next.to_owned()
    };
    symlink("/etc/hostname", dir.file("link.ndsh")).unwrap();
    fs::create_dir(dir.file("dir.ndsh")).unwrap();
    for name in ["link", "dir"] {
        for args in [&["rm", name][..], &["rm", "--force", name], &["get", name, "-"], &["put", name, "/dev/null"]] {
            let next = advice(&[args, &["--any-owner"]].concat());
            assert!(!next.contains("--any-owner") && !next.contains("--force"), "{args:?}: {next}");
        }
        assert!(advice(&["rm", name, "--force"]).contains("by hand"));
    }
    for command in ["ls", "gc"] {
        let next = advice(&[command, "--dir", "/nowhere/at/all"]);
        assert!(next.contains("--dir") && !next.contains("ndsh ls"), "{next}");
    }
    let ran = dir.run(&["get", "a b", "x.npy", "--dir", dir.path().to_str().unwrap()]);
    assert!(ran.stderr.contains(&format!("`ndsh ls --dir {}`", dir.path().display())), "{ran:?}");
    dir.put_value();
    let array = dir.array_options().create::<u8>("array", &[1]).unwrap();
    for args in [
        &["get", "from", "a.png"][..],
        &["get", "from", "a.npy", "--follow"],
        &["put", "from", "/dev/null"],
        &["play", "from", "/dev/null"],
        &["record", "array", "recording"],
        &["view", "from", "--index=9"],
    ] {
        advice(args);
    }
    let _writer = dir.options().create::<u8>("it's here").unwrap();
    assert!(advice(&["rm", "it's here"]).contains(r"`ndsh info 'it'\''s here'`"));
    assert!(advice(&["rm", "it's here", "--force"]).contains(r"`ndsh info 'it'\''s here'`"));
    assert!(advice(&["rm", "array"]).contains("--force"));
    drop(array);
}

#[test]
fn all_errors_have_one_voice() {
    let dir = TestDir::new();
    for args in [
        &["fly"][..],
        &["get"],
        &["put", "a"],
        &["ls", "--color", "sometimes"],
        &["ls", "--interval", "-1"],
        &["view", "it", "--range", "2,1"],
        &["rm", "--bad"],
        &["gc", "more"],
    ] {
        let ran = dir.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{args:?}");
        let first = ran.stderr.lines().next().unwrap();
        assert!(first.starts_with("ndsh: ") && !ran.stderr.contains("error:"), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.lines().skip(1).all(|line| line.starts_with("  ")), "{args:?}: {}", ran.stderr);
        let last = ran.stderr.lines().last().unwrap();
        assert!(last.starts_with("  next: ") && last.contains("--help` tells"), "{args:?}: {}", ran.stderr);
    }
}

/// What is damaged, foreign, being made or half gone, for each command that reads.
#[test]
fn an_enemy_gets_a_sentence_and_a_code() {
    let dir = TestDir::new();
    dir.options().persist(true).create::<f32>("good").unwrap().write(&[2, 2], &[1.0; 4]).unwrap();
    let files: Vec<String> = dir.files().into_iter().filter(|name| name.starts_with("good.")).collect();
    let copy = |name: &str, change: &dyn Fn(&str, &std::path::Path)| {
        for file in &files {
            let rest = file.strip_prefix("good").unwrap();
            let path = dir.file(&format!("{name}{rest}"));
            fs::copy(dir.file(file), &path).unwrap();
            change(rest, &path);
        }
    };
    let cut = |path: &std::path::Path, len| fs::File::options().write(true).open(path).unwrap().set_len(len).unwrap();
    let is_payload = |rest: &str| rest.len() > 36;
    copy("board", &|rest, path| {
        if rest == ".ndsh" {
            cut(path, 100);
        }
    });
    copy("payload", &|rest, path| {
        if is_payload(rest) {
            cut(path, 1);
        }
    });
    copy("lost", &|rest, path| {
        if is_payload(rest) {
            fs::remove_file(path).unwrap();
        }
    });
    copy("table", &|rest, path| {
        if rest == ".ndsh-readers" {
            cut(path, 10);
        }
    });
    copy("noise", &|rest, path| {
        if rest == ".ndsh" {
            fs::write(path, [0x5a; 5000]).unwrap();
        }
    });
    fs::write(dir.file("array.ndsa"), [0x5a; 3000]).unwrap();
    fs::create_dir(dir.file("folder.ndsh")).unwrap();
    symlink("/etc/hostname", dir.file("link.ndsh")).unwrap();
    std::os::unix::net::UnixListener::bind(dir.file("socket.ndsh")).unwrap();
    let to = tempfile::tempdir().unwrap();
    let file = to.path().join("out.npy").to_str().unwrap().to_owned();
    for name in ["board", "payload", "lost", "table", "noise", "array", "folder", "link", "socket"] {
        let record = to.path().join(name).to_str().unwrap().to_owned();
        let commands: [&[&str]; 9] = [
            &["info", name],
            &["echo", name],
            &["echo", name, "--follow"],
            &["stat", name],
            &["view", name],
            &["watch", name, "--count=1", "--interval=0.05"],
            &["get", name, &file],
            &["get", name, "-", "--format=raw", "--follow"],
            &["record", name, &record, "--count=1"],
        ];
        for args in commands {
            let ran = dir.run(args);
            let is_sentence = ran.stderr.starts_with("ndsh: ") && !ran.stderr.contains("panicked");
            assert!(ran.code == 4 && is_sentence, "{args:?}: {ran:?}");
        }
    }
    // A table that is missing is not yet there, and the sentence says so.
    copy("tableless", &|rest, path| {
        if rest == ".ndsh-readers" {
            fs::remove_file(path).unwrap();
        }
    });
    let ran = dir.run(&["stat", "tableless"]);
    assert!(ran.code == 3 && !ran.stderr.contains("there is a channel"), "{ran:?}");
    for args in [&["ls", "--interval=0"][..], &["top", "--count=1", "--interval=0.05"], &["gc", "--dry-run"]] {
        assert_eq!(dir.run(args).code, 0, "{args:?}");
    }
    assert!(!to.path().join("out.npy").exists());
}
