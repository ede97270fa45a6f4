//! Waiting for many channels at once, asleep. The frames come by each channel in turn.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as TaskContext, Wake};
use std::thread::Thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use iceoryx2::waitset::{WaitSet, WaitSetGuard};
use ndsharray::{NewsFd, Options, Reader, Writer, wait_any};

use super::{ReceiveFrame, SendFrame, Waiting, Wire, stamp, stamp_of};
use crate::contenders::iceoryx2_pubsub::{Ipc, node};
use crate::harness::place::Place;
use crate::harness::process;

/// Longer than any pause of a measurement.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends by each of its channels in turn.
pub(crate) struct Sender {
    writers: Vec<Writer<u8>>,
    frame: Vec<u8>,
    next: usize,
}

impl Sender {
    fn new(place: &Place, size: usize, channels: usize) -> Result<Self> {
        process::raise_open_files()?;
        let create = |i| Options::new().dir(place.dir()).create::<u8>(&format!("frame-{i}"));
        let writers = (0..channels).map(create).collect::<Result<_, _>>()?;
        Ok(Self { writers, frame: vec![0xA5; size], next: 0 })
    }
}

impl SendFrame for Sender {
    #[inline]
    fn send(&mut self, now: u64) -> Result<()> {
        stamp(&mut self.frame, now);
        self.next = (self.next + 1) % self.writers.len();
        let writer = self.writers.get_mut(self.next).context("no such channel")?;
        writer.write(&[self.frame.len()], &self.frame)?;
        Ok(())
    }
}

fn readers(place: &Place, channels: usize) -> Result<Vec<Reader>> {
    process::raise_open_files()?;
    let open = |i| Options::new().dir(place.dir()).open(&format!("frame-{i}"));
    Ok((0..channels).map(open).collect::<Result<_, _>>()?)
}

/// The stamp of the reader's new value.
fn stamp_from(reader: &mut Reader) -> Result<u64> {
    let sample = reader.read()?.context("nothing new")?;
    stamp_of(sample.view::<u8>()?.as_slice())
}

/// `wait_any` over `N` channels.
pub(crate) struct Any<const N: usize>;

pub(crate) struct AnyReceiver(Vec<Reader>);

impl<const N: usize> Wire for Any<N> {
    const NAME: &'static str = match N {
        1 => "ndsharray, wait_any over 1",
        16 => "ndsharray, wait_any over 16",
        100 => "ndsharray, wait_any over 100",
        _ => panic!("a number without a name"),
    };
    type Sender = Sender;
    type Receiver = AnyReceiver;

    fn sender(place: &Place, size: usize, _: Waiting) -> Result<Sender> {
        Sender::new(place, size, N)
    }

    fn receiver(place: &Place, _: usize, _: Waiting) -> Result<AnyReceiver> {
        Ok(AnyReceiver(readers(place, N)?))
    }
}

impl ReceiveFrame for AnyReceiver {
    #[inline]
    fn receive(&mut self) -> Result<u64> {
        let mut readers: Vec<&mut Reader> = self.0.iter_mut().collect();
        let ready = wait_any(&mut readers, PATIENCE)?;
        let reader = ready.iter().next().and_then(|i| readers.get_mut(i)).context("nothing came")?;
        stamp_from(reader)
    }
}

/// `wait_any` over 16 channels in a sandbox that refuses `futex_waitv`.
pub(crate) struct Refused;

impl Wire for Refused {
    const NAME: &'static str = "ndsharray, wait_any over 16 without futex_waitv";
    type Sender = Sender;
    type Receiver = AnyReceiver;

    fn sender(place: &Place, size: usize, _: Waiting) -> Result<Sender> {
        Sender::new(place, size, 16)
    }

    fn receiver(place: &Place, _: usize, _: Waiting) -> Result<AnyReceiver> {
        process::refuse(libc::SYS_futex_waitv)?;
        Ok(AnyReceiver(readers(place, 16)?))
    }
}

/// `changed().await` on one of 16 channels of one task, on the smallest executor.
pub(crate) struct Task;

pub(crate) struct TaskReceiver(Vec<Reader>);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut future: Pin<&mut _> = pin!(future);
    loop {
        if let std::task::Poll::Ready(found) = future.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
            return found;
        }
        std::thread::park();
    }
}

impl Wire for Task {
    const NAME: &'static str = "ndsharray, changed().await";
    type Sender = Sender;
    type Receiver = TaskReceiver;

    fn sender(place: &Place, size: usize, _: Waiting) -> Result<Sender> {
        Sender::new(place, size, 1)
    }

    fn receiver(place: &Place, _: usize, _: Waiting) -> Result<TaskReceiver> {
        Ok(TaskReceiver(readers(place, 1)?))
    }
}

impl ReceiveFrame for TaskReceiver {
    #[inline]
    fn receive(&mut self) -> Result<u64> {
        let reader = self.0.first_mut().context("no reader")?;
        block_on(reader.changed())?;
        stamp_from(reader)
    }
}

/// `poll` on the descriptor of one channel.
pub(crate) struct Descriptor;

