//! `ndsh ls`

use crate::holder;
use crate::support::{Ran, TestDir, wait_until};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// The entry of that name and kind.
fn entry(list: &Value, name: &str, kind: &str) -> Value {
    let all = list.as_array().unwrap();
    all.iter()
        .find(|one| one["name"] == name && one["kind"] == kind)
        .unwrap_or_else(|| panic!("{name}: {list}"))
        .clone()
}

#[test]
fn nothing_is_said_on_stderr() {
    let dir = TestDir::new();
    let ran = dir.run(&["ls"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert_eq!(ran.stderr, format!("ndsh: no channels and no arrays in {}\n", dir.path().display()));
    assert_eq!(dir.ok(&["ls", "--json"]), "[]\n");
    let ran = dir.run(&["ls", "--dir", "/nowhere/at/all"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""));
    assert!(ran.stderr.contains("/nowhere/at/all") && ran.stderr.contains("  next: "), "{}", ran.stderr);
    for bad in ["-1", "nan", "1e9"] {
        assert_eq!(dir.run(&["ls", &format!("--interval={bad}")]).code, 2, "{bad}");
    }
}

/// A user without access to the reader table sees the rest, and no damage.
#[test]
fn readers_are_unknown_to_other_users() {
    const NOBODY: u32 = 65_534;
    let dir = TestDir::new();
    let mut writer = dir.options().mode(0o644).max_slots(4).create::<u8>("camera").unwrap();
    writer.write(&[2, 3], &[1; 6]).unwrap();
    let _reader = dir.options().open("camera").unwrap();
    // That user must be able to run it.
    let place = tempfile::tempdir().unwrap();
    for path in [dir.path(), place.path()] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    let program = place.path().join("ndsh");
    fs::copy(env!("CARGO_BIN_EXE_ndsh"), &program).unwrap();
    let table = dir.file("camera.ndsh-readers");
    let is_root = fs::metadata(&table).unwrap().uid() == 0;
    if !is_root {
        fs::set_permissions(&table, Permissions::from_mode(0o000)).unwrap();
    }
    let run = |args: &[&str]| {
        let mut command = Command::new(&program);
        dir.settings(command.args(args)).stdin(Stdio::null());
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        let mut output = None;
        // A child that another test has just forked has the copy open for writing too, until it
        // calls `exec`.
        wait_until("the copy can be run", || match command.output() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => false,
            other => {
                output = Some(other.unwrap());
                true
            }
        });
        let ran = Ran::from(output.unwrap());
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
        ran.stdout
    };
    let list: Value = serde_json::from_str(&run(&["ls", "--json", "--interval", "0"])).unwrap();
    let camera = entry(&list, "camera", "channel");
    for unknown in ["readers", "dead_readers", "pinned"] {
        assert_eq!(camera[unknown], Value::Null, "{unknown}");
    }
    assert_eq!((&camera["problems"], &camera["readable"], &camera["seq"]), (&json!([]), &json!(true), &json!(1)));
    assert_eq!(camera["writer"]["alive"], json!(true));
    let list = run(&["ls", "--interval", "0"]);
    assert!(list.contains("readers unknown") && !list.contains("damaged"), "{list}");
    let info = run(&["info", "camera", "--interval", "0"]);
    assert!(info.contains("readers   unknown") && !info.contains("PROBLEM"), "{info}");
}

#[test]
fn all_kinds_are_told() {
    let dir = TestDir::new();
    let mut writer = holder::hold(&dir, "writer", "camera");
    let _reader = holder::hold(&dir, "reader", "camera");
    let array = holder::hold(&dir, "array", "matrix");
    dir.python().persist(true).create::<i16>("lidar").unwrap().write(&[4], &[1; 4]).unwrap();
    dir.options().persist(true).create::<f32>("last").unwrap().write(&[], &[1.0]).unwrap();

    let list = dir.json(&["ls", "--json", "--interval", "0"]);
    assert_eq!(list.as_array().unwrap().len(), 4);
    let camera = entry(&list, "camera", "channel");
    let expected = json!({
        "name": "camera", "kind": "channel", "state": "open", "dtype": "uint8", "shape": [2, 3], "bytes": 6, "seq": 1,
        "rate": null, "writer": {"alive": true, "pid": writer.id()}, "readers": 1, "dead_readers": 0, "max_readers": 64,
        "pinned": 1, "poisoned": false, "problems": [],
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&camera[key], value, "{key}");
    }
    assert!(camera["memory"].as_u64().unwrap() > 4096 && camera["age_seconds"].as_f64().unwrap() >= 0.0);
    let matrix = entry(&list, "matrix", "array");
    assert_eq!((&matrix["dtype"], &matrix["shape"], &matrix["readers"]), (&json!("float64"), &json!([4]), &json!(1)));
    assert_eq!(matrix["writer"], json!({"alive": true, "pid": array.id()}));
    let lidar = entry(&list, "lidar", "python");
    assert_eq!((&lidar["dtype"], &lidar["readers"], &lidar["seq"]), (&json!("int16"), &Value::Null, &Value::Null));
    assert_eq!(lidar["writer"]["alive"], Value::Null);
    let last = entry(&list, "last", "channel");
    assert_eq!((&last["state"], &last["shape"], &last["writer"]["alive"]), (&json!("kept"), &json!([]), &json!(false)));

    let table = dir.ok(&["ls", "--interval", "0"]);
    let lines: Vec<&str> = table.lines().collect();
    let words: Vec<&str> = lines[0].split_whitespace().collect();
    let titles = "NAME KIND DTYPE SHAPE SIZE SEQ RATE WRITER READERS PINNED MEMORY AGE NOTE";
    assert_eq!(words.join(" "), titles);
    // Columns begin where their titles do.
    let dtype = lines[0].find("DTYPE").unwrap();
    for (line, expected) in lines[1..].iter().zip(["uint8", "float32", "int16", "float64"]) {
        assert!(line[dtype..].starts_with(expected), "{table}");
    }
    assert!(
        lines[1].contains(&format!("alive ({})", writer.id())) && lines[2].ends_with("kept by its writer"),
        "{table}"
    );

    writer.kill();
    let table = dir.ok(&["ls", "--interval", "0"]);
    assert!(table.lines().any(|line| line.starts_with("camera") && line.ends_with("its writer died")), "{table}");
}

#[test]
fn the_rate_comes_from_two_looks() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("busy").unwrap();
    let mut idle = dir.options().create::<u8>("idle").unwrap();
    idle.write(&[1], &[1]).unwrap();
    std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                writer.write(&[1], &[1]).unwrap();
                std::thread::yield_now();
            }
        });
        wait_until("a rate", || {
            let list = dir.json(&["ls", "--json"]);
            assert_eq!(entry(&list, "idle", "channel")["rate"], json!(0.0));
            entry(&list, "busy", "channel")["rate"].as_f64().is_some_and(|rate| rate > 0.0)
        });
        drop(stop);
    });
}

