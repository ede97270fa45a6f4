//! IEEE 754-2008 binary128.
//!
//! Sign, 15 bits of exponent, 112 bits of fraction below an implicit integer bit.

use super::narrow::{self, Parts, WIDE_BIAS, WIDE_SPECIAL};

const FRACTION_BITS: u32 = 112;
const FRACTION: u128 = (1 << FRACTION_BITS) - 1;

/// How far a fraction of 52 bits lies below one of 112.
const NARROWER: u32 = FRACTION_BITS - narrow::F64_FRACTION_BITS;

/// The bits that then remain of it.
const F64_FRACTION: u128 = (1 << narrow::F64_FRACTION_BITS) - 1;

/// Narrows.
pub(super) fn to_f64_bits(bits: u128) -> u64 {
    let upper = (bits >> FRACTION_BITS) as u16;
    let fraction = bits & FRACTION;
    let magnitude = match (upper & WIDE_SPECIAL, fraction) {
        // Subnormals are far below the least f64.
        (0, _) => 0,
        (WIDE_SPECIAL, 0) => narrow::F64_INFINITY,
        (WIDE_SPECIAL, f) => narrow::nan((f >> NARROWER & F64_FRACTION) as u64),
        (e, f) => narrow::round(i32::from(e) - WIDE_BIAS, significand(f)),
    };
    narrow::with_sign(upper, magnitude)
}

/// The upper 64 bits of the significand, with the lower ones folded in.
///
/// The last bit is also set when any bit below it is.
fn significand(fraction: u128) -> u64 {
    let aligned = (fraction | 1 << FRACTION_BITS) << (127 - FRACTION_BITS);
    (aligned >> 64) as u64 | u64::from(aligned << 64 != 0)
}

/// Widens.
pub(super) fn from_f64_bits(bits: u64) -> u128 {
    let (sign, parts) = narrow::split(bits);
    let (exponent, fraction) = match parts {
        Parts::Zero => (0, 0),
        Parts::Infinite => (WIDE_SPECIAL, 0),
        Parts::Nan(fraction) => (WIDE_SPECIAL, u128::from(fraction) << NARROWER),
        // 64 significant bits: the first is the implicit one, the other 63 open the fraction.
        Parts::Finite { exponent, significand } => {
            (narrow::wide_exponent(exponent), u128::from(significand) << (FRACTION_BITS - 63) & FRACTION)
        }
    };
    u128::from(sign << 15 | exponent) << FRACTION_BITS | fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn narrowed(bits: u128) -> f64 {
        f64::from_bits(to_f64_bits(bits))
    }

    #[test]
    fn known_patterns() {
        for (value, bits) in [
            (0.0, 0),
            (-0.0, 1 << 127),
            (1.0, 0x3fff_u128 << 112),
            (-2.0, 0xc000_u128 << 112),
            (0.1, 0x3ffb_9999_9999_9999_a000_0000_0000_0000),
            (f64::INFINITY, 0x7fff_u128 << 112),
            (f64::NEG_INFINITY, 0xffff_u128 << 112),
            (f64::MAX, 0x43fe_ffff_ffff_ffff_f000_0000_0000_0000),
            (f64::MIN_POSITIVE, 0x3c01_u128 << 112),
            (f64::from_bits(1), 0x3bcd_u128 << 112),
        ] {
            assert_eq!(from_f64_bits(f64::to_bits(value)), bits, "{value}");
            assert_eq!(narrowed(bits).to_bits(), value.to_bits(), "{value}");
        }
    }

    #[test]
    fn pi_to_113_bits_is_pi() {
        assert_eq!(narrowed(0x4000_921f_b544_42d1_8469_898c_c517_01b8), core::f64::consts::PI);
    }

    #[test]
    fn one_bit_far_below_breaks_a_tie() {
        let one = 0x3fff_u128 << 112;
        let half = 1 << (NARROWER - 1);
        assert_eq!(narrowed(one | half), 1.0);
        assert_eq!(narrowed(one | half | 1), 1.0 + f64::EPSILON);
        assert_eq!(narrowed(one | (half - 1)), 1.0);
        assert_eq!(narrowed(one | half | 1 << NARROWER), 1.0 + 2.0 * f64::EPSILON);
    }

    #[test]
    fn out_of_range() {
        assert_eq!(narrowed(0x7ffe_u128 << 112 | FRACTION), f64::INFINITY);
        assert_eq!(narrowed(1 << 127 | FRACTION).to_bits(), (-0.0_f64).to_bits());
    }

    #[test]
    fn nans_keep_sign_and_upper_payload() {
        let quiet = narrowed(0xffff_u128 << 112 | 0x8246_8acf_1357_9fff_u128 << 48);
        assert_eq!(quiet.to_bits(), 0xfff8_2468_acf1_3579);
        assert_eq!(narrowed(0x7fff_u128 << 112 | 1).to_bits(), 0x7ff8_0000_0000_0000);
    }

    /// Rounding by division with remainder, of the whole 113 bits at once.
    fn expected(exponent: i32, fraction: u128) -> f64 {
        let significand = fraction | 1 << FRACTION_BITS;
        // Units of the last place of the result: 2^(exponent - 52), or 2^-1074 among subnormals.
        let divisor = 1_u128 << (60 + (-1022 - exponent).max(0));
        let (quotient, rest) = (significand / divisor, significand % divisor);
        let quotient = quotient + u128::from(2 * rest > divisor || 2 * rest == divisor && quotient % 2 == 1);
        // At most 2^53, so exact; and so is each of the two products unless the value overflows.
        let unit = exponent.max(-1022) - 52;
        quotient as f64 * 2_f64.powi(unit / 2) * 2_f64.powi(unit - unit / 2)
    }

    proptest! {
        #[test]
        fn rounds_like_a_division(
            sign: bool,
            exponent in -1075_i32..=1023,
            // Zeros, or ones, in most places make ties and carries likely.
            fraction in prop_oneof![
                any::<u128>(),
                any::<u64>().prop_map(|f| u128::from(f) << 52),
                any::<u64>().prop_map(|f| !u128::from(f)),
            ],
        ) {
            let fraction = fraction & FRACTION;
            let biased = u128::from(exponent.abs_diff(-WIDE_BIAS));
            let bits = u128::from(sign) << 127 | biased << FRACTION_BITS | fraction;
            let magnitude = expected(exponent, fraction);
            prop_assert_eq!(narrowed(bits), if sign { -magnitude } else { magnitude });
        }

        #[test]
        fn f64_comes_back(bits: u64) {
            let quiet = if f64::from_bits(bits).is_nan() { narrow::F64_QUIET } else { 0 };
            prop_assert_eq!(to_f64_bits(from_f64_bits(bits)), bits | quiet);
        }
    }
}
