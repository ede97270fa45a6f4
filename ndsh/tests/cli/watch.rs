//! `watch`.

use crate::support::{Screen, TestDir};
use rexpect::process::Signal;
use serde_json::Value;
use std::time::Duration;

/// The next line that is as wanted.
fn line_with(running: &mut crate::support::Running, mut wanted: impl FnMut(&Value) -> bool) -> Value {
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
    let dir = TestDir::new();
    let mut watch = dir.start(&["watch", "it", "--json", "--interval", "0.05"]);
    assert_eq!(line_with(&mut watch, |_| true)["state"], "absent");

    let mut writer = dir.options().create::<f64>("it").unwrap();
    writer.write(&[2, 2], &[0.0, 1.0, 2.0, f64::NAN]).unwrap();
    let line = line_with(&mut watch, |line| line["values"]["max"] == 2.0);
    assert_eq!(
        (&line["state"], &line["writer"]["alive"], &line["dtype"]),
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
    let mut writer = dir.options().create::<u8>("it").unwrap();
    writer.write(&[1], &[200]).unwrap();
    // The state is read at another moment than the value, so the first line with it may say
    // "closed".
    let line = line_with(&mut watch, |line| line["values"]["max"] == 200.0 && line["state"] == "open");
    assert_eq!(line["dtype"], "uint8");

    watch.interrupt();
    let ran = watch.end();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

#[test]
fn it_counts_what_it_sees() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("it").unwrap();
    writer.write(&[8], &[0; 8]).unwrap();
    let mut watch = dir.start(&["watch", "it", "--json", "--interval", "0.1"]);
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
    let dir = TestDir::new();
    let array = dir.array_options().from_slice::<i16>("array", &[3], &[-1, 0, 1]).unwrap();
    let text = dir.ok(&["watch", "array", "--count", "3", "--interval", "0.1", "--color", "always"]);
    assert_eq!(
        text.lines().last(),
        Some("array  open  int16 (3,)  min -1  max 1  mean 0  std 0.8165  |\u{2588}   \u{2588}  \u{2588}|")
    );
    array.unlink().unwrap();
    let mut python = dir.python().create::<f32>("python").unwrap();
    python.write(&[2], &[0.5, 1.5]).unwrap();
    let text = dir.ok(&["watch", "python", "--count", "3", "--interval", "0.1"]);
    let line = text.lines().last().unwrap();
    assert!(line.starts_with("python  open  float32 (2,)  0.0/s  0 B/s"), "{line}");
    assert!(line.ends_with("min 0.5000  max 1.5000  mean 1  std 0.5000  |\u{2588}      \u{2588}|"), "{line}");
    assert_eq!(dir.run(&["watch", "a/b"]).code, 2);
}

fn on_screen(dir: &TestDir) -> Screen {
    let mut screen = dir.screen(&["watch", "it", "--interval", "0.2"]);
    screen.shows("absent");
    screen.wait("it has the screen", |screen| screen.alternate_screen() && screen.hide_cursor());
    screen
}

#[test]
fn a_terminal_has_a_screen_and_is_given_back() {
    let dir = TestDir::new();
    let mut screen = on_screen(&dir);
    let mut writer = dir.options().create::<f32>("it").unwrap();
    writer.write(&[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    for text in ["live", "float32 (2, 3)", "min 0  max 5  mean 2.5000", "missed", "rate", "age", "bandwidth"] {
        screen.shows(text);
    }
    drop(writer);
    screen.shows("closed");
    let _next = dir.options().create::<u8>("it").unwrap();
    screen.shows("live");
    // Ctrl-C, which is a key here.
    screen.press("\u{3}");
    screen.ends();
    let mut screen = on_screen(&TestDir::new());
    screen.press("q");
    screen.ends();
}

#[test]
fn a_signal_gives_the_terminal_back_too() {
    let dir = TestDir::new();
    let mut screen = on_screen(&dir);
    screen.session.process_mut().signal(Signal::SIGTERM).unwrap();
    screen.ends();
}

/// Values of different dtypes, shapes and elements, as fast as they can be written.
#[test]
fn figures_number_and_shape_are_of_one_value() {
    let dir = TestDir::new();
    let mut writer = dir.options().create_any("it").unwrap();
    let mut watch = dir.start(&["watch", "it", "--json", "--interval", "0.03"]);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut seq = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                seq += 1;
                // Of every third value all elements are NaN; the others are the number itself.
                let element = if seq % 3 == 0 { f64::NAN } else { seq as f64 };
                let shape = [(seq % 5 + 1) as usize, (seq % 7 + 1) as usize];
                let bytes = element.to_ne_bytes().repeat(shape[0] * shape[1]);
                assert_eq!(writer.write_bytes(ndsharray::DType::F64, &shape, &bytes).unwrap(), seq);
                std::thread::sleep(Duration::from_micros(300));
            }
        });
        let mut seen = std::collections::BTreeSet::new();
        for look in 0..2000 {
            // On a busy machine several looks may find one value.
            if look >= 60 && seen.len() > 5 {
                break;
            }
            let line: Value = serde_json::from_str(&watch.line()).unwrap();
            let Some(seq) = line["seq"].as_u64() else { continue };
            if line["values"].is_null() {
                continue;
            }
            let shape = serde_json::json!([seq % 5 + 1, seq % 7 + 1]);
            let count = (seq % 5 + 1) * (seq % 7 + 1);
            assert_eq!((&line["shape"], line["values"]["count"].as_u64()), (&shape, Some(count)), "{line}");
            let (nan, min) = if seq % 3 == 0 { (count, Value::Null) } else { (0, Value::from(seq as f64)) };
            assert_eq!((line["values"]["nan"].as_u64(), &line["values"]["min"]), (Some(nan), &min), "{line}");
            seen.insert(seq);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(seen.len() > 5, "{seen:?}");
    });
    watch.interrupt();
    assert_eq!(watch.end().code, 0);
}

