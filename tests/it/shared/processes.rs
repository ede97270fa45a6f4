//! Many processes at once.

use crate::common::Peer;
use crate::peer::array;
use crate::shared::support::TestDir;

fn all(dir: &TestDir, roles: &[&str]) {
    let mut actors: Vec<_> = roles.iter().map(|role| array::start(dir, role)).collect();
    actors.iter_mut().for_each(|actor| actor.tell("go"));
    actors.iter_mut().for_each(|actor| assert_eq!(actor.hear(), "done"));
    actors.iter_mut().for_each(Peer::finish);
}

#[test]
fn no_update_under_the_lock_is_lost() {
    let dir = TestDir::new();
    let array = dir.create::<u64>(&[8]);
    all(&dir, &["locked 5000"; 8]);
    assert_eq!(*array.read().unwrap(), [40_000; 8]);
}

#[test]
fn no_atomic_update_is_lost() {
    let dir = TestDir::new();
    let array = dir.create::<u64>(&[8]);
    all(&dir, &["atomic 50000"; 8]);
    assert_eq!(array.load(0), 400_000);
}

#[test]
fn all_ways_at_once() {
    let dir = TestDir::new();
    let array = dir.create::<u64>(&[100]);
    all(&dir, &["mixed 4000"; 6]);
    let guard = array.read().unwrap();
    assert_eq!(guard[0], 6000);
    assert!(guard[1..].iter().all(|&element| element == 6000));
}
