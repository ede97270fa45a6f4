//! Every frame, in order: queues of one depth, whose sender waits for a receiver that is behind.

use std::hint;
use std::time::Duration;

use anyhow::{Context, Result};
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::BackpressureStrategy;
use ndsharray::Options;

use super::{ReceiveFrame, SendFrame, Waiting, Wire, stamp, stamp_of};
use crate::contenders::iceoryx2_pubsub::{Ipc, node};
use crate::contenders::ndsharray::CHANNEL;
use crate::harness::place::Place;

/// Frames that can be on their way.
pub(crate) const DEPTH: usize = 32;

/// Longer than any pause of a measurement.
const PATIENCE: Duration = Duration::from_secs(10);

/// A history, and a reader that takes values in order; the writer does not wait for it.
pub(crate) struct InOrder;

/// A queue: a lossless reader, for which the writer waits, and no history.
pub(crate) struct Lossless;

/// The same with a history, which stays when all have read it.
pub(crate) struct LosslessHistory;

/// iceoryx2's publish-subscribe with a queue that blocks its sender instead of overflowing.
pub(crate) struct Queue;

pub(crate) struct Sender {
    writer: ndsharray::Writer<u8>,
    frame: Vec<u8>,
}

pub(crate) struct Receiver {
    reader: ndsharray::Reader,
    waiting: Waiting,
}

pub(crate) struct QueueSender {
    publisher: Publisher<Ipc, [u8], ()>,
    frame: Vec<u8>,
}

pub(crate) struct QueueReceiver {
    subscriber: Subscriber<Ipc, [u8], ()>,
}

impl Wire for InOrder {
    const NAME: &'static str = "ndsharray, in order";
    type Sender = Sender;
    type Receiver = Receiver;

    fn sender(place: &Place, size: usize, _: Waiting) -> Result<Sender> {
        let writer = Options::new().dir(place.dir()).history(DEPTH).create::<u8>(CHANNEL)?;
        Ok(Sender { writer, frame: vec![0xA5; size] })
    }

    fn receiver(place: &Place, _: usize, waiting: Waiting) -> Result<Receiver> {
        Ok(Receiver { reader: Options::new().dir(place.dir()).open(CHANNEL)?, waiting })
    }
}

impl Wire for Lossless {
    const NAME: &'static str = "ndsharray, lossless";
    type Sender = Sender;
    type Receiver = Receiver;

    fn sender(place: &Place, size: usize, _: Waiting) -> Result<Sender> {
        lossless_sender(place, size, 1)
    }

    fn receiver(place: &Place, _: usize, waiting: Waiting) -> Result<Receiver> {
        lossless_receiver(place, waiting)
    }
}

impl Wire for LosslessHistory {
    const NAME: &'static str = "ndsharray, lossless, history";
    type Sender = Sender;
    type Receiver = Receiver;

    fn sender(place: &Place, size: usize, _: Waiting) -> Result<Sender> {
        lossless_sender(place, size, DEPTH)
    }

    fn receiver(place: &Place, _: usize, waiting: Waiting) -> Result<Receiver> {
        lossless_receiver(place, waiting)
    }
}

fn lossless_sender(place: &Place, size: usize, history: usize) -> Result<Sender> {
    // As many slots as the queue has places, one to write and one to hold.
    let options = Options::new().dir(place.dir()).max_slots(DEPTH + 2).history(history);
    let writer = options.wait_for_readers(PATIENCE).create::<u8>(CHANNEL)?;
    Ok(Sender { writer, frame: vec![0xA5; size] })
}

fn lossless_receiver(place: &Place, waiting: Waiting) -> Result<Receiver> {
    Ok(Receiver { reader: Options::new().dir(place.dir()).lossless(true).open(CHANNEL)?, waiting })
}

impl Wire for Queue {
    const NAME: &'static str = "iceoryx2, blocking queue";
    type Sender = QueueSender;
    type Receiver = QueueReceiver;

    fn sender(place: &Place, size: usize, _: Waiting) -> Result<QueueSender> {
        let service = node(place)?
            .service_builder(&"queue".try_into()?)
            .publish_subscribe::<[u8]>()
            .max_publishers(1)
            .max_subscribers(1)
            .max_nodes(2)
            .history_size(0)
            .subscriber_max_buffer_size(DEPTH)
            .enable_safe_overflow(false)
            .create()?;
        let publisher = service
            .publisher_builder()
            .initial_max_slice_len(size)
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create()?;
        Ok(QueueSender { publisher, frame: vec![0xA5; size] })
    }

    fn receiver(place: &Place, _: usize, _: Waiting) -> Result<QueueReceiver> {
        let service = node(place)?.service_builder(&"queue".try_into()?).publish_subscribe::<[u8]>().open()?;
        Ok(QueueReceiver { subscriber: service.subscriber_builder().create()? })
    }
}

impl SendFrame for Sender {
    #[inline]
    fn send(&mut self, now: u64) -> Result<()> {
        stamp(&mut self.frame, now);
        self.writer.write(&[self.frame.len()], &self.frame)?;
        Ok(())
    }
}

impl SendFrame for QueueSender {
    #[inline]
    fn send(&mut self, now: u64) -> Result<()> {
        stamp(&mut self.frame, now);
        self.publisher.loan_slice_uninit(self.frame.len())?.write_from_slice(&self.frame).send()?;
        Ok(())
    }
}

impl ReceiveFrame for Receiver {
    #[inline]
    fn receive(&mut self) -> Result<u64> {
        match self.waiting {
            Waiting::Spinning => loop {
                if let Some(sample) = self.reader.read_next()? {
                    return stamp_of(sample.view::<u8>()?.as_slice());
                }
                hint::spin_loop();
            },
            Waiting::Asleep => {
                let sample = self.reader.wait_next(PATIENCE)?.context("nothing came")?;
                stamp_of(sample.view::<u8>()?.as_slice())
            }
        }
    }
}

impl ReceiveFrame for QueueReceiver {
    #[inline]
    fn receive(&mut self) -> Result<u64> {
        loop {
            if let Some(sample) = self.subscriber.receive()? {
                return stamp_of(&sample);
            }
            hint::spin_loop();
        }
    }
}