#[test]
fn an_array_has_no_rate_and_says_when_it_is_locked() {
    let dir = TestDir::new();
    let array = dir.array_options().from_slice::<i16>("array", &[3], &[-1, 0, 1]).unwrap();
    let mut watch = dir.start(&["watch", "array", "--json", "--interval", "0.05"]);
    let line = line_with(&mut watch, |line| line["values"]["max"] == 1.0);
    for none in ["rate", "bytes_per_second", "missed", "total_seen", "total_missed"] {
        assert!(line[none].is_null(), "{none}: {line}");
    }
    let mut screen = dir.screen(&["watch", "array", "--interval", "0.1"]);
    screen.shows("none: it changes in place");
    let guard = array.write().unwrap();
    line_with(&mut watch, |line| line["state"] == "locked");
    screen.shows("locked by a writer");
    // So does one that is started meanwhile, before a look at the array is given up.
    let mut late = dir.start(&["watch", "array", "--json", "--interval", "0.05"]);
    let mut absent = 0;
    line_with(&mut late, |line| {
        absent += i32::from(line["state"] == "absent");
        line["state"] == "locked"
    });
    assert!(absent < 20, "the array was there all the time");
    late.interrupt();
    assert_eq!(late.end().code, 0);
    drop(guard);
    line_with(&mut watch, |line| line["state"] == "open");
    screen.wait("it is open again", |screen| !screen.contents().contains("locked"));
    let bars = ["\u{2581}", "\u{2588}"];
    // Rows of the curve, above the line of figures.
    screen.wait("there is no curve", |screen| {
        let above: String = screen.contents().lines().take_while(|line| !line.contains("values")).collect();
        above.contains("array") && !bars.iter().any(|bar| above.contains(bar))
    });
    screen.press("q");
    screen.ends();
    watch.interrupt();
    assert_eq!(watch.end().code, 0);
    array.unlink().unwrap();
}

