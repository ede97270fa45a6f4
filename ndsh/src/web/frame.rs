//! A value and its drawings, which all viewers of a channel share.

use super::drawing::{Drawing, View};
use super::value::Kept;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Most views of one value that are kept for other viewers.
const MOST: usize = 8;

/// A value, and what viewers have asked to see of it.
pub(super) struct Frame {
    pub(super) value: Kept,
    drawings: Mutex<Vec<(View, OneDrawing)>>,
}

/// A drawing that the first viewer makes, while others wait for it.
type OneDrawing = Arc<OnceLock<Arc<Drawing>>>;

impl Frame {
    pub(super) fn new(value: Kept) -> Self {
        Self { value, drawings: Mutex::default() }
    }

    /// The drawing for a view, made by the first viewer that asks and shared by the others.
    pub(super) fn drawing(&self, view: &View) -> Arc<Drawing> {
        let one = {
            let mut drawings = self.drawings.lock().unwrap_or_else(PoisonError::into_inner);
            match drawings.iter().find(|(known, _)| known == view) {
                Some((_, one)) => Arc::clone(one),
                None => {
                    let one = OneDrawing::default();
                    if drawings.len() < MOST {
                        drawings.push((view.clone(), Arc::clone(&one)));
                    }
                    one
                }
            }
        };
        Arc::clone(one.get_or_init(|| Arc::new(Drawing::new(&self.value, view))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::ArrayRef;
    use crate::endpoints::Value;
    use crate::web::drawing::Wish;
    use ndsharray::DType;

    fn frame(dtype: DType, shape: &[usize], bytes: &[u8]) -> Frame {
        Frame::new(Kept::copy(&Value::bare(ArrayRef::new(dtype, shape, bytes)), 1, true).unwrap())
    }

    fn wish(text: &str) -> Wish {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn viewers_share_a_drawing() {
        let frame = frame(DType::F64, &[64, 64], &[0; 64 * 64 * 8]);
        let view = wish(r#"{"index":null,"size":[64,64]}"#).view(&frame.value);
        let drawings: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| frame.drawing(&view))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(drawings.windows(2).all(|pair| Arc::ptr_eq(&pair[0], &pair[1])));
        // A screen that is a little larger has the same pixels, and a smaller one has others.
        let larger = wish(r#"{"index":null,"size":[70,65]}"#).view(&frame.value);
        assert!(Arc::ptr_eq(&frame.drawing(&larger), &drawings[0]));
        let smaller = wish(r#"{"index":null,"size":[32,32]}"#).view(&frame.value);
        assert_eq!(frame.drawing(&smaller).bytes(&frame.value).len(), 32 * 32 * 4);
    }

    #[test]
    fn elements_come_as_the_page_takes_them() {
        let sent =
            |frame: &Frame, text: &str| frame.drawing(&wish(text).view(&frame.value)).bytes(&frame.value).to_vec();
        let all = r#"{"index":null,"size":[99,99]}"#;
        let floats = |numbers: &[f32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
        let words = frame(DType::U16, &[2, 2], &[1_u16, 2, 3, 65_535].map(u16::to_ne_bytes).concat());
        assert_eq!(sent(&words, all), floats(&[1.0, 2.0, 3.0, 65_535.0]));
        assert_eq!(sent(&words, r#"{"index":[null,1],"layout":"plane","size":[9,9]}"#), floats(&[2.0, 65_535.0]));
        let bools = frame(DType::Bool, &[2, 2], &[0, 7, 1, 0]);
        assert_eq!(sent(&bools, all), [0, 1, 1, 0]);
        // Colours that come first are sent pixel by pixel.
        let planes = frame(DType::U8, &[3, 1, 2], &[1, 2, 3, 4, 5, 6]);
        assert_eq!(sent(&planes, r#"{"index":null,"layout":"chw","size":[9,9]}"#), [1, 3, 5, 2, 4, 6]);
        let volume = frame(DType::U8, &[2, 2, 5], &(0..20).collect::<Vec<_>>());
        assert_eq!(sent(&volume, r#"{"index":[1,null,null],"size":[9,9]}"#), (10..20).collect::<Vec<_>>());
        let complex = frame(DType::C64, &[2], &[3_f32, 4.0, 0.0, -2.0].map(f32::to_ne_bytes).concat());
        assert_eq!(sent(&complex, all), [5.0_f64, 2.0].map(f64::to_le_bytes).concat());
        let long: Vec<u8> = (0..10_000_i32).flat_map(i32::to_ne_bytes).collect();
        let long = sent(&frame(DType::I32, &[10_000], &long), all);
        assert_eq!((long.len(), &long[..16]), (4096 * 8, &[0.0_f64, 3.0].map(f64::to_le_bytes).concat()[..]));
        assert!(sent(&words, r#"{"index":[5,null],"size":[9,9]}"#).is_empty());
    }

    #[test]
    fn lengths_beyond_memory_have_an_answer() {
        let odd = frame(DType::U8, &[5, 0, usize::MAX, usize::MAX], &[]);
        let view = wish(r#"{"index":[4,null,null,null],"size":[9,9]}"#).view(&odd.value);
        assert!(odd.drawing(&view).head.contains("[]"));
    }
}
