//! What an array's elements are: the run-time twin of the Rust element type.

use core::fmt;

use super::rule::{Rule, rule};
use super::table::for_each_dtype;

/// Builds the enum and everything that is answered row by row.
macro_rules! define_dtype {
    (
        $($(#[$doc:meta])* $variant:ident = $tag:literal: $ty:ty, $size:literal, $name:literal $(| $alias:literal)*, $kind:literal, $rule:ident;)*
    ) => {
        /// The type of an array's elements, known at run time.
        ///
        /// Names are NumPy's. The numbers (`DType::F32 as u8`) are the ones in shared memory. They
        /// start at 1, and 0 stands for "no dtype". A number once assigned is neither changed nor
        /// reused.
        ///
        /// # Example
        ///
        /// ```
        /// use ndsharray::DType;
        ///
        /// let dtype: DType = "float32".parse()?;
        /// assert_eq!(dtype, DType::F32);
        /// assert_eq!(dtype.size(), 4);
        /// assert_eq!(dtype.to_string(), "float32");
        /// # Ok::<(), ndsharray::ParseDTypeError>(())
        /// ```
        // Two rows with one number are refused by the compiler, since the numbers are the
        // discriminants.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum DType {
            $(
                $(#[$doc])*
                #[doc = concat!("\n\nNumPy name `", $name, "`, ", $size, " bytes an element.")]
                $variant = $tag,
            )*
            /// A struct with fields, as NumPy's structured dtypes have them. Rust's
            /// `#[derive(Record)]`; see [`RecordType`](crate::RecordType).
            ///
            /// Its name is `record`. Its elements have as many bytes as their fields take.
            Record = 64,
        }

        impl DType {
            /// Every dtype with a Rust type of its own, in the order of their numbers.
            ///
            /// That is all but [`Record`](Self::Record).
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Bytes that one element takes (NumPy: `itemsize`).
            ///
            /// Of `bytes`, `str`, `void` and records these are the smallest elements:
            /// [`ElementType::size`](crate::ElementType::size) knows those of an array.
            ///
            /// ```
            /// assert_eq!(ndsharray::DType::C128.size(), 16);
            /// ```
            #[must_use]
            #[inline]
            pub const fn size(self) -> usize {
                match self { $(Self::$variant => $size,)* Self::Record => 1 }
            }

            /// The alignment, in bytes, that the Rust type has on this target.
            ///
            /// It divides [`size`](Self::size) and differs among targets: 32-bit x86 aligns `f64`
            /// to 4.
            ///
            /// ```
            /// assert_eq!(ndsharray::DType::F32.align(), 4);
            /// ```
            #[must_use]
            #[inline]
            pub const fn align(self) -> usize {
                match self { $(Self::$variant => align_of::<$ty>(),)* Self::Record => 1 }
            }

            /// NumPy's name.
            ///
            /// ```
            /// assert_eq!(ndsharray::DType::U16.name(), "uint16");
            /// ```
            #[must_use]
            #[inline]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* Self::Record => "record" }
            }

            /// NumPy's letter for the kind of this dtype.
            pub(crate) const fn kind(self) -> char {
                match self { $(Self::$variant => $kind,)* Self::Record => 'V' }
            }

            /// What the parameter of this dtype means.
            #[inline]
            pub(crate) const fn rule(self) -> Rule {
                match self { $(Self::$variant => rule!($rule),)* Self::Record => Rule::Record }
            }

            /// The dtype of a number found in shared memory.
            ///
            /// `None` for 0 and for numbers from a newer version.
            #[inline]
            pub(crate) const fn from_tag(tag: u8) -> Option<Self> {
                match tag {
                    $($tag => Some(Self::$variant),)*
                    64 => Some(Self::Record),
                    _ => None,
                }
            }

            /// The dtype called `name`, or that has `name` among its other NumPy names.
            pub(super) fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name $(| $alias)* => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

for_each_dtype!(define_dtype);

impl DType {
    /// The number that stands for this dtype in shared memory.
    #[inline]
    pub(crate) const fn tag(self) -> u8 {
        self as u8
    }
}

/// Writes [`name`](DType::name), and minds width and alignment.
impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A copy of the numbers on purpose: changing one must fail this test.
    #[test]
    fn numbers_are_for_ever() {
        let numbers: Vec<(u8, &str)> = DType::ALL.iter().map(|d| (d.tag(), d.name())).collect();
        assert_eq!(
            numbers,
            [
                (1, "bool"),
                (2, "int8"),
                (3, "int16"),
                (4, "int32"),
                (5, "int64"),
                (6, "uint8"),
                (7, "uint16"),
                (8, "uint32"),
                (9, "uint64"),
                (10, "float16"),
                (11, "bfloat16"),
                (12, "float32"),
                (13, "float64"),
                (14, "complex64"),
                (15, "complex128"),
                (16, "longdouble"),
                (17, "clongdouble"),
                (18, "datetime64"),
                (19, "timedelta64"),
                (20, "float8_e4m3fn"),
                (21, "float8_e5m2"),
                (22, "float8_e8m0fnu"),
                (23, "bytes"),
                (24, "str"),
                (25, "void"),
            ]
        );
    }

    #[test]
    fn zero_is_no_dtype() {
        assert_eq!(DType::from_tag(0), None);
    }

    #[test]
    fn display_pads() {
        assert_eq!(format!("{:>6}|{:<6}|", DType::I8, DType::U8), "  int8|uint8 |");
    }

    #[test]
    fn order_is_the_order_of_the_numbers() {
        assert!(DType::ALL.is_sorted());
    }

    proptest! {
        #[test]
        fn numbers_come_back(tag: u8) {
            match DType::from_tag(tag) {
                Some(dtype) => prop_assert_eq!(dtype.tag(), tag),
                None => prop_assert!(DType::ALL.iter().all(|d| d.tag() != tag)),
            }
        }
    }
}