#[test]
fn names_cannot_act_on_the_terminal() {
    let dir = TestDir::new();
    let name = "a\u{202e}b\u{200b}\u{feff}";
    dir.options().persist(true).create::<u8>(name).unwrap().write(&[1], &[1]).unwrap();
    for args in
        [&["ls", "--interval=0"][..], &["ls", "--json"], &["info", name], &["info", "--json", name], &["gc", "-nv"]]
    {
        let text = dir.ok(args);
        assert!(
            text.contains("a\\u{202e}b\\u{200b}\\u{feff}") || text.contains("a\\u202eb\\u200b\\ufeff"),
            "{args:?}: {text}"
        );
        assert!(text.chars().all(|c| c.is_ascii_graphic() || matches!(c, ' ' | '\n')), "{args:?}: {text}");
    }
    assert_eq!(dir.json(&["ls", "--json"])[0]["name"], name);
    let ran = dir.run(&["info", "\u{202e}nothing"]);
    assert!(ran.code == 3 && !ran.stderr.contains('\u{202e}'), "{}", ran.stderr);
}

#[test]
fn a_terminal_gets_what_a_pipe_gets() {
    let dir = TestDir::new();
    let mut writer = dir.options().persist(true).create::<u8>(&"long-".repeat(30)).unwrap();
    writer.write(&[2; 20], &vec![0; 1 << 20]).unwrap();
    drop(writer);
    let fixed = |text: &str| {
        let line = text.lines().nth(1).unwrap();
        // All but the age.
        (line.split_once("gone").unwrap().0.to_owned(), line.ends_with("kept by its writer"))
    };
    let mut in_pipe = dir.command(&["ls", "--interval=0"]);
    let in_pipe = String::from_utf8(in_pipe.env("COLUMNS", "30").output().unwrap().stdout).unwrap();
    let mut terminal = dir.terminal(&["ls", "--interval=0"]);
    let shown = terminal.exp_eof().unwrap().replace("\r\n", "\n");
    assert_eq!(fixed(&shown), fixed(&in_pipe), "whatever the terminal's width");
    assert!(!in_pipe.contains('\u{1b}') && !shown.contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_ends_a_long_list() {
    let dir = TestDir::new();
    for i in 0..300 {
        drop(dir.array_options().create::<u8>(&format!("{}{i}", "array-".repeat(30)), &[1]).unwrap());
    }
    // More than fits a pipe.
    assert!(dir.ok(&["ls", "--interval=0"]).len() > 65536);
    let mut command = dir.command(&["ls", "--interval=0"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut some = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
}

#[test]
fn damage_stops_no_list() {
    let dir = TestDir::new();
    for name in ["good", "bad", "worse"] {
        dir.options().persist(true).create::<u8>(name).unwrap().write(&[1], &[1]).unwrap();
    }
    fs::File::options().write(true).open(dir.file("bad.ndsh")).unwrap().write_at(b"nonsense", 0).unwrap();
    fs::File::options().write(true).open(dir.file("worse.ndsh")).unwrap().set_len(70).unwrap();
    fs::create_dir(dir.file("odd.ndsh")).unwrap();
    let table = dir.ok(&["ls", "--interval=0"]);
    let odd = table.lines().find(|line| line.starts_with("odd")).unwrap();
    assert!(odd.ends_with("not readable: see `ndsh info`"), "{table}");
    for name in ["bad", "worse"] {
        assert!(
            table.lines().any(|line| line.starts_with(name) && line.ends_with("damaged: see `ndsh info`")),
            "{table}"
        );
    }
    let list = dir.json(&["ls", "--json", "--interval=0"]);
    assert!(entry(&list, "bad", "channel")["problems"][0].as_str().unwrap().contains("not a file of this library"));
    assert_eq!(entry(&list, "good", "channel")["problems"], json!([]));
}

#[test]
fn patterns_choose_names() {
    let dir = TestDir::new();
    for name in ["cam.left", "cam.right", "imu", "it's"] {
        dir.options().persist(true).create::<u8>(name).unwrap().write(&[1], &[1]).unwrap();
    }
    let array = dir.array_options().create::<u8>("imu", &[1]).unwrap();
    assert_eq!(dir.ok(&["ls", "-q"]), "cam.left\ncam.right\nimu\nit's\n");
    assert_eq!(dir.ok(&["ls", "-q", "cam*"]), "cam.left\ncam.right\n");
    assert_eq!(dir.ok(&["ls", "--quiet", "*.left", "im[a-z]"]), "cam.left\nimu\n");
    assert_eq!(dir.json(&["ls", "imu", "--json", "--interval=0"]).as_array().unwrap().len(), 2, "two kinds");
    let table = dir.ok(&["ls", "cam.?ight", "--interval=0"]);
    assert!(table.lines().count() == 2 && table.contains("cam.right"), "{table}");
    for none in [&["ls", "nothing*"][..], &["ls", "-q", "nothing"], &["ls", "--json", "x"]] {
        assert_eq!(dir.run(none).code, 3, "{none:?}");
    }
    assert_eq!(dir.run(&["ls", "["]).code, 2);
    let empty = TestDir::new();
    assert_eq!(empty.ok(&["ls", "-q"]), "");
    array.unlink().unwrap();
}

#[test]
fn what_is_dead_or_damaged_is_red() {
    let dir = TestDir::new();
    for name in ["bad", "kept"] {
        dir.options().persist(true).create::<u8>(name).unwrap().write(&[1], &[1]).unwrap();
    }
    let _writer = dir.options().create::<u8>("good").unwrap();
    let mut dead = holder::hold(&dir, "writer", "dead");
    dead.kill();
    fs::File::options().write(true).open(dir.file("bad.ndsh")).unwrap().write_at(b"nonsense", 0).unwrap();
    let text = dir.ok(&["ls", "--interval=0", "--color=always"]);
    let line = |name: &str| text.lines().find(|line| line.contains(name)).unwrap();
    assert!(line("bad").starts_with("\u{1b}[1m\u{1b}[31mbad"), "{text:?}");
    assert!(line("dead").starts_with("\u{1b}[31mdead") && line("dead").contains("its writer died"), "{text:?}");
    assert!(line("kept").starts_with("kept") && line("good").starts_with("good"), "{text:?}");
    assert!(!dir.ok(&["ls", "--interval=0"]).contains('\u{1b}'));
}

/// Counts how often the directory itself is opened, and files in it, while `act` runs.
fn opened(dir: &TestDir, act: impl FnOnce()) -> [usize; 2] {
    use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

    let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).unwrap();
    inotify.add_watch(dir.path(), AddWatchFlags::IN_OPEN).unwrap();
    act();
    let mut counts = [0, 0];
    while let Ok(events) = inotify.read_events() {
        for event in events {
            assert!(!event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW), "too much to count");
            counts[usize::from(event.name.is_some())] += 1;
        }
    }
    counts
}

/// What is done for each channel does not depend on how many there are.
#[test]
fn many_channels_cost_little_each() {
    let dir = TestDir::new();
    let options = dir.options();
    let mut made = 0;
    let mut grow = |count| {
        for i in made..count {
            options.clone().persist(true).create::<u8>(&format!("channel-{i}")).unwrap().write(&[1], &[1]).unwrap();
            dir.python().persist(true).create::<u8>(&format!("python-{i}")).unwrap().write(&[1], &[1]).unwrap();
        }
        made = count;
    };
    let count = |args: &[&str]| opened(&dir, || assert_eq!(dir.run(args).code, 0));
    let commands: [&[&str]; 3] = [&["ls", "--interval=0"], &["ls", "--interval=0.01"], &["ls", "-q"]];
    grow(3);
    let few = commands.map(count);
    grow(60);
    for ((command, few), many) in commands.iter().zip(few).zip(commands.map(count)) {
        assert!(few[0] > 0 && few[0] == many[0], "{command:?}: the directory is read {few:?} and {many:?} times");
        assert!(many[1] <= few[1] * 20, "{command:?}: files are opened {few:?} and {many:?} times");
    }
}
