//! From a dtype known at run time to its Rust type.

/// Evaluates an expression with the Rust type of a dtype:
/// `dispatch_dtype!(dtype, T => generic::<T>(bytes))`.
///
/// Records have no Rust type of their own. `dispatch_dtype!(dtype, T => .., record => ..)` says
/// what to do with them. Without that, the caller knows that there are none.
///
/// All arms must agree on the type of the expression.
macro_rules! dispatch_dtype {
    ($dtype:expr, $element:ident => $body:expr) => {
        $crate::element::dispatch::dispatch_dtype!($dtype, $element => $body, record => unreachable!("a record"))
    };
    ($dtype:expr, $element:ident => $body:expr, record => $record:expr) => {
        $crate::element::table::for_each_dtype!($crate::element::dispatch::dispatch_arms, [$dtype, $element, $body, $record])
    };
}

/// The `match` behind [`dispatch_dtype`].
macro_rules! dispatch_arms {
    (
        [$dtype:expr, $element:ident, $body:expr, $record:expr]
        $($(#[$doc:meta])* $variant:ident = $tag:literal: $ty:ty, $size:literal, $name:literal $(| $alias:literal)*, $kind:literal, $rule:ident;)*
    ) => {
        match $dtype {
            $($crate::element::dtype::DType::$variant => {
                type $element = $ty;
                $body
            })*
            $crate::element::dtype::DType::Record => $record,
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
