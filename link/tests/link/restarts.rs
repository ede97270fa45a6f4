//! Hosts, networks and writers that come and go.

use crate::hosts::{Net, TestHost, next, wait_until};
use ndsharray_link::carrier::memory::Hub;
use ndsharray_link::report::{Direction, State};
use std::time::Duration;

#[test]
fn the_source_s_bridge_is_started_again() {
    for net in Net::all() {
        let mut from = TestHost::new("robot");
        from.settings.linger = Duration::from_secs(60);
        // It is the one that connects.
        let to = TestHost::new("desk").with(|settings| settings.linger = Duration::from_secs(60)).start(net.carrier());
        from.restart(net.carrier());
        let mut writer = from.options().create::<u32>("camera").unwrap();
        writer.write(&[1], &[1]).unwrap();
        let mut reader = to.open("robot.camera");
        let incarnation = next(&mut reader).incarnation();
        for round in 2..6 {
            from.bridge = None;
            writer.write(&[1], &[round]).unwrap();
            from.restart(net.carrier());
            let sample = next(&mut reader);
            assert_eq!((sample.seq(), sample.missed()), (u64::from(round), 0));
            assert_eq!((sample.view::<u32>().unwrap()[[0]], sample.incarnation()), (round, incarnation));
        }
    }
}

#[test]
fn the_receiver_s_bridge_is_started_again() {
    for net in Net::all() {
        let from = TestHost::new("robot").start(net.carrier());
        let mut to = TestHost::new("desk").start(net.carrier());
        let mut writer = from.options().create::<u32>("camera").unwrap();
        writer.write(&[1], &[1]).unwrap();
        let mut reader = to.open("robot.camera");
        next(&mut reader);
        for round in 2..6 {
            to.bridge = None;
            writer.write(&[1], &[round]).unwrap();
            to.restart(net.carrier());
            let sample = next(&mut reader);
            assert_eq!((sample.seq(), sample.view::<u32>().unwrap()[[0]]), (u64::from(round), round));
            assert_eq!(sample.missed(), 0);
        }
        drop(reader);
        to.bridge = None;
        assert_eq!(to.files(), 0);
    }
}

/// A bridge that was killed leaves its local channels to the next.
#[test]
fn a_killed_writer_s_local_channel_goes_on() {
    let net = &Net::all()[0];
    let from = TestHost::new("robot").start(net.carrier());
    let mut writer = from.options().create::<u32>("camera").unwrap();
    (1..=50).for_each(|value| assert_eq!(writer.write(&[1], &[value]).unwrap(), u64::from(value)));
    let here = from.options().open("camera").unwrap().latest_owned().unwrap().unwrap();
    let to = TestHost::new("desk");
    // What a bridge writes, with a close that keeps all of it, as a kill would.
    let origin = ndsharray::raw::Origin { incarnation: here.incarnation(), epoch: 1, time: here.time() };
    let options = to.options().persist(true);
    let mut killed = ndsharray::raw::create_import(&options, "robot.camera", here.incarnation(), 39).unwrap();
    ndsharray::raw::write_as(&mut killed, 40, &origin, (ndsharray::DType::U32, &[1], &[0; 4]), b"").unwrap();
    let mut reader = to.open("robot.camera");
    assert_eq!(next(&mut reader).seq(), 40);
    drop(killed);
    let _to = to.start(net.carrier());
    let sample = next(&mut reader);
    assert_eq!((sample.seq(), sample.missed()), (50, 9), "true over the restart");
}

#[test]
fn a_network_that_is_cut_for_long_closes_and_one_that_returns_goes_on() {
    let hub = Hub::new();
    let from = TestHost::new("robot").start(hub.carrier());
    let to = TestHost::new("desk").start(hub.carrier());
    let third = TestHost::new("wall").start(hub.carrier());
    let mut writer = from.options().create::<u32>("camera").unwrap();
    writer.write(&[1], &[1]).unwrap();
    let mut reader = to.open("robot.camera");
    let mut other = third.open("robot.camera");
    next(&mut reader);
    next(&mut other);
    hub.cut("desk");
    writer.write(&[1], &[2]).unwrap();
    assert_eq!(next(&mut other).seq(), 2, "the others notice nothing");
    wait_until("it is closed", || matches!(reader.read(), Err(ndsharray::Error::Closed { .. })) || reader.is_closed());
    hub.mend("desk");
    let sample = next(&mut reader);
    assert_eq!((sample.seq(), sample.view::<u32>().unwrap()[[0]]), (2, 2));
    wait_until("it is live", || to.row(Direction::In, "camera").is_some_and(|row| row.state == State::Live));
    assert_eq!(from.row(Direction::Out, "camera").unwrap().receivers.len(), 2);
}

#[test]
fn a_killed_writer_s_channel_goes_on_with_the_next_one() {
    for net in Net::all() {
        let (from, to) = (TestHost::new("robot").start(net.carrier()), TestHost::new("desk").start(net.carrier()));
        // A persistent close and a takeover: the same lineage, and another epoch.
        let options = from.options().persist(true);
        let mut writer = options.create::<u32>("camera").unwrap();
        writer.write(&[1], &[1]).unwrap();
        let mut reader = to.open("robot.camera");
        let first = next(&mut reader);
        drop(writer);
        let mut writer = options.create::<u32>("camera").unwrap();
        writer.write(&[1], &[2]).unwrap();
        wait_until("the next writer's value", || {
            let sample = next(&mut reader);
            sample.seq() == 2 && sample.epoch() == first.epoch() + 1 && sample.incarnation() == first.incarnation()
        });
    }
}

/// Two bridges of one name: each host hears one of them, and says so, and none takes turns.
#[test]
fn of_two_bridges_of_one_name_one_is_heard() {
    for net in Net::all() {
        let to = TestHost::new("desk").start(net.carrier());
        let first = TestHost::new("robot").start(net.carrier());
        let mut writer = first.options().create::<u32>("camera").unwrap();
        writer.write(&[1], &[1]).unwrap();
        let mut reader = to.open("robot.camera");
        let incarnation = next(&mut reader).incarnation();
        let second = TestHost::new("robot").start(net.carrier());
        let mut other = second.options().create::<u32>("camera").unwrap();
        other.write(&[1], &[1000]).unwrap();
        let says = |host: &TestHost, text: &str| {
            host.bridge.as_ref().unwrap().report().problems.iter().any(|problem| problem.contains(text))
        };
        wait_until("all three say so", || {
            says(&to, "2 bridges are called \"robot\"")
                && says(&first, "another bridge is called")
                && says(&second, "another bridge is called")
        });
        for value in 2..40 {
            other.write(&[1], &[1000 + value]).unwrap();
            writer.write(&[1], &[value]).unwrap();
            let sample = next(&mut reader);
            assert_eq!((sample.view::<u32>().unwrap()[[0]], sample.seq()), (value, u64::from(value)));
            assert_eq!((sample.incarnation(), sample.missed()), (incarnation, 0));
        }
        assert_eq!(second.row(Direction::Out, "camera").unwrap().values, 0, "nothing of it has travelled");
        drop(first);
        // The other one is heard now.
        wait_until("the second one's value", || {
            other.write(&[1], &[7]).unwrap();
            next(&mut reader).view::<u32>().unwrap()[[0]] == 7
        });
        wait_until("all is well", || {
            [&to, &second].iter().all(|host| host.bridge.as_ref().unwrap().report().problems.is_empty())
        });
    }
}
