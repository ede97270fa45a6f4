//! From a name to a dtype.

use core::str::FromStr;

use super::dtype::DType;

/// A text that names no dtype of this crate.
///
/// ```
/// use ndsharray::DType;
///
/// let error = "float33".parse::<DType>().unwrap_err();
/// assert_eq!(error.text(), "float33");
/// assert_eq!(error.to_string(), r#"no dtype is called "float33""#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no dtype is called {text:?}")]
pub struct ParseDTypeError {
    text: String,
}

impl ParseDTypeError {
    /// The text as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Takes NumPy's names, exactly as NumPy writes them.
///
/// The long doubles also answer to `float128` and `complex256`, which is what NumPy calls them
/// where they take 16 and 32 bytes.
///
/// # Errors
///
/// [`ParseDTypeError`] with the text, when it is no such name.
impl FromStr for DType {
    type Err = ParseDTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_name(text).ok_or_else(|| ParseDTypeError { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_name_comes_back() {
        for dtype in DType::ALL {
            assert_eq!(dtype.to_string().parse(), Ok(*dtype));
        }
    }

    #[test]
    fn numpy_has_other_names_for_long_doubles() {
        assert_eq!("float128".parse(), Ok(DType::LongDouble));
        assert_eq!("complex256".parse(), Ok(DType::ComplexLongDouble));
    }

    #[test]
    fn names_are_exact() {
        for text in ["", " int8", "int8 ", "INT8", "f4", "<f4", "int8\0"] {
            assert_eq!(text.parse::<DType>().map_err(|e| e.text().to_owned()), Err(text.to_owned()));
        }
    }

    #[test]
    fn message_escapes() {
        assert_eq!("a\n".parse::<DType>().unwrap_err().to_string(), r#"no dtype is called "a\n""#);
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(text: String) {
            match text.parse::<DType>() {
                Ok(dtype) => prop_assert!(dtype.name() == text || text == "float128" || text == "complex256"),
                Err(error) => prop_assert_eq!(error.text(), text),
            }
        }
    }
}
