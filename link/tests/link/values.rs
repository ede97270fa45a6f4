//! What a value is at its source it is at the other host.

use crate::hosts::{Net, TIMEOUT, TestHost, next, wait_until};
use ndsharray::{DType, ElementType, Field, RecordType, TimeUnit};
use ndsharray_link::report::{Direction, State};
use std::time::{Duration, SystemTime};

#[test]
fn of_every_type_arrive_as_they_were() {
    for net in Net::all() {
        let (from, to) = (TestHost::new("robot"), TestHost::new("desk"));
        let (from, to) = (from.start(net.carrier()), to.start(net.carrier()));
        let mut writer = from.options().create_any("any").unwrap();
        let mut elements: Vec<ElementType> = DType::ALL.iter().map(|&dtype| dtype.into()).collect();
        elements.push(ElementType::text(5).unwrap());
        elements.push(ElementType::datetime64(TimeUnit::SECOND.times(25).unwrap()));
        writer.write_bytes(DType::U8, &[1], &[0]).unwrap();
        let mut reader = to.open("robot.any");
        next(&mut reader);
        for (seed, element) in elements.into_iter().enumerate() {
            // Also larger than what is written on the carrier's thread.
            for shape in [vec![], vec![0, 7], vec![2, 3], vec![70_000]] {
                let count: usize = shape.iter().product();
                let bytes: Vec<u8> = (0..count * element.size()).map(|at| ((at + seed) % 2) as u8).collect();
                let attributes = vec![seed as u8; seed * 17 % 4097];
                let number = writer.write_bytes_with(element, &shape, &bytes, &attributes).unwrap();
                let sample = next(&mut reader);
                assert_eq!((sample.seq(), sample.missed()), (number, 0));
                assert_eq!((sample.element_type(), sample.shape()), (element, shape.as_slice()));
                assert!(sample.as_bytes() == bytes && sample.attributes() == attributes);
            }
        }
    }
}

#[test]
fn records_bring_their_description() {
    for net in Net::all() {
        let (from, to) = (TestHost::new("robot").start(net.carrier()), TestHost::new("desk").start(net.carrier()));
        let fields = [Field::new("x", 0, DType::F32), Field::new("rgb", 4, DType::U8).with_shape(&[3])];
        let record = RecordType::new(8, fields).unwrap();
        let mut writer = from.options().create_any("cloud").unwrap();
        let mut loan = writer.loan_records(&record, &[3]).unwrap();
        loan.as_mut_bytes().fill(1);
        loan.publish().unwrap();
        let sample = next(&mut to.open("robot.cloud"));
        assert_eq!((sample.record_type(), sample.shape()), (Some(&record), [3].as_slice()));
        assert_eq!(sample.as_bytes(), [1; 24]);
    }
}

#[test]
fn tell_of_their_source_and_late_readers_miss_none() {
    for net in Net::all() {
        let (from, to) = (TestHost::new("robot").start(net.carrier()), TestHost::new("desk").start(net.carrier()));
        let mut writer = from.options().create::<u32>("camera").unwrap();
        for value in 1..=100 {
            writer.write_with(&[1], &[value], b"exposure").unwrap();
        }
        let here = from.options().open("camera").unwrap().latest_owned().unwrap().unwrap();
        let mut reader = to.open("robot.camera");
        assert_eq!(reader.read().unwrap().map(|sample| sample.seq()), None, "nothing travels before a reader wants it");
        let there = next(&mut reader);
        assert_eq!((there.seq(), there.missed()), (100, 0));
        assert_eq!((there.epoch(), there.incarnation()), (here.epoch(), here.incarnation()));
        // Stamps are read from two clocks, whose distance the source measures anew.
        let distance = |one: SystemTime, other: SystemTime| {
            one.duration_since(other).or_else(|error| Ok::<_, ()>(error.duration())).unwrap()
        };
        assert!(distance(there.time(), here.time()) < Duration::from_secs(1));
        assert!(there.is_imported() && there.attributes() == b"exposure");
        // More were written than travelled: the count says so.
        writer.write(&[1], &[101]).unwrap();
        assert_eq!(next(&mut reader).missed(), 0);
        // A value is counted after it has been published.
        wait_until("it is counted", || to.row(Direction::In, "camera").is_some_and(|row| row.number == 101));
        let row = to.row(Direction::In, "camera").unwrap();
        assert_eq!((row.state, row.local.as_str()), (State::Live, "robot.camera"));
        assert!(row.values >= 2 && row.age_ns.is_some(), "{row:?}");
    }
}

