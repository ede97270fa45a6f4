//! The processor's own string instruction, where it is the quickest way.
//!
//! `rep movsb` knows from the start how much will be overwritten, so that it need not fetch whole
//! lines of the target first. What it is worth has changed from one generation of processors to the
//! next, and those before AMD's Zen 5 had pitfalls. So it is used on processors for which it was
//! measured.

use core::arch::asm;
use core::arch::x86_64::__cpuid_count;
use std::sync::atomic::{AtomicU8, Ordering};

/// Bytes of a page.
///
/// The processor compares the last digits of addresses to see whether a load depends on a store
/// that is still under way.
const PAGE: usize = 4096;

/// Bytes of a cache line.
const LINE: usize = 64;

/// Whether this is the quickest way to copy a large amount between these addresses.
pub(super) fn is_quick(to: usize, from: usize) -> bool {
    // Where the target's place in its page is less than a line after the source's, the loads seem
    // to depend on the stores before them, and are held back.
    let ahead = to.wrapping_sub(from) % PAGE;
    !(1..LINE).contains(&ahead) && is_good_processor()
}

fn is_good_processor() -> bool {
    /// 0 before the processor has been asked, then 1 for no and 2 for yes. No lock guards it: a
    /// fork by another thread would leave that locked in the child forever.
    static KNOWN: AtomicU8 = AtomicU8::new(0);
    // Relaxed: every thread that asks finds the same.
    match KNOWN.load(Ordering::Relaxed) {
        0 => {
            let is_good = ask_processor();
            KNOWN.store(1 + u8::from(is_good), Ordering::Relaxed);
            is_good
        }
        known => known == 2,
    }
}

#[cold]
fn ask_processor() -> bool {
    #[allow(unused_unsafe, reason = "newer compilers know that it is safe")]
    let leaf = |number| {
        // SAFETY: every 64-bit processor has the instruction. Leaf 0, which is asked first, says
        // which others there are.
        unsafe { __cpuid_count(number, 0) }
    };
    let name = leaf(0);
    let is_amd = [name.ebx, name.edx, name.ecx].map(u32::to_le_bytes).concat() == b"AuthenticAMD";
    is_amd && name.eax >= 7 && family(leaf(1).eax) == ZEN_5 && leaf(7).ebx & ENHANCED != 0
}

/// The family of processors that it was measured on.
const ZEN_5: u32 = 0x1A;

/// Set in leaf 7's `ebx` where the instruction is said to be quick.
const ENHANCED: u32 = 1 << 9;

/// The family in leaf 1's `eax`.
///
/// Four bits, and eight more to be added when these are all set.
fn family(signature: u32) -> u32 {
    let (base, extended) = (signature >> 8 & 0xF, signature >> 20 & 0xFF);
    if base == 0xF { base + extended } else { base }
}

/// Copies `from` over `to`, which is as long; if it is not, nothing is done.
///
/// The stores are in order with those before and after, though not among themselves.
pub(super) fn copy(to: &mut [u8], from: &[u8]) {
    if to.len() != from.len() {
        return;
    }
    // SAFETY: the instruction copies `rcx` bytes from `rsi` to `rdi`, upwards, as the direction
    // flag is clear whenever Rust code runs. Both slices have that many bytes. One is borrowed
    // mutably, so they do not overlap. The registers that it changes are declared as outputs, the
    // flags stay, the stack is not used.
    unsafe {
        asm!(
            "rep movsb",
            inout("rcx") from.len() => _,
            inout("rdi") to.as_mut_ptr() => _,
            inout("rsi") from.as_ptr() => _,
            options(nostack, preserves_flags),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::memcpy::tests::check;

    #[test]
    fn every_alignment_and_every_tail() {
        for to_at in 0..LINE {
            for (from_at, len) in [(0, 0), (0, 1), (1, 63), (7, 64), (32, 65), (63, 4096), (64, 5000)] {
                check(copy, to_at, from_at, len);
            }
        }
    }

    #[test]
    fn families_are_told_apart() {
        assert_eq!(family(0x00B0_0F21), 0x1A); // Zen 5
        assert_eq!(family(0x00A2_0F10), 0x19); // Zen 3
        assert_eq!(family(0x000C_06F2), 6); // Sapphire Rapids
    }

    #[test]
    fn a_target_just_ahead_of_its_source_is_not_quick() {
        for ahead in [1, 16, 63, PAGE + 1] {
            assert!(!is_quick(1 << 20 | ahead, 1 << 22));
        }
        for apart in [0, 64, 4080, PAGE] {
            assert_eq!(is_quick(1 << 20 | apart, 1 << 22), is_good_processor(), "{apart}");
        }
    }
}
