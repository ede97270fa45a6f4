//! Bytes and pictures in pipes, values from the command line, and blocks of other programs.

use crate::support::{Ran, TestDir, wait_until};
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// The elements of a channel, and its number of values.
fn value(dir: &TestDir, name: &str) -> (Vec<usize>, Vec<u8>, u64) {
    let sample = dir.options().open(name).unwrap().latest_owned().unwrap().unwrap();
    (sample.shape().to_vec(), sample.as_bytes().to_vec(), sample.seq())
}

#[test]
fn bytes_alone_come_in() {
    let dir = TestDir::new();
    let ran = dir
        .run_with_input(&["put", "to", "-", "--raw", "uint8:2x3", "--keep"], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(value(&dir, "to"), (vec![2, 3], vec![6, 7, 8, 9, 10, 11], 2));
    dir.ok(&["rm", "to"]);
    // The other byte order, one number a value, and parts.
    let order = if cfg!(target_endian = "little") { '>' } else { '<' };
    dir.run_with_input(&["put", "to", "-", "--raw", &format!("{order}u2"), "--keep"], &1_u16.to_ne_bytes());
    assert_eq!(value(&dir, "to"), (vec![], 256_u16.to_ne_bytes().to_vec(), 1));
    dir.ok(&["rm", "to"]);
    let ran = dir.run_with_input(&["put", "to", "-", "--raw", "u1:2x1", "--split", "--rate=1000", "--keep"], &[7, 8]);
    assert_eq!((ran.code, value(&dir, "to")), (0, (vec![1], vec![8], 2)));
    dir.ok(&["rm", "to"]);
    for (args, input, code) in [
        (&["--raw", "uint8:3"][..], &[1, 2][..], 4),
        (&["--raw", "bool:2"], &[1, 2], 4),
        (&["--raw", "uint8:0"], &[1], 2),
        (&["--raw", "pixel:3"], &[1], 2),
        (&["--raw", "uint8:3", "--key", "a"], &[1, 2, 3], 2),
        (&["--raw", "uint8:3"], &[], 1),
    ] {
        let ran = dir.run_with_input(&[&["put", "to", "-"], args].concat(), input);
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{args:?}: {ran:?}");
        assert_eq!(dir.files(), [""; 0], "{args:?}");
    }
    let ran = dir.run_with_input(&["put", "to", "-", "--raw", "uint8:2"], &[1, 2, 3]);
    assert!(ran.code == 4 && ran.stderr.contains("ends after 1 of 2 bytes"), "{ran:?}");
    assert!(ran.stderr.contains("1 value had been published"), "{ran:?}");
    let file = dir.text_path("two.raw");
    fs::write(&file, [1, 2, 3, 4]).unwrap();
    dir.ok(&["put", "to", &file, "--raw", "uint8:2", "--rate=1000"]);
    assert_eq!(value(&dir, "to"), (vec![2], vec![3, 4], 2));
    assert_eq!(dir.run(&["put", "to", &file, "--raw", "uint8:3"]).code, 4, "no whole values");
}

#[test]
fn a_channel_lives_as_long_as_its_input() {
    let dir = TestDir::new();
    let mut put = dir
        .command(&["put", "to", "-", "--raw", "uint8:1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = put.stdin.take().unwrap();
    input.write_all(&[7]).unwrap();
    input.flush().unwrap();
    wait_until("it is there", || dir.run(&["echo", "to"]).stdout == "[7]\n");
    let mut get = dir.start(&["echo", "to", "--follow"]);
    assert_eq!(get.line(), "[7]\n");
    drop(input);
    let ended = put.wait_with_output().unwrap();
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    assert_eq!(get.end().code, 0, "the channel was closed");
    assert_eq!(dir.run(&["echo", "to"]).code, 3);
    assert_eq!(dir.files(), [""; 0], "nothing is left");
    // So does a recording; files and written values last.
    dir.put_value();
    let (file, recording) = (dir.text_path("a.npy"), dir.text_path("recording.npz"));
    dir.ok(&["get", "from", &file]);
    dir.run(&["record", "from", &recording, "--count=1"]);
    assert_eq!(dir.run(&["play", "again", &recording]).code, 0);
    assert_eq!(dir.run(&["echo", "again"]).code, 3);
    assert_eq!(dir.run(&["play", "again", &recording, "--keep"]).code, 0);
    dir.ok(&["put", "file", &file]);
    dir.ok(&["put", "written", "--value", "[1, 2, 3, 4]", "--dtype", "u1"]);
    for name in ["again", "file", "written"] {
        assert_eq!(dir.ok(&["echo", name]), "[1 2 3 4]\n", "{name}");
    }
    dir.ok(&["put", "count", &file, "--loop", "--rate=1000", "--count=3", "--keep"]);
    assert_eq!(value(&dir, "count").2, 3);
}

#[test]
fn values_are_written_out() {
    let dir = TestDir::new();
    for (text, dtype, shown) in [
        ("[[1, 2], [3, 4]]", Some("f4"), "[[1. 2.]\n [3. 4.]]\n"),
        ("[[1, 2], [3, 4]]", None, "[[1 2]\n [3 4]]\n"),
        ("-1.5", None, "-1.5\n"),
        ("[true, false]", None, "[ True False]\n"),
        ("[\"1+2j\", 0]", Some("complex64"), "[1.+2.j 0.+0.j]\n"),
        ("[]", Some("bfloat16"), "[]\n"),
    ] {
        let mut args = vec!["put", "to", "--value", text];
        args.extend(dtype.iter().flat_map(|dtype| ["--dtype", dtype]));
        dir.ok(&args);
        assert_eq!(dir.ok(&["echo", "to"]), shown, "{text}");
    }
    for args in [
        &["--value", "[1, [2]]"][..],
        &["--value", "[1,"],
        &["--value", "[300]", "--dtype", "u1"],
        &["--value", "[1]", "--dtype", "pixel"],
        &["--value", "[1]", "a.npy"],
        &["--dtype", "u1", "a.npy"],
        &[],
    ] {
        let ran = dir.run(&[&["put", "bad"], args].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{args:?}: {ran:?}");
    }
    assert_eq!(dir.run(&["echo", "bad"]).code, 3);
}

#[test]
fn bytes_alone_go_out() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u16>("from").unwrap();
    writer.write(&[2], &[1, 258]).unwrap();
    let elements: Vec<u8> = [1_u16, 258].map(u16::to_ne_bytes).concat();
    let file = dir.text_path("now.raw");
    dir.ok(&["get", "from", &file]);
    assert_eq!(fs::read(&file).unwrap(), elements);
    let get = dir.start(&["get", "from", "-", "--format", "raw", "--follow", "--count", "1"]);
    assert_eq!(get.end_bytes(), elements);
    let mut command = dir.command(&["get", "from", "-", "--format", "raw", "--follow"]);
    let mut get = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut found = [0; 4];
    get.stdout.as_mut().unwrap().read_exact(&mut found).unwrap();
    assert_eq!(found, *elements);
    writer.write(&[1], &[7]).unwrap();
    let ran: Ran = get.wait_with_output().unwrap().into();
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
    assert!(ran.stderr.contains("uint16 (2,) became uint16 (1,)"), "{ran:?}");
    for bad in [&["get", "from", "-", "--follow", "--format=npz"][..], &["get", "from", "a.raw", "--follow"]] {
        assert_eq!(dir.run(bad).code, 2, "{bad:?}");
    }
}

#[test]
fn pictures_go_through_pipes_both_ways() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("from").unwrap();
    writer.write(&[2, 2], &[1, 2, 3, 4]).unwrap();
    let get = dir.start(&["get", "from", "-", "--format", "png", "--follow", "--count=1"]);
    let first = get.end_bytes();
    writer.write(&[1, 1, 3], &[5, 6, 7]).unwrap();
    let get = dir.start(&["get", "from", "-", "--format", "png"]);
    let stream = [first, get.end_bytes()].concat();
    assert_eq!(stream.windows(8).filter(|bytes| *bytes == b"\x89PNG\r\n\x1a\n").count(), 2);
    let ran = dir.run_with_input(&["put", "to", "-", "--keep"], &stream);
    assert_eq!((ran.code, value(&dir, "to")), (0, (vec![1, 1, 3], vec![5, 6, 7], 2)), "{ran:?}");
    dir.ok(&["rm", "to"]);
    let ran = dir.run_with_input(&["put", "to", "-", "--keep"], &stream[..stream.len() - 1]);
    assert!(ran.code == 4 && ran.stderr.contains("1 value had been published"), "{ran:?}");
}

/// What Python's `SharedMemory` leaves: a file of bytes.
#[test]
fn blocks_of_other_programs_are_read() {
    let dir = TestDir::new();
    fs::write(dir.file("psm_1234"), [&[1, 2, 3, 4, 5, 6][..], &[0; 4090]].concat()).unwrap();
    assert_eq!(dir.ok(&["echo", "psm_1234", "--raw", "uint8:2x3"]), "[[1 2 3]\n [4 5 6]]\n");
    let file = dir.text_path("a.npy");
    dir.ok(&["get", "psm_1234", &file, "--raw", "uint8:2x3"]);
    dir.ok(&["put", "copy", &file]);
    assert_eq!(value(&dir, "copy").1, [1, 2, 3, 4, 5, 6]);
    let text = dir.ok(&["view", "psm_1234", "--raw", "uint8:2x3", "--width=3", "--height=1"]);
    assert!(text.contains("psm_1234  uint8 (2, 3)"), "{text}");
    assert_eq!(dir.json(&["stat", "psm_1234", "--raw", "u1:6", "--json"])["values"]["max"], json!(6.0));
    std::os::unix::fs::symlink("/etc/passwd", dir.file("link")).unwrap();
    assert!(Command::new("mkfifo").arg(dir.file("fifo")).status().unwrap().success());
    for (name, layout, code) in [
        ("psm_1234", "uint8:5000", 4),
        ("psm_1234", "bool:6", 4),
        ("psm_1234", "float64:999999999999", 4),
        ("nothing", "uint8:2", 3),
        ("link", "uint8:2", 1),
        ("fifo", "uint8:2", 4),
        ("../x", "uint8:2", 2),
    ] {
        let ran = dir.run(&["echo", name, "--raw", layout]);
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{name} {layout}: {ran:?}");
        assert!(!ran.stderr.contains("panicked"), "{ran:?}");
    }
}

#[test]
fn a_pattern_to_look_at() {
    let dir = TestDir::new();
    let mut put = dir.start(&["put", "bars", "--test-pattern", "64x48", "--rate=200"]);
    let text = || dir.run(&["echo", "bars", "--verbose", "--wait=30"]).stdout;
    assert!(text().starts_with("bars  uint8 (48, 64, 3)  #"));
    let first = value(&dir, "bars");
    wait_until("it moves", || value(&dir, "bars").1 != first.1);
    put.interrupt();
    assert!(put.line().is_empty());
    assert_eq!(put.end().code, 0);
    assert_eq!(dir.run(&["echo", "bars"]).code, 3, "it has gone");
    dir.ok(&["put", "chirp", "--test-pattern", "1000", "--count=2", "--keep"]);
    let found = dir.json(&["stat", "chirp", "--json"]);
    assert_eq!((&found["dtype"], &found["shape"], &found["seq"]), (&json!("float32"), &json!([1000]), &json!(2)));
    assert!(found["values"]["max"].as_f64().unwrap() > 0.9, "{found}");
    dir.ok(&["put", "bars", "--test-pattern", "--count=1", "--keep"]);
    assert_eq!(value(&dir, "bars").0, [480, 640, 3]);
    for bad in ["0x10", "10x", "100000"] {
        assert_eq!(dir.run(&["put", "bad", "--test-pattern", bad]).code, 2, "{bad}");
    }
}

/// Runs ffmpeg, which must succeed; returns its output.
fn ffmpeg(args: &[&str], input: Stdio) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error"]).args(args).stdin(input).stderr(Stdio::inherit());
    let output = command.output().expect("ffmpeg, which `.ci/run cli` installs");
    assert!(output.status.success(), "{args:?}");
    output.stdout
}

const WIDTH: usize = 64;
const HEIGHT: usize = 48;
const FRAME: usize = WIDTH * HEIGHT * 3;
const COUNT: usize = 40;
const SOURCE: [&str; 4] = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=30"];
const RAW: [&str; 4] = ["-f", "rawvideo", "-pix_fmt", "rgb24"];

/// A video goes in, and another comes out: its frames are those that went in, in their order.
#[test]
#[ignore = "needs ffmpeg; `.ci/run cli` runs it"]
fn videos_go_through_pipes_both_ways() {
    let dir = TestDir::new();
    let frames = ffmpeg(&[&SOURCE[..], &["-frames:v", "40"], &RAW, &["-"]].concat(), Stdio::null());
    assert_eq!(frames.len(), COUNT * FRAME);
    for format in ["raw", "png"] {
        let to = dir.text_path(&format!("{format}.mkv"));
        let mut get = dir
            .command(&["get", "video", "-", "--format", format, "--follow", "--wait=60"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output: Stdio = get.stdout.take().unwrap().into();
        let input = if format == "raw" {
            [&RAW[..], &["-video_size", "64x48"]].concat()
        } else {
            vec!["-f", "image2pipe", "-c:v", "png"]
        };
        let args = [&input[..], &["-framerate", "30", "-i", "-", "-c:v", "ffv1", "-pix_fmt", "bgr0", &to]].concat();
        std::thread::scope(|scope| {
            let made = scope.spawn(|| ffmpeg(&args, output));
            let mut source = Command::new("ffmpeg");
            source.args(["-hide_banner", "-loglevel", "error"]).args(SOURCE).args(["-frames:v", "40"]);
            match format {
                "raw" => source.args(RAW),
                _ => source.args(["-f", "image2pipe", "-c:v", "png", "-pix_fmt", "rgb24"]),
            };
            let mut source = source.arg("-").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
            let raw = if format == "raw" { &["--raw", "uint8:48x64x3"][..] } else { &[] };
            let mut put = dir.command(&[&["put", "video", "-", "--rate=30"], raw].concat());
            assert!(put.stdin(source.stdout.take().unwrap()).status().unwrap().success());
            assert!(source.wait().unwrap().success() && get.wait().unwrap().success());
            made.join().unwrap();
        });
        let found = ffmpeg(&[&["-i", &to][..], &RAW, &["-"]].concat(), Stdio::null());
        let mut left = frames.chunks(FRAME);
        let mut seen = 0;
        for frame in found.chunks(FRAME) {
            assert!(left.any(|wanted| wanted == frame), "{format}: frame {seen} is none, or out of order");
            seen += 1;
        }
        assert!(seen > 0 && left.next().is_none(), "{format}: {seen} frames, and the last one is among them");
    }
}

/// What the README shows.
#[test]
#[ignore = "needs ffmpeg; `.ci/run cli` runs it"]
fn the_readmes_video_works() {
    let dir = TestDir::new();
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let mut blocks = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let script = blocks.find(|block| block.contains("ffmpeg")).expect("a block with ffmpeg");
    let path = Path::new(env!("CARGO_BIN_EXE_ndsh")).parent().unwrap().to_str().unwrap().to_owned();
    let path = format!("{path}:{}", std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{script}\nwait")]).current_dir(dir.path()).env("PATH", path).stdin(Stdio::null());
    let ran: Ran = dir.settings(&mut command).output().unwrap().into();
    assert_eq!(ran.code, 0, "{ran:?}");
    let found = ffmpeg(&[&["-i", &dir.text_path("video.mkv")][..], &RAW, &["-"]].concat(), Stdio::null());
    assert!(!found.is_empty() && found.len().is_multiple_of(320 * 240 * 3), "{}", found.len());
}
