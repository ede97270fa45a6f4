//! C's `long double`, carried bit for bit.

mod binary128;
mod complex;
mod narrow;
mod x87;

use core::fmt;

pub use complex::ComplexLongDouble;

/// C's `long double` where it takes 16 bytes, as 16 opaque bytes.
///
/// NumPy calls it `longdouble`, or `float128`.
///
/// Rust has no such type, so values are carried as they are and converted to and from `f64`. What
/// the bytes mean depends on the target:
///
/// - x86 and x86-64: the x87 double extended format in the first ten bytes, little-endian, then six
///   bytes of padding. See Intel® 64 and IA-32 Architectures Software Developer's Manual, volume 1,
///   chapters 4 and 8;
/// - elsewhere: binary128 of IEEE 754-2008, in the target's byte order.
///
/// Shared memory says which of the two it is. Where processes for different processors meet, a
/// reader gets [`HeaderError::LongDouble`](crate::HeaderError::LongDouble) rather than wrong
/// numbers.
///
/// A C compiler may make another choice. With MSVC and on Apple's arm64 a `long double` is a
/// `double`. On 32-bit Linux x86 it takes 12 bytes, and on PowerPC it may be a pair of doubles.
/// NumPy follows the compiler, and its `longdouble` cannot be exchanged from there.
///
/// Equality and hash are those of the bytes, padding included: a NaN equals itself, and -0 differs
/// from 0. Compare numbers through [`to_f64`](Self::to_f64).
///
/// # Example
///
/// ```
/// use ndsharray::LongDouble;
///
/// let value = LongDouble::from(1.5);
/// assert_eq!(value.to_f64(), 1.5);
/// assert_eq!(LongDouble::from_bytes(value.to_bytes()), value);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(C, align(16))]
pub struct LongDouble([u8; 16]);

// SAFETY: `LongDouble` holds one field, an array of `u8`, for which all bytes zero are a value.
unsafe impl bytemuck::Zeroable for LongDouble {}

// SAFETY: `LongDouble` is `repr(C)` around `[u8; 16]`, for which every bit pattern is a value and
// which has neither pointers nor interior mutability. It has no padding of its own: the alignment
// of 16 equals the size of the field, so the compiler has no byte to add (asserted below). It is
// `Copy` and `'static`.
unsafe impl bytemuck::Pod for LongDouble {}

static_assertions::const_assert_eq!(size_of::<LongDouble>(), size_of::<[u8; 16]>());

impl LongDouble {
    /// Takes the 16 bytes as they lie in memory. All bytes are kept, padding included.
    ///
    /// ```
    /// # use ndsharray::LongDouble;
    /// assert_eq!(LongDouble::from_bytes([0; 16]).to_f64(), 0.0);
    /// ```
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes as they lie in memory.
    ///
    /// ```
    /// # use ndsharray::LongDouble;
    /// assert_eq!(LongDouble::from_bytes([7; 16]).to_bytes(), [7; 16]);
    /// ```
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The nearest `f64`; of two equally near, the one whose last bit is 0.
    ///
    /// Values too large become infinite, values too small subnormal or zero, always with their
    /// sign. A NaN stays one: it becomes quiet and keeps the upper 51 bits of its payload.
    /// Encodings that the x87 calls unsupported become NaN too.
    ///
    /// ```
    /// # use ndsharray::LongDouble;
    /// assert_eq!(LongDouble::from(-0.1).to_f64(), -0.1);
    /// assert!(LongDouble::from(f64::NAN).to_f64().is_nan());
    /// ```
    #[must_use]
    pub fn to_f64(self) -> f64 {
        f64::from_bits(if X87 { x87::to_f64_bits(self.0) } else { binary128::to_f64_bits(u128::from_ne_bytes(self.0)) })
    }
}

impl LongDouble {
    /// The number of this target's format in shared memory.
    ///
    /// Numbers once assigned are neither changed nor reused.
    pub(crate) const FORMAT: u32 = if X87 { 1 } else { 2 };

    /// The name of the format with this number; `None` without one, as for 0.
    pub(crate) const fn format_name(format: u32) -> Option<&'static str> {
        match format {
            1 => Some("x87 extended"),
            2 => Some("binary128"),
            _ => None,
        }
    }
}

/// Whether this target's `long double` is the x87's. A constant rather than a `cfg` on the modules,
/// so that both formats are compiled and tested everywhere.
const X87: bool = cfg!(any(target_arch = "x86", target_arch = "x86_64"));

