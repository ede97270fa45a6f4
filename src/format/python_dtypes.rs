//! Which dtype a number in a payload file stands for. The package has had two lists.

use crate::element::dtype::DType;

/// A list of dtypes that Python's ndsharray numbers, by the version of the package.
///
/// The first eleven dtypes are the same. For the others the length of a file shows which list its
/// writer had, unless its array is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DTypeTable {
    /// Versions 1.0.0 to 1.1.1: with NumPy's `float128` and `complex256`, which are
    /// [`DType::LongDouble`] and [`DType::ComplexLongDouble`].
    V1_1_1,
    /// Version 1.1.4: without these two.
    #[default]
    V1_1_4,
}

const V1_1_1: &[DType] = &[
    DType::I8,
    DType::I16,
    DType::I32,
    DType::I64,
    DType::U8,
    DType::U16,
    DType::U32,
    DType::U64,
    DType::F16,
    DType::F32,
    DType::F64,
    DType::LongDouble,
    DType::C64,
    DType::C128,
    DType::ComplexLongDouble,
    DType::Bool,
];

const V1_1_4: &[DType] = &[
    DType::I8,
    DType::I16,
    DType::I32,
    DType::I64,
    DType::U8,
    DType::U16,
    DType::U32,
    DType::U64,
    DType::F16,
    DType::F32,
    DType::F64,
    DType::C64,
    DType::C128,
    DType::Bool,
];

impl DTypeTable {
    /// All tables.
    pub const ALL: &'static [Self] = &[Self::V1_1_4, Self::V1_1_1];

    /// The dtypes that can be sent, in the order of their numbers, from 0.
    ///
    /// ```
    /// use ndsharray::{DType, compat::DTypeTable};
    ///
    /// assert_eq!(DTypeTable::V1_1_4.dtypes().last(), Some(&DType::Bool));
    /// assert!(!DTypeTable::V1_1_4.dtypes().contains(&DType::BF16));
    /// ```
    #[must_use]
    pub const fn dtypes(self) -> &'static [DType] {
        match self {
            Self::V1_1_1 => V1_1_1,
            Self::V1_1_4 => V1_1_4,
        }
    }

    /// The number of a dtype; `None` when the list has no such dtype.
    pub(crate) fn index_of(self, dtype: DType) -> Option<u64> {
        self.dtypes().iter().position(|&known| known == dtype).map(|index| index as u64)
    }

    /// The dtype with a number.
    pub(crate) fn dtype_at(self, index: u64) -> Option<DType> {
        self.dtypes().get(usize::try_from(index).ok()?).copied()
    }

    pub(crate) const fn other(self) -> Self {
        match self {
            Self::V1_1_1 => Self::V1_1_4,
            Self::V1_1_4 => Self::V1_1_1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_the_packages() {
        let names = |table: DTypeTable| table.dtypes().iter().map(|d| d.name()).collect::<Vec<_>>().join(" ");
        assert_eq!(
            names(DTypeTable::V1_1_4),
            "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128 bool"
        );
        assert_eq!(
            names(DTypeTable::V1_1_1),
            "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 longdouble complex64 complex128 \
             clongdouble bool"
        );
    }

    /// What makes it possible to distinguish the lists by the length of a file.
    #[test]
    fn where_the_lists_differ_so_do_the_sizes() {
        for index in 0..16 {
            let (old, new) = (DTypeTable::V1_1_1.dtype_at(index), DTypeTable::V1_1_4.dtype_at(index));
            if let (Some(old), Some(new)) = (old, new) {
                assert!(old == new || old.size() != new.size(), "{index}: {old} and {new}");
            }
        }
    }

    #[test]
    fn numbers_come_back() {
        for table in DTypeTable::ALL {
            for dtype in DType::ALL {
                let back = table.index_of(*dtype).and_then(|index| table.dtype_at(index));
                assert_eq!(back, table.dtypes().contains(dtype).then_some(*dtype));
            }
            assert_eq!(table.dtype_at(table.dtypes().len() as u64), None);
            assert_eq!(table.dtype_at(u64::MAX), None);
            assert_eq!(table.other().other(), *table);
        }
    }
}
