//! The x87 double extended format.
//!
//! Sign, 15 bits of exponent, 64 bits of significand with an explicit integer bit.
//!
//! Source: Intel® 64 and IA-32 Architectures Software Developer's Manual, volume 1, sections 4.2.2
//! (format), 4.8 (encodings) and 8.2.2 (unsupported encodings). The answers are the processor's
//! own, with exceptions masked.

use super::narrow::{self, Parts, WIDE_BIAS, WIDE_SPECIAL};

/// The integer bit, which all numbers but denormals have.
const INTEGER: u64 = 1 << 63;

/// The processor's answer to an invalid operand: "real indefinite", a quiet NaN.
const INDEFINITE: u64 = 0xfff8 << 48;

/// The ten bytes' lower eight.
const LOWER: u128 = (1 << 64) - 1;

/// Narrows; the padding is not looked at.
pub(super) fn to_f64_bits(bytes: [u8; 16]) -> u64 {
    let (significand, upper) = unpack(bytes);
    let exponent = upper & WIDE_SPECIAL;
    let magnitude = match (exponent, significand) {
        // Denormals, and pseudo-denormals with their needless integer bit, are far below the least
        // f64.
        (0, _) => 0,
        // Without an integer bit: pseudo-infinities, pseudo-NaNs and unnormals, unsupported since
        // the 80387.
        (_, s) if s & INTEGER == 0 => return INDEFINITE,
        (WIDE_SPECIAL, INTEGER) => narrow::F64_INFINITY,
        (WIDE_SPECIAL, s) => narrow::nan(s >> 11),
        (e, s) => narrow::round(i32::from(e) - WIDE_BIAS, s),
    };
    narrow::with_sign(upper, magnitude)
}

/// Widens; the padding is zero.
pub(super) fn from_f64_bits(bits: u64) -> [u8; 16] {
    let (sign, parts) = narrow::split(bits);
    let (exponent, significand) = match parts {
        Parts::Zero => (0, 0),
        Parts::Infinite => (WIDE_SPECIAL, INTEGER),
        Parts::Nan(fraction) => (WIDE_SPECIAL, INTEGER | fraction << 11),
        Parts::Finite { exponent, significand } => (narrow::wide_exponent(exponent), significand),
    };
    pack(significand, sign << 15 | exponent)
}

fn unpack(bytes: [u8; 16]) -> (u64, u16) {
    let all = u128::from_le_bytes(bytes);
    ((all & LOWER) as u64, (all >> 64 & 0xffff) as u16)
}

fn pack(significand: u64, upper: u16) -> [u8; 16] {
    (u128::from(upper) << 64 | u128::from(significand)).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn narrowed(upper: u16, significand: u64) -> f64 {
        f64::from_bits(to_f64_bits(pack(significand, upper)))
    }

    #[test]
    fn known_patterns() {
        for (value, upper, significand) in [
            (0.0, 0, 0),
            (-0.0, 0x8000, 0),
            (1.0, 0x3fff, INTEGER),
            (-2.0, 0xc000, INTEGER),
            (0.1, 0x3ffb, 0xcccc_cccc_cccc_d000),
            (f64::INFINITY, 0x7fff, INTEGER),
            (f64::NEG_INFINITY, 0xffff, INTEGER),
            (f64::MAX, 0x43fe, 0xffff_ffff_ffff_f800),
            (f64::MIN_POSITIVE, 0x3c01, INTEGER),
            (f64::from_bits(1), 0x3bcd, INTEGER),
        ] {
            assert_eq!(from_f64_bits(value.to_bits()), pack(significand, upper), "{value}");
            assert_eq!(narrowed(upper, significand).to_bits(), value.to_bits(), "{value}");
        }
    }

    #[test]
    fn one_as_bytes() {
        assert_eq!(from_f64_bits(1.0_f64.to_bits()), [0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn pi_to_64_bits_is_pi() {
        assert_eq!(narrowed(0x4000, 0xc90f_daa2_2168_c235), core::f64::consts::PI);
    }

    #[test]
    fn out_of_range() {
        assert_eq!(narrowed(0x7ffe, u64::MAX), f64::INFINITY);
        assert_eq!(narrowed(0xfffe, INTEGER), f64::NEG_INFINITY);
        assert_eq!(narrowed(1, INTEGER).to_bits(), 0.0_f64.to_bits());
        assert_eq!(narrowed(0x8000, 1).to_bits(), (-0.0_f64).to_bits(), "denormal");
        assert_eq!(narrowed(0x8000, INTEGER | 1).to_bits(), (-0.0_f64).to_bits(), "pseudo-denormal");
    }

    #[test]
    fn nans_keep_sign_and_upper_payload() {
        let quiet = narrowed(0xffff, INTEGER | 0x4123_4567_89ab_cfff);
        assert_eq!(quiet.to_bits(), 0xfff8_2468_acf1_3579);
        let signalling_in_low_bits = narrowed(0x7fff, INTEGER | 1);
        assert_eq!(signalling_in_low_bits.to_bits(), 0x7ff8_0000_0000_0000);
    }

    #[test]
    fn unsupported_encodings_are_nan() {
        assert!(narrowed(0x7fff, 0).is_nan(), "pseudo-infinity");
        assert!(narrowed(0x7fff, 1).is_nan(), "pseudo-NaN");
        assert!(narrowed(0x3fff, INTEGER - 1).is_nan(), "unnormal");
        assert!(narrowed(1, 0).is_nan(), "pseudo-zero");
    }

    proptest! {
        #[test]
        fn f64_comes_back(bits: u64) {
            let quiet = if f64::from_bits(bits).is_nan() { narrow::F64_QUIET } else { 0 };
            prop_assert_eq!(to_f64_bits(from_f64_bits(bits)), bits | quiet);
        }

        #[test]
        fn padding_is_not_looked_at(bits: u64, padding: [u8; 6]) {
            let mut bytes = from_f64_bits(bits);
            let clean = to_f64_bits(bytes);
            bytes[10..].copy_from_slice(&padding);
            prop_assert_eq!(to_f64_bits(bytes), clean);
        }
    }
}
