//! `get` and `put`: arrays to and from files and pipes.

use crate::support::{TIMEOUT, TestDir, wait_until};
use ndsharray::{DType, Error};
use std::fs;
use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

/// Reads the dtype, shape and bytes in a channel.
fn held(dir: &TestDir, name: &str) -> (DType, Vec<usize>, Vec<u8>) {
    let mut reader = dir.options().open_timeout(name, TIMEOUT).unwrap();
    // A channel is there a moment before its first value.
    wait_until("there is a value", || reader.latest().unwrap().is_some());
    let sample = reader.latest().unwrap().unwrap();
    (sample.dtype(), sample.shape().to_vec(), sample.as_bytes().to_vec())
}

/// Counts the `.npy` arrays in a stream, all of which have so many bytes.
fn npy_count(mut stream: &[u8], element_bytes: usize) -> usize {
    let mut count = 0;
    while !stream.is_empty() {
        assert!(stream.starts_with(b"\x93NUMPY\x01\x00"), "array {count}");
        let header = usize::from(u16::from_le_bytes([stream[8], stream[9]]));
        stream = &stream[10 + header + element_bytes..];
        count += 1;
    }
    count
}

#[test]
fn every_dtype_goes_through_files() {
    let dir = TestDir::new();
    for &dtype in DType::ALL.iter().filter(|dtype| **dtype < DType::DateTime64) {
        for shape in [&[2_usize, 3][..], &[], &[0, 4]] {
            let len = shape.iter().product::<usize>() * dtype.size();
            let largest = if dtype == DType::Bool { 1 } else { 255 };
            let bytes: Vec<u8> = (0..len).map(|i| (i * 31).to_le_bytes()[0] & largest).collect();
            let mut writer = dir.options().create_any("from").unwrap();
            writer.write_bytes(dtype, shape, &bytes).unwrap();
            for file in ["a.npy", "a.npz"] {
                let file = dir.text_path(file);
                dir.ok(&["get", "from", &file]);
                dir.ok(&["put", "to", &file]);
                assert_eq!(held(&dir, "to"), (dtype, shape.to_vec(), bytes.clone()), "{dtype} {shape:?} {file}");
            }
        }
    }
    dir.ok(&["rm", "to"]);
    assert_eq!(dir.files(), ["a.npy", "a.npz"], "no part of a file is left");
}

#[test]
fn pictures_are_pixels() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u16>("from").unwrap();
    let pixels: Vec<u16> = (0..2 * 3 * 3).map(|i| i * 3000).collect();
    writer.write(&[2, 3, 3], &pixels).unwrap();
    let file = dir.text_path("a.png");
    dir.ok(&["get", "from", &file]);
    dir.ok(&["put", "to", &file]);
    let bytes = pixels.iter().flat_map(|pixel| pixel.to_ne_bytes()).collect();
    assert_eq!(held(&dir, "to"), (DType::U16, vec![2, 3, 3], bytes));
    let mut writer = writer.into_dtype::<f64>();
    writer.write(&[2], &[1.0, 2.0]).unwrap();
    let before = fs::read(&file).unwrap();
    let ran = dir.run(&["get", "from", &file]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("ndsh view from --png"), "{ran:?}");
    assert_eq!(fs::read(&file).unwrap(), before, "a file that cannot be written anew stays");
}

#[test]
fn a_put_value_stays() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<i32>("from").unwrap();
    writer.write(&[2], &[7, -7]).unwrap();
    let stream = dir.start(&["get", "from", "-"]).end_bytes();
    assert_eq!(dir.run_with_input(&["put", "to", "-", "--keep"], &stream).code, 0);
    assert_eq!(held(&dir, "to").2, [7_i32, -7].map(i32::to_ne_bytes).concat());
    assert!(!dir.options().open("to").unwrap().is_writer_alive());
    // Again, over the one that was left.
    assert_eq!(dir.run_with_input(&["put", "to", "-", "--keep"], &stream).code, 0);
    assert_eq!(dir.options().open("to").unwrap().latest().unwrap().unwrap().seq(), 2);
}

