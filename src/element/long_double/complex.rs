//! A pair of long doubles.

use num_complex::Complex;

use super::LongDouble;

/// A complex number of two [`LongDouble`]s, in 32 bytes.
///
/// NumPy calls it `clongdouble`, or `complex256`.
///
/// Equality and hash are those of the bytes.
///
/// # Example
///
/// ```
/// use ndsharray::{Complex, ComplexLongDouble};
///
/// let value = ComplexLongDouble::from(Complex::new(1.0, -2.0));
/// assert_eq!(value.im.to_f64(), -2.0);
/// assert_eq!(value.to_complex_f64(), Complex::new(1.0, -2.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(C)]
pub struct ComplexLongDouble {
    /// Real part.
    pub re: LongDouble,
    /// Imaginary part.
    pub im: LongDouble,
}

// SAFETY: both fields are `Zeroable`.
unsafe impl bytemuck::Zeroable for ComplexLongDouble {}

// SAFETY: `ComplexLongDouble` is `repr(C)`, both fields are of one `Pod` type whose size is a
// multiple of its alignment, so there is no padding between or behind them (asserted below). It is
// `Copy` and `'static`.
unsafe impl bytemuck::Pod for ComplexLongDouble {}

static_assertions::const_assert_eq!(size_of::<ComplexLongDouble>(), 2 * size_of::<LongDouble>());

impl ComplexLongDouble {
    /// A number of the two parts.
    ///
    /// ```
    /// # use ndsharray::{ComplexLongDouble, LongDouble};
    /// let i = ComplexLongDouble::new(LongDouble::from(0.0), LongDouble::from(1.0));
    /// assert_eq!(i.im.to_f64(), 1.0);
    /// ```
    #[must_use]
    pub const fn new(re: LongDouble, im: LongDouble) -> Self {
        Self { re, im }
    }

    /// Takes 32 bytes as they lie in memory: real part, then imaginary part.
    ///
    /// ```
    /// # use ndsharray::ComplexLongDouble;
    /// assert_eq!(ComplexLongDouble::from_bytes([0; 32]).re.to_f64(), 0.0);
    /// ```
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        bytemuck::cast(bytes)
    }

    /// The 32 bytes as they lie in memory.
    ///
    /// ```
    /// # use ndsharray::ComplexLongDouble;
    /// assert_eq!(ComplexLongDouble::from_bytes([7; 32]).to_bytes(), [7; 32]);
    /// ```
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        bytemuck::cast(self)
    }

    /// Both parts as the nearest `f64`, see [`LongDouble::to_f64`].
    ///
    /// ```
    /// # use ndsharray::{Complex, ComplexLongDouble};
    /// assert_eq!(ComplexLongDouble::default().to_complex_f64(), Complex::new(0.0, 0.0));
    /// ```
    #[must_use]
    pub fn to_complex_f64(self) -> Complex<f64> {
        Complex::new(self.re.to_f64(), self.im.to_f64())
    }
}

/// Exact in both parts, see [`LongDouble`].
impl From<Complex<f64>> for ComplexLongDouble {
    fn from(value: Complex<f64>) -> Self {
        Self::new(value.re.into(), value.im.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn real_part_comes_first(re: [u8; 16], im: [u8; 16]) {
            let value = ComplexLongDouble::new(LongDouble::from_bytes(re), LongDouble::from_bytes(im));
            let bytes = value.to_bytes();
            prop_assert_eq!(&bytes[..16], &re);
            prop_assert_eq!(&bytes[16..], &im);
            prop_assert_eq!(ComplexLongDouble::from_bytes(bytes), value);
        }
    }
}
