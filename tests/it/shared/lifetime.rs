//! Making, opening, removing, and what is left.

#[cfg(unix)]
use crate::common::Peer;
use crate::common::os;
use crate::shared::support::{NAME, TestDir};
use ndsharray::{Error, HeaderError};
use std::fs;
use std::thread;

#[test]
fn an_array_outlives_its_handles() {
    let dir = TestDir::new();
    dir.create::<i64>(&[3]).store(1, -7);
    assert_eq!(dir.files(), [format!("{NAME}.ndsa")]);
    assert_eq!(*dir.open::<i64>().read().unwrap(), [0, -7, 0]);
}

#[test]
fn after_unlink_those_who_have_it_go_on() {
    let dir = TestDir::new();
    let one = dir.create::<i64>(&[3]);
    let two = dir.open::<i64>();
    let three = dir.open::<i64>();
    one.unlink().unwrap();
    assert_eq!(dir.files(), [""; 0]);
    assert!(matches!(dir.array_options().open::<i64>(NAME), Err(Error::NotFound { .. })));
    two.store(0, 1);
    assert_eq!(*three.read().unwrap(), [1, 0, 0]);

    let anew = dir.create::<u8>(&[1]);
    two.unlink().unwrap();
    assert_eq!(dir.open::<u8>().len(), 1, "the name is another array's now");
    dir.options().remove_array(NAME).unwrap();
    assert!(matches!(dir.options().remove_array(NAME), Err(Error::NotFound { .. })));
    anew.unlink().unwrap();
}

#[test]
fn of_many_makers_one_succeeds() {
    let dir = TestDir::new();
    for _ in 0..100 {
        let made: usize = thread::scope(|scope| {
            let makers: Vec<_> = (0..4)
                .map(|n| {
                    let dir = &dir;
                    scope.spawn(move || match dir.array_options().from_slice(NAME, &[1000], &[n; 1000]) {
                        Ok(_) => 1,
                        Err(Error::AlreadyExists { .. }) => 0,
                        Err(other) => panic!("{other}"),
                    })
                })
                .collect();
            // A process that finds it finds all of it.
            match dir.array_options().open::<i32>(NAME) {
                Ok(array) => {
                    let elements = array.read().unwrap();
                    assert!(elements.iter().all(|&element| element == elements[0]));
                }
                Err(Error::NotFound { .. }) => {}
                Err(other) => panic!("{other}"),
            }
            makers.into_iter().map(|maker| maker.join().unwrap()).sum()
        });
        assert_eq!(made, 1);
        dir.options().remove_array(NAME).unwrap();
    }
}

/// The first process creates it, and all have the same array.
#[test]
fn whoever_comes_first_makes_it() {
    let dir = TestDir::new();
    for round in 0..30 {
        let together = std::sync::Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    together.wait();
                    let array = dir.array_options().open_or_create::<u64>(NAME, &[2, 3]).unwrap();
                    array.fetch_add(5, 1);
                    together.wait();
                });
            }
        });
        let array = dir.array_options().open_or_create::<u64>(NAME, &[6]).unwrap();
        assert_eq!((array.load(5), array.shape()), (4, &[6][..]), "{round}");
        assert_eq!(dir.open::<u64>().shape(), [2, 3]);
        let other = dir.array_options().open_or_create::<u64>(NAME, &[7]);
        assert!(matches!(other, Err(Error::ShapeMismatch { expected: 6, found: 7, .. })), "{other:?}");
        let other = dir.array_options().open_or_create::<i64>(NAME, &[6]);
        assert!(matches!(other, Err(Error::DTypeMismatch { .. })), "{other:?}");
        array.unlink().unwrap();
    }
    fs::write(dir.file(), [[0; 8], [1; 8]].concat()).unwrap();
    let stranger = dir.array_options().open_or_create::<u64>(NAME, &[6]);
    assert!(matches!(stranger, Err(Error::AlreadyExists { .. })), "{stranger:?}");
}

