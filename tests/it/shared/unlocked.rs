//! Without the lock: slices by one's own word, and blocks that have none.

use crate::shared::support::TestDir;
use ndsharray::{Error, SharedArray};
use std::fs;
use std::thread;

#[test]
fn disjoint_parts_are_filled_at_once() {
    let dir = TestDir::new();
    let (rows, columns) = (64, 1000);
    let mut matrix = dir.create::<u32>(&[rows, columns]);
    let other = dir.open::<u32>();
    thread::scope(|scope| {
        for worker in 0..4 {
            let handle = if worker % 2 == 0 { &matrix } else { &other };
            scope.spawn(move || {
                for row in (worker..rows).step_by(4) {
                    // SAFETY: each row is one worker's, and the array is not read before they are
                    // done.
                    unsafe { handle.part_mut_unlocked(row * columns..(row + 1) * columns) }.fill(row as u32);
                }
            });
        }
    });
    // SAFETY: all workers are done, so the array does not change.
    let all = unsafe { other.as_slice_unlocked() };
    assert!(all.chunks(columns).enumerate().all(|(row, elements)| elements.iter().all(|&e| e == row as u32)));
    // SAFETY: there is no other user of the array; `all` is used no more.
    unsafe { matrix.as_mut_slice_unlocked() }.fill(3);
    // SAFETY: the array does not change.
    assert_eq!(unsafe { matrix.part_unlocked(5..5) }, [0; 0]);
    assert_eq!(matrix.read().unwrap()[0], 3);
}

#[test]
#[should_panic(expected = "range 4..7 is out of range for an array of 6 elements")]
fn a_part_out_of_range_panics() {
    let dir = TestDir::new();
    let array = dir.create::<u8>(&[6]);
    // SAFETY: the array does not change.
    let _ = unsafe { array.part_unlocked(4..7) };
}

#[test]
fn a_block_of_bytes_is_an_array() {
    let dir = TestDir::new();
    let path = dir.path().join("block");
    let bytes: Vec<u8> = [1.5_f64, -2.0, 3.25].iter().flat_map(|value| value.to_ne_bytes()).collect();
    fs::write(&path, [bytes.clone(), vec![7; 4072]].concat()).unwrap();
    let array: SharedArray<f64> = dir.array_options().attach_raw("block", &[3, 1]).unwrap();
    // SAFETY: the block does not change.
    assert_eq!(unsafe { array.as_slice_unlocked() }, [1.5, -2.0, 3.25]);
    array.store(1, 4.0);
    let cells = array.atomic().unwrap();
    assert_eq!(cells.compare_exchange(0, 1.5, 2.5), Ok(1.5));
    assert_eq!(fs::read(&path).unwrap()[8..16], 4.0_f64.to_ne_bytes());
    for refused in [array.read().map(drop), array.write().map(drop), array.try_read().map(drop), array.clear_poison()] {
        assert!(matches!(refused, Err(Error::Unsupported { .. })));
    }
    drop(cells);
    drop(array);
    assert_eq!(fs::metadata(&path).unwrap().len(), 4096, "as it was");
    assert!(matches!(
        dir.array_options().attach_raw::<f64>("block", &[513]),
        Err(Error::ShapeMismatch { expected: 4104, found: 4096, .. })
    ));
    assert!(matches!(dir.array_options().attach_raw::<f64>("no-block", &[1]), Err(Error::NotFound { .. })));
    let empty: SharedArray<f64> = dir.array_options().attach_raw("block", &[0, 3]).unwrap();
    // SAFETY: there are no elements.
    assert_eq!(unsafe { empty.as_slice_unlocked() }, [0.0; 0]);
    empty.unlink().unwrap();
    assert_eq!(dir.files(), [""; 0]);
}
