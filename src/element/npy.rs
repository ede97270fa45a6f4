//! NumPy's type strings, as `.npy` files and `__array_interface__` have them.

use super::dtype::DType;
use super::element_type::{ElementType, ElementTypeError};
use super::rule::{CHAR, Rule};

/// The byte order of this machine, as type strings have it.
const NATIVE: char = if cfg!(target_endian = "little") { '<' } else { '>' };

impl DType {
    /// Whether Python has it from the package `ml_dtypes`.
    ///
    /// Its type strings always have a byte order, which tells bfloat16 from two bytes of void.
    const fn is_of_ml_dtypes(self) -> bool {
        matches!(self, Self::BF16 | Self::F8E4M3FN | Self::F8E5M2 | Self::F8E8M0FNU)
    }
}

impl ElementType {
    /// NumPy's type string, with this machine's byte order: `<f8`, `|u1`, `<M8[ns]`, `<U5`.
    ///
    /// It is what `numpy.dtype(..).str` says, and what `.npy` files have. For `float8_e4m3fn` and
    /// `float8_e8m0fnu` NumPy has one string, `<V1`, which
    /// [`from_npy_descr`](Self::from_npy_descr) therefore refuses. Of records it says the size
    /// alone, as an element type does;
    /// [`RecordType::to_npy_descr`](crate::RecordType::to_npy_descr) has the fields.
    ///
    /// ```
    /// use ndsharray::{DType, ElementType, TimeUnit};
    ///
    /// assert_eq!(ElementType::from(DType::U8).to_npy_descr(), "|u1");
    /// assert_eq!(ElementType::bytes(5)?.to_npy_descr(), "|S5");
    /// let times = ElementType::datetime64(TimeUnit::MILLISECOND).to_npy_descr();
    /// assert_eq!(times, if cfg!(target_endian = "little") { "<M8[ms]" } else { ">M8[ms]" });
    /// # Ok::<(), ndsharray::ElementTypeError>(())
    /// ```
    #[must_use]
    pub fn to_npy_descr(self) -> String {
        let (dtype, rule, kind) = (self.dtype(), self.dtype().rule(), self.dtype().kind());
        let has_order = dtype.is_of_ml_dtypes() || !matches!(rule, Rule::Bytes | Rule::Record) && self.size() > 1;
        let order = if has_order { NATIVE } else { '|' };
        match (rule, self.unit()) {
            (Rule::Unit, Some(unit)) if unit != super::time::unit::TimeUnit::GENERIC => {
                format!("{order}{kind}8[{unit}]")
            }
            (Rule::Chars, _) => format!("{order}{kind}{}", self.parameter() / CHAR),
            _ => format!("{order}{kind}{}", self.size()),
        }
    }

    /// The element type of NumPy's type string.
    ///
    /// Takes what [`to_npy_descr`](Self::to_npy_descr) writes, and `=` or no byte order for this
    /// machine's.
    ///
    /// # Errors
    ///
    /// [`ElementTypeError::Descr`] for another byte order, for `<V1`, and where this library has no
    /// such elements; [`ElementTypeError::Width`]; [`ElementTypeError::Unit`].
    ///
    /// ```
    /// use ndsharray::{DType, ElementType};
    ///
    /// assert_eq!(ElementType::from_npy_descr("|b1")?, DType::Bool.into());
    /// assert_eq!(ElementType::from_npy_descr("m8[25s]")?.to_string(), "timedelta64[25s]");
    /// assert!(ElementType::from_npy_descr("O").is_err());
    /// # Ok::<(), ndsharray::ElementTypeError>(())
    /// ```
    pub fn from_npy_descr(descr: &str) -> Result<Self, ElementTypeError> {
        let refused = |reason| ElementTypeError::Descr { descr: descr.to_owned(), reason };
        let (order, word) = match descr.chars().next() {
            Some(order @ ('<' | '>' | '=' | '|')) => (order, descr.get(1..).unwrap_or_default()),
            _ => ('=', descr),
        };
        let element = match (order, word) {
            ('<' | '>', "V1") => {
                return Err(refused(
                    "NumPy has it for float8_e4m3fn as for float8_e8m0fnu; take the array's view as uint8",
                ));
            }
            ('<' | '>', "V2") => DType::BF16.into(),
            _ if word.starts_with("M8") || word.starts_with("m8") => word.parse()?,
            _ => match Self::from_width(word) {
                Some(wide) => wide?,
                None => by_size(word).ok_or_else(|| refused("there are no such elements"))?.into(),
            },
        };
        let is_foreign = matches!(order, '<' | '>') && order != NATIVE;
        // Of bytes there is no order.
        if is_foreign && element.size() > 1 && element.dtype().rule() != Rule::Bytes {
            return Err(refused("it has the other byte order"));
        }
        Ok(element)
    }
}

