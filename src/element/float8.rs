//! Floating point numbers of eight bits, as machine learning uses them.

use core::fmt;

/// Declares a type around its byte.
macro_rules! define_float8 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        #[repr(transparent)]
        pub struct $name(u8);

        // SAFETY: `repr(transparent)` around a `u8`, for which zero is a value.
        unsafe impl bytemuck::Zeroable for $name {}
        // SAFETY: `repr(transparent)` around a `u8`: any byte is a value, there is no padding, no
        // pointer and no interior mutability. It is `Copy` and `'static`.
        unsafe impl bytemuck::Pod for $name {}

        impl $name {
            /// Takes the byte as it lies in memory.
            #[must_use]
            pub const fn from_bits(bits: u8) -> Self {
                Self(bits)
            }

            /// The byte as it lies in memory.
            #[must_use]
            pub const fn to_bits(self) -> u8 {
                self.0
            }

            /// Whether it is a NaN.
            #[must_use]
            pub fn is_nan(self) -> bool {
                self.to_f32().is_nan()
            }
        }

        /// Exact.
        impl From<$name> for f32 {
            fn from(value: $name) -> Self {
                value.to_f32()
            }
        }

        /// Exact.
        impl From<$name> for f64 {
            fn from(value: $name) -> Self {
                Self::from(value.to_f32())
            }
        }

        /// As the number that it is.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.to_f32().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.to_f32(), f)
            }
        }
    };
}

define_float8! {
    /// Sign, four bits of exponent, three of mantissa: NumPy's `float8_e4m3fn` of `ml_dtypes`.
    ///
    /// Up to ±448, without infinities. Equality and hash are those of the byte: a NaN equals
    /// itself, and -0 differs from 0.
    ///
    /// ```
    /// use ndsharray::F8E4M3FN;
    ///
    /// assert_eq!(F8E4M3FN::from_f32(0.3).to_f32(), 0.3125);
    /// assert!(F8E4M3FN::from_f32(1e6).is_nan());
    /// ```
    F8E4M3FN
}

define_float8! {
    /// Sign, five bits of exponent, two of mantissa: NumPy's `float8_e5m2` of `ml_dtypes`.
    ///
    /// The upper half of a binary16: up to ±57344, with infinities. Equality and hash are those of
    /// the byte: a NaN equals itself, and -0 differs from 0.
    ///
    /// ```
    /// use ndsharray::F8E5M2;
    ///
    /// assert_eq!(F8E5M2::from_f32(0.3).to_f32(), 0.3125);
    /// assert_eq!(F8E5M2::from_f32(1e6).to_f32(), f32::INFINITY);
    /// ```
    F8E5M2
}

define_float8! {
    /// Eight bits of exponent alone: NumPy's `float8_e8m0fnu` of `ml_dtypes`.
    ///
    /// The powers of two from 2⁻¹²⁷ to 2¹²⁷, and NaN: a scale, without sign or zero. Its byte 0 is
    /// 2⁻¹²⁷, so an array of zero bytes holds that.
    ///
    /// ```
    /// use ndsharray::F8E8M0FNU;
    ///
    /// assert_eq!(F8E8M0FNU::from_f32(5.0).to_f32(), 4.0);
    /// assert!(F8E8M0FNU::from_f32(0.0).is_nan());
    /// ```
    F8E8M0FNU
}

/// Bits of the mantissa, and the exponent's bias.
#[derive(Clone, Copy)]
struct Format {
    mantissa: i32,
    bias: i32,
}

const E4M3: Format = Format { mantissa: 3, bias: 7 };
const E5M2: Format = Format { mantissa: 2, bias: 15 };

const SIGN: u8 = 0x80;

/// Two to a power for which that is a normal `f64`.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(u64::from((1023 + exponent).unsigned_abs()) << 52)
}

impl Format {
    /// The exponent of the smallest normal number.
    const fn smallest(self) -> i32 {
        1 - self.bias
    }

    /// The value of a byte that is neither infinite nor NaN.
    #[allow(clippy::cast_possible_truncation, reason = "exact: four bits of mantissa at most, and small exponents")]
    fn decode(self, bits: u8) -> f32 {
        let magnitude = i32::from(bits & !SIGN);
        let (field, mantissa) = (magnitude >> self.mantissa, magnitude & ((1 << self.mantissa) - 1));
        let (implied, exponent) =
            if field == 0 { (0, self.smallest()) } else { (1 << self.mantissa, field - self.bias) };
        let value = f64::from(implied | mantissa) * power_of_two(exponent - self.mantissa);
        (if bits & SIGN == 0 { value } else { -value }) as f32
    }

    /// The magnitude's byte, rounded to the nearest; beyond the last number it only has to be more.
    ///
    /// `value` is a number, and not infinite.
    #[allow(clippy::cast_possible_truncation, reason = "whole numbers of few bits")]
    fn encode(self, value: f32) -> i32 {
        let value = f64::from(value.abs());
        // An `f32` is normal as an `f64`, or zero.
        let exponent = ((value.to_bits() >> 52) as i32 - 1023).max(self.smallest());
        // A multiple of the last place; exact, as only the exponent changes.
        let places = (value * power_of_two(self.mantissa - exponent)).round_ties_even() as i32;
        // What is carried out of the mantissa adds one to the exponent.
        ((exponent - self.smallest()) << self.mantissa) + places
    }
}

