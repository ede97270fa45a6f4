//! Names, times, shapes and floods that no friend sends.

use crate::hosts::{Net, TestHost, next, wait_until};
use ndsharray::DType;
use ndsharray::raw::Origin;
use ndsharray_link::attachment::{Attachment, Described, Place};
use ndsharray_link::carrier::memory::Hub;
use ndsharray_link::carrier::{Host, Listener, Notice, Offer, Parcel, Urgency};
use ndsharray_link::report::Direction;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};
use uuid::Uuid;

#[test]
fn odd_names_arrive_as_they_are() {
    let names = ["left eye", "*", "**", "$*", "a#b?c", "ünï-日本", "~", "%2F", "{host}", "a'b\"c", "-rf", "a..b", "@x"];
    for net in Net::all() {
        let from = TestHost::new("röbot ~1%").start(net.carrier());
        let to = TestHost::new("a desk*").start(net.carrier());
        let mut writers = names.map(|name| from.options().create::<u64>(name).unwrap());
        for (at, writer) in (0..).zip(&mut writers) {
            writer.write(&[1], &[at]).unwrap();
        }
        for (at, name) in (0..).zip(names) {
            let sample = next(&mut to.open(&format!("röbot ~1%.{name}")));
            assert_eq!(sample.view::<u64>().unwrap()[[0]], at, "{name}");
        }
    }
}

struct Wishes(Mutex<Vec<Notice>>);

impl Listener for Wishes {
    fn notice(&self, notice: Notice) {
        self.0.lock().unwrap().push(notice);
    }
}

/// Times at either end of what there is, and shapes without elements, are values as others are.
#[test]
fn clocks_and_shapes_may_be_extreme() {
    let hub = Hub::new();
    let (carrier, host, wishes) = (hub.carrier(), Host::new("evil"), Arc::new(Wishes(Mutex::default())));
    carrier.start(&host, Arc::clone(&wishes) as _).unwrap();
    let (incarnation, channel) = (Uuid::from_u128(9), "camera".to_owned());
    let offer = Offer { host, channel: channel.clone(), incarnation, number: 1 };
    let _token = carrier.announce(&offer).unwrap();
    let to = TestHost::new("desk").start(hub.carrier());
    let mut reader = to.open("evil.camera");
    let mut receiver = None;
    wait_until("a wish", || {
        receiver = wishes.0.lock().unwrap().iter().find_map(|notice| match notice {
            Notice::Wanted(wish) => Some(wish.receiver.clone()),
            _ => None,
        });
        receiver.is_some()
    });
    let mut sender = carrier.sender(&channel, &receiver.unwrap()).unwrap();
    let far = Duration::from_nanos(i64::MAX as u64);
    let times = [SystemTime::UNIX_EPOCH - far, SystemTime::UNIX_EPOCH + far, SystemTime::now() - far / 8];
    let shapes = [vec![0, 1 << 50], vec![1 << 25, 0, 1 << 25], vec![0; 64], vec![0]];
    let mut number = 0;
    for time in times {
        for shape in &shapes {
            number += 1;
            let attachment = Attachment {
                place: Place { relay: 1, count: number, wants_answer: true },
                number,
                origin: Origin { incarnation, epoch: number, time },
                value: Some(Described {
                    element: DType::F64.into(),
                    record: None,
                    shape: shape.clone(),
                    attributes: vec![7; 4096],
                }),
            };
            sender.send(&attachment.encode(), Parcel::Nothing, Urgency::Small).unwrap();
            let sample = next(&mut reader);
            assert_eq!((sample.seq(), sample.missed(), sample.epoch()), (number, 0, number));
            assert_eq!((sample.shape(), sample.time()), (shape.as_slice(), time));
            let _ = sample.age();
            let is_future = time > SystemTime::now();
            wait_until("it is counted", || to.row(Direction::In, "camera").is_some_and(|row| row.number == number));
            assert_eq!(to.row(Direction::In, "camera").unwrap().is_skewed(), is_future);
        }
    }
}

/// Of thousands of channels of one peer as many are made as there may be, and the others go on.
#[test]
fn more_channels_than_there_may_be_are_told_of() {
    let hub = Hub::new();
    let host = |id| TestHost::new(id).with(|settings| settings.max_channels = 100).start(hub.carrier());
    let (from, to) = (host("robot"), host("desk"));
    let mut writer = from.options().create::<u8>("camera").unwrap();
    writer.write(&[1], &[1]).unwrap();
    let mut reader = to.open("robot.camera");
    assert_eq!(next(&mut reader).as_bytes(), [1]);
    let (carrier, host) = (hub.carrier(), Host::new("evil"));
    carrier.start(&host, Arc::new(Wishes(Mutex::default()))).unwrap();
    let offer = |at: u64| {
        let (channel, incarnation) = (format!("x{at}"), Uuid::from_u128(at.into()));
        carrier.announce(&Offer { host: host.clone(), channel, incarnation, number: at }).unwrap()
    };
    let tokens: Vec<_> = (0..5000).map(offer).collect();
    let problems = || to.bridge.as_ref().unwrap().report().problems;
    wait_until("it says so", || problems().iter().any(|problem| problem.contains("more than 100 channels")));
    assert!(problems().len() <= 101);
    wait_until("as many as there may be", || to.names().len() == 100);
    writer.write(&[1], &[2]).unwrap();
    assert_eq!(next(&mut reader).as_bytes(), [2]);
    drop(tokens);
    wait_until("all is withdrawn", || to.names() == ["robot.camera"] && problems().is_empty());
    // A channel that comes and goes faster than the bridge looks.
    for at in 0..1000 {
        drop(offer(at % 3));
    }
    writer.write(&[1], &[3]).unwrap();
    assert_eq!(next(&mut reader).as_bytes(), [3]);
    wait_until("nothing is left", || to.names() == ["robot.camera"] && problems().is_empty());
}