/// A dtype by its kind and the bytes of an element: `f8`.
fn by_size(word: &str) -> Option<DType> {
    let (kind, size) = word.split_at_checked(1)?;
    let size: usize = if size.bytes().all(|byte| byte.is_ascii_digit()) { size.parse().ok()? } else { return None };
    let is_meant = |dtype: &DType| {
        matches!(dtype.rule(), Rule::Plain | Rule::Format)
            && kind.starts_with(dtype.kind())
            && dtype.kind() != 'V'
            && dtype.size() == size
    };
    DType::ALL.iter().copied().find(is_meant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::time::unit::TimeUnit;
    use proptest::prelude::*;

    /// What NumPy 2.4 and `ml_dtypes` 0.6 write.
    #[test]
    fn the_strings_are_numpys() {
        let all: Vec<String> = DType::ALL.iter().map(|&dtype| ElementType::from(dtype).to_npy_descr()).collect();
        let expected = "|b1 |i1 <i2 <i4 <i8 |u1 <u2 <u4 <u8 <f2 <V2 <f4 <f8 <c8 <c16 <f16 <c32 <M8[ns] <m8[ns] <V1 <f1 \
                        <V1 |S1 <U1 |V1";
        assert_eq!(all.join(" "), expected.replace('<', &NATIVE.to_string()));
        assert_eq!(ElementType::datetime64(TimeUnit::GENERIC).to_npy_descr(), format!("{NATIVE}M8"));
        assert_eq!(ElementType::of_record(20).to_npy_descr(), "|V20");
    }

    #[test]
    fn strings_come_back() {
        let wide = [ElementType::bytes(7), ElementType::text(7), ElementType::void(2), ElementType::void(16)];
        let times = ["Y", "25s", "generic", "16777215as"].map(|unit| ElementType::timedelta64(unit.parse().unwrap()));
        let plain = DType::ALL.iter().map(|&dtype| ElementType::from(dtype));
        for element in wide.into_iter().map(Result::unwrap).chain(times).chain(plain) {
            let back = ElementType::from_npy_descr(&element.to_npy_descr());
            match element.dtype() {
                DType::F8E4M3FN | DType::F8E8M0FNU => assert!(matches!(back, Err(ElementTypeError::Descr { .. }))),
                _ => assert_eq!(back, Ok(element)),
            }
        }
    }

    #[test]
    fn others_are_refused() {
        let other = if NATIVE == '<' { '>' } else { '<' };
        for word in ["f8", "i2", "V2", "U5", "M8[s]", "c8", "f16"] {
            assert!(matches!(
                ElementType::from_npy_descr(&format!("{other}{word}")),
                Err(ElementTypeError::Descr { .. })
            ));
        }
        assert_eq!(ElementType::from_npy_descr(&format!("{other}u1")), Ok(DType::U8.into()));
        for word in ["", "<", "f", "f3", "f+8", "O", "O8", "b8", "[('a', 'f4')]", "é8"] {
            assert!(matches!(ElementType::from_npy_descr(word), Err(ElementTypeError::Descr { .. })), "{word}");
        }
        assert!(matches!(ElementType::from_npy_descr("S0"), Err(ElementTypeError::Width { found: 0, .. })));
        assert!(matches!(
            ElementType::from_npy_descr("U536870912"),
            Err(ElementTypeError::Width { max: 536_870_911, .. })
        ));
        assert!(matches!(ElementType::from_npy_descr("M8[5x]"), Err(ElementTypeError::Unit(_))));
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(descr in "\\PC{0,12}|[<>|=]?[biufcmMSUV][0-9]{0,12}(\\[[0-9]{0,9}[a-zA-Z]{0,3}\\])?") {
            if let Ok(element) = ElementType::from_npy_descr(&descr) {
                let again = ElementType::from_npy_descr(&element.to_npy_descr());
                prop_assert_eq!(again, Ok(element));
            }
        }
    }
}
