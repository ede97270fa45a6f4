//! Values that tell what they are: a name, which everything about a value follows from.

use ndsharray::{DType, OwnedSample, Sample};

/// Elements of the value that is called `id`: an even number, small and large mixed.
pub(crate) fn len_of(id: u64) -> usize {
    2 + 2 * (id.wrapping_mul(7919) % 1500) as usize
}

pub(crate) fn shape_of(id: u64) -> [usize; 2] {
    [len_of(id) / 2, 2]
}

fn word(id: u64, index: usize) -> u64 {
    id ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The value called `id`.
///
/// Shape, length and each element follow from the name, which stands in the first element.
pub(crate) fn value(id: u64) -> Vec<u64> {
    (0..len_of(id)).map(|index| word(id, index)).collect()
}

/// Attributes of the value called `id`, if it has some. Their length too follows from the name.
pub(crate) fn attributes_of(id: u64) -> Vec<u8> {
    (0..1 + id.wrapping_mul(6007) % 4096).map(|index| word(id, index as usize) as u8).collect()
}

/// Fails unless these are no attributes, or all of those of the value called `id`.
fn check_attributes(id: u64, attributes: &[u8]) {
    assert!(attributes.is_empty() || attributes == attributes_of(id), "torn: the attributes of {id}");
}

/// Returns the name of a value.
///
/// Fails unless all of the value is there, and nothing of another.
pub(crate) fn name_of(dtype: DType, shape: &[usize], bytes: &[u8]) -> u64 {
    // A record does not say its size; the number of words does.
    assert!(dtype == DType::Record || dtype.size() == 8, "a value of {dtype}");
    let (words, rest) = bytes.as_chunks::<8>();
    let id = u64::from_ne_bytes(*words.first().expect("an element"));
    assert!(rest.is_empty() && shape == shape_of(id) && words.len() == len_of(id), "torn: {id} has shape {shape:?}");
    for (index, found) in words.iter().enumerate() {
        assert_eq!(u64::from_ne_bytes(*found), word(id, index), "torn: element {index} of {id}");
    }
    id
}

/// Bytes of `len` elements, valid for the dtype, that depend on `seed`.
///
/// The elements differ from each other for a while.
pub(crate) fn pattern(dtype: DType, len: usize, seed: u64) -> Vec<u8> {
    // A prime length, so that rows do not repeat.
    let block: Vec<u8> = (0..4099_u64)
        .map(|i| {
            let mixed = (i + 1).wrapping_mul(seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15));
            let byte = (mixed >> 40) as u8;
            if dtype == DType::Bool { byte & 1 } else { byte }
        })
        .collect();
    let bytes = len * dtype.size();
    let mut all = block.repeat(bytes.div_ceil(block.len()));
    all.truncate(bytes);
    all
}

/// Both kinds of sample.
pub(crate) trait Named {
    fn name(&self) -> u64;
}

impl Named for Sample<'_> {
    fn name(&self) -> u64 {
        let id = name_of(self.dtype(), self.shape(), self.as_bytes());
        check_attributes(id, self.attributes());
        id
    }
}

impl Named for OwnedSample {
    fn name(&self) -> u64 {
        let id = name_of(self.dtype(), self.shape(), self.as_bytes());
        check_attributes(id, self.attributes());
        id
    }
}