pub(crate) struct DescriptorReceiver {
    reader: Reader,
    fd: NewsFd,
}

impl Wire for Descriptor {
    const NAME: &'static str = "ndsharray, poll on news_fd";
    type Sender = Sender;
    type Receiver = DescriptorReceiver;

    fn sender(place: &Place, size: usize, _: Waiting) -> Result<Sender> {
        Sender::new(place, size, 1)
    }

    fn receiver(place: &Place, _: usize, _: Waiting) -> Result<DescriptorReceiver> {
        let reader = readers(place, 1)?.pop().context("no reader")?;
        let fd = reader.news_fd()?;
        Ok(DescriptorReceiver { reader, fd })
    }
}

impl ReceiveFrame for DescriptorReceiver {
    #[inline]
    fn receive(&mut self) -> Result<u64> {
        ensure!(process::is_readable(&self.fd, PATIENCE)?, "nothing came");
        stamp_from(&mut self.reader)
    }
}

/// iceoryx2's `WaitSet` over the listeners of `N` services.
pub(crate) struct Set<const N: usize>;

/// What sends to one service, and what wakes its listeners.
type End = (Publisher<Ipc, [u8], ()>, Notifier<Ipc>);

pub(crate) struct SetSender {
    ends: Vec<End>,
    frame: Vec<u8>,
    next: usize,
}

pub(crate) struct SetReceiver {
    subscribers: Vec<Subscriber<Ipc, [u8], ()>>,
    listeners: &'static [Listener<Ipc>],
    set: &'static WaitSet<Ipc>,
    guards: Vec<WaitSetGuard<'static, 'static, Ipc>>,
}

impl<const N: usize> Wire for Set<N> {
    const NAME: &'static str = match N {
        1 => "iceoryx2, WaitSet over 1",
        16 => "iceoryx2, WaitSet over 16",
        100 => "iceoryx2, WaitSet over 100",
        _ => panic!("a number without a name"),
    };
    type Sender = SetSender;
    type Receiver = SetReceiver;

    fn sender(place: &Place, size: usize, _: Waiting) -> Result<SetSender> {
        process::raise_open_files()?;
        let node = node(place)?;
        let mut ends = Vec::new();
        for i in 0..N {
            let frames = node.service_builder(&format!("frame-{i}").as_str().try_into()?).publish_subscribe::<[u8]>();
            let frames = frames.max_publishers(1).max_subscribers(1).max_nodes(2).history_size(0);
            let frames = frames.subscriber_max_buffer_size(1).enable_safe_overflow(true).create()?;
            let event = node.service_builder(&format!("bell-{i}").as_str().try_into()?).event().create()?;
            let publisher = frames.publisher_builder().initial_max_slice_len(size).create()?;
            ends.push((publisher, event.notifier_builder().create()?));
        }
        Ok(SetSender { ends, frame: vec![0xA5; size], next: 0 })
    }

    fn receiver(place: &Place, _: usize, _: Waiting) -> Result<SetReceiver> {
        process::raise_open_files()?;
        let node = node(place)?;
        let (mut subscribers, mut listeners) = (Vec::new(), Vec::new());
        for i in 0..N {
            let frames = node.service_builder(&format!("frame-{i}").as_str().try_into()?).publish_subscribe::<[u8]>();
            subscribers.push(frames.open()?.subscriber_builder().create()?);
            let event = node.service_builder(&format!("bell-{i}").as_str().try_into()?).event().open()?;
            listeners.push(event.listener_builder().create()?);
        }
        // A guard borrows from both; they live as long as the process.
        let listeners: &'static [_] = listeners.leak();
        let builder = WaitSetBuilder::new().signal_handling_mode(SignalHandlingMode::Disabled);
        let set: &'static WaitSet<Ipc> = Box::leak(Box::new(builder.create()?));
        let guards = listeners.iter().map(|listener| set.attach_notification(listener)).collect::<Result<_, _>>()?;
        Ok(SetReceiver { subscribers, listeners, set, guards })
    }
}

impl SendFrame for SetSender {
    #[inline]
    fn send(&mut self, now: u64) -> Result<()> {
        stamp(&mut self.frame, now);
        self.next = (self.next + 1) % self.ends.len();
        let (publisher, notifier) = self.ends.get(self.next).context("no such service")?;
        publisher.loan_slice_uninit(self.frame.len())?.write_from_slice(&self.frame).send()?;
        notifier.notify()?;
        Ok(())
    }
}

impl ReceiveFrame for SetReceiver {
    #[inline]
    fn receive(&mut self) -> Result<u64> {
        loop {
            let mut found = None;
            self.set.wait_and_process_once(|id| {
                // By the guard, as the id tells no index.
                found = self.guards.iter().position(|guard| id.has_event_from(guard));
                CallbackProgression::Stop
            })?;
            let Some(index) = found else { continue };
            let listener = self.listeners.get(index).context("no such listener")?;
            listener.try_wait(|_| ())?;
            let subscriber = self.subscribers.get(index).context("no such subscriber")?;
            if let Some(sample) = subscriber.receive()? {
                return stamp_of(&sample);
            }
        }
    }
}