#[test]
fn json_has_one_vocabulary() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("it").unwrap();
    writer.write(&[1], &[1]).unwrap();
    let listed = dir.json(&["ls", "--json", "--interval=0"])[0].clone();
    let lines = dir.ok(&["watch", "it", "--json", "--count=2", "--interval=0.1"]);
    let watched: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    let kind = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let mut both = Vec::new();
    for (key, value) in watched.as_object().unwrap() {
        if let Some(other) = listed.get(key) {
            let (a, b) = (kind(value), kind(other));
            assert!(a == b || a == "null" || b == "null", "{key}: {value} and {other}");
            both.push(key.as_str());
        }
    }
    for key in ["name", "state", "problems", "writer", "seq", "dtype", "shape", "bytes", "rate"] {
        assert!(both.contains(&key), "{key}: {watched}");
    }
    assert_eq!(watched["writer"]["alive"], listed["writer"]["alive"]);
    assert!(
        watched.as_object().unwrap().keys().all(|key| !key.contains("age") || key.ends_with("_seconds")),
        "{watched}"
    );
}

#[test]
fn intervals_tell_how_regularly_values_come() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("it").unwrap();
    writer.write(&[1], &[0]).unwrap();
    let mut watch = dir.start(&["watch", "it", "--json", "--interval", "0.2"]);
    line_with(&mut watch, |line| line["seq"] == 1);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                writer.write(&[1], &[1]).unwrap();
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let line = line_with(&mut watch, |line| line["interval_std_seconds"].is_number());
        let of = |what: &str| line[format!("interval_{what}_seconds")].as_f64().unwrap();
        // A sleep is never shorter; how much longer it is depends on the machine.
        assert!(of("min") > 0.009 && of("min") <= of("mean") && of("mean") <= of("max"), "{line}");
        assert!(of("std") <= of("max") - of("min") + 1e-9, "{line}");
        let mut screen = dir.screen(&["watch", "it", "--interval", "0.2"]);
        screen.wait("the spread of intervals", |screen| {
            let text = screen.contents();
            text.lines().any(|line| line.contains("interval") && line.contains("every ") && line.contains(", std "))
        });
        screen.press("q");
        screen.ends();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    watch.interrupt();
    assert_eq!(watch.end().code, 0);
}

