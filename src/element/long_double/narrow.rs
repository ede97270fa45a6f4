//! What the two wide formats share on their way to and from `f64`.
//!
//! An `f64` is IEEE 754 binary64.

/// Explicit significand bits of an `f64`.
pub(super) const F64_FRACTION_BITS: u32 = 52;
/// All exponent bits of an `f64`: infinity.
pub(super) const F64_INFINITY: u64 = 0x7ff << F64_FRACTION_BITS;
/// The bit that makes a NaN quiet.
pub(super) const F64_QUIET: u64 = 1 << (F64_FRACTION_BITS - 1);

/// Bias of the 15-bit exponent that both wide formats have.
pub(super) const WIDE_BIAS: i32 = 16_383;
/// The exponent of infinities and NaNs in both wide formats.
pub(super) const WIDE_SPECIAL: u16 = 0x7fff;

const F64_FRACTION: u64 = (1 << F64_FRACTION_BITS) - 1;
const F64_MAX_EXPONENT: i32 = 1023;
const F64_MIN_EXPONENT: i32 = -1022;

/// A wide significand has 64 bits, a normal `f64` keeps the upper 53.
const DROPPED_BITS: u32 = 64 - (F64_FRACTION_BITS + 1);

/// An `f64` taken apart. The sign is left aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    Zero,
    Infinite,
    /// The 52 bits of the fraction, made quiet.
    Nan(u64),
    /// `significand * 2^(exponent - 63)`, and the significand's top bit is set.
    Finite {
        exponent: i32,
        significand: u64,
    },
}

/// Splits the bits of an `f64` into its sign bit and the rest.
pub(super) fn split(bits: u64) -> (u16, Parts) {
    let sign = (bits >> 63) as u16;
    let exponent = (bits >> F64_FRACTION_BITS & 0x7ff) as i32;
    let fraction = bits & F64_FRACTION;
    let parts = match (exponent, fraction) {
        (0, 0) => Parts::Zero,
        (0x7ff, 0) => Parts::Infinite,
        (0x7ff, _) => Parts::Nan(fraction | F64_QUIET),
        (0, _) => finite(F64_MIN_EXPONENT, fraction),
        _ => finite(exponent - F64_MAX_EXPONENT, fraction | 1 << F64_FRACTION_BITS),
    };
    (sign, parts)
}

/// The value `significand * 2^(exponent - 52)`, normalised. `significand` has 1 to 53 bits.
fn finite(exponent: i32, significand: u64) -> Parts {
    let zeros = significand.leading_zeros();
    Parts::Finite { exponent: exponent - (zeros - DROPPED_BITS).cast_signed(), significand: significand << zeros }
}

/// Rounds `significand * 2^(exponent - 63)` to the nearest `f64`, ties to even.
///
/// Returns its bits without a sign.
///
/// The significand's top bit must be set. Its lowest bit may stand for any number of non-zero bits
/// below it, because no rounding looks at it alone: at least eleven bits are dropped.
pub(super) fn round(exponent: i32, significand: u64) -> u64 {
    if exponent > F64_MAX_EXPONENT {
        return F64_INFINITY;
    }
    // Below the smallest normal number each step of the exponent costs one more bit.
    let missing = (F64_MIN_EXPONENT - exponent).max(0).cast_unsigned();
    let dropped = DROPPED_BITS + missing;
    if dropped > u64::BITS {
        return 0;
    }
    let kept = significand.checked_shr(dropped).unwrap_or(0);
    // The dropped bits, moved to the top: a half is the top bit alone.
    let rest = significand << (u64::BITS - dropped);
    let half = 1 << 63;
    let up = rest > half || rest == half && kept & 1 == 1;
    // The leading bit of a normal number adds the last 1 to the exponent field. A carry out of the
    // fraction adds another, which is right as well: to the next power of two, to the first normal
    // number, or to infinity.
    let biased = (exponent.max(F64_MIN_EXPONENT) - F64_MIN_EXPONENT).cast_unsigned();
    (u64::from(biased) << F64_FRACTION_BITS) + kept + u64::from(up)
}

/// The biased exponent of a wide format, for an exponent in the range of `f64`.
pub(super) fn wide_exponent(exponent: i32) -> u16 {
    // -1074..=1023 plus the bias lies well within 15 bits, so nothing is cut off.
    ((exponent + WIDE_BIAS).cast_unsigned() & 0x7fff) as u16
}