#[test]
fn a_held_value_goes_with_ctrl_c() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("from").unwrap();
    writer.write(&[2], &[7, 8]).unwrap();
    let file = dir.text_path("a.npy");
    dir.ok(&["get", "from", &file]);
    let put = dir.start(&["put", "to", &file, "--hold"]);
    assert_eq!(held(&dir, "to").2, [7, 8]);
    assert!(dir.options().open("to").unwrap().is_writer_alive());
    assert_eq!(dir.run(&["put", "to", &file]).code, 5, "the channel has a writer");
    put.interrupt();
    let ran = put.end();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(matches!(dir.options().open("to"), Err(Error::NotFound { .. })));
}

#[test]
fn a_loop_publishes_slices_at_its_rate() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("from").unwrap();
    writer.write(&[3, 2], &[0, 0, 1, 1, 2, 2]).unwrap();
    let file = dir.text_path("clip.npy");
    dir.ok(&["get", "from", &file]);
    let refused = dir.run(&["put", "to", &file, "--split"]);
    assert!(refused.code == 2 && refused.stderr.contains("--rate"), "{refused:?}");
    let put = dir.start(&["put", "to", &file, "--split", "--loop", "--rate", "200"]);
    let mut reader = dir.options().open_timeout("to", TIMEOUT).unwrap();
    let mut seen = Vec::new();
    while seen.len() < 20 {
        let sample = reader.wait(TIMEOUT).unwrap().unwrap();
        assert_eq!(sample.shape(), [2]);
        let expected = u8::try_from((sample.seq() - 1) % 3).unwrap();
        assert_eq!(sample.as_bytes(), [expected; 2]);
        seen.push(expected);
    }
    put.interrupt();
    assert_eq!(put.end().code, 0);
}

#[test]
fn streams_of_arrays() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("from").unwrap();
    writer.write(&[4], &[0; 4]).unwrap();
    let get = dir.start(&["get", "from", "-", "--follow"]);
    wait_until("it reads", || dir.json(&["ls", "--json", "--interval=0"])[0]["readers"] == 1);
    for value in 1..=5 {
        writer.write(&[4], &[value; 4]).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(writer);
    let stream = get.end_bytes();
    assert!((2..=6).contains(&npy_count(&stream, 4)), "{}", npy_count(&stream, 4));
    assert!(stream.ends_with(&[5; 4]));
    // The other way round, one after another through a pipe.
    assert_eq!(dir.run_with_input(&["put", "to", "-", "--keep"], &stream).code, 0);
    assert_eq!(held(&dir, "to").2, [5; 4]);
}

#[test]
fn arrays_and_pythons_channels_are_sources_too() {
    let dir = TestDir::new();
    let array = dir.array_options().from_slice::<f32>("array", &[2], &[1.0, 2.0]).unwrap();
    let file = dir.text_path("a.npy");
    dir.ok(&["get", "array", &file]);
    dir.ok(&["put", "python", &file, "--python"]);
    let copy = dir.python().open("python").unwrap().read().unwrap().unwrap();
    assert_eq!(copy.view::<f32>().unwrap().as_slice(), [1.0, 2.0]);
    let again = dir.text_path("b.npy");
    dir.ok(&["get", "python", &again]);
    assert_eq!(fs::read(&file).unwrap(), fs::read(&again).unwrap());
    array.unlink().unwrap();
}

