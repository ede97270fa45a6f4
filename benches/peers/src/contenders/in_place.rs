//! The known-bad control: overwrites the one value in place and protects nothing. If no torn values
//! are counted for this one, the detector does not work and every zero is worthless.

use std::fs::OpenOptions;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};
use memmap2::MmapMut;

use super::value::Value;
use super::{Frames, Put, PutFrame, Take, TakeFrame, Values};
use crate::harness::place::Place;

/// A sequence number, then the value, each as atomic words.
const WORDS: usize = 9;

/// A sequence number, a length, then frames of at most that many words.
const FRAME_WORDS: usize = 2 + (1 << 20) / 8;

pub(crate) struct InPlace;

/// Either end: a mapped file.
pub(crate) struct Ends {
    map: MmapMut,
    seen: u64,
}

impl Values for InPlace {
    const NAME: &'static str = "unprotected control";
    type Writer = Ends;
    type Reader = Ends;

    fn writer(place: &Place) -> Result<Ends> {
        Ends::open(place)
    }

    fn reader(place: &Place) -> Result<Ends> {
        Ends::open(place)
    }
}

impl Ends {
    fn open(place: &Place) -> Result<Self> {
        let path = place.dir().join("in-place");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let size = WORDS * size_of::<u64>();
        file.set_len(size as u64)?;
        // SAFETY: the file lies in a private directory, its length never changes again, and both
        // ends touch it through atomics only.
        let map = unsafe { MmapMut::map_mut(&file)? };
        ensure!(map.len() == size, "the mapping has another size");
        Ok(Self { map, seen: 0 })
    }

    #[inline]
    fn words(&self) -> &[AtomicU64; WORDS] {
        // SAFETY: the mapping starts on a page, is WORDS words long (checked in `open`), lives as
        // long as `self`, and any bytes are valid atomics.
        unsafe { &*self.map.as_ptr().cast() }
    }
}

impl Put for Ends {
    #[inline]
    fn put(&mut self, value: &Value) -> Result<()> {
        self.seen += 1;
        let [seq, words @ ..] = self.words();
        for (word, bytes) in words.iter().zip(value.as_chunks().0) {
            word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
        }
        seq.store(self.seen, Ordering::Release);
        Ok(())
    }
}

impl Take for Ends {
    #[inline]
    fn take<R>(&mut self, look: impl FnOnce(&Value) -> R) -> Result<Option<R>> {
        if !self.poll()? {
            return Ok(None);
        }
        let mut value = [0; 64];
        let [_, words @ ..] = self.words();
        for (word, bytes) in words.iter().zip(value.as_chunks_mut().0) {
            *bytes = word.load(Ordering::Relaxed).to_ne_bytes();
        }
        Ok(Some(look(&value)))
    }

    #[inline]
    fn poll(&mut self) -> Result<bool> {
        let [seq, ..] = self.words();
        let seq = seq.load(Ordering::Acquire);
        let new = seq != self.seen;
        self.seen = seq;
        Ok(new)
    }
}

/// Either end, for frames: a mapped file and room for a copy.
pub(crate) struct FrameEnds {
    map: MmapMut,
    seen: u64,
    copy: Vec<u8>,
}

impl FrameEnds {
    fn open(place: &Place) -> Result<Self> {
        let path = place.dir().join("in-place-frames");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let size = FRAME_WORDS * size_of::<u64>();
        file.set_len(size as u64)?;
        // SAFETY: as for `Ends`.
        let map = unsafe { MmapMut::map_mut(&file)? };
        ensure!(map.len() == size, "the mapping has another size");
        Ok(Self { map, seen: 0, copy: Vec::new() })
    }

    fn words(&self) -> &[AtomicU64; FRAME_WORDS] {
        // SAFETY: as for `Ends`.
        unsafe { &*self.map.as_ptr().cast() }
    }
}

impl Frames for InPlace {
    const NAME: &'static str = "unprotected control";
    type Writer = FrameEnds;
    type Reader = FrameEnds;

    fn writer(place: &Place, _: usize, _: usize) -> Result<FrameEnds> {
        FrameEnds::open(place)
    }

    fn reader(place: &Place) -> Result<FrameEnds> {
        FrameEnds::open(place)
    }
}

impl PutFrame for FrameEnds {
    type Frame = Rc<Vec<u8>>;

    fn frame(source: &Rc<Vec<u8>>) -> Result<Self::Frame> {
        Ok(Rc::clone(source))
    }

    fn put_frame(&mut self, frame: &Self::Frame) -> Result<()> {
        self.seen += 1;
        let [seq, len, words @ ..] = self.words();
        ensure!(frame.len() <= words.len() * 8, "too long for the control");
        len.store(frame.len() as u64, Ordering::Relaxed);
        for (word, bytes) in words.iter().zip(frame.as_chunks().0) {
            word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
        }
        seq.store(self.seen, Ordering::Release);
        Ok(())
    }
}

impl TakeFrame for FrameEnds {
    fn take_frame<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        let mut copy = std::mem::take(&mut self.copy);
        let [seq, len, words @ ..] = self.words();
        let now = seq.load(Ordering::Acquire);
        let len = usize::try_from(len.load(Ordering::Relaxed))?;
        copy.clear();
        copy.extend(words.iter().take(len / 8).flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()));
        let new = now != self.seen;
        self.seen = now;
        let found = new.then(|| look(&copy));
        self.copy = copy;
        Ok(found)
    }
}
