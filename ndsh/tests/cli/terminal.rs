//! Terminals with more or fewer colours, without a cursor, and narrow ones.

use crate::support::{TIMEOUT, TestDir, wait_until};
use rexpect::process::WaitStatus;
use rexpect::session::spawn_command;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};
use vt100::Color;

fn with_picture(dir: &TestDir) {
    let mut writer = dir.options().persist(true).create::<u8>("it").unwrap();
    writer.write(&[2, 1, 3], &[255, 0, 0, 0, 0, 255]).unwrap();
}

#[test]
fn pictures_have_the_colours_that_the_terminal_has() {
    let dir = TestDir::new();
    with_picture(&dir);
    for (terminal, colors, red, blue) in [
        ("xterm-256color", "truecolor", Color::Rgb(255, 0, 0), Color::Rgb(0, 0, 255)),
        ("xterm-256color", "", Color::Idx(196), Color::Idx(21)),
        ("xterm", "", Color::Idx(9), Color::Idx(4)),
    ] {
        for args in
            [&["view", "it", "--width=1", "--height=1"][..], &["view", "it", "--follow", "--width=1", "--height=1"]]
        {
            let mut screen = dir.screen_of(args, terminal, colors);
            screen.wait(&format!("{args:?} in the colours of {terminal} {colors}"), |screen| {
                screen.cell(0, 0).map(|cell| (cell.fgcolor(), cell.bgcolor())) == Some((red, blue))
            });
            if args.len() == 5 {
                screen.press("q");
                screen.ends();
            }
        }
    }
}

/// Runs a command in a pseudo-terminal of this width, and returns its output.
fn printed(dir: &TestDir, columns: u16, terminal: &str, args: &[&str]) -> String {
    let ndsh = dir.command(args);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("stty rows 30 cols {columns} -opost && exec \"$0\" \"$@\"")]);
    command.arg(ndsh.get_program()).args(ndsh.get_args());
    dir.settings(&mut command).env("TERM", terminal);
    // A service that builds and tests sets this. It must not change what a terminal can show.
    command.env("CI", "true");
    let mut session = spawn_command(command, Some(TIMEOUT.as_millis() as u64)).unwrap();
    // Each byte comes as a character of its own.
    let bytes = session.exp_eof().unwrap().chars().map(|c| u8::try_from(c).unwrap()).collect();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_dumb_terminal_gets_lines() {
    let dir = TestDir::new();
    with_picture(&dir);
    let text = printed(&dir, 80, "dumb", &["view", "it", "--width=2", "--height=2"]);
    assert!(text.contains("uint8 (2, 1, 3)") && !text.contains('\u{1b}'), "{text:?}");
    let text = printed(&dir, 80, "dumb", &["watch", "it", "--count=2", "--interval=0.05"]);
    assert!(text.lines().count() >= 2 && !text.contains('\u{1b}'), "{text:?}");
    let text = printed(&dir, 80, "dumb", &["view", "it", "--follow"]);
    assert!(text.contains("needs a terminal") && !text.contains('\u{1b}'), "{text:?}");
    for args in [&["--help"][..], &["view"], &["no-such-command"]] {
        let text = printed(&dir, 80, "dumb", args);
        assert!(text.contains("Usage") && !text.contains('\u{1b}'), "{args:?}: {text:?}");
    }
    // Without a number of lines it would take the screen of another terminal.
    let mut command = dir.command(&["watch", "it", "--interval=0.05"]);
    let mut session = spawn_command(
        std::mem::replace(command.env("TERM", "dumb"), Command::new("true")),
        Some(TIMEOUT.as_millis() as u64),
    )
    .unwrap();
    for _ in 0..2 {
        let line = session.read_line().unwrap();
        assert!(line.starts_with("it  ") && !line.contains('\u{1b}'), "{line:?}");
    }
    session.send_control('c').unwrap();
    session.exp_eof().unwrap();
}