/// What a maker leaves that is killed before the head is there.
#[test]
fn half_an_array_is_none() {
    let dir = TestDir::new();
    for left in [vec![], vec![0; 64], vec![0; 8192], [vec![0; 4096], vec![9; 100_000]].concat()] {
        fs::write(dir.file(), &left).unwrap();
        assert!(matches!(dir.array_options().open::<u8>(NAME), Err(Error::NotFound { .. })));
        let array = dir.create::<u8>(&[10]);
        assert_eq!(*array.read().unwrap(), [0; 10]);
        array.unlink().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn memory_is_set_aside_and_zero() {
    use std::os::unix::fs::MetadataExt;
    let dir = TestDir::new();
    let array = dir.array_options().prefault(true).create::<f64>(NAME, &[1000, 1000]).unwrap();
    let meta = fs::metadata(dir.file()).unwrap();
    assert!(meta.blocks() * 512 >= 8_000_000);
    assert_eq!(meta.mode() & 0o777, 0o600);
    assert!(array.read().unwrap().iter().all(|&element| element == 0.0));
    let shared = dir.array_options().mode(0o666).create::<u8>("shared", &[1]).unwrap();
    assert_eq!(fs::metadata(dir.path().join("shared.ndsa")).unwrap().mode() & 0o777, 0o666);
    // Permission to read alone would serve only to hold locks in the way of others.
    drop(dir.array_options().mode(0o644).create::<u8>("private", &[1]).unwrap());
    assert_eq!(fs::metadata(dir.path().join("private.ndsa")).unwrap().mode() & 0o777, 0o600);
    shared.unlink().unwrap();
    assert!(matches!(
        dir.array_options().max_handles(449).create::<u8>("x", &[1]),
        Err(Error::InvalidOption { option: "max_handles", .. })
    ));
}

/// An array of more than four gigabytes of address space, beyond 32-bit processes.
///
/// Its memory is not touched, so it takes none.
#[test]
#[cfg(all(target_pointer_width = "64", unix))]
fn a_huge_array_opens_without_being_touched() {
    let dir = TestDir::new();
    let len = (5 << 30) / 8;
    drop(dir.create::<f64>(&[1]));
    let file = fs::OpenOptions::new().write(true).open(dir.file()).unwrap();
    os::write_all_at(&file, &(5_u64 << 30).to_ne_bytes(), 40).unwrap();
    os::write_all_at(&file, &(len as u64).to_ne_bytes(), 64).unwrap();
    file.set_len((5 << 30) + 8192).unwrap();
    let array = dir.open::<f64>();
    assert_eq!(array.len(), len);
    array.store(len - 1, 2.5);
    {
        let mut guard = array.write().unwrap();
        guard[len / 2] = 1.5;
    }
    assert_eq!((array.load(len - 1), array.load(len / 2), array.load(7)), (2.5, 1.5, 0.0));
    assert!(std::os::unix::fs::MetadataExt::blocks(&fs::metadata(dir.file()).unwrap()) * 512 < 1 << 20);
}

#[cfg(unix)]
#[test]
fn a_forked_child_opens_its_own() {
    Peer::start("fork-array", TestDir::new().path(), |_| {}).finish();
}

#[test]
fn a_file_of_something_else() {
    let dir = TestDir::new();
    fs::write(dir.file(), b"NDSHBORDxxxx").unwrap();
    assert!(matches!(dir.array_options().create::<u8>(NAME, &[1]), Err(Error::AlreadyExists { .. })));
    assert!(matches!(
        dir.array_options().open::<u8>(NAME),
        Err(Error::Corrupt(HeaderError::Truncated { .. } | HeaderError::Magic { .. }))
    ));
    assert!(matches!(dir.options().remove_array(NAME), Err(Error::Corrupt(HeaderError::Magic { .. }))));
    fs::remove_file(dir.file()).unwrap();
    if !os::symlink(&std::env::current_exe().unwrap(), &dir.file()) {
        return;
    }
    assert!(matches!(dir.array_options().open::<u8>(NAME), Err(Error::ForeignOwner { .. })));
    assert!(matches!(dir.array_options().create::<u8>(NAME, &[1]), Err(Error::ForeignOwner { .. })));
}
