//! A process is killed at each named step, and the others go on.

use crate::common::Peer;
use crate::common::os::{Death, death_of};
use crate::shared::death::recover;
use crate::shared::support::{NAME, TestDir};
use ndsharray::{ARRAY_FAIL_POINTS, Error, SharedArray};

/// How often each point is passed at most before the process dies there.
const PASSINGS: usize = 4;

#[test]
fn death_at_every_step() {
    for point in ARRAY_FAIL_POINTS {
        let mut died = 0;
        for passing in 1..=PASSINGS {
            let dir = TestDir::new();
            let array: SharedArray<u64> = dir.array_options().max_handles(4).create(NAME, &[4]).unwrap();
            let fail_point = format!("{point}:{passing}:kill");
            let mut child = Peer::start("array everything", dir.path(), |command| {
                command.env("NDSHARRAY_FAILPOINT", fail_point);
            });
            let status = child.end();
            if death_of(status) != Death::Killed {
                assert!(status.success(), "{point} {passing}: {status}");
                break;
            }
            died += 1;
            // Poisoned or not, the array can be locked, and it is whole or says that it is not.
            recover(&array);
            assert!(array.try_write().unwrap().is_some(), "{point} {passing}");
            // No entry is lost.
            let all: Vec<SharedArray<u64>> = (0..3).map(|_| dir.open()).collect();
            assert!(all.iter().all(|one| one.try_read().unwrap().is_some()), "{point} {passing}");
            // What it made is there as a whole or not at all.
            match dir.array_options().create::<u64>("other", &[4]) {
                Ok(other) => assert_eq!(*other.read().unwrap(), [0; 4], "{point} {passing}"),
                Err(Error::AlreadyExists { .. }) => {
                    let other: SharedArray<u64> = dir.array_options().open("other").unwrap();
                    assert_eq!(*other.read().unwrap(), [7; 4], "{point} {passing}");
                }
                Err(other) => panic!("{point} {passing}: {other}"),
            }
        }
        assert!(died > 0, "nobody comes to {point}");
    }
}
