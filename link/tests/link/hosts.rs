//! Hosts, and waiting for what they do.

use ndsharray::{Options, OwnedSample, Reader};
use ndsharray_link::bridge::{Bridge, Settings};
use ndsharray_link::carrier::Carrier;
use ndsharray_link::carrier::memory::Hub;
use ndsharray_link::carrier::tcp::Tcp;
use ndsharray_link::report::{ChannelReport, Direction};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Generous: nothing that is right takes as long.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// A directory of its own, and a bridge.
pub(crate) struct TestHost {
    pub(crate) dir: TempDir,
    pub(crate) settings: Settings,
    pub(crate) bridge: Option<Bridge>,
}

impl TestHost {
    pub(crate) fn new(id: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(id, Options::new().dir(&dir));
        settings.linger = Duration::from_millis(300);
        Self { dir, settings, bridge: None }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    pub(crate) fn start(mut self, carrier: Arc<dyn Carrier>) -> Self {
        self.restart(carrier);
        self
    }

    pub(crate) fn restart(&mut self, carrier: Arc<dyn Carrier>) {
        self.bridge = None;
        self.bridge = Some(Bridge::start(self.settings.clone(), carrier).unwrap());
    }

    pub(crate) fn options(&self) -> Options {
        self.settings.options.clone()
    }

    pub(crate) fn open(&self, name: &str) -> Reader {
        self.options().open_timeout(name, TIMEOUT).unwrap()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.options().list().unwrap().into_iter().map(|listed| listed.name).collect()
    }

    pub(crate) fn files(&self) -> usize {
        std::fs::read_dir(&self.dir).unwrap().count()
    }

    /// What the bridge says of a channel.
    pub(crate) fn row(&self, direction: Direction, channel: &str) -> Option<ChannelReport> {
        let report = self.bridge.as_ref().unwrap().report();
        report.channels.into_iter().find(|row| row.direction == direction && row.channel == channel)
    }

    /// How many values of a channel were dropped for a reason.
    pub(crate) fn dropped(&self, direction: Direction, channel: &str, reason: &str) -> u64 {
        self.row(direction, channel).and_then(|row| row.drops.get(reason).copied()).unwrap_or(0)
    }
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + TIMEOUT;
    while !is_so() {
        assert!(Instant::now() < end, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The next value; a close before it does not count.
pub(crate) fn next(reader: &mut Reader) -> OwnedSample {
    let end = Instant::now() + TIMEOUT;
    while Instant::now() < end {
        match reader.wait_owned(TIMEOUT) {
            Ok(Some(sample)) => return sample,
            Ok(None) | Err(ndsharray::Error::Closed { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no value");
}

/// Carriers for hosts that all reach each other.
pub(crate) enum Net {
    Memory(Hub),
    Tcp(std::sync::Mutex<Vec<String>>),
    #[cfg(feature = "zenoh")]
    Zenoh(std::sync::Mutex<Vec<String>>),
}

impl Net {
    pub(crate) fn all() -> Vec<Self> {
        vec![
            Self::Memory(Hub::new()),
            Self::Tcp(std::sync::Mutex::default()),
            #[cfg(feature = "zenoh")]
            Self::Zenoh(std::sync::Mutex::default()),
        ]
    }

    /// A carrier for one more host, which reaches all those before.
    pub(crate) fn carrier(&self) -> Arc<dyn Carrier> {
        match self {
            Self::Memory(hub) => hub.carrier(),
            Self::Tcp(peers) => {
                let mut peers = peers.lock().unwrap();
                let tcp = Tcp::new(&["127.0.0.1:0".to_owned()], &peers, 1 << 30).unwrap();
                peers.push(tcp.addresses()[0].to_string());
                Arc::new(tcp)
            }
            #[cfg(feature = "zenoh")]
            Self::Zenoh(peers) => {
                use ndsharray_link::carrier::zenoh::{Zenoh, ZenohSettings};
                let mut peers = peers.lock().unwrap();
                let endpoint = format!("tcp/127.0.0.1:{}", free_port());
                let settings = ZenohSettings {
                    listen: vec![endpoint.clone()],
                    connect: peers.clone(),
                    namespace: "test".into(),
                    max_bytes: 1 << 30,
                    ..ZenohSettings::default()
                };
                peers.push(endpoint);
                Arc::new(Zenoh::new(&settings).unwrap())
            }
        }
    }
}

/// A port below those that systems give to outgoing connections, free just now.
#[cfg(feature = "zenoh")]
pub(crate) fn free_port() -> u16 {
    let ports = std::iter::repeat_with(|| 20_000 + uuid::Uuid::new_v4().as_u64_pair().1 as u16 % 12_000);
    ports.take(1000).find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}