#[test]
fn a_directory_that_goes_is_told_of_and_one_that_returns_is_used() {
    let net = &Net::all()[0];
    let (from, to) = (TestHost::new("robot").start(net.carrier()), TestHost::new("desk").start(net.carrier()));
    let says = || from.bridge.as_ref().unwrap().report().problems;
    let away = from.dir.path().with_extension("away");
    std::fs::rename(from.dir.path(), &away).unwrap();
    wait_until("it says so", || says().iter().any(|problem| problem.contains(&*from.dir.path().to_string_lossy())));
    std::fs::rename(&away, from.dir.path()).unwrap();
    let mut writer = from.options().create::<u8>("camera").unwrap();
    writer.write(&[1], &[1]).unwrap();
    assert_eq!(next(&mut to.open("robot.camera")).as_bytes(), [1]);
    wait_until("all is well", || says().is_empty());
}

/// Each host takes the other's channels under their own names, in a circle: none comes back.
#[test]
fn circles_carry_each_value_once() {
    for net in Net::all() {
        let hosts = ["a", "b", "c"].map(|id| {
            TestHost::new(id).with(|settings| settings.renames.add("*={channel}").unwrap()).start(net.carrier())
        });
        let mut writers = hosts.each_ref().map(|host| {
            let mut writer = host.options().create::<u8>(&format!("of-{}", host.settings.id)).unwrap();
            writer.write(&[1], &[1]).unwrap();
            writer
        });
        let names = ["of-a", "of-b", "of-c"];
        let mut readers: Vec<_> = hosts.iter().flat_map(|host| names.map(|name| host.open(name))).collect();
        readers.iter_mut().for_each(|reader| assert_eq!(next(reader).seq(), 1));
        writers.iter_mut().for_each(|writer| assert_eq!(writer.write(&[1], &[2]).unwrap(), 2));
        for reader in &mut readers {
            let sample = next(reader);
            assert_eq!((sample.seq(), sample.as_bytes(), sample.missed()), (2, [2].as_slice(), 0));
        }
        for host in &hosts {
            assert_eq!(host.names(), names);
            let report = host.bridge.as_ref().unwrap().report();
            let out = report.channels.iter().filter(|row| row.direction == Direction::Out).count();
            assert_eq!(out, 1, "{:?}", report.channels);
        }
    }
}

/// A directory with 4 MiB of its own, which goes at the end.
struct Small(tempfile::TempDir);

impl Small {
    fn new() -> Result<Self, String> {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(dir.path());
        let mounted = mount.output().map_err(|error| error.to_string())?;
        if mounted.status.success() { Ok(Self(dir)) } else { Err(String::from_utf8_lossy(&mounted.stderr).into()) }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// What does not fit is dropped and told of, the last value stays, and the next that fits comes.
#[test]
fn a_directory_that_fills_up_keeps_its_last_value() {
    if std::env::var("NDSHARRAY_STRESS").map_or(true, |length| length != "nightly") {
        return println!("skipped: only at night, with NDSHARRAY_STRESS=nightly");
    }
    let small = match Small::new() {
        Ok(small) => small,
        Err(problem) => return println!("skipped: nothing can be mounted here: {problem}"),
    };
    let net = &Net::all()[0];
    let from = TestHost::new("robot").start(net.carrier());
    let options = ndsharray::Options::new().dir(&small.0);
    let to = TestHost::new("desk").with(|settings| settings.options = options.clone()).start(net.carrier());
    let mut writer = from.options().create::<u8>("camera").unwrap();
    writer.write(&[1000], &[1; 1000]).unwrap();
    let mut reader = to.open("robot.camera");
    assert_eq!(next(&mut reader).as_bytes(), [1; 1000]);
    let filler = small.0.path().join("filler");
    let mut filling = std::fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut filling, &[0; 4096]).is_ok() {}
    for value in 2..5 {
        writer.write(&[1 << 20], &vec![value; 1 << 20]).unwrap();
        let count = u64::from(value) - 1;
        wait_until("it is dropped", || to.dropped(Direction::In, "camera", "out-of-memory") >= count);
    }
    assert!(to.row(Direction::In, "camera").unwrap().problem.is_some());
    assert_eq!(to.open("robot.camera").latest().unwrap().unwrap().as_bytes(), [1; 1000]);
    drop(filling);
    std::fs::remove_file(filler).unwrap();
    writer.write(&[1 << 20], &vec![9; 1 << 20]).unwrap();
    let sample = next(&mut reader);
    assert_eq!((sample.seq(), sample.missed()), (5, 3));
    assert!(sample.as_bytes().iter().all(|&byte| byte == 9));
    wait_until("all is well", || to.row(Direction::In, "camera").unwrap().problem.is_none());
}
