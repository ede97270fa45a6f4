//! Which elements can be accessed atomically, and how.

use super::ShElement;
use super::float8::{F8E4M3FN, F8E5M2, F8E8M0FNU};
use super::time::{DateTime64, TimeDelta64};
use crate::{bf16, f16};
use num_complex::Complex;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// An element of 1, 2, 4 or 8 bytes with atomic loads, stores and exchanges.
///
/// All numbers and times but `Complex<f64>`, `LongDouble` and `ComplexLongDouble`. Sealed.
#[diagnostic::on_unimplemented(
    message = "an element of type `{Self}` cannot be accessed atomically",
    label = "not an atomic element type",
    note = "atomic elements have 1, 2, 4 or 8 bytes: all numbers and times but Complex<f64>, LongDouble and \
            ComplexLongDouble; no FixedBytes, FixedText, Void or records; the trait is sealed",
    note = "for the others: take the lock, with `SharedArray::read` or `SharedArray::write`"
)]
pub trait AtomicElement: ShElement + sealed::Atomic {}

/// An integer, which can be added to atomically. Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be added to atomically",
    label = "not an integer element type",
    note = "`fetch_add` and `fetch_sub` are for i8 to i64 and u8 to u64; the trait is sealed",
    note = "for the others: `update`, as in `array.update(index, |value| value + 1.0)`"
)]
pub trait AtomicInteger: AtomicElement + sealed::Integer {}

/// An atomic that elements can be accessed through.
///
/// # Safety
///
/// Any bytes are a value, its alignment is its size, and it is changed through shared references by
/// atomic operations alone.
pub(crate) unsafe trait Cell: Sync {}

// SAFETY: an atomic integer, as the trait asks; so are those below.
unsafe impl Cell for AtomicU8 {}
// SAFETY: see above.
unsafe impl Cell for AtomicU16 {}
// SAFETY: see above.
unsafe impl Cell for AtomicU32 {}
// SAFETY: see above. On 32-bit x86 an AtomicU64 too is aligned to its size.
unsafe impl Cell for AtomicU64 {}

mod sealed {
    use super::Cell;

    /// What an element does in its cell. Orderings are those that `AtomicGuard` documents.
    pub trait Atomic: Sized {
        #[allow(private_bounds, reason = "the trait is sealed")]
        type Cell: Cell + 'static;

        fn load_from(cell: &Self::Cell) -> Self;
        fn store_to(cell: &Self::Cell, value: Self);
        fn swap_in(cell: &Self::Cell, value: Self) -> Self;
        fn compare_exchange_in(cell: &Self::Cell, current: Self, new: Self) -> Result<Self, Self>;
    }

    pub trait Integer: Atomic {
        fn fetch_add_in(cell: &Self::Cell, value: Self) -> Self;
        fn fetch_sub_in(cell: &Self::Cell, value: Self) -> Self;
    }
}

macro_rules! atomic {
    ($($cell:ident: $($ty:ty),*;)*) => {
        $($(atomic!(@ $ty, $cell, bytemuck::cast, bytemuck::cast);)*)*
    };
    (@ $ty:ty, $cell:ty, $into:expr, $from:expr) => {
        impl sealed::Atomic for $ty {
            type Cell = $cell;

            #[inline]
            fn load_from(cell: &$cell) -> Self {
                // Acquire: pairs with every Release here.
                $from(cell.load(Ordering::Acquire))
            }

            #[inline]
            fn store_to(cell: &$cell, value: Self) {
                // Release: pairs with every Acquire here.
                cell.store($into(value), Ordering::Release);
            }

            #[inline]
            fn swap_in(cell: &$cell, value: Self) -> Self {
                // AcqRel: both.
                $from(cell.swap($into(value), Ordering::AcqRel))
            }

            #[inline]
            fn compare_exchange_in(cell: &$cell, current: Self, new: Self) -> Result<Self, Self> {
                // AcqRel: both; a failure is a load.
                cell.compare_exchange($into(current), $into(new), Ordering::AcqRel, Ordering::Acquire)
                    .map(|bits| $from(bits))
                    .map_err(|bits| $from(bits))
            }
        }

        impl AtomicElement for $ty {}
    };
}

atomic! {
    AtomicU8: u8, i8, F8E4M3FN, F8E5M2, F8E8M0FNU;
    AtomicU16: u16, i16, f16, bf16;
    AtomicU32: u32, i32, f32;
    AtomicU64: u64, i64, f64, Complex<f32>, DateTime64, TimeDelta64;
}

// A byte that is neither 0 nor 1, which no one stores through this crate, is true.
atomic!(@ bool, AtomicU8, u8::from, |byte: u8| byte != 0);

macro_rules! integer {
    ($($ty:ty),*) => {
        $(
            impl sealed::Integer for $ty {
                #[inline]
                fn fetch_add_in(cell: &Self::Cell, value: Self) -> Self {
                    // AcqRel: as `swap_in`. Two's complement: signed and unsigned sums have the
                    // same bits.
                    bytemuck::cast(cell.fetch_add(bytemuck::cast(value), Ordering::AcqRel))
                }

                #[inline]
                fn fetch_sub_in(cell: &Self::Cell, value: Self) -> Self {
                    // AcqRel: as `swap_in`.
                    bytemuck::cast(cell.fetch_sub(bytemuck::cast(value), Ordering::AcqRel))
                }
            }

            impl AtomicInteger for $ty {}
        )*
    };
}

integer!(u8, i8, u16, i16, u32, i32, u64, i64);
