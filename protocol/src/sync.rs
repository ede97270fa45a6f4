//! The one door for atomics, fences and the mutex.
//!
//! They enter this crate and the library through it alone.
//!
//! Normally they are `core`'s and `std`'s; under `--cfg loom` they are loom's, so that the protocol
//! in [`crate::channel`] and [`crate::rwlock`] that ships is the one that is modelled.
//!
//! # The two SeqCst accesses
//!
//! The protocol's handshakes are store-then-load on both sides: each party stores one word, then
//! loads what the other stores, and at least one of them must see the other. In the language's
//! memory model four SeqCst accesses suffice: all of them stand in one total order S that agrees
//! with program order, and a SeqCst load that misses a SeqCst store precedes it in S; two misses
//! would close a cycle.
//!
//! loom treats a SeqCst access as AcqRel, which is weaker and would raise false alarms, but models
//! SeqCst *fences* faithfully. [`store_seqcst`] and [`load_seqcst`] therefore add, under loom
//! alone, a fence after the store and before the load. For the handshake itself the fences give
//! what S gives: a fence between store and load on both sides. Beside it they give more, as loom's
//! fences also order what S does not, so an ordering that only matters next to a handshake may seem
//! superfluous to loom; `channel/models/mod.rs` lists those. Without loom they are a plain SeqCst
//! store and load, one locked instruction less on x86-64 than a store with an explicit fence.

#[cfg(not(loom))]
pub use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering, fence};
#[cfg(not(loom))]
pub use std::sync::Mutex;

#[cfg(loom)]
pub use loom::sync::{
    Mutex,
    atomic::{AtomicU32, AtomicU64, Ordering, fence},
};

/// The store half of a store-then-load handshake.
#[inline(always)]
pub fn store_seqcst(word: &AtomicU64, value: u64) {
    word.store(value, Ordering::SeqCst);
    #[cfg(loom)]
    fence(Ordering::SeqCst);
}

/// The load half of a store-then-load handshake.
#[inline(always)]
pub fn load_seqcst(word: &AtomicU64) -> u64 {
    #[cfg(loom)]
    fence(Ordering::SeqCst);
    word.load(Ordering::SeqCst)
}

/// [`store_seqcst`] for a 32-bit word.
#[inline(always)]
pub fn store_seqcst_u32(word: &AtomicU32, value: u32) {
    word.store(value, Ordering::SeqCst);
    #[cfg(loom)]
    fence(Ordering::SeqCst);
}

/// [`load_seqcst`] for a 32-bit word.
#[inline(always)]
pub fn load_seqcst_u32(word: &AtomicU32) -> u32 {
    #[cfg(loom)]
    fence(Ordering::SeqCst);
    word.load(Ordering::SeqCst)
}

/// Whether a model has failed, after which its atomics cannot be used.
#[inline(always)]
pub(crate) fn is_model_over() -> bool {
    cfg!(loom) && std::thread::panicking()
}

/// Checks the size of words as they lie in shared memory. loom's are larger.
macro_rules! assert_size {
    ($words:ty, $bytes:literal) => {
        #[cfg(not(loom))]
        const _: () = assert!(size_of::<$words>() == $bytes);
    };
}
pub(crate) use assert_size;
