//! Bytes without a header: elements alone, one value after another.

use super::npy;
use crate::array::{ArrayRef, byte_len};
use crate::failure::Result;
use ndsharray::ElementType;
use std::io::Write;
use std::str::FromStr;

/// What the bytes of each value mean: `uint8:720x1280x3`, or `float32` for one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawLayout {
    pub(crate) element: ElementType,
    /// Length of the groups of bytes to reverse; 0 for this machine's byte order.
    pub(crate) swap: usize,
    pub(crate) shape: Vec<usize>,
    /// Bytes of a value; above zero.
    pub(crate) len: usize,
}

impl FromStr for RawLayout {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let (dtype, axes) = text.split_once(':').map_or((text, None), |(dtype, axes)| (dtype, Some(axes)));
        let (element, swap) = npy::dtype(dtype)?;
        let axis = |axis: &str| {
            axis.parse().ok().filter(|len| *len > 0).ok_or_else(|| format!("{axis:?} is no length above zero"))
        };
        let shape =
            axes.map_or(Ok(Vec::new()), |axes| axes.split('x').map(axis).collect::<std::result::Result<Vec<_>, _>>())?;
        let len = byte_len(element, &shape).ok_or_else(|| "it is larger than any memory".to_owned())?;
        Ok(Self { element, swap, shape, len })
    }
}

/// Writes the elements of one array.
pub(crate) fn write(to: &mut impl Write, array: ArrayRef<'_>) -> Result<()> {
    Ok(to.write_all(array.bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts() {
        let layout =
            |text: &str| text.parse::<RawLayout>().map(|layout| (layout.element.to_string(), layout.shape, layout.len));
        assert_eq!(layout("uint8:720x1280x3"), Ok(("uint8".to_owned(), vec![720, 1280, 3], 2_764_800)));
        assert_eq!(layout("f4"), Ok(("float32".to_owned(), vec![], 4)));
        assert_eq!(layout("bfloat16:5"), Ok(("bfloat16".to_owned(), vec![5], 10)));
        assert_eq!(layout("datetime64[ms]:2"), Ok(("datetime64[ms]".to_owned(), vec![2], 16)));
        assert_eq!(layout("S5:3"), Ok(("S5".to_owned(), vec![3], 15)));
        let order = if cfg!(target_endian = "little") { ">u2:2" } else { "<u2:2" };
        assert_eq!(order.parse::<RawLayout>().unwrap().swap, 2);
        for bad in ["", "uint8:", "uint8:0", "uint8:3x", "uint8:-1", "pixel:3", "f8:99999999999x99999999999", "u1:3X3"]
        {
            assert!(layout(bad).is_err(), "{bad}");
        }
    }
}