#[test]
fn nothing_is_left_of_what_fails() {
    let dir = TestDir::new();
    let bad = dir.text_path("bad.npy");
    fs::write(&bad, b"\x93NUMPY\x01\x00").unwrap();
    for (args, code) in [
        (&["put", "to", bad.as_str()][..], 4),
        (&["put", "to", "/nonexistent/a.npy"], 3),
        (&["put", "to", "-", "--keep"], 1),
        (&["get", "nothing", "a.npy"], 3),
        (&["get", "nothing", "a.txt"], 2),
        (&["get", "nothing", "a.npy", "--follow"], 2),
    ] {
        let ran = dir.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{args:?}: {ran:?}");
        assert!(!ran.stderr.is_empty());
    }
    assert_eq!(dir.files(), ["bad.npy"]);
}

#[test]
fn bytes_do_not_go_to_a_terminal() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("from").unwrap();
    writer.write(&[2], &[7, 8]).unwrap();
    let mut terminal = dir.terminal(&["get", "from", "-"]);
    terminal.exp_string("standard output is a terminal").unwrap();
    terminal.exp_string("pipe it").unwrap();
    terminal.exp_eof().unwrap();
}

#[test]
fn waiting_for_a_value() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("from").unwrap();
    let file = dir.text_path("a.npy");
    let ran = dir.run(&["get", "from", &file, "--wait", "0.05"]);
    assert!(ran.code == 9 && ran.stderr.contains("no value"), "{ran:?}");
    let get = dir.start(&["get", "from", &file, "--wait", "30"]);
    writer.write(&[1], &[7]).unwrap();
    assert_eq!(get.end().code, 0);
    let get = dir.start(&["get", "later", &file, "--wait", "30"]);
    let mut later = dir.options().create::<u8>("later").unwrap();
    later.write(&[1], &[8]).unwrap();
    assert_eq!(get.end().code, 0);
    assert!(fs::read(&file).unwrap().ends_with(&[8]));
}

#[test]
fn a_reader_who_goes_ends_the_stream() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("from").unwrap();
    writer.write(&[4], &[1; 4]).unwrap();
    let mut command = dir.command(&["get", "from", "-", "--follow"]);
    let mut get = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut start = [0; 6];
    let mut stdout = get.stdout.take().unwrap();
    stdout.read_exact(&mut start).unwrap();
    drop(stdout);
    wait_until("it ends", || {
        writer.write(&[4], &[2; 4]).unwrap();
        get.try_wait().unwrap().is_some()
    });
    assert_eq!(get.wait_with_output().unwrap().status.code(), Some(0));
}

/// An array is in memory once: in the channel, where files are read to and written from.
#[test]
fn large_arrays_are_in_memory_once() {
    const MEGABYTES: usize = 96;
    let dir = TestDir::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let [first, second] = ["first.npy", "second.npy"].map(|name| elsewhere.path().join(name));
    let len = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let get = |name: &str, to: &std::path::Path| {
        let mut command = dir.command(&["get", name, "-", "--follow"]);
        let child = command.stdin(Stdio::null()).stdout(std::fs::File::create(to).unwrap()).spawn().unwrap();
        wait_until("it is written", || len(to) > (MEGABYTES as u64) << 20);
        child
    };
    // The most memory that a process has had, in megabytes.
    let peak = |pid: u32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
    };
    let is_once = |pid| {
        let peak = peak(pid);
        assert!((MEGABYTES..MEGABYTES * 3 / 2).contains(&peak), "{peak} MB");
    };
    let values = vec![7_u8; MEGABYTES << 20];
    // It lives as long as its readers are looked at: at its end they end too.
    let mut writer = dir.options().create::<u8>("large").unwrap();
    writer.write(&[MEGABYTES << 20], &values).unwrap();
    let mut child = get("large", &first);
    is_once(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    drop(writer);
    let mut put = dir.start(&["put", "again", first.to_str().unwrap(), "--hold"]);
    // Before it is read from again, as pages count for those that have touched them.
    wait_until("it is published", || {
        dir.options().open("again").is_ok_and(|mut reader| reader.read().is_ok_and(|value| value.is_some()))
    });
    is_once(put.id());
    let mut child = get("again", &second);
    is_once(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    put.kill();
    assert_eq!(len(&first), len(&second));
}