/// The sign bit of a number.
fn sign_of(value: f32) -> u8 {
    if value.is_sign_negative() { SIGN } else { 0 }
}

impl F8E4M3FN {
    const NAN: u8 = 0x7f;

    /// The same number; a NaN becomes `f32`'s, with its sign.
    #[must_use]
    pub fn to_f32(self) -> f32 {
        match self.0 & !SIGN {
            Self::NAN => f32::NAN.copysign(if self.0 & SIGN == 0 { 1.0 } else { -1.0 }),
            _ => E4M3.decode(self.0),
        }
    }

    /// The nearest number; of two equally near, the one whose last bit is 0.
    ///
    /// Numbers that round beyond ±448, and infinities, become NaN, as in `ml_dtypes`.
    #[must_use]
    pub fn from_f32(value: f32) -> Self {
        let magnitude = if value.is_finite() { E4M3.encode(value) } else { i32::from(Self::NAN) };
        Self(u8::try_from(magnitude).map_or(Self::NAN, |bits| bits.min(Self::NAN)) | sign_of(value))
    }
}

impl F8E5M2 {
    const INFINITY: u8 = 0x7c;
    const NAN: u8 = 0x7e;

    /// The same number; a NaN becomes `f32`'s, with its sign.
    #[must_use]
    pub fn to_f32(self) -> f32 {
        let sign = if self.0 & SIGN == 0 { 1.0_f32 } else { -1.0 };
        match self.0 & !SIGN {
            Self::INFINITY => f32::INFINITY.copysign(sign),
            more if more > Self::INFINITY => f32::NAN.copysign(sign),
            _ => E5M2.decode(self.0),
        }
    }

    /// The nearest number; of two equally near, the one whose last bit is 0.
    ///
    /// Numbers that round beyond ±57344 become infinite.
    #[must_use]
    pub fn from_f32(value: f32) -> Self {
        let magnitude = match value {
            _ if value.is_nan() => Self::NAN,
            _ if value.is_infinite() => Self::INFINITY,
            _ => u8::try_from(E5M2.encode(value)).map_or(Self::INFINITY, |bits| bits.min(Self::INFINITY)),
        };
        Self(magnitude | sign_of(value))
    }
}

impl F8E8M0FNU {
    const NAN: u8 = 0xff;

    /// The same power of two; a NaN becomes `f32`'s.
    #[must_use]
    pub fn to_f32(self) -> f32 {
        match self.0 {
            Self::NAN => f32::NAN,
            // Below the normal numbers.
            0 => f32::from_bits(1 << 22),
            bits => f32::from_bits(u32::from(bits) << 23),
        }
    }

