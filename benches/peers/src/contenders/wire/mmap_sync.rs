//! mmap-sync from process to process. It has nothing to sleep on.

use std::hint;

use anyhow::{Result, bail};
use rkyv::AlignedVec;

use super::{ReceiveFrame, SendFrame, Waiting, Wire, stamp, stamp_of};
use crate::contenders::mmap_sync::{Raw, RawWriter, Reader};
use crate::contenders::{Frames, PutFrame, TakeFrame};
use crate::harness::place::Place;

pub(crate) struct Sender {
    writer: RawWriter,
    /// Serialised once: the elements come first, and only the stamps in them change.
    frame: AlignedVec,
    size: usize,
}

impl Wire for Raw {
    const NAME: &'static str = "mmap-sync, write_raw";
    type Sender = Sender;
    type Receiver = Reader;

    fn sender(place: &Place, size: usize, waiting: Waiting) -> Result<Sender> {
        if waiting == Waiting::Asleep {
            bail!("mmap-sync has nothing to sleep on");
        }
        let frame = RawWriter::frame(&std::rc::Rc::new(vec![0xA5; size]))?;
        let mut sender = Sender { writer: <Self as Frames>::writer(place, size, 1)?, frame, size };
        // A reader can only be opened on a value.
        sender.send(1)?;
        Ok(sender)
    }

    fn receiver(place: &Place, _: usize, _: Waiting) -> Result<Reader> {
        <Self as Frames>::reader(place)
    }
}

impl SendFrame for Sender {
    #[inline]
    fn send(&mut self, now: u64) -> Result<()> {
        if let Some(elements) = self.frame.get_mut(..self.size) {
            stamp(elements, now);
        }
        self.writer.put_frame(&self.frame)
    }
}

impl ReceiveFrame for Reader {
    #[inline]
    fn receive(&mut self) -> Result<u64> {
        loop {
            if let Some(found) = self.take_frame(stamp_of)? {
                return found;
            }
            hint::spin_loop();
        }
    }
}
