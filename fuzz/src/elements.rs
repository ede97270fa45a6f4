//! Element types: their parameters, and the texts that stand for them.

use ndsharray::{AnyArrayView, DType, ElementType, TimeUnit};

/// Elements wider than this are not made.
const WIDEST: usize = 1 << 12;

/// A parameter is that of an element type or refused. So is a text, as a name, a unit of time and
/// one of NumPy's type strings. What an element type is written as is read as the same one.
///
/// Input: a dtype's number and a parameter, then a text.
///
/// # Panics
///
/// The property does not hold.
pub fn element_type(data: &[u8]) {
    let (&[number, p0, p1, p2, p3], text) = data.split_first_chunk().unwrap_or((&[0; 5], data));
    let dtype = DType::ALL[usize::from(number) % DType::ALL.len()];
    match ElementType::new(dtype, u32::from_le_bytes([p0, p1, p2, p3])) {
        Ok(element) => {
            assert_eq!((element.dtype(), element.parameter()), (dtype, u32::from_le_bytes([p0, p1, p2, p3])));
            sound(element);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let text = String::from_utf8_lossy(text);
    for element in [text.parse(), ElementType::from_npy_descr(&text)] {
        match element {
            Ok(element) => sound(element),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    if let Ok(unit) = text.parse::<TimeUnit>() {
        assert_eq!(unit.to_string().parse(), Ok(unit));
        assert_eq!(unit.base().times(unit.multiplier()), Ok(unit));
    }
}

/// Checks what holds of every element type.
fn sound(element: ElementType) {
    let (dtype, size) = (element.dtype(), element.size());
    assert!(size != 0 && size.is_multiple_of(element.align()));
    assert_eq!(ElementType::new(dtype, element.parameter()), Ok(element));
    assert_eq!(element.to_string().parse(), Ok(element), "its name");
    let back = ElementType::from_npy_descr(&element.to_npy_descr());
    // NumPy has one string for the two.
    let is_told = !matches!(dtype, DType::F8E4M3FN | DType::F8E8M0FNU);
    assert!(if is_told { back == Ok(element) } else { back.is_err() }, "its type string: {back:?}");
    if size <= WIDEST {
        let blocks = vec![0_u128; size.div_ceil(8)];
        let bytes = bytemuck::cast_slice::<_, u8>(&blocks).get(..2 * size).expect("twice the size");
        let view = AnyArrayView::from_bytes(element, &[2, 1], bytes).expect("zeros are elements of each type");
        assert_eq!((view.element_type(), view.shape(), view.len(), view.as_bytes()), (element, &[2, 1][..], 2, bytes));
        assert!(AnyArrayView::from_bytes(element, &[3], bytes).is_err());
    }
}
