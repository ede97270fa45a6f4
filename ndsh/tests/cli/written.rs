//! Files are written whole or not at all, with modes and links as before.

use crate::support::{TestDir, wait_until};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

fn mode(dir: &TestDir, name: &str) -> u32 {
    dir.file(name).metadata().unwrap().mode() & 0o7777
}

#[test]
fn a_file_that_is_replaced_keeps_its_mode() {
    let (dir, aside) = (TestDir::new(), TestDir::new());
    dir.put_value();
    for wanted in [0o600, 0o640, 0o755, 0o666] {
        for (name, how) in [("a.npy", "get"), ("a.npz", "get"), ("a.png", "view")] {
            fs::write(aside.file(name), "old").unwrap();
            fs::set_permissions(aside.file(name), fs::Permissions::from_mode(wanted)).unwrap();
            let file = aside.text_path(name);
            match how {
                "get" => dir.ok(&["get", "from", &file]),
                _ => dir.ok(&["view", "from", "--png", &file]),
            };
            assert_eq!(mode(&aside, name), wanted, "{name}");
            assert_ne!(fs::read(aside.file(name)).unwrap(), b"old");
        }
    }
    // As for any other program, the umask decides on the mode of a new file.
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "umask 027 && exec \"$0\" get from \"$1\"",
        env!("CARGO_BIN_EXE_ndsh"),
        &aside.text_path("new.npy"),
    ]);
    assert!(command.env("NDSHARRAY_DIR", dir.path()).status().unwrap().success());
    assert_eq!(mode(&aside, "new.npy"), 0o640);
    assert_eq!(aside.files(), ["a.npy", "a.npz", "a.png", "new.npy"], "no part is left");
}

#[test]
fn links_are_followed() {
    let (dir, aside) = (TestDir::new(), TestDir::new());
    dir.put_value();
    fs::create_dir(aside.file("real")).unwrap();
    symlink("real/target.npy", aside.file("link.npy")).unwrap();
    symlink("link.npy", aside.file("second.npy")).unwrap();
    // First the link's target does not exist yet.
    for _ in 0..2 {
        dir.ok(&["get", "from", &aside.text_path("second.npy")]);
        assert!(aside.file("link.npy").symlink_metadata().unwrap().is_symlink());
        assert!(aside.file("second.npy").symlink_metadata().unwrap().is_symlink());
        assert!(fs::read(aside.file("real/target.npy")).unwrap().ends_with(&[1, 2, 3, 4]));
    }
    symlink("circle.npy", aside.file("circle.npy")).unwrap();
    assert_eq!(dir.run(&["get", "from", &aside.text_path("circle.npy")]).code, 1);
    assert_eq!(dir.run(&["get", "from", &aside.text_path("real"), "--format=npy"]).code, 1, "a directory");
    fs::set_permissions(aside.file("real/target.npy"), fs::Permissions::from_mode(0o600)).unwrap();
    dir.ok(&["get", "from", &aside.text_path("link.npy")]);
    assert_eq!(mode(&aside, "real/target.npy"), 0o600);
    assert_eq!(fs::read_dir(aside.file("real")).unwrap().count(), 1);
}

