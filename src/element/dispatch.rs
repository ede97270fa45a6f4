//! From a dtype known at run time to its Rust type.

/// Evaluates an expression with the Rust type of a dtype:
/// `dispatch_dtype!(dtype, T => generic::<T>(bytes))`.
///
/// All arms must agree on the type of the expression.
macro_rules! dispatch_dtype {
    ($dtype:expr, $element:ident => $body:expr) => {
        $crate::element::table::for_each_dtype!($crate::element::dispatch::dispatch_arms, [$dtype, $element, $body])
    };
}

/// The `match` behind [`dispatch_dtype`].
macro_rules! dispatch_arms {
    (
        [$dtype:expr, $element:ident, $body:expr]
        $($(#[$doc:meta])* $variant:ident = $tag:literal: $ty:ty, $size:literal, $name:literal $(| $alias:literal)*, $rule:ident;)*
    ) => {
        match $dtype {
            $($crate::element::dtype::DType::$variant => {
                type $element = $ty;
                $body
            })*
        }
    };
}

pub(crate) use {dispatch_arms, dispatch_dtype};

#[cfg(test)]
mod tests {
    use crate::element::ShElement;
    use crate::element::dtype::DType;

    #[test]
    fn dispatch_reaches_the_type_of_the_row() {
        for dtype in DType::ALL {
            assert_eq!(dispatch_dtype!(*dtype, T => T::DTYPE), *dtype);
            assert_eq!(dispatch_dtype!(*dtype, T => size_of::<T>()), dtype.size());
        }
    }
}