#[test]
fn what_was_imported_is_not_passed_on() {
    for net in Net::all() {
        let (from, to) = (TestHost::new("robot").start(net.carrier()), TestHost::new("desk").start(net.carrier()));
        let mut writer = from.options().create::<u8>("camera").unwrap();
        writer.write(&[1], &[1]).unwrap();
        let mut own = to.options().create::<u8>("arm").unwrap();
        own.write(&[1], &[2]).unwrap();
        let sample = next(&mut to.open("robot.camera"));
        assert_eq!(sample.as_bytes(), [1]);
        assert_eq!(next(&mut from.open("desk.arm")).as_bytes(), [2]);
        assert_eq!((from.names(), to.names()), (names(&["camera", "desk.arm"]), names(&["arm", "robot.camera"])));
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn channels_come_and_go_with_those_elsewhere() {
    for net in Net::all() {
        let (from, to) = (TestHost::new("robot").start(net.carrier()), TestHost::new("desk").start(net.carrier()));
        let mut writer = from.options().create::<u8>("camera").unwrap();
        writer.write(&[3], &[1, 2, 3]).unwrap();
        let mut reader = to.open("robot.camera");
        let held = next(&mut reader);
        writer.close().unwrap();
        assert!(matches!(reader.wait(TIMEOUT), Err(ndsharray::Error::Closed { .. })));
        assert_eq!(held.as_bytes(), [1, 2, 3]);
        drop(held);
        // Another one under the same name: the reader goes on.
        let mut writer = from.options().create::<u8>("camera").unwrap();
        writer.write(&[1], &[9]).unwrap();
        assert_eq!(next(&mut reader).as_bytes(), [9]);
        drop((reader, writer));
        wait_until("nothing is left", || from.files() == 0 && to.files() == 0);
    }
}

#[test]
fn patterns_say_what_goes_out_and_in_and_by_which_name() {
    use ndsharray_link::names::ChannelPattern;
    let pattern = |text| ChannelPattern::new(text).unwrap();
    for net in Net::all() {
        let from = TestHost::new("robot").with(|settings| settings.deny = vec![pattern("secret*")]);
        let to = TestHost::new("desk").with(|settings| {
            settings.allow = vec![pattern("robot/*")];
            settings.deny = vec![pattern("*/lidar")];
            settings.renames.add("robot/cam*=my-{channel}").unwrap();
        });
        let other = TestHost::new("other").start(net.carrier());
        let (from, to) = (from.start(net.carrier()), to.start(net.carrier()));
        let write = |host: &TestHost, name: &str| {
            let mut writer = host.options().create::<u8>(name).unwrap();
            writer.write(&[1], &[1]).unwrap();
            writer
        };
        let _writers = ["camera", "lidar", "secret-plan", "arm"].map(|name| write(&from, name));
        let _theirs = write(&other, "theirs");
        next(&mut to.open("my-camera"));
        next(&mut to.open("robot.arm"));
        // By then the other three have been seen, too.
        next(&mut other.open("robot.lidar"));
        next(&mut from.open("other.theirs"));
        assert_eq!(to.names(), names(&["my-camera", "robot.arm"]));
        assert!(!other.names().contains(&"robot.secret-plan".to_owned()));
    }
}

/// The first reader is the demand, and without one nothing travels.
#[test]
fn a_channel_that_is_read_no_more_travels_no_more() {
    for net in Net::all() {
        let (from, to) = (TestHost::new("robot").start(net.carrier()), TestHost::new("desk").start(net.carrier()));
        let mut writer = from.options().create::<u8>("camera").unwrap();
        writer.write(&[1000], &[7; 1000]).unwrap();
        let mut reader = to.open("robot.camera");
        next(&mut reader);
        drop(reader);
        wait_until("it is wanted no more", || from.row(Direction::Out, "camera").unwrap().state == State::Idle);
        wait_until("its values are gone", || to.files() == 2);
        writer.write(&[1], &[8]).unwrap();
        // A new reader gets the newest value, and none of then.
        let sample = next(&mut to.open("robot.camera"));
        assert_eq!((sample.seq(), sample.as_bytes(), sample.missed()), (2, [8].as_slice(), 0));
    }
}

#[test]
fn readers_that_copy_need_a_pattern() {
    let net = &Net::all()[0];
    let from = TestHost::new("robot").start(net.carrier());
    let to = TestHost::new("desk").with(|settings| {
        settings.import = vec![ndsharray_link::names::ChannelPattern::new("cam*").unwrap()];
    });
    let to = to.start(net.carrier());
    let mut writer = from.options().create::<u8>("camera").unwrap();
    writer.write(&[1], &[7]).unwrap();
    to.open("robot.camera");
    let mut reader = to.options().open_read_only("robot.camera").unwrap();
    assert_eq!(next(&mut reader).as_bytes(), [7]);
}

#[test]
fn a_kept_value_of_this_host_is_not_replaced() {
    let net = Net::all().remove(0);
    let from = TestHost::new("robot").start(net.carrier());
    let to = TestHost::new("desk");
    let mut kept = to.options().persist(true).create::<u8>("robot.camera").unwrap();
    kept.write(&[1], &[42]).unwrap();
    drop(kept);
    let mut writer = from.options().create::<u8>("camera").unwrap();
    writer.write(&[1], &[5]).unwrap();
    let to = to.start(net.carrier());
    let problem = || to.row(Direction::In, "camera").and_then(|row| row.problem);
    wait_until("the bridge says so", || problem().is_some_and(|problem| problem.contains("robot.camera")));
    assert_eq!(next(&mut to.open("robot.camera")).as_bytes(), [42]);
}

/// Neither of a writer that lives nor of one that was killed before its first value.
#[test]
fn a_local_writer_s_channel_without_a_value_is_not_taken_over() {
    let net = Net::all().remove(0);
    let (from, to) = (TestHost::new("robot").start(net.carrier()), TestHost::new("desk"));
    let mut writers = ["camera", "lidar"].map(|name| from.options().create::<u8>(name).unwrap());
    writers.iter_mut().for_each(|writer| assert_eq!(writer.write(&[1], &[5]).unwrap(), 1));
    let mut lives = to.options().create::<u8>("robot.lidar").unwrap();
    // What a kill leaves: the files as they are while the writer lives, and no lock on them.
    let elsewhere = tempfile::tempdir().unwrap();
    let not_killed = ndsharray::Options::new().dir(&elsewhere).create::<u8>("robot.camera").unwrap();
    for entry in std::fs::read_dir(&elsewhere).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.dir.path().join(entry.file_name())).unwrap();
    }
    drop(not_killed);
    let left = std::fs::read(to.dir.path().join("robot.camera.ndsh")).unwrap();
    let to = to.start(net.carrier());
    let says_so = |channel| {
        let problem = || to.row(Direction::In, channel).and_then(|row| row.problem);
        wait_until("the bridge says so", || problem().is_some_and(|problem| problem.contains(channel)));
    };
    says_so("camera");
    says_so("lidar");
    lives.write(&[1], &[42]).unwrap();
    assert_eq!(next(&mut to.open("robot.lidar")).as_bytes(), [42]);
    assert!(std::fs::read(to.dir.path().join("robot.camera.ndsh")).unwrap() == left);
    let mut next_writer = to.options().create::<u8>("robot.camera").unwrap();
    next_writer.write(&[1], &[43]).unwrap();
    assert_eq!(next(&mut to.open("robot.camera")).as_bytes(), [43]);
}