#[test]
fn several_names_have_a_line_each() {
    let dir = TestDir::new();
    let mut first = dir.options().create::<u8>("first").unwrap();
    first.write(&[2], &[1, 3]).unwrap();
    let array = dir.array_options().from_slice::<i16>("second", &[2], &[5, 7]).unwrap();
    let text = dir.ok(&["watch", "first", "second", "--count=2", "--interval=0.2", "--json"]);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = lines.iter().map(|line| line["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["first", "second", "first", "second"]);
    assert_eq!((&lines[2]["values"]["max"], &lines[3]["values"]["max"]), (&3.0.into(), &7.0.into()));
    assert_eq!(lines[2]["values"]["std"], 1.0);
    let ran = dir.run(&["watch", "first", "nothing", "--count=1", "--interval=0.05"]);
    assert!(ran.code == 9 && ran.stderr.contains("nothing"), "{ran:?}");
    let mut screen = dir.screen(&["watch", "first", "second", "later", "--interval=0.2"]);
    for text in ["NAME", "live", "uint8 (2,)", "int16 (2,)", "absent"] {
        screen.shows(text);
    }
    drop(first);
    screen.shows("closed");
    let _later = dir.options().create::<u8>("later").unwrap();
    screen.shows("live");
    screen.press("q");
    screen.ends();
    array.unlink().unwrap();
}

/// The next line of this name that is as wanted.
fn line_of(running: &mut crate::support::Running, name: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
    line_with(running, |line| line["name"] == name && wanted(line))
}

/// The number of threads of a process.
fn threads(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().count()
}

#[test]
fn any_number_of_names_share_a_thread() {
    let dir = TestDir::new();
    let options = dir.options();
    let names: Vec<String> = (0..30).map(|i| format!("channel-{i}")).collect();
    let mut writers: Vec<_> = names[..20].iter().map(|name| options.create::<u32>(name).unwrap()).collect();
    let mut args = vec!["watch", "array", "python", "bad", "--json", "--interval", "0.05"];
    args.splice(1..1, names.iter().map(String::as_str));
    let array = dir.array_options().from_slice::<i16>("array", &[2], &[5, 7]).unwrap();
    let mut python = dir.python().create::<i8>("python").unwrap();
    python.write(&[1], &[-3]).unwrap();
    std::fs::write(dir.file("bad.ndsh"), b"not ours at all".repeat(100)).unwrap();
    let mut watch = dir.start(&args);
    line_of(&mut watch, "channel-19", |line| line["state"] == "open");
    line_of(&mut watch, "channel-29", |line| line["state"] == "absent");
    line_of(&mut watch, "array", |line| line["values"]["max"] == 7.0);
    line_of(&mut watch, "python", |line| line["values"]["max"] == -3.0);
    let broken = line_of(&mut watch, "bad", |line| line["state"] == "broken");
    assert!(!broken["problems"][0].as_str().unwrap().is_empty(), "{broken}");
    // One reads, one shows, and one waits for signals.
    assert_eq!(threads(watch.id()), 3);

    // A flood, and an array whose lock is held, keep nothing from the others.
    let guard = array.write().unwrap();
    line_of(&mut watch, "array", |line| line["state"] == "locked");
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (flooding, quiet) = writers.split_at_mut(1);
    std::thread::scope(|scope| {
        let _stop = Stop(&stop);
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                flooding[0].write(&[], &[1]).unwrap();
            }
        });
        for value in 1..=5 {
            quiet[0].write(&[], &[value]).unwrap();
            line_of(&mut watch, "channel-1", |line| line["values"]["max"] == f64::from(value));
        }
        line_of(&mut watch, "channel-0", |line| line["rate"].as_f64() > Some(0.0));
    });
    drop(guard);
    line_of(&mut watch, "array", |line| line["state"] == "open");

    // A close and a successor, a name that appears, and one whose damage goes.
    drop(writers.remove(1));
    line_of(&mut watch, "channel-1", |line| line["state"] == "closed");
    std::fs::remove_file(dir.file("bad.ndsh")).unwrap();
    for name in ["channel-1", "channel-29", "bad"] {
        let mut writer = options.create::<u32>(name).unwrap();
        writer.write(&[], &[77]).unwrap();
        line_of(&mut watch, name, |line| line["state"] == "open" && line["values"]["max"] == 77.0);
    }
    assert_eq!(threads(watch.id()), 3);
    watch.interrupt();
    assert_eq!(watch.end().code, 0);
    array.unlink().unwrap();
}

#[test]
fn among_several_a_killed_writer_is_named_and_its_successor_followed() {
    let dir = TestDir::new();
    let mut other = dir.options().create::<u8>("other").unwrap();
    other.write(&[1], &[9]).unwrap();
    let mut peer = crate::holder::hold(&dir, "writer", "mortal");
    let mut watch = dir.start(&["watch", "other", "mortal", "--json", "--interval", "0.05"]);
    let line = line_of(&mut watch, "mortal", |line| line["writer"]["alive"] == true);
    assert_eq!(line["state"], "open");
    peer.kill();
    let line = line_of(&mut watch, "mortal", |line| line["writer"]["alive"] == false);
    assert_eq!((&line["state"], &line["values"]["max"]), (&"open".into(), &6.0.into()));
    let mut successor = dir.options().create::<u8>("mortal").unwrap();
    successor.write(&[1], &[200]).unwrap();
    line_of(&mut watch, "mortal", |line| line["values"]["max"] == 200.0 && line["epoch"] == 2);
    line_of(&mut watch, "other", |line| line["values"]["max"] == 9.0);
    watch.interrupt();
    assert_eq!(watch.end().code, 0);
}

/// Sets the flag at the end, also of a test that fails.
struct Stop<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}