#[test]
fn a_killed_recording_can_be_played() {
    let dir = TestDir::new();
    for (to, left) in [("recording", "recording"), ("recording.npz", "recording.npz.part")] {
        let mut writer = dir.options().create::<u8>("from").unwrap();
        let (to, left) = (dir.text_path(to), dir.text_path(left));
        let mut record = dir.start(&["record", "from", &to]);
        wait_until("it reads", || {
            dir.json(&["ls", "--json", "--interval=0"]).as_array().unwrap().iter().any(|one| one["readers"] == 1)
        });
        for value in 1..=3_u8 {
            writer.write(&[1000], &[value; 1000]).unwrap();
            // Each value is on its way to the disk before the next one comes.
            wait_until("it is written", || {
                let bytes: u64 = match fs::read_dir(&left) {
                    Ok(files) => files.map(|file| file.unwrap().metadata().unwrap().len()).sum(),
                    Err(_) => fs::metadata(&left).map_or(0, |meta| meta.len()),
                };
                bytes >= u64::from(value) * 1128
            });
        }
        // So is what is noted of the last one.
        wait_until("it is noted", || {
            let ran = dir.run(&["play", "before", &left, "--rate=1000", "--keep"]);
            let last = dir.options().open("before").ok().and_then(|mut reader| reader.latest_owned().unwrap());
            ran.code == 0 && last.is_some_and(|value| value.as_bytes() == [3; 1000])
        });
        record.kill();
        if to.ends_with(".npz") {
            assert!(!dir.file("recording.npz").exists(), "it was not finished");
            let ran = dir.run(&["record", "from", &to]);
            assert!(ran.code == 1 && ran.stderr.contains("`ndsh play from /"), "nothing is overwritten: {ran:?}");
        }
        let ran = dir.run(&["play", "again", &left, "--rate=1000", "--keep"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let last = dir.options().open("again").unwrap().latest_owned().unwrap().unwrap();
        assert!(last.seq() == 3 && last.as_bytes() == [3; 1000], "{to}: {last:?}");
        drop(last);
        dir.ok(&["rm", "again", "before"]);
    }
}

/// A limit on the length of files, beyond which writing is an error.
#[test]
fn a_full_disk_is_told_in_one_voice() {
    let dir = TestDir::new();
    dir.options().persist(true).create::<u8>("from").unwrap().write(&[100_000], &[7; 100_000]).unwrap();
    for (args, kept) in [
        (&["record", "from", "full.npz", "--count=1"][..], &[][..]),
        (&["record", "from", "full", "--count=1"], &["full"][..]),
        (&["get", "from", "full.npy"], &[]),
        (&["get", "from", "full.npz"], &[]),
    ] {
        let aside = TestDir::new();
        let mut command = Command::new("sh");
        let script = "trap '' XFSZ && ulimit -f 20 && exec \"$0\" \"$@\"";
        command.args(["-c", script, env!("CARGO_BIN_EXE_ndsh")]).args(args);
        let output = command.env("NDSHARRAY_DIR", dir.path()).current_dir(aside.path()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), told.lines().count()), (Some(1), 1), "{args:?}: {told}");
        assert!(told.starts_with("ndsh: full") && told.contains("File too large"), "{args:?}: {told}");
        assert_eq!(aside.files(), kept, "{args:?}");
    }
}

/// Pictures 100 ms apart; the recorder comes between two of them.
#[test]
fn the_first_interval_of_a_recording_is_whole() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("from").unwrap();
    writer.write(&[1], &[1]).unwrap();
    std::thread::sleep(Duration::from_millis(150));
    let record = dir.start(&["record", "from", &dir.text_path("recording"), "--count=2"]);
    wait_until("the first is recorded", || dir.file("recording/00000000.npy").exists());
    writer.write(&[1], &[2]).unwrap();
    assert_eq!(record.end().code, 0);
    let index = fs::read_to_string(dir.file("recording/index.jsonl")).unwrap();
    let times: Vec<f64> = index
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["time"].as_f64().unwrap())
        .collect();
    assert!(times[0] == 0.0 && times[1] >= 0.15, "the time between the two values: {times:?}");
}

/// Length of an array in bytes: too long for a process with [`limited`] memory.
const LEN: usize = 64 << 20;

/// Returns a command that may use 40 MiB of memory; shared memory does not count.
fn limited(dir: &TestDir, args: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -d 40960 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_ndsh")]).args(args);
    command.env("NDSHARRAY_DIR", dir.path());
    command
}