/// Exact: each `f64` has a `long double` of the same value. A NaN becomes quiet and keeps its
/// payload.
impl From<f64> for LongDouble {
    fn from(value: f64) -> Self {
        let bits = value.to_bits();
        Self(if X87 { x87::from_f64_bits(bits) } else { binary128::from_f64_bits(bits).to_ne_bytes() })
    }
}

/// Shows the nearest `f64` and the bytes: different values may share a nearest `f64`.
impl fmt::Debug for LongDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LongDouble({:?}, 0x", self.to_f64())?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn debug_shows_value_and_bytes() {
        let shown = format!("{:?}", LongDouble::default());
        assert_eq!(shown, "LongDouble(0.0, 0x00000000000000000000000000000000)");
    }

    proptest! {
        #[test]
        fn bytes_are_kept(bytes: [u8; 16]) {
            prop_assert_eq!(LongDouble::from_bytes(bytes).to_bytes(), bytes);
        }

        #[test]
        fn any_bytes_have_an_f64(bytes: [u8; 16]) {
            let _ = LongDouble::from_bytes(bytes).to_f64();
        }

        #[test]
        fn f64_comes_back(bits: u64) {
            let value = f64::from_bits(bits);
            let back = LongDouble::from(value).to_f64();
            prop_assert!(back.to_bits() == bits || value.is_nan() && back.is_nan());
        }
    }

    /// The processor's own conversions, as judges of ours. Fails under valgrind, which computes
    /// them with 64 bits.
    #[cfg(target_arch = "x86_64")]
    mod hardware {
        use super::super::x87;
        use core::arch::asm;
        use proptest::prelude::*;

        fn store(bytes: [u8; 16]) -> u64 {
            let mut bits = 0_u64;
            // SAFETY: `fld` reads ten of the sixteen bytes at the first pointer and `fstp` writes
            // eight at the second; both point to live locals of that size. The x87 stack is empty
            // before, and again after.
            unsafe {
                asm!("fld tbyte ptr [{from}]", "fstp qword ptr [{to}]", from = in(reg) &raw const bytes,
                    to = in(reg) &raw mut bits, out("st(0)") _, out("st(1)") _, out("st(2)") _, out("st(3)") _,
                    out("st(4)") _, out("st(5)") _, out("st(6)") _, out("st(7)") _, options(nostack));
            }
            bits
        }

        fn load(bits: u64) -> [u8; 16] {
            let mut bytes = [0_u8; 16];
            // SAFETY: as in `store`, with eight bytes read and ten written.
            unsafe {
                asm!("fld qword ptr [{from}]", "fstp tbyte ptr [{to}]", from = in(reg) &raw const bits,
                    to = in(reg) &raw mut bytes, out("st(0)") _, out("st(1)") _, out("st(2)") _, out("st(3)") _,
                    out("st(4)") _, out("st(5)") _, out("st(6)") _, out("st(7)") _, options(nostack));
            }
            bytes
        }

        fn extended(exponent: impl Strategy<Value = u16>) -> impl Strategy<Value = [u8; 16]> {
            // Few bits at both ends of the significand make ties and carries likely.
            let significand = prop_oneof![
                any::<u64>(),
                (any::<u16>(), any::<u16>())
                    .prop_map(|(high, low)| { u64::from(high) << 48 | u64::from(low & 0x0fff) }),
                any::<u16>().prop_map(|low| u64::MAX << 16 | u64::from(low))
            ];
            (any::<bool>(), any::<bool>(), exponent, significand).prop_map(|(sign, integer, exponent, significand)| {
                let significand = significand | u64::from(integer) << 63;
                let word = u16::from(sign) << 15 | exponent;
                let mut bytes = [0; 16];
                bytes[..8].copy_from_slice(&significand.to_le_bytes());
                bytes[8..10].copy_from_slice(&word.to_le_bytes());
                bytes
            })
        }

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(2000))]

            #[test]
            fn any_encoding_narrows_alike(bytes in extended(prop_oneof![0_u16..=0x7fff, Just(0), Just(0x7fff)])) {
                prop_assert_eq!(x87::to_f64_bits(bytes), store(bytes), "{:02x?}", bytes);
            }

            #[test]
            fn the_range_of_f64_narrows_alike(bytes in extended(0x3fff_u16 - 1080..=0x3fff + 1030)) {
                prop_assert_eq!(x87::to_f64_bits(bytes), store(bytes), "{:02x?}", bytes);
            }

            #[test]
            fn any_f64_widens_alike(bits: u64, kind in 0..3) {
                // As it comes, subnormal, NaN.
                let bits = match kind { 0 => bits, 1 => bits >> 12, _ => bits | 0x7ff << 52 };
                prop_assert_eq!(x87::from_f64_bits(bits), load(bits), "{:#x}", bits);
            }
        }
    }
}
