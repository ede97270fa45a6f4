//! Many receivers, and some that are slow.

use crate::hosts::{Net, TestHost, next, wait_until};
use ndsharray::OwnedSample;
use ndsharray::raw::Origin;
use ndsharray_link::attachment::{Attachment, Described, Place};
use ndsharray_link::carrier::memory::Hub;
use ndsharray_link::carrier::{Answer, Arrivals, Carrier, Host, Listener, Notice, Offer, Order, Payload};
use ndsharray_link::report::Direction;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;
use uuid::Uuid;

#[test]
fn two_hundred_channels_of_which_some_are_read() {
    let net = &Net::all()[0];
    let (from, to) = (TestHost::new("robot").start(net.carrier()), TestHost::new("desk").start(net.carrier()));
    let mut writers: Vec<_> = (0..200)
        .map(|at| {
            let mut writer = from.options().create::<u32>(&format!("channel-{at:03}")).unwrap();
            writer.write(&[1], &[at]).unwrap();
            writer
        })
        .collect();
    let mut readers: Vec<_> = (0..20).map(|at| to.open(&format!("robot.channel-{:03}", at * 10))).collect();
    for (at, reader) in readers.iter_mut().enumerate() {
        assert_eq!(next(reader).view::<u32>().unwrap()[[0]], at as u32 * 10);
    }
    writers.iter_mut().for_each(|writer| assert!(writer.write(&[1], &[7]).is_ok()));
    readers.iter_mut().for_each(|reader| assert_eq!(next(reader).view::<u32>().unwrap()[[0]], 7));
    wait_until("all are there", || to.names().len() == 200);
    // Those that no reader wants have not travelled.
    let report = to.bridge.as_ref().unwrap().report();
    assert_eq!(report.channels.iter().filter(|row| row.values > 0).count(), 20);
}

/// A peer that wants a channel and takes what comes, but says nothing.
struct Silent(Mutex<Vec<(Attachment, usize)>>);

impl Arrivals for Silent {
    fn arrive(&self, attachment: &[u8], payload: Box<dyn Payload>) {
        let attachment = Attachment::decode(attachment, payload.len() as u64, u64::MAX).unwrap();
        self.0.lock().unwrap().push((attachment, payload.len()));
    }
}

struct Notices(Mutex<Vec<Notice>>);

impl Listener for Notices {
    fn notice(&self, notice: Notice) {
        self.0.lock().unwrap().push(notice);
    }
}

fn peer(carrier: &dyn Carrier, id: &str) -> (Host, Arc<Notices>) {
    let (host, notices) = (Host::new(id), Arc::new(Notices(Mutex::default())));
    carrier.start(&host, Arc::clone(&notices) as _).unwrap();
    (host, notices)
}

fn offer_of(notices: &Notices) -> Offer {
    let mut found = None;
    wait_until("an offer", || {
        found = notices.0.lock().unwrap().iter().find_map(|notice| match notice {
            Notice::Offered(offer) => Some(offer.clone()),
            _ => None,
        });
        found.is_some()
    });
    found.unwrap()
}

/// What a stopped receiver costs: the window, and no more. The others lose nothing.
#[test]
fn a_receiver_that_does_not_answer_gets_no_more_than_the_window() {
    let hub = Hub::new();
    let from = TestHost::new("robot").start(hub.carrier());
    let to = TestHost::new("desk").start(hub.carrier());
    let mut writer = from.options().create::<u8>("camera").unwrap();
    let mut write = |value: u8| writer.write(&[3 << 20], &vec![value; 3 << 20]).unwrap();
    write(0);
    let carrier = hub.carrier();
    let (_, notices) = peer(carrier.as_ref(), "silent");
    let (offer, silent) = (offer_of(&notices), Arc::new(Silent(Mutex::default())));
    let _want = carrier.want(&offer, Order::Latest, Arc::clone(&silent) as _).unwrap();
    let mut reader = to.open("robot.camera");
    assert_eq!(next(&mut reader).as_bytes()[0], 0);
    for value in 1..20 {
        write(value);
        let sample = next(&mut reader);
        assert!(sample.as_bytes().iter().all(|&byte| byte == value));
    }
    let got = silent.0.lock().unwrap().len();
    assert!((1..=2).contains(&got), "{got} values of 3 MiB on their way");
    // Once it answers, the newest comes, and what was between is no queue.
    let last = silent.0.lock().unwrap().last().unwrap().0.place;
    carrier.answer(&offer, Answer { relay: last.relay, count: last.count }).unwrap();
    wait_until("the newest", || silent.0.lock().unwrap().last().unwrap().0.number == 20);
    assert!(silent.0.lock().unwrap().len() <= 4);
}

/// What a peer that is no bridge may send: nothing of it is written, all of it is counted.
#[test]
fn a_flood_of_malformed_messages_is_counted_and_goes_by() {
    let rounds = if std::env::var("NDSHARRAY_STRESS").is_ok_and(|length| length == "nightly") { 200 } else { 1 };
    Net::all().iter().for_each(|net| flood(net, rounds));
}