#[test]
fn the_list_fits_its_window() {
    let dir = TestDir::new();
    with_picture(&dir);
    let mut writer = dir.options().persist(true).create::<f64>(&"long-name-".repeat(12)).unwrap();
    writer.write(&[1; 64], &[1.0]).unwrap();
    for columns in [40, 80, 100, 132, 200] {
        let text = printed(&dir, columns, "xterm", &["ls", "--interval=0"]);
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= columns.into() && text.lines().count() == 3, "{columns} columns:\n{text}");
        assert!(text.starts_with("NAME"), "{text}");
    }
    let text = printed(&dir, 80, "xterm", &["ls", "--interval=0", "--wide"]);
    assert!(text.contains("PINNED") && text.contains(&"long-name-".repeat(12)), "{text}");
    // In a pipe all columns are there, and many axes do not make every row long.
    let text = dir.ok(&["ls", "--interval=0"]);
    assert!(text.contains("PINNED") && text.contains("64 axes") && text.contains(&"long-name-".repeat(12)), "{text}");
    assert!(text.lines().all(|line| line.chars().count() < 300), "{text}");
}

#[test]
fn help_is_wrapped() {
    let dir = TestDir::new();
    let commands =
        ["ls", "info", "watch", "view", "get", "put", "record", "play", "rm", "gc", "doctor", "completions", "man"];
    let commands = commands.iter().map(|command| vec![*command]).chain([vec![]]);
    for command in commands {
        for help in ["--help", "-h"] {
            let args = [command.as_slice(), &[help]].concat();
            let text = dir.ok(&args);
            assert!(text.lines().all(|line| line.chars().count() <= 100), "{args:?}:\n{text}");
            let text = printed(&dir, 60, "xterm", &args);
            let plain = String::from_utf8(strip(&text)).unwrap();
            assert!(plain.lines().count() > 10, "{args:?}: {plain}");
            let long = plain.lines().filter(|line| line.chars().count() > 60).collect::<Vec<_>>();
            assert!(long.is_empty(), "{args:?}: {long:?}");
        }
    }
}

/// Text without the escapes that colour it.
fn strip(text: &str) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == 0x1b {
            // Up to the letter that ends it.
            while bytes.next().is_some_and(|byte| !byte.is_ascii_alphabetic()) {}
        } else if byte != b'\r' {
            plain.push(byte);
        }
    }
    plain
}

/// Finds the process that runs this command of `ndsh` in this directory.
fn process_in(dir: &TestDir, command: &str) -> u32 {
    let dir = format!("NDSHARRAY_DIR={}", dir.path().display());
    let found = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let words = |file: &str| {
            let bytes = fs::read(format!("/proc/{pid}/{file}")).ok()?;
            Some(
                bytes
                    .split(|byte| *byte == 0)
                    .map(|word| String::from_utf8_lossy(word).into_owned())
                    .collect::<Vec<_>>(),
            )
        };
        let is_it = words("environ")?.contains(&dir) && words("cmdline")?.get(1).is_some_and(|word| word == command);
        is_it.then_some(pid)
    });
    let found: Vec<_> = found.collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

/// Returns the processor time of a process.
fn processor_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<u64> =
        stat.rsplit_once(") ").unwrap().1.split(' ').skip(11).take(2).map(|field| field.parse().unwrap()).collect();
    // SAFETY: takes a number.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    Duration::from_secs_f64((fields[0] + fields[1]) as f64 / ticks as f64)
}

#[test]
fn a_picture_that_stays_costs_nothing() {
    let dir = TestDir::new();
    let values: Vec<f32> = (0..1000 * 1000).map(|i| i as f32).collect();
    dir.options().persist(true).create::<f32>("it").unwrap().write(&[1000, 1000], &values).unwrap();
    let array = dir.array_options().from_slice::<f32>("array", &[1000, 1000], &values).unwrap();
    for name in ["it", "array"] {
        let mut screen = dir.screen(&["view", name, "--follow"]);
        screen.shows("float32 (1000, 1000)");
        let Some(WaitStatus::StillAlive) = screen.session.process().status() else { panic!("it has ended") };
        let pid = process_in(&dir, "view");
        let watched = Duration::from_secs(3);
        let spent_in = |time| {
            let (start, before) = (Instant::now(), processor_time(pid));
            wait_until("time goes by", || start.elapsed() >= time);
            processor_time(pid) - before
        };
        // The figures are shown before the first picture, which a debug build draws for a second.
        wait_until("the picture is drawn", || spent_in(watched / 10) < watched / 50);
        let spent = spent_in(watched);
        assert!(spent < watched / 5, "{name}: {spent:?} of {watched:?}");
        screen.press("q");
        screen.ends();
    }
    drop(array);
}
