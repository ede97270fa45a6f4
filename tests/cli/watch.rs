//! `watch`.

use crate::support::{Room, Screen};
use rexpect::process::Signal;
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
    // How the channel stands is asked at another moment than the value: the first line with it may still say "closed".
    let line = line_with(&mut watch, |line| line["values"]["max"] == 200.0 && line["state"] == "open");
    assert_eq!(line["dtype"], "uint8");

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

fn on_screen(room: &Room) -> Screen {
    let mut screen = room.screen(&["watch", "it", "--interval", "0.2"]);
    screen.shows("absent");
    screen.wait("it has the screen", |screen| screen.alternate_screen() && screen.hide_cursor());
    screen
}

#[test]
fn a_terminal_has_a_screen_and_is_given_back() {
    let room = Room::new();
    let mut screen = on_screen(&room);
    let mut writer = room.options().create::<f32>("it").unwrap();
    writer.write(&[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    for text in ["live", "float32 (2, 3)", "min 0  max 5  mean 2.5000", "missed", "rate", "age", "bandwidth"] {
        screen.shows(text);
    }
    drop(writer);
    screen.shows("closed");
    let _next = room.options().create::<u8>("it").unwrap();
    screen.shows("live");
    // Ctrl-C, which is a key here.
    screen.press("\u{3}");
    screen.ends();
    let mut screen = on_screen(&Room::new());
    screen.press("q");
    screen.ends();
}

#[test]
fn a_signal_gives_the_terminal_back_too() {
    let room = Room::new();
    let mut screen = on_screen(&room);
    screen.session.process_mut().signal(Signal::SIGTERM).unwrap();
    screen.ends();
}
