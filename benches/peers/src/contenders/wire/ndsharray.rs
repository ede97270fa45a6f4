//! ndsharray from process to process: `write`, then `read` in a loop, or `wait`.

use std::hint;
use std::time::Duration;

use anyhow::{Context, Result};
use ndsharray::Options;

use super::{ReceiveFrame, SendFrame, Waiting, Wire, stamp, stamp_of};
use crate::contenders::ndsharray::{CHANNEL, Ndsharray};
use crate::harness::place::Place;

/// Longer than any pause of a measurement.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Sender {
    writer: ndsharray::Writer<u8>,
    frame: Vec<u8>,
}

pub(crate) struct Receiver {
    reader: ndsharray::Reader,
    waiting: Waiting,
}

impl Wire for Ndsharray {
    const NAME: &'static str = "ndsharray";
    type Sender = Sender;
    type Receiver = Receiver;

    fn sender(place: &Place, size: usize, _: Waiting) -> Result<Sender> {
        let writer = Options::new().dir(place.dir()).create::<u8>(CHANNEL)?;
        Ok(Sender { writer, frame: vec![0xA5; size] })
    }

    fn receiver(place: &Place, _: usize, waiting: Waiting) -> Result<Receiver> {
        Ok(Receiver { reader: Options::new().dir(place.dir()).open(CHANNEL)?, waiting })
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

impl ReceiveFrame for Receiver {
    #[inline]
    fn receive(&mut self) -> Result<u64> {
        match self.waiting {
            Waiting::Spinning => loop {
                if let Some(sample) = self.reader.read()? {
                    return stamp_of(sample.view::<u8>()?.as_slice());
                }
                hint::spin_loop();
            },
            Waiting::Asleep => {
                let sample = self.reader.wait(PATIENCE)?.context("nothing came")?;
                stamp_of(sample.view::<u8>()?.as_slice())
            }
        }
    }
}