    /// The nearest power of two; of two equally near, the larger one.
    ///
    /// Numbers below the smallest become it, and those that round beyond the largest become NaN. So
    /// do zero and all below zero: there is no such power. As in `ml_dtypes`, which rounds up
    /// between the two smallest.
    #[must_use]
    pub fn from_f32(value: f32) -> Self {
        if !value.is_finite() || value <= 0.0 {
            return Self(Self::NAN);
        }
        let bits = value.to_bits();
        let (exponent, mantissa) = (bits >> 23, bits & 0x7f_ffff);
        // Below the normal numbers the powers are the bits of the mantissa.
        let half = if exponent == 0 { 0x60_0000 } else { 0x40_0000 };
        let rounded = exponent + u32::from(mantissa >= half);
        Self(u8::try_from(rounded).unwrap_or(Self::NAN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::f16;

    /// All numbers of E4M3FN without sign, but for the NaN: each row has eight of an exponent, in
    /// units of its first.
    #[test]
    fn e4m3fn_has_these_numbers() {
        for bits in 0..0x7f_u8 {
            let (row, column) = (i32::from(bits >> 3), f32::from(bits & 7));
            let expected = match row {
                0 => column / 512.0,
                _ => (1.0 + column / 8.0) * 2_f32.powi(row - 7),
            };
            assert_eq!(F8E4M3FN::from_bits(bits).to_f32(), expected, "{bits:#x}");
            assert_eq!(F8E4M3FN::from_bits(bits | SIGN).to_f32().to_bits(), (-expected).to_bits());
        }
        assert_eq!(F8E4M3FN::from_bits(0x7e).to_f32(), 448.0);
        assert!(F8E4M3FN::from_bits(0x7f).is_nan() && F8E4M3FN::from_bits(0xff).is_nan());
    }

    #[test]
    fn e5m2_is_the_upper_half_of_a_binary16() {
        for bits in 0..=u8::MAX {
            let (here, there) = (F8E5M2::from_bits(bits).to_f32(), f16::from_bits(u16::from(bits) << 8).to_f32());
            assert!(here.to_bits() == there.to_bits() || here.is_nan() && there.is_nan(), "{bits:#x}");
        }
    }

    #[test]
    fn e8m0fnu_has_powers_of_two() {
        for bits in 0..0xff_u8 {
            let expected = 2_f64.powi(i32::from(bits) - 127);
            assert_eq!(f64::from(F8E8M0FNU::from_bits(bits)), expected);
        }
        assert!(F8E8M0FNU::from_bits(0xff).is_nan());
    }

    #[test]
    fn every_byte_comes_back() {
        for bits in 0..=u8::MAX {
            let (a, b, c) = (F8E4M3FN::from_bits(bits), F8E5M2::from_bits(bits), F8E8M0FNU::from_bits(bits));
            assert_eq!(F8E4M3FN::from_f32(a.to_f32()), a);
            assert_eq!(F8E8M0FNU::from_f32(c.to_f32()), c);
            // Two of the three NaNs of either sign become the third.
            assert!(F8E5M2::from_f32(b.to_f32()) == b || b.is_nan());
        }
    }

    /// Between two neighbours the middle goes to the even one, and what is nearer to the nearer.
    #[test]
    fn rounding_is_to_the_nearest() {
        fn check(name: &str, last: u8, to: impl Fn(u8) -> f32, from: impl Fn(f32) -> u8) {
            for bits in 0..last {
                let middle = f32::midpoint(to(bits), to(bits + 1));
                let even = bits + (bits & 1);
                assert_eq!(from(middle), even, "{name} {bits:#x}");
                assert_eq!((from(middle.next_down()), from(middle.next_up())), (bits, bits + 1), "{name} {bits:#x}");
                assert_eq!(from(-middle), even | SIGN);
            }
        }
        check("e4m3fn", 0x7e, |bits| F8E4M3FN(bits).to_f32(), |value| F8E4M3FN::from_f32(value).0);
        check("e5m2", 0x7b, |bits| F8E5M2(bits).to_f32(), |value| F8E5M2::from_f32(value).0);
    }

    /// What `ml_dtypes` 0.6 makes of these.
    #[test]
    fn the_ends_are_those_of_ml_dtypes() {
        let e4m3fn = |value| F8E4M3FN::from_f32(value).to_bits();
        assert_eq!([464.0, 465.0, 480.0, -480.0, f32::INFINITY].map(e4m3fn), [0x7e, 0x7f, 0x7f, 0xff, 0x7f]);
        assert_eq!([0.0, -0.0, 1e-40, 1e-9, -1e38, 2_f32.powi(-10)].map(e4m3fn), [0, 0x80, 0, 0, 0xff, 0]);
        let e5m2 = |value| F8E5M2::from_f32(value).to_bits();
        assert_eq!([57344.0, 61439.0, 61440.0, -1e38, f32::NAN].map(e5m2), [0x7b, 0x7b, 0x7c, 0xfc, 0x7e]);
        let e8m0 = |value| F8E8M0FNU::from_f32(value).to_bits();
        let small = 2_f32.powi(-126) / 2.0;
        assert_eq!([small, small * 1.5, small / 2.0, 1e-40].map(e8m0), [0, 1, 0, 0]);
        assert_eq!([1.5, 3.0, 6.0, 1e38, 3e38].map(e8m0), [0x80, 0x81, 0x82, 0xfd, 0xff]);
        assert_eq!([0.0, -0.0, -1.0, f32::INFINITY, f32::NAN].map(e8m0), [0xff; 5]);
    }

    #[test]
    fn numbers_are_shown_as_such() {
        assert_eq!(format!("{} {:?}", F8E4M3FN::from_f32(1.5), F8E5M2::from_f32(-2.0)), "1.5 -2.0");
    }

    /// All upper halves of an `f32`, with a low half that is no tie and one that may be; the sums
    /// are those of `ml_dtypes` 0.6.
    #[test]
    fn sums_over_all_exponents_are_those_of_ml_dtypes() {
        fn sum(from: impl Fn(f32) -> u8) -> u64 {
            let mut sum = 0_u64;
            for upper in 0..=u32::from(u16::MAX) {
                for lower in [0, 1, 0x8001] {
                    let value = f32::from_bits(upper << 16 | lower);
                    let byte = if value.is_nan() { 0 } else { from(value) };
                    sum = sum.wrapping_mul(31).wrapping_add(u64::from(byte));
                }
            }
            sum
        }
        assert_eq!(sum(|value| F8E4M3FN::from_f32(value).0), 0x6371_a0a0_4cdd_f442);
        assert_eq!(sum(|value| F8E5M2::from_f32(value).0), 0xb4ab_0ad9_5790_7f84);
        // Below the normal numbers ml_dtypes rounds up all that is more than the smallest power.
        let normal = |value: f32| if value.abs() < f32::MIN_POSITIVE { 0 } else { F8E8M0FNU::from_f32(value).0 };
        assert_eq!(sum(normal), 0x8399_8e16_d15c_9642);
    }
}
