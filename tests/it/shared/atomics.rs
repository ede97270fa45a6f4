//! Single elements order what happens around them.

use crate::shared::support::TestDir;
use std::thread;

/// What is written before a store is seen after the load that sees the store.
#[test]
fn a_flag_carries_a_message() {
    let dir = TestDir::new();
    let array = dir.create::<u32>(&[2]);
    let other = dir.open::<u32>();
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..=2000 {
                array.store(0, n);
                array.store(1, n);
            }
        });
        let mut last = 0;
        while last < 2000 {
            last = other.load(1);
            assert!(other.load(0) >= last);
            thread::yield_now();
        }
    });
}

#[test]
fn floats_add_up_through_update() {
    let dir = TestDir::new();
    let array = dir.create::<f64>(&[1]);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let cells = array.atomic().unwrap();
                for _ in 0..1000 {
                    cells.update(0, |sum| sum + 0.5);
                }
            });
        }
    });
    assert_eq!(array.load(0), 2000.0);
}
