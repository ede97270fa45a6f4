//! A shared array whose dtype is known only at run time.

use crate::array::ArrayRef;
use crate::failure::Result;
use ndsharray::{
    AnySharedArray, ArrayOptions, Complex, ComplexLongDouble, DType, Error, LongDouble, Options, ReadGuard, ShElement,
    SharedArray, bf16, f16, raw,
};
use std::time::Duration;

/// A shared array of any dtype.
pub(crate) trait LockedView: Send {
    /// Calls `look` with the array under its lock.
    ///
    /// If a writer holds the lock for longer than `time`, `look` is not called.
    ///
    /// A poisoned array is read too: its elements may be half written.
    fn look(&self, time: Duration, look: &mut dyn FnMut(ArrayRef<'_>)) -> Result<()>;
}

impl<T: ShElement> LockedView for SharedArray<T> {
    fn look(&self, time: Duration, look: &mut dyn FnMut(ArrayRef<'_>)) -> Result<()> {
        let guard: ReadGuard<'_, T> = match self.read_timeout(time) {
            Ok(Some(guard)) => guard,
            Ok(None) => return Ok(()),
            Err(Error::Poisoned(poisoned)) => poisoned.into_read_guard(self)?,
            Err(error) => return Err(error.into()),
        };
        look(ArrayRef { dtype: T::DTYPE, shape: guard.shape(), bytes: guard.view().as_bytes() });
        Ok(())
    }
}

/// Opens the shared array `name`.
pub(super) fn open(options: &Options, name: &str) -> ndsharray::Result<Box<dyn LockedView>> {
    fn of<T: ShElement>(array: &AnySharedArray) -> ndsharray::Result<Box<dyn LockedView>> {
        Ok(Box::new(array.typed::<T>()?))
    }
    let array = ArrayOptions::from(options).open_any(name)?;
    let typed = match array.dtype() {
        DType::Bool => of::<bool>,
        DType::I8 => of::<i8>,
        DType::I16 => of::<i16>,
        DType::I32 => of::<i32>,
        DType::I64 => of::<i64>,
        DType::U8 => of::<u8>,
        DType::U16 => of::<u16>,
        DType::U32 => of::<u32>,
        DType::U64 => of::<u64>,
        DType::F16 => of::<f16>,
        DType::BF16 => of::<bf16>,
        DType::F32 => of::<f32>,
        DType::F64 => of::<f64>,
        DType::C64 => of::<Complex<f32>>,
        DType::C128 => of::<Complex<f64>>,
        DType::LongDouble => of::<LongDouble>,
        DType::ComplexLongDouble => of::<ComplexLongDouble>,
        _ => return Err(raw::unsupported("a dtype that came with a newer version of the library")),
    };
    typed(&array)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dtype_opens() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options::new().dir(dir.path());
        let arrays = ArrayOptions::from(&options);
        assert!(matches!(open(&options, "nothing"), Err(Error::NotFound { .. })));
        for dtype in [DType::U8, DType::I64, DType::F16, DType::C128] {
            let name = dtype.name();
            match dtype {
                DType::U8 => drop(arrays.create::<u8>(name, &[2, 3]).unwrap()),
                DType::I64 => drop(arrays.create::<i64>(name, &[2, 3]).unwrap()),
                DType::F16 => drop(arrays.create::<f16>(name, &[2, 3]).unwrap()),
                _ => drop(arrays.create::<Complex<f64>>(name, &[2, 3]).unwrap()),
            }
            let array = open(&options, name).unwrap();
            let mut seen = None;
            array
                .look(Duration::from_secs(2), &mut |array| {
                    seen = Some((array.dtype, array.shape.to_vec(), array.bytes.len()));
                })
                .unwrap();
            assert_eq!(seen, Some((dtype, vec![2, 3], 6 * dtype.size())));
        }
    }
}
