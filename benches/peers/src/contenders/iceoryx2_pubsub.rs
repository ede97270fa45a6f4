//! iceoryx2's publish-subscribe, set up to carry the latest value: a buffer of one that overflows.

use std::rc::Rc;

use anyhow::Result;
use iceoryx2::config::Config;
use iceoryx2::node::Node;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use iceoryx2::sample::Sample;
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;

use super::value::Value;
use super::{Frames, HoldFrame, LoanFrame, Put, PutFrame, Take, TakeFrame, Values};
use crate::harness::place::Place;

/// The service variant for use from one thread a port: its fastest.
pub(crate) type Ipc = ipc::Service;

/// Room for the readers of every measurement with small values.
const MAX_READERS: usize = 8;

/// A node of its own, whose files stay in `place`.
pub(crate) fn node(place: &Place) -> Result<Node<Ipc>> {
    // As in iceoryx2's own benchmarks.
    set_log_level(LogLevel::Error);
    let mut config = Config::default();
    config.global.set_root_path(&Path::new(place.dir().as_os_str().as_encoded_bytes())?);
    config.global.prefix = FileName::new(place.prefix().as_bytes())?;
    Ok(NodeBuilder::new()
        .config(&config)
        // Ctrl-C ends the benchmark, as usual, instead of setting a flag that no code reads.
        .signal_handling_mode(SignalHandlingMode::Disabled)
        .create::<Ipc>()?)
}

/// Sends with `send_copy`.
pub(crate) struct SendCopy;

/// Sends with `loan_uninit`, `write_payload`, `send`.
pub(crate) struct LoanSend;

/// A publisher; the node lives as long as its ports.
pub(crate) struct CopyWriter {
    publisher: Publisher<Ipc, Value, ()>,
}

pub(crate) struct LoanWriter {
    publisher: Publisher<Ipc, Value, ()>,
}

pub(crate) struct Reader {
    subscriber: Subscriber<Ipc, Value, ()>,
}

fn value_publisher(place: &Place, readers: usize) -> Result<Publisher<Ipc, Value, ()>> {
    let service = node(place)?
        .service_builder(&"value".try_into()?)
        .publish_subscribe::<Value>()
        .max_publishers(1)
        .max_subscribers(readers)
        // Each end has a node of its own, as if it were in a process of its own.
        .max_nodes(readers + 1)
        .history_size(0)
        .subscriber_max_buffer_size(1)
        .enable_safe_overflow(true)
        .create()?;
    Ok(service.publisher_builder().create()?)
}

fn value_subscriber(place: &Place) -> Result<Reader> {
    let service = node(place)?.service_builder(&"value".try_into()?).publish_subscribe::<Value>().open()?;
    Ok(Reader { subscriber: service.subscriber_builder().create()? })
}

impl Values for SendCopy {
    const NAME: &'static str = "iceoryx2, send_copy";
    type Writer = CopyWriter;
    type Reader = Reader;

    fn writer(place: &Place) -> Result<CopyWriter> {
        Ok(CopyWriter { publisher: value_publisher(place, MAX_READERS)? })
    }

    fn crowd_writer(place: &Place, readers: usize) -> Result<CopyWriter> {
        Ok(CopyWriter { publisher: value_publisher(place, readers)? })
    }

    fn reader(place: &Place) -> Result<Reader> {
        value_subscriber(place)
    }
}

impl Values for LoanSend {
    const NAME: &'static str = "iceoryx2, loan + send";
    type Writer = LoanWriter;
    type Reader = Reader;

    fn writer(place: &Place) -> Result<LoanWriter> {
        Ok(LoanWriter { publisher: value_publisher(place, MAX_READERS)? })
    }

    fn reader(place: &Place) -> Result<Reader> {
        value_subscriber(place)
    }
}

impl Put for CopyWriter {
    #[inline]
    fn put(&mut self, value: &Value) -> Result<()> {
        self.publisher.send_copy(*value)?;
        Ok(())
    }
}

impl Put for LoanWriter {
    #[inline]
    fn put(&mut self, value: &Value) -> Result<()> {
        self.publisher.loan_uninit()?.write_payload(*value).send()?;
        Ok(())
    }
}

impl Take for Reader {
    #[inline]
    fn take<R>(&mut self, look: impl FnOnce(&Value) -> R) -> Result<Option<R>> {
        Ok(self.subscriber.receive()?.map(|sample| look(&sample)))
    }

    #[inline]
    fn poll(&mut self) -> Result<bool> {
        Ok(self.subscriber.receive()?.is_some())
    }
}

/// Byte slices, loaned and filled by one copy.
pub(crate) struct Slices;

pub(crate) struct SliceWriter {
    publisher: Publisher<Ipc, [u8], ()>,
}

pub(crate) struct SliceReader {
    subscriber: Subscriber<Ipc, [u8], ()>,
}

/// The service that carries byte slices to at most `readers`.
pub(crate) fn slices_creator(node: &Node<Ipc>, readers: usize) -> Result<PortFactory<Ipc, [u8], ()>> {
    Ok(node
        .service_builder(&"frame".try_into()?)
        .publish_subscribe::<[u8]>()
        .max_publishers(1)
        .max_subscribers(readers.max(1))
        .max_nodes(readers + 1)
        .history_size(0)
        .subscriber_max_buffer_size(1)
        .enable_safe_overflow(true)
        .create()?)
}

impl Frames for Slices {
    const NAME: &'static str = "iceoryx2";
    type Writer = SliceWriter;
    type Reader = SliceReader;

    fn writer(place: &Place, capacity: usize, readers: usize) -> Result<SliceWriter> {
        let service = slices_creator(&node(place)?, readers)?;
        let publisher = service
            .publisher_builder()
            .initial_max_slice_len(capacity)
            // Frames larger than announced get memory when they come.
            .allocation_strategy(AllocationStrategy::PowerOfTwo)
            .create()?;
        Ok(SliceWriter { publisher })
    }

    fn reader(place: &Place) -> Result<SliceReader> {
        let service = node(place)?.service_builder(&"frame".try_into()?).publish_subscribe::<[u8]>().open()?;
        Ok(SliceReader { subscriber: service.subscriber_builder().create()? })
    }
}

impl PutFrame for SliceWriter {
    type Frame = Rc<Vec<u8>>;

    fn frame(source: &Rc<Vec<u8>>) -> Result<Self::Frame> {
        Ok(Rc::clone(source))
    }

    fn put_frame(&mut self, frame: &Self::Frame) -> Result<()> {
        self.publisher.loan_slice_uninit(frame.len())?.write_from_slice(frame).send()?;
        Ok(())
    }
}

impl LoanFrame for SliceWriter {
    fn loan_frame(&mut self, len: usize, first: u8) -> Result<()> {
        let mut sample = self.publisher.loan_slice_uninit(len)?;
        if let Some(byte) = sample.payload_mut().first_mut() {
            byte.write(first);
        }
        // SAFETY: the memory is mapped from a file, which the kernel hands out as zeros, so that
        // each byte has some value; this is also how iceoryx2's own benchmark sends without a copy.
        unsafe { sample.assume_init() }.send()?;
        Ok(())
    }
}

impl TakeFrame for SliceReader {
    fn take_frame<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        Ok(self.subscriber.receive()?.map(|sample| look(&sample)))
    }
}

impl HoldFrame for SliceReader {
    type Held = Sample<Ipc, [u8], ()>;

    fn hold(&mut self) -> Result<Self::Held> {
        self.subscriber.receive()?.ok_or_else(|| anyhow::anyhow!("nothing to hold"))
    }
}
