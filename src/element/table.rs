//! The one table that ties number, Rust type, item size and NumPy name together.
//!
//! A new dtype is a new row, at the end and with the next number. Everything else is generated from
//! here.

/// Hands every row to the macro `$consumer`, behind the tokens that follow its name.
///
/// A row reads `/// docs`
/// `Variant = number: rust type, item size, "name" | "other name", kind, rule;`. The kind is
/// NumPy's letter. The rule is a variant of [`Rule`](super::rule::Rule) in lower case, and says
/// what the dtype's parameter means. A consumer matches a row with:
///
/// ```text
/// $($(#[$doc:meta])* $variant:ident = $tag:literal: $ty:ty, $size:literal,
///     $name:literal $(| $alias:literal)*, $kind:literal, $rule:ident;)*
/// ```
///
/// The numbers stand in shared memory and are stable: rows are added, never renumbered. The number
/// of a removed row stays unused. 0 means "no dtype" and is not for a row.
macro_rules! for_each_dtype {
    ($($consumer:ident)::+ $(, $($extra:tt)*)?) => {
        $($consumer)::+! {
            $($($extra)*)?
            /// A truth value: one byte, 0 or 1 and nothing else. Rust's [`bool`].
            Bool = 1: bool, 1, "bool", 'b', plain;
            /// Signed integer of 8 bits. Rust's [`i8`].
            I8 = 2: i8, 1, "int8", 'i', plain;
            /// Signed integer of 16 bits. Rust's [`i16`].
            I16 = 3: i16, 2, "int16", 'i', plain;
            /// Signed integer of 32 bits. Rust's [`i32`].
            I32 = 4: i32, 4, "int32", 'i', plain;
            /// Signed integer of 64 bits. Rust's [`i64`].
            I64 = 5: i64, 8, "int64", 'i', plain;
            /// Unsigned integer of 8 bits. Rust's [`u8`].
            U8 = 6: u8, 1, "uint8", 'u', plain;
            /// Unsigned integer of 16 bits. Rust's [`u16`].
            U16 = 7: u16, 2, "uint16", 'u', plain;
            /// Unsigned integer of 32 bits. Rust's [`u32`].
            U32 = 8: u32, 4, "uint32", 'u', plain;
            /// Unsigned integer of 64 bits. Rust's [`u64`].
            U64 = 9: u64, 8, "uint64", 'u', plain;
            /// IEEE 754 binary16. [`f16`](struct@crate::f16) of the crate `half`.
            F16 = 10: ::half::f16, 2, "float16", 'f', plain;
            /// The upper half of a binary32. [`bf16`](struct@crate::bf16) of the crate `half`;
            /// `ml_dtypes` in Python.
            BF16 = 11: ::half::bf16, 2, "bfloat16", 'V', plain;
            /// IEEE 754 binary32. Rust's [`f32`].
            F32 = 12: f32, 4, "float32", 'f', plain;
            /// IEEE 754 binary64. Rust's [`f64`].
            F64 = 13: f64, 8, "float64", 'f', plain;
            /// Real and imaginary part as `f32`. [`Complex<f32>`](crate::Complex) of the crate
            /// `num-complex`.
            C64 = 14: ::num_complex::Complex<f32>, 8, "complex64", 'c', plain;
            /// Real and imaginary part as `f64`. [`Complex<f64>`](crate::Complex) of the crate
            /// `num-complex`.
            C128 = 15: ::num_complex::Complex<f64>, 16, "complex128", 'c', plain;
            /// C's `long double` where it takes 16 bytes. [`LongDouble`](crate::LongDouble).
            LongDouble = 16: $crate::element::long_double::LongDouble, 16, "longdouble" | "float128", 'f', format;
            /// Real and imaginary part as `long double`.
            /// [`ComplexLongDouble`](crate::ComplexLongDouble).
            ComplexLongDouble = 17: $crate::element::long_double::ComplexLongDouble, 32, "clongdouble" | "complex256", 'c', format;
            /// A point in time, in a unit of its array. [`DateTime64`](crate::DateTime64).
            DateTime64 = 18: $crate::element::time::DateTime64, 8, "datetime64", 'M', unit;
            /// A span of time, in a unit of its array. [`TimeDelta64`](crate::TimeDelta64).
            TimeDelta64 = 19: $crate::element::time::TimeDelta64, 8, "timedelta64", 'm', unit;
            /// Eight bits: sign, four of exponent, three of mantissa.
            /// [`F8E4M3FN`](crate::F8E4M3FN); `ml_dtypes` in Python.
            F8E4M3FN = 20: $crate::element::float8::F8E4M3FN, 1, "float8_e4m3fn", 'V', plain;
            /// Eight bits: sign, five of exponent, two of mantissa. [`F8E5M2`](crate::F8E5M2);
            /// `ml_dtypes` in Python.
            F8E5M2 = 21: $crate::element::float8::F8E5M2, 1, "float8_e5m2", 'f', plain;
            /// Eight bits of exponent. [`F8E8M0FNU`](crate::F8E8M0FNU); `ml_dtypes` in Python.
            F8E8M0FNU = 22: $crate::element::float8::F8E8M0FNU, 1, "float8_e8m0fnu", 'V', plain;
            /// Text of a fixed number of bytes: as many as the element type says.
            /// [`FixedBytes`](crate::FixedBytes).
            Bytes = 23: $crate::element::fixed::FixedBytes<1>, 1, "bytes", 'S', bytes;
            /// Text of a fixed number of characters of four bytes: as many as the element type
            /// says. [`FixedText`](crate::FixedText).
            Text = 24: $crate::element::fixed::FixedText<1>, 4, "str", 'U', chars;
            /// Bytes without a meaning: as many as the element type says. [`Void`](crate::Void).
            Void = 25: $crate::element::fixed::Void<1>, 1, "void", 'V', bytes;
        }
    };
}

pub(crate) use for_each_dtype;
