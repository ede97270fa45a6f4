//! How many channels fit into one process, and what does each take?

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};
use iceoryx2::node::Node;
use iceoryx2::prelude::*;

use super::{OURS, Report, SMALL, Settings};
use crate::contenders::iceoryx2_pubsub::{Ipc, node};
use crate::contenders::value::value;
use crate::harness::clock::thread_time;
use crate::harness::goal::Goal;
use crate::harness::place::{Place, resident_bytes};
use crate::harness::process;
use crate::harness::stats::{Nanos, Short, Spread};
use crate::harness::table::Table;

const CHANNELS: [usize; 3] = [1, 100, 1000];

/// "A handful" of mappings.
const HANDFUL: f64 = 8.0;

/// Many channels at once, all of whose ends are in this process.
trait Many: Sized {
    const NAME: &'static str;
    fn writers(place: &Place, count: usize) -> Result<Self>;
    /// Opens a reader of each channel, which reads the value that is there, if it can.
    fn open_readers(&mut self, place: &Place) -> Result<()>;
    /// Asks each reader for news, of which there are none.
    fn poll(&mut self) -> Result<()>;
}

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let limit = process::raise_open_files()?;
    let head = [
        "contender",
        "channels",
        "open a writer",
        "open a reader",
        "poll one",
        "files a reader holds open",
        "its mappings",
        "its private memory",
        "files a writer holds open",
        "its mappings",
        "shared memory of a channel",
    ];
    let mut table = Table::new("Channels of 64 B in one process, a writer and an idle reader of each", &head);
    let mut report = Report::default();
    for count in CHANNELS {
        add::<Ours>(settings, count, limit, &mut table, &mut report)?;
        add::<MmapSync>(settings, count, limit, &mut table, &mut report)?;
        add::<Iceoryx>(settings, count, limit, &mut table, &mut report)?;
    }
    report.tables.insert(0, table);
    Ok(report)
}

fn add<C: Many>(settings: &Settings, count: usize, limit: u64, table: &mut Table, report: &mut Report) -> Result<()> {
    if !settings.pace().admits(C::NAME) {
        return Ok(());
    }
    let place = Place::fresh()?;
    let before = Holdings::now()?;
    let start = Instant::now();
    let mut many = C::writers(&place, count).with_context(|| format!("{count} channels of {}", C::NAME))?;
    let writers = start.elapsed();
    let between = Holdings::now()?;
    let start = Instant::now();
    many.open_readers(&place).with_context(|| format!("{count} readers of {}", C::NAME))?;
    let readers = start.elapsed();
    let after = Holdings::now()?;
    many.poll()?;
    let polls = (0..settings.rounds)
        .map(|_| {
            let start = thread_time()?;
            many.poll()?;
            Ok(thread_time()?.saturating_sub(start).as_nanos() as f64 / count as f64)
        })
        .collect::<Result<Vec<_>>>()?;
    let shared = place.files()?.iter().map(|file| resident_bytes(file).unwrap_or(0)).sum::<u64>();

    let each = |what: fn(&Holdings) -> f64, from: &Holdings, to: &Holdings| (what(to) - what(from)) / count as f64;
    let (fds, maps) = (each(|h| h.descriptors, &between, &after), each(|h| h.mappings, &between, &after));
    let (writer_fds, writer_maps) =
        (each(|h| h.descriptors, &before, &between), each(|h| h.mappings, &before, &between));
    table.row(vec![
        C::NAME.into(),
        count.to_string(),
        Nanos(writers.as_nanos() as f64 / count as f64).to_string(),
        Nanos(readers.as_nanos() as f64 / count as f64).to_string(),
        Nanos(Spread::of(&polls).median).to_string(),
        Short(fds).to_string(),
        Short(maps).to_string(),
        format!("{:.1} KiB", each(|h| h.private, &between, &after) / 1024.0),
        Short(writer_fds).to_string(),
        Short(writer_maps).to_string(),
        format!("{:.1} KiB", shared as f64 / 1024.0 / count as f64),
    ]);
    if C::NAME == OURS && count == CHANNELS[2] {
        let show = |x| format!("{}", Short(x));
        report.goals.push(Goal::at_most("open files an idle reader, of 1,000", Spread::of(&[fds]), 1.0, show));
        report.goals.push(Goal::at_most("mappings an idle reader, of 1,000", Spread::of(&[maps]), HANDFUL, show));
        report.tables.push(limits(limit, fds, maps)?);
    }
    Ok(())
}

/// Which limit of the kernel is met first by a process of readers alone.
fn limits(open_files: u64, fds: f64, maps: f64) -> Result<Table> {
    let head = ["limit", "here", "an idle reader takes", "so that there is room for"];
    let mut table = Table::new("What a process of ndsharray readers alone runs into", &head);
    let mappings = process::most_mappings()? as f64;
    let mut rows =
        [("open files (ulimit -n, hard)", open_files as f64, fds), ("mappings (vm.max_map_count)", mappings, maps)];
    rows.sort_by(|a, b| (a.1 / a.2).total_cmp(&(b.1 / b.2)));
    for (name, limit, takes) in rows {
        let room = format!("{:.0} readers", limit / takes);
        table.row(vec![name.into(), format!("{limit:.0}"), Short(takes).to_string(), room]);
    }
    Ok(table)
}

