//! iceoryx2 from process to process: publish-subscribe, and beside it an event to sleep on.

use std::hint;

use anyhow::Result;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;

use super::{ReceiveFrame, SendFrame, Waiting, Wire, stamp, stamp_of};
use crate::contenders::iceoryx2_pubsub::{Ipc, Slices, node, slices_creator};
use crate::harness::place::Place;

pub(crate) struct Sender {
    publisher: Publisher<Ipc, [u8], ()>,
    notifier: Option<Notifier<Ipc>>,
    frame: Vec<u8>,
}

pub(crate) struct Receiver {
    subscriber: Subscriber<Ipc, [u8], ()>,
    listener: Option<Listener<Ipc>>,
}

impl Wire for Slices {
    const NAME: &'static str = "iceoryx2";
    type Sender = Sender;
    type Receiver = Receiver;

    fn sender(place: &Place, size: usize, waiting: Waiting) -> Result<Sender> {
        let node = node(place)?;
        let service = slices_creator(&node, 1)?;
        let publisher = service.publisher_builder().initial_max_slice_len(size).create()?;
        let notifier = match waiting {
            Waiting::Spinning => None,
            Waiting::Asleep => {
                let event = node.service_builder(&"bell".try_into()?).event().create()?;
                Some(event.notifier_builder().create()?)
            }
        };
        Ok(Sender { publisher, notifier, frame: vec![0xA5; size] })
    }

    fn receiver(place: &Place, _: usize, waiting: Waiting) -> Result<Receiver> {
        let node = node(place)?;
        let service = node.service_builder(&"frame".try_into()?).publish_subscribe::<[u8]>().open()?;
        let subscriber = service.subscriber_builder().create()?;
        let listener = match waiting {
            Waiting::Spinning => None,
            Waiting::Asleep => {
                let event = node.service_builder(&"bell".try_into()?).event().open()?;
                Some(event.listener_builder().create()?)
            }
        };
        Ok(Receiver { subscriber, listener })
    }
}

impl SendFrame for Sender {
    #[inline]
    fn send(&mut self, now: u64) -> Result<()> {
        stamp(&mut self.frame, now);
        self.publisher.loan_slice_uninit(self.frame.len())?.write_from_slice(&self.frame).send()?;
        if let Some(notifier) = &self.notifier {
            notifier.notify()?;
        }
        Ok(())
    }
}

impl ReceiveFrame for Receiver {
    #[inline]
    fn receive(&mut self) -> Result<u64> {
        loop {
            if let Some(sample) = self.subscriber.receive()? {
                return stamp_of(&sample);
            }
            match &self.listener {
                None => hint::spin_loop(),
                Some(listener) => {
                    listener.blocking_wait(|_| ())?;
                }
            }
        }
    }
}
