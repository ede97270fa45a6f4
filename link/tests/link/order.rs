//! Every value, in order.

use crate::hosts::{Net, TIMEOUT, TestHost};
use ndsharray_link::names::ChannelPattern;
use ndsharray_link::report::Direction;
use std::time::Duration;

fn in_order(id: &str) -> TestHost {
    TestHost::new(id).with(|settings| settings.in_order = vec![ChannelPattern::new("log").unwrap()])
}

/// Neither the writer nor the network drops a value, as each waits for the next in line.
#[test]
fn a_lossless_reader_elsewhere_gets_all() {
    const COUNT: u32 = 600;
    for net in Net::all() {
        let (from, to) = (in_order("robot").start(net.carrier()), in_order("desk").start(net.carrier()));
        let options = from.options().history(8).wait_for_readers(TIMEOUT);
        let mut writer = options.create::<u32>("log").unwrap();
        writer.write(&[1], &[0]).unwrap();
        to.open("robot.log");
        let mut reader = to.options().lossless(true).open("robot.log").unwrap();
        let first = reader.wait_next(TIMEOUT).unwrap().unwrap();
        assert_eq!(first.view::<u32>().unwrap()[[0]], 0);
        drop(first);
        let writing = std::thread::spawn(move || {
            // Of all urgencies: none overtakes another.
            for value in 1..COUNT {
                let len = if value % 50 == 0 { 400_000 } else { 1 + value as usize % 1000 };
                writer.write(&[len], &vec![value; len]).unwrap();
            }
            writer
        });
        for value in 1..COUNT {
            let sample = reader.wait_next(TIMEOUT).unwrap().unwrap();
            assert_eq!((sample.missed(), sample.seq()), (0, u64::from(value) + 1));
            assert!(sample.view::<u32>().unwrap().iter().all(|&element| element == value));
        }
        writing.join().unwrap();
        let row = to.row(Direction::In, "log").unwrap();
        assert!(row.drops.is_empty(), "{:?}", row.drops);
    }
}

#[test]
fn a_rate_that_is_limited_skips_values() {
    let net = &Net::all()[0];
    let from = TestHost::new("robot").with(|settings| {
        settings.max_rate = vec![(ChannelPattern::new("*").unwrap(), 20.0)];
    });
    let (from, to) = (from.start(net.carrier()), TestHost::new("desk").start(net.carrier()));
    let mut writer = from.options().create::<u32>("log").unwrap();
    writer.write(&[1], &[0]).unwrap();
    let mut reader = to.open("robot.log");
    let start = std::time::Instant::now();
    let mut seen = 0_u32;
    while seen < 5 {
        writer.write(&[1], &[1]).unwrap();
        seen += u32::from(reader.wait(Duration::from_millis(1)).unwrap().is_some());
        assert!(start.elapsed() < TIMEOUT);
    }
    // The first goes at once, each further one waits: a lower bound, which load cannot break.
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
    assert!(from.dropped(Direction::Out, "log", "skipped") > 0);
}
