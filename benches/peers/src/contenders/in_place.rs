//! The known-bad control: overwrites the one value in place and protects nothing. If no torn values are
//! counted for this one, the detector does not work and everybody's zero is worthless.

use std::fs::OpenOptions;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};
use memmap2::MmapMut;

use super::value::Value;
use super::{Put, Take, Values};
use crate::harness::place::Place;

/// A sequence number, then the value, each as atomic words.
const WORDS: usize = 9;

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
        // SAFETY: the file lies in a private directory, its length never changes again, and both ends
        // touch it through atomics only.
        let map = unsafe { MmapMut::map_mut(&file)? };
        ensure!(map.len() == size, "the mapping has another size");
        Ok(Self { map, seen: 0 })
    }

    #[inline]
    fn words(&self) -> &[AtomicU64; WORDS] {
        // SAFETY: the mapping starts on a page, is WORDS words long (checked in `open`), lives as long
        // as `self`, and any bytes are valid atomics.
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