struct Holdings {
    descriptors: f64,
    mappings: f64,
    private: f64,
}

impl Holdings {
    fn now() -> Result<Self> {
        Ok(Self {
            descriptors: process::descriptors()? as f64,
            mappings: process::mappings()? as f64,
            private: process::private_bytes()? as f64,
        })
    }
}

struct Ours {
    writers: Vec<ndsharray::Writer<u8>>,
    readers: Vec<ndsharray::Reader>,
}

impl Many for Ours {
    const NAME: &'static str = OURS;

    fn writers(place: &Place, count: usize) -> Result<Self> {
        let options = ndsharray::Options::new().dir(place.dir());
        let writers = (0..count).map(|n| {
            let mut writer = options.create::<u8>(&format!("channel-{n}"))?;
            writer.write(&[SMALL], &value(1))?;
            Ok(writer)
        });
        Ok(Self { writers: writers.collect::<Result<_>>()?, readers: Vec::new() })
    }

    fn open_readers(&mut self, place: &Place) -> Result<()> {
        let options = ndsharray::Options::new().dir(place.dir());
        for n in 0..self.writers.len() {
            let mut reader = options.open(&format!("channel-{n}"))?;
            reader.read()?.context("no value")?;
            self.readers.push(reader);
        }
        Ok(())
    }

    fn poll(&mut self) -> Result<()> {
        for reader in &mut self.readers {
            black_box(reader.read()?.is_some());
        }
        Ok(())
    }
}

type Synchronizer = ::mmap_sync::synchronizer::Synchronizer;

struct MmapSync {
    writers: Vec<Synchronizer>,
    readers: Vec<Synchronizer>,
}

fn synchronizer(place: &Place, n: usize) -> Synchronizer {
    Synchronizer::new(place.dir().join(format!("channel-{n}")).as_os_str())
}

impl Many for MmapSync {
    const NAME: &'static str = "mmap-sync";

    fn writers(place: &Place, count: usize) -> Result<Self> {
        let writers = (0..count).map(|n| {
            let mut writer = synchronizer(place, n);
            writer.write_raw::<[u8; SMALL]>(&value(1), std::time::Duration::from_secs(1))?;
            Ok(writer)
        });
        Ok(Self { writers: writers.collect::<Result<_>>()?, readers: Vec::new() })
    }

    fn open_readers(&mut self, place: &Place) -> Result<()> {
        for n in 0..self.writers.len() {
            let mut reader = synchronizer(place, n);
            // SAFETY: nothing but such arrays is written there, and no writer writes now.
            black_box(unsafe { reader.read::<[u8; SMALL]>(false)? }.is_switched());
            self.readers.push(reader);
        }
        Ok(())
    }

    fn poll(&mut self) -> Result<()> {
        for reader in &mut self.readers {
            black_box(reader.version()?);
        }
        Ok(())
    }
}

struct Iceoryx {
    node: Node<Ipc>,
    publishers: Vec<iceoryx2::port::publisher::Publisher<Ipc, [u8; SMALL], ()>>,
    subscribers: Vec<iceoryx2::port::subscriber::Subscriber<Ipc, [u8; SMALL], ()>>,
}

impl Many for Iceoryx {
    const NAME: &'static str = "iceoryx2";

    fn writers(place: &Place, count: usize) -> Result<Self> {
        // One node for all, as its documentation wants it.
        let node = node(place)?;
        let mut publishers = Vec::new();
        for n in 0..count {
            let service = node
                .service_builder(&ServiceName::new(&format!("channel-{n}"))?)
                .publish_subscribe::<[u8; SMALL]>()
                .max_publishers(1)
                .max_subscribers(1)
                .history_size(0)
                .subscriber_max_buffer_size(1)
                .create()?;
            let publisher = service.publisher_builder().create()?;
            publisher.send_copy(value(1))?;
            publishers.push(publisher);
        }
        Ok(Self { node, publishers, subscribers: Vec::new() })
    }

    fn open_readers(&mut self, _: &Place) -> Result<()> {
        for n in 0..self.publishers.len() {
            let service = self
                .node
                .service_builder(&ServiceName::new(&format!("channel-{n}"))?)
                .publish_subscribe::<[u8; SMALL]>()
                .open()?;
            let subscriber = service.subscriber_builder().create()?;
            black_box(subscriber.receive()?.is_some());
            self.subscribers.push(subscriber);
        }
        Ok(())
    }

    fn poll(&mut self) -> Result<()> {
        for subscriber in &self.subscribers {
            black_box(subscriber.receive()?.is_some());
        }
        Ok(())
    }
}