fn flood(net: &Net, rounds: u64) {
    let carrier = net.carrier();
    let (host, notices) = peer(carrier.as_ref(), "evil");
    let (incarnation, channel) = (Uuid::from_u128(9), "camera".to_owned());
    let offer = Offer { host, channel: channel.clone(), incarnation, number: 1 };
    let _token = carrier.announce(&offer).unwrap();
    let to = TestHost::new("desk").with(|settings| settings.max_bytes = 1 << 20).start(net.carrier());
    let mut reader = to.open("evil.camera");
    let mut wish = None;
    wait_until("a wish", || {
        wish = notices.0.lock().unwrap().iter().find_map(|notice| match notice {
            Notice::Wanted(wish) => Some(wish.clone()),
            _ => None,
        });
        wish.is_some()
    });
    let sources = tempfile::tempdir().unwrap();
    let mut source = ndsharray::Options::new().dir(&sources).create::<u8>("x").unwrap();
    let mut source_reader = ndsharray::Options::new().dir(&sources).open("x").unwrap();
    let mut sample = |len: usize| {
        source.write(&[len], &vec![2; len]).unwrap();
        source_reader.read_owned().unwrap().unwrap()
    };
    let mut sender = carrier.sender(&channel, &wish.unwrap().receiver).unwrap();
    let mut sent = 0;
    let mut send = |attachment: &[u8], sample: &OwnedSample| {
        let parcel = ndsharray_link::carrier::Parcel::Sample(sample.clone());
        sender.send(attachment, parcel, ndsharray_link::carrier::Urgency::Small).unwrap();
        sent += 1;
    };
    let attachment = |dtype: ndsharray::DType, number, count, len| Attachment {
        place: Place { relay: 1, count, wants_answer: true },
        number,
        origin: Origin { incarnation, epoch: 1, time: SystemTime::now() },
        value: Some(Described { element: dtype.into(), record: None, shape: vec![len], attributes: Vec::new() }),
    };
    let good = attachment(ndsharray::DType::U8, 5, 1, 4).encode();
    let (three, four, many) = (sample(3), sample(4), sample((1 << 20) + 1));
    for _ in 0..rounds {
        for at in 0..good.len() {
            for with in [0x01, 0x80, 0xff] {
                let mut changed = good.clone();
                changed[at] ^= with;
                // With a payload that is never as long as is said.
                send(&changed, &three);
            }
            send(&good[..at], &four);
        }
        send(&[0xff; 200], &four);
        send(&attachment(ndsharray::DType::U8, 5, 1, (1 << 20) + 1).encode(), &many);
        send(&attachment(ndsharray::DType::Bool, 5, 1, 4).encode(), &four);
        send(&attachment(ndsharray::DType::U8, u64::MAX >> 1, 1, 4).encode(), &four);
    }
    let drops = || to.row(Direction::In, "camera").unwrap().drops;
    wait_until("all of it is counted", || drops().values().sum::<u64>() >= sent);
    for reason in ["length", "version", "byte-order", "payload", "product", "dtype", "too-large", "bool", "number"] {
        assert!(drops().get(reason).is_some_and(|&count| count > 0), "{reason}: {:?}", drops());
    }
    assert!(reader.read().unwrap().is_none(), "nothing of it was written");
    let mut send = |attachment: &[u8], sample: &OwnedSample| {
        let parcel = ndsharray_link::carrier::Parcel::Sample(sample.clone());
        sender.send(attachment, parcel, ndsharray_link::carrier::Urgency::Small).unwrap();
    };
    send(&attachment(ndsharray::DType::U8, 6, 2, 4).encode(), &four);
    let sample = next(&mut reader);
    assert_eq!((sample.seq(), sample.as_bytes()), (6, [2; 4].as_slice()));
}

/// A peer that wants what there is not, without end, and offers the same channel as many runs.
#[test]
fn a_flood_of_wishes_and_offers_leaves_the_others_alone() {
    let hub = Hub::new();
    let from = TestHost::new("robot").start(hub.carrier());
    let to = TestHost::new("desk").start(hub.carrier());
    let mut writer = from.options().create::<u8>("camera").unwrap();
    writer.write(&[1], &[1]).unwrap();
    let mut reader = to.open("robot.camera");
    assert_eq!(next(&mut reader).as_bytes(), [1]);
    let carrier = hub.carrier();
    let (host, notices) = peer(carrier.as_ref(), "evil");
    let offer = offer_of(&notices);
    let silent = Arc::new(Silent(Mutex::default()));
    let mut tokens = Vec::new();
    for at in 0..5000_u64 {
        let source = Offer { channel: format!("nothing-{at}"), ..offer.clone() };
        tokens.push(carrier.want(&source, Order::Latest, Arc::clone(&silent) as _).unwrap());
        let host = Host { session: at, ..host.clone() };
        let run = Offer { host, channel: "x".to_owned(), incarnation: Uuid::from_u128(at.into()), number: at };
        tokens.push(carrier.announce(&run).unwrap());
    }
    writer.write(&[1], &[2]).unwrap();
    assert_eq!(next(&mut reader).as_bytes(), [2]);
    to.open("evil.x");
    drop(tokens);
    wait_until("all is withdrawn", || to.names() == ["robot.camera"]);
    assert!(
        from.bridge.as_ref().unwrap().report().channels.iter().all(|row| row.channel == "camera" || row.channel == "x")
    );
}
