//! `watch`.

use crate::support::Room;
use rexpect::process::Signal;
use rexpect::session::PtySession;
use serde_json::Value;
use std::time::Duration;

/// The next line that is as wanted.
fn line_with(running: &mut crate::support::Running, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..600 {
        last = serde_json::from_str(&running.line()).unwrap();
        if wanted(&last) {
            return last;
        }
    }
    panic!("waited in vain; the last line was {last}");
}

#[test]
fn it_follows_a_name_through_everything() {
    let room = Room::new();
    let mut watch = room.start(&["watch", "it", "--json", "--interval", "0.05"]);
    assert_eq!(line_with(&mut watch, |_| true)["state"], "absent");

    let mut writer = room.options().create::<f64>("it").unwrap();
    writer.write(&[2, 2], &[0.0, 1.0, 2.0, f64::NAN]).unwrap();
    let line = line_with(&mut watch, |line| line["values"]["max"] == 2.0);
    assert_eq!(
        (&line["state"], &line["writer_alive"], &line["dtype"]),
        (&"open".into(), &true.into(), &"float64".into())
    );
    assert_eq!(line["shape"], serde_json::json!([2, 2]));
    assert_eq!(
        (&line["values"]["min"], &line["values"]["mean"], &line["values"]["nan"]),
        (&0.0.into(), &1.0.into(), &1.into())
    );
    assert_eq!(line["values"]["histogram"].as_array().unwrap().iter().filter_map(Value::as_u64).sum::<u64>(), 3);

    drop(writer);
    line_with(&mut watch, |line| line["state"] == "closed");
    let mut writer = room.options().create::<u8>("it").unwrap();
    writer.write(&[1], &[200]).unwrap();
    let line = line_with(&mut watch, |line| line["values"]["max"] == 200.0);
    assert_eq!((&line["state"], &line["dtype"]), (&"open".into(), &"uint8".into()));

    watch.interrupt();
    let ran = watch.end();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

#[test]
fn it_counts_what_it_sees() {
    let room = Room::new();
    let mut writer = room.options().create::<u8>("it").unwrap();
    writer.write(&[8], &[0; 8]).unwrap();
    let mut watch = room.start(&["watch", "it", "--json", "--interval", "0.1"]);
    line_with(&mut watch, |line| line["seq"] == 1);
    for value in 1..=50 {
        writer.write(&[8], &[value; 8]).unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    let line = line_with(&mut watch, |line| line["seq"] == 51 && line["rate"] == 0.0);
    let count = |key: &str| line[key].as_u64().unwrap();
    assert_eq!(
        count("total_seen") + count("total_missed"),
        50,
        "each value once, but for the one that was there before"
    );
    watch.interrupt();
    assert_eq!(watch.end().code, 0);
}

#[test]
fn lines_are_the_same_in_every_pipe() {
    let room = Room::new();
    let array = room.options().array_from_slice::<i16>("array", &[3], &[-1, 0, 1]).unwrap();
    let text = room.ok(&["watch", "array", "--count", "3", "--interval", "0.1", "--color", "always"]);
    assert_eq!(
        text.lines().last(),
        Some("array  open  int16 (3,)  min -1  max 1  mean 0  |\u{2588}   \u{2588}  \u{2588}|")
    );
    array.unlink().unwrap();
    let mut python = room.python().create::<f32>("python").unwrap();
    python.write(&[2], &[0.5, 1.5]).unwrap();
    let text = room.ok(&["watch", "python", "--count", "3", "--interval", "0.1"]);
    let line = text.lines().last().unwrap();
    assert!(line.starts_with("python  open  float32 (2,)  0.0/s  0 B/s"), "{line}");
    assert!(line.ends_with("min 0.5000  max 1.5000  mean 1  |\u{2588}      \u{2588}|"), "{line}");
    assert_eq!(room.run(&["watch", "a/b"]).code, 2);
}

/// What a terminal shows when the screen is taken, and when it is given back.
const TAKEN: &str = "\u{1b}[?1049h";
const GIVEN_BACK: &str = "\u{1b}[?1049l";

fn on_screen(room: &Room) -> PtySession {
    let mut terminal = room.screen(&["watch", "it", "--interval", "0.2"]);
    terminal.exp_string(TAKEN).unwrap();
    terminal.exp_string("absent").unwrap();
    terminal
}

/// The screen is given back, the cursor is there, and all is well.
fn ended(mut terminal: PtySession) {
    terminal.exp_string(GIVEN_BACK).unwrap();
    terminal.exp_string("\u{1b}[?25h").unwrap();
    terminal.exp_eof().unwrap();
    let status = terminal.process().wait().unwrap();
    assert!(format!("{status:?}").contains(", 0)"), "{status:?}");
}

#[test]
fn a_terminal_has_a_screen_and_is_given_back() {
    let room = Room::new();
    let mut terminal = on_screen(&room);
    let mut writer = room.options().create::<f32>("it").unwrap();
    writer.write(&[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    terminal.exp_string("live").unwrap();
    terminal.exp_string("float32 (2, 3)").unwrap();
    terminal.exp_string("mean 2.5000").unwrap();
    drop(writer);
    terminal.exp_string("closed").unwrap();
    terminal.send_control('c').unwrap();
    ended(terminal);

    let mut terminal = on_screen(&Room::new());
    terminal.send("q").unwrap();
    terminal.flush().unwrap();
    ended(terminal);
}

#[test]
fn a_signal_gives_the_terminal_back_too() {
    let room = Room::new();
    let mut terminal = on_screen(&room);
    terminal.process_mut().signal(Signal::SIGTERM).unwrap();
    ended(terminal);
}
