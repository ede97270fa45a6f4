//! The floor: one copy into shared memory and nothing else, alternating between two warm buffers
//! because the value that readers may be looking at must not be overwritten. With more buffers it
//! is the floor of a contender that keeps more values.

use std::fs::OpenOptions;
use std::rc::Rc;

use anyhow::Result;
use memmap2::MmapMut;

use super::value::Value;
use super::{Put, PutFrame};
use crate::harness::place::Place;

pub(crate) const NAME: &str = "memcpy";

/// Mapped buffers, two at least, and whose turn it is.
pub(crate) struct Writer {
    buffers: Vec<MmapMut>,
    turn: usize,
}

pub(crate) fn writer(place: &Place, capacity: usize) -> Result<Writer> {
    rotating(place, capacity, 2)
}

pub(crate) fn rotating(place: &Place, capacity: usize, buffers: usize) -> Result<Writer> {
    let buffers = (0..buffers).map(|index| buffer(place, index, capacity)).collect::<Result<_>>()?;
    Ok(Writer { buffers, turn: 0 })
}

fn buffer(place: &Place, index: usize, capacity: usize) -> Result<MmapMut> {
    let path = place.dir().join(format!("memcpy-{index}"));
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
    file.set_len(capacity as u64)?;
    // SAFETY: the file is new, in a private directory, and no process truncates it while it is
    // mapped.
    let mut buffer = unsafe { MmapMut::map_mut(&file)? };
    buffer.fill(0xA5); // Warm: every page is there before the first copy.
    Ok(buffer)
}

impl Writer {
    #[inline]
    fn copy(&mut self, bytes: &[u8]) {
        self.turn += 1;
        if self.turn == self.buffers.len() {
            self.turn = 0;
        }
        self.buffers[self.turn][..bytes.len()].copy_from_slice(bytes);
    }

    /// What was copied last.
    pub(crate) fn current(&self) -> &[u8] {
        &self.buffers[self.turn]
    }
}

impl Put for Writer {
    #[inline]
    fn put(&mut self, value: &Value) -> Result<()> {
        self.copy(value);
        Ok(())
    }
}

impl PutFrame for Writer {
    type Frame = Rc<Vec<u8>>;

    fn frame(source: &Rc<Vec<u8>>) -> Result<Self::Frame> {
        Ok(Rc::clone(source))
    }

    fn put_frame(&mut self, frame: &Self::Frame) -> Result<()> {
        self.copy(frame);
        Ok(())
    }
}