/// A quiet NaN of these fraction bits.
pub(super) const fn nan(fraction: u64) -> u64 {
    F64_INFINITY | F64_QUIET | (fraction & F64_FRACTION)
}

/// The same with a sign: bit 15 of a wide format's upper word.
pub(super) fn with_sign(upper_word: u16, bits: u64) -> u64 {
    u64::from(upper_word >> 15) << 63 | bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOP: u64 = 1 << 63;

    #[test]
    fn edges() {
        assert_eq!(round(0, TOP), 1.0_f64.to_bits());
        assert_eq!(round(1023, u64::MAX), F64_INFINITY, "carry out of the largest number");
        assert_eq!(round(1023, u64::MAX << 11), f64::MAX.to_bits());
        assert_eq!(round(1023, u64::MAX << 11 | 0x3ff), f64::MAX.to_bits(), "just below the tie");
        assert_eq!(round(1023, u64::MAX << 11 | 0x400), F64_INFINITY, "a tie, and the last bit is odd");
        assert_eq!(round(1024, TOP), F64_INFINITY);
        assert_eq!(round(-1022, TOP), f64::MIN_POSITIVE.to_bits());
        assert_eq!(round(-1023, u64::MAX), f64::MIN_POSITIVE.to_bits(), "carry into the normal numbers");
        assert_eq!(round(-1074, TOP), 1);
        assert_eq!(round(-1075, TOP), 0, "half of the smallest, to even");
        assert_eq!(round(-1075, TOP | 1), 1);
        assert_eq!(round(-1076, u64::MAX), 0);
        assert_eq!(round(i32::MIN / 2, u64::MAX), 0);
    }

    #[test]
    fn ties_go_to_even() {
        let one = 1.0_f64.to_bits();
        assert_eq!(round(0, TOP | 0x400), one);
        assert_eq!(round(0, TOP | 0x401), one + 1);
        assert_eq!(round(0, TOP | 0x800 | 0x400), one + 2);
        assert_eq!(round(0, TOP | 0x800 | 0x3ff), one + 1);
    }

    /// An `f64` in units of `2^(exponent - 63 - 32)`.
    ///
    /// Its own exponent is `exponent` or next to it.
    fn scaled(bits: u64, exponent: i32) -> u128 {
        let (_, Parts::Finite { exponent: e, significand }) = split(bits) else { return 0 };
        (u128::from(significand) << 32) << (e - exponent + 2) >> 2
    }

    proptest! {
        #[test]
        fn no_neighbour_is_nearer(exponent in -1022_i32..1023, low: u64) {
            let significand = TOP | low;
            let value = u128::from(significand) << 32;
            let rounded = round(exponent, significand);
            let distance = |bits| scaled(bits, exponent).abs_diff(value);
            let here = distance(rounded);
            let below = distance(rounded - 1);
            let above = distance(rounded + 1);
            prop_assert!(here <= below && here <= above);
            prop_assert!(rounded & 1 == 0 || here < below && here < above, "ties to even");
        }

        #[test]
        fn subnormals_are_divisions(exponent in -1076_i32..-1022, low: u64) {
            // The quotient in units of 2^-1074, rounded by remainder arithmetic in a wider type.
            let significand = u128::from(TOP | low);
            let divisor = 1_u128 << (63 - (exponent + 1074));
            let (quotient, rest) = (significand / divisor, significand % divisor);
            let expected = quotient + u128::from(2 * rest > divisor || 2 * rest == divisor && quotient % 2 == 1);
            prop_assert_eq!(u128::from(round(exponent, TOP | low)), expected);
        }

        #[test]
        fn split_and_round_are_inverse(bits: u64) {
            let (sign, parts) = split(bits);
            let back = match parts {
                Parts::Zero => 0,
                Parts::Infinite => F64_INFINITY,
                Parts::Nan(fraction) => nan(fraction),
                Parts::Finite { exponent, significand } => round(exponent, significand),
            };
            let quiet = if f64::from_bits(bits).is_nan() { F64_QUIET } else { 0 };
            prop_assert_eq!(with_sign(sign << 15, back), bits | quiet);
        }
    }
}
