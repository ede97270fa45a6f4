//! `top`.

use crate::support::{TestDir, wait_until};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[test]
fn the_list_is_sorted_and_drawn_anew() {
    let dir = TestDir::new();
    let mut large = dir.options().create::<u8>("large-and-slow").unwrap();
    large.write(&[1 << 20], &vec![1; 1 << 20]).unwrap();
    let mut fast = dir.options().create::<u8>("small-and-fast").unwrap();
    fast.write(&[1], &[1]).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                fast.write(&[1], &[1]).unwrap();
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let mut screen = dir.screen(&["top", "--interval=0.1"]);
        let order = |screen: &vt100::Screen| {
            let text = screen.contents();
            let names: Vec<_> = text.lines().skip(2).filter_map(|line| line.split_whitespace().next()).collect();
            names.iter().filter(|name| name.contains("-and-")).map(|name| (*name).to_owned()).collect::<Vec<_>>()
        };
        screen.wait("the fast one comes first", |screen| order(screen) == ["small-and-fast", "large-and-slow"]);
        screen.wait("its rate is there", |screen| {
            let text = screen.contents();
            let line = text.lines().find(|line| line.starts_with("small-and-fast")).unwrap_or_default();
            line.contains("/s") && !line.contains(" 0.0/s")
        });
        screen.press("m");
        screen.wait("the large one comes first", |screen| order(screen) == ["large-and-slow", "small-and-fast"]);
        assert!(dir.path().file_name().is_some_and(|name| name.len() > 4));
        screen.shows("by memory");
        screen.press("s");
        screen.shows("by name");
        // What comes later is shown too.
        let _new = dir.options().create::<u8>("another").unwrap();
        screen.shows("another");
        screen.press("q");
        screen.ends();
        wait_until("the rate is told", || {
            let line = dir.ok(&["top", "--json", "--count=1", "--interval=0.2", "--sort=bandwidth", "*fast"]);
            let list: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
            list[0]["rate"].as_f64().unwrap() > 0.0
        });
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_pipe_gets_tables() {
    let dir = TestDir::new();
    dir.put_value();
    let text = dir.ok(&["top", "--count=2", "--interval=0.05"]);
    assert_eq!(text.matches("NAME").count(), 2, "{text}");
    assert!(text.contains("BANDWIDTH") && text.contains("kept by its writer"), "{text}");
    assert_eq!(dir.run(&["top", "--dir", "/nowhere/at/all", "--count=1"]).code, 3);
    assert_eq!(dir.run(&["top", "--sort", "colour"]).code, 2);
}