#[test]
fn large_arrays_are_in_memory_once() {
    let dir = TestDir::new();
    let values = vec![7; LEN];
    dir.options().persist(true).create::<u8>("from").unwrap().write(&[LEN], &values).unwrap();
    let disk = tempfile::tempdir().unwrap();
    let file = |name: &str| disk.path().join(name).to_str().unwrap().to_owned();
    for args in [
        &["get", "from", "-"][..],
        &["get", "from", "-", "--format=npz"],
        &["get", "from", &file("a.npz")],
        &["get", "from", &file("a.npy")],
        &["put", "to", &file("a.npy")],
        &["put", "to", &file("a.npz")],
    ] {
        let output = limited(&dir, args).stdout(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        if args[0] == "put" {
            let copy = dir.options().open("to").unwrap().latest_owned().unwrap().unwrap();
            assert!(copy.as_bytes() == values, "{args:?}");
        }
    }
    // The limit is one: a picture is taken into memory as a whole.
    let mut command = limited(&dir, &["view", "from", "--png", "/dev/null"]);
    assert!(!command.stderr(Stdio::null()).status().unwrap().success());
}

/// Writes a `.npy` file in pieces of 1 MiB, each full of its own index.
fn npy_file(path: &Path, descr: &str, fortran: &str, shape: &str) {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}}}\n");
    let mut file = std::io::BufWriter::new(fs::File::create(path).unwrap());
    file.write_all(b"\x93NUMPY\x01\x00").unwrap();
    file.write_all(&u16::try_from(header.len()).unwrap().to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    for piece in 0..LEN >> 20 {
        file.write_all(&vec![u8::try_from(piece).unwrap(); 1 << 20]).unwrap();
    }
    file.flush().unwrap();
}

#[test]
fn arrays_in_fortran_order_are_in_memory_once() {
    let (dir, disk) = (TestDir::new(), tempfile::tempdir().unwrap());
    let file = disk.path().join("a.npy");
    npy_file(&file, "=c16", "True", "(65536, 64)");
    let output = limited(&dir, &["put", "to", file.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let value = dir.options().open("to").unwrap().latest_owned().unwrap().unwrap();
    assert_eq!(value.shape(), [1 << 16, 64]);
    // Each column of the file is a piece, so each row has all indices.
    let row: Vec<u8> = (0..64).flat_map(|index| [index; 16]).collect();
    assert!(value.as_bytes().chunks_exact(row.len()).all(|found| found == row));
}

#[test]
fn arrays_that_are_split_or_looped_are_in_memory_once() {
    let (dir, disk) = (TestDir::new(), tempfile::tempdir().unwrap());
    let file = disk.path().join("a.npy");
    npy_file(&file, "|u1", "False", "(8, 8, 1048576)");
    let file = file.to_str().unwrap();
    let last = |name: &str| dir.options().open(name).ok()?.latest_owned().ok()?;

    let output = limited(&dir, &["put", "parts", file, "--split", "--rate=1000"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let value = last("parts").unwrap();
    assert_eq!((value.seq(), value.shape()), (8, &[8, 1 << 20][..]));
    assert!((56..64).zip(value.as_bytes().chunks_exact(1 << 20)).all(|(index, piece)| piece == vec![index; 1 << 20]));

    for (name, more) in [("loop", &[][..]), ("both", &["--split"])] {
        let args = [&["put", name, file, "--loop", "--rate=1000"], more].concat();
        let mut command = limited(&dir, &args);
        let mut put = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // More often than the file has parts.
        wait_until("it is published again and again", || {
            put.try_wait().unwrap().is_some() || last(name).is_some_and(|value| value.seq() > 9)
        });
        let value = last(name).unwrap();
        let first = if more.is_empty() { 0 } else { (value.seq() - 1) % 8 * 8 };
        for (index, piece) in (first..).zip(value.as_bytes().chunks_exact(1 << 20)) {
            assert!(piece == vec![u8::try_from(index).unwrap(); 1 << 20], "{name}: piece {index}");
        }
        assert_eq!(value.shape(), if more.is_empty() { &[8, 8, 1 << 20][..] } else { &[8, 1 << 20] });
        // SAFETY: takes numbers; the child has not been waited for, so the id is its own.
        assert_eq!(unsafe { libc::kill(i32::try_from(put.id()).unwrap(), libc::SIGINT) }, 0);
        let output = put.wait_with_output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
