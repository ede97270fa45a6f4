//! Files of others keep their bytes, modes and links.
//!
//! So it is with whatever names, and whatever is called with whatever name.

use crate::common::stress;
use crate::compat::support::{NAME, TestDir, next_i32};
use ndsharray::Error;
use ndsharray::compat::{AnyWriter, Options, Writer};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What must stay as it is of a file, or of a link.
#[derive(Debug, PartialEq, Eq)]
struct Look {
    kind: fs::FileType,
    mode: u32,
    links: u64,
    inode: u64,
    content: Option<Vec<u8>>,
    target: Option<PathBuf>,
}

fn look(dir: &Path) -> BTreeMap<String, Look> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let describe = |path: PathBuf| {
        let meta = path.symlink_metadata().unwrap();
        let look = Look {
            kind: meta.file_type(),
            mode: meta.mode(),
            links: meta.nlink(),
            inode: meta.ino(),
            content: meta.is_file().then(|| fs::read(&path).unwrap()),
            target: fs::read_link(&path).ok(),
        };
        (path.file_name().unwrap().to_str().unwrap().to_owned(), look)
    };
    entries.map(describe).collect()
}

/// Everything in `compat` that can be called with a name.
fn call_everything(options: &Options, name: &str) {
    let _ = options.open(name).and_then(|mut reader| reader.read());
    let _ = options.open_timeout(name, Duration::ZERO);
    let _ = options.leftovers(name);
    let _ = options.unused(name, Duration::ZERO);
    for _ in 0..2 {
        if let Ok(mut writer) = options.create::<i32>(name) {
            for n in 0..4 {
                writer.write(&[2], &[n, n]).unwrap();
            }
        }
        if let Ok(mut writer) = options.clone().persist(true).create_any(name) {
            writer.write_bytes(ndsharray::DType::U8, &[3], &[1, 2, 3]).unwrap();
        }
        let _ = options.remove_leftovers(name, Duration::ZERO);
        let _ = options.remove_unused(name, Duration::ZERO);
        if let Ok(mut writer) = options.create::<i32>(name) {
            writer.write(&[70_000], &vec![1; 70_000]).unwrap();
        }
        let _ = options.remove(name);
    }
}

/// An issue's very words: a stranger's file becomes 37 bytes.
#[test]
fn a_file_of_that_name_is_an_error_and_stays() {
    let tag = format!("{NAME}_{}", "0123456789abcdef".repeat(2));
    let whole = [
        vec![b'z'; 1 << 20],
        b"x".to_vec(),
        [tag.as_bytes(), b"\n"].concat(),
        tag.replace(NAME, "another").into_bytes(),
        vec![0; tag.len() + 1],
        vec![0; 10],
        vec![0xff; tag.len()],
    ];
    for content in whole {
        let dir = TestDir::new();
        fs::write(dir.tag(), &content).unwrap();
        fs::set_permissions(dir.tag(), fs::Permissions::from_mode(0o640)).unwrap();
        let before = look(dir.path());
        let refusals = [
            dir.options().create::<i32>(NAME).map(drop),
            dir.options().create_any(NAME).map(drop),
            dir.options().remove(NAME),
            dir.options().unused(NAME, Duration::ZERO).map(drop),
            dir.options().remove_unused(NAME, Duration::ZERO).map(drop),
        ];
        for refused in refusals {
            let error = refused.unwrap_err();
            assert!(matches!(&error, Error::NotOurs { path, .. } if *path == dir.tag()), "{error:?}");
            assert!(error.to_string().contains("by hand"), "{error}");
        }
        call_everything(&dir.options(), NAME);
        assert_eq!(look(dir.path()), before);
    }
}

#[test]
fn names_of_this_library_are_refused() {
    let dir = TestDir::new();
    let ours = ndsharray::Options::new().dir(dir.path());
    let mut writer = ours.create::<i32>("cam").unwrap();
    writer.write(&[2], &[1, 2]).unwrap();
    let mut reader = ours.open("cam").unwrap();
    let sample = reader.latest_owned().unwrap().unwrap();
    let array = ndsharray::ArrayOptions::from(&ours).create::<i32>("arr", &[1 << 16]).unwrap();
    let before = dir.files();
    let mut names = before.clone();
    names.extend([
        "cam.ndsh-types".to_owned(),
        "new.ndsh".to_owned(),
        "new.ndsa".to_owned(),
        "new.ndsh-readers".to_owned(),
    ]);
    names.push(format!("cam_{}", "0".repeat(32)));
    for name in &names {
        let created = dir.options().create::<i32>(name);
        assert!(matches!(created, Err(Error::InvalidName { .. })), "{name}: {created:?}");
        call_everything(&dir.options(), name);
    }
    assert_eq!(dir.files(), before);
    // Had the file been cut, this would end the process.
    assert_eq!(array.load((1 << 16) - 1), 0);
    assert_eq!(sample.view::<i32>().unwrap().as_slice(), [1, 2]);
    writer.write(&[2], &[3, 4]).unwrap();
}

/// A raw block that another handle has mapped is neither cut nor written.
///
/// So touching it stays possible.
#[test]
fn a_raw_block_that_is_open_is_not_cut() {
    let dir = TestDir::new();
    fs::write(dir.path().join("block"), vec![7; 1 << 16]).unwrap();
    let ours = ndsharray::ArrayOptions::new().dir(dir.path());
    let block = ours.attach_raw::<u8>("block", &[1 << 16]).unwrap();
    assert!(matches!(dir.options().create::<u8>("block"), Err(Error::NotOurs { .. })));
    assert_eq!(block.load((1 << 16) - 1), 7);
}

#[test]
fn what_is_no_regular_file_of_ones_own_is_refused() {
    let dir = TestDir::new();
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let payload = dir.path().join(format!("{NAME}_{}", "0123456789ab4def0123456789abcdef"));
    for make in [
        (|at: &Path, victim: &Path| symlink(victim, at).unwrap()) as fn(&Path, &Path),
        |at, victim| fs::hard_link(victim, at).unwrap(),
        |at, _| fs::create_dir(at).unwrap(),
    ] {
        make(&dir.tag(), &victim);
        make(&payload, &victim);
        let before = look(dir.path());
        assert!(matches!(dir.options().create::<i32>(NAME), Err(Error::ForeignOwner { .. })));
        call_everything(&dir.options(), NAME);
        assert_eq!(look(dir.path()), before);
        for path in [&dir.tag(), &payload] {
            fs::remove_file(path).or_else(|_| fs::remove_dir(path)).unwrap();
        }
    }
}

/// Beside a sound channel, a file that only has a payload's name stays.
///
/// A payload goes.
#[test]
fn foreign_files_beside_a_channel_stay() {
    let dir = TestDir::new();
    let name = |digits: &str| format!("{NAME}_{digits}");
    let foreign = [
        (name("5d41402abc4b2a76b9719d911017c592"), vec![b'x'; 5000]),
        (name("0123456789ab4def0123456789abcdef"), b"some bytes".to_vec()),
        (name("0123456789abcdef0123456789abcdef"), Vec::new()),
        (name("0123456789ABCDEF0123456789ABCDEF"), Vec::new()),
        (name("short"), vec![1]),
        ("Größe".to_owned(), vec![1]),
    ];
    for (name, content) in &foreign {
        fs::write(dir.path().join(name), content).unwrap();
    }
    let before = look(dir.path());
    for persist in [true, false] {
        let mut writer = dir.options().persist(persist).create::<i32>(NAME).unwrap();
        for n in 0..5 {
            writer.write(&[1], &[n]).unwrap();
        }
        drop(writer);
        call_everything(&dir.options(), NAME);
        assert_eq!(look(dir.path()), before);
    }
    assert!(matches!(dir.options().remove(NAME), Err(Error::NotFound { .. })));
}

/// One file that cannot be removed does not keep the others.
#[test]
fn what_cannot_be_removed_does_not_keep_the_rest() {
    let dir = TestDir::new();
    // SAFETY: takes nothing, touches no memory.
    if unsafe { libc::geteuid() } != 0 {
        return; // Only root can make a file of another user.
    }
    dir.options().persist(true).create::<i32>(NAME).unwrap().write(&[1], &[1]).unwrap();
    let theirs = dir.path().join(format!("{NAME}_{}", "0".repeat(32)));
    let ours = dir.path().join(format!("{NAME}_{}", "1".repeat(32)));
    for path in [&theirs, &ours] {
        fs::copy(dir.payload(), path).unwrap();
    }
    std::os::unix::fs::chown(&theirs, Some(12_345), None).unwrap();
    assert!(matches!(dir.options().remove_leftovers(NAME, Duration::ZERO), Ok(gone) if gone.len() == 1));
    assert_eq!(next_i32(&mut dir.reader()), [1]);
    let error = dir.options().remove(NAME).unwrap_err();
    assert!(matches!(&error, Error::ForeignOwner { path, .. } if *path == theirs), "{error:?}");
    assert_eq!(dir.files(), [theirs.file_name().unwrap().to_str().unwrap()]);
}

/// Names beyond ASCII, and impossible names, are an error of every function.
///
/// The error comes at once, and nothing is touched.
#[test]
fn names_that_python_cannot_have_are_refused_everywhere() {
    let dir = TestDir::new();
    for name in ["Größe", "カメラ", "a\u{301}", "ⅷ", "\u{202e}cam"] {
        let payload = format!("{name}_{}", "0123456789abcdef".repeat(2));
        fs::write(dir.path().join(name), &payload).unwrap();
        fs::write(dir.path().join(&payload), "").unwrap();
        let before = look(dir.path());
        let patient = Duration::from_secs(600);
        let answers = [
            dir.options().create::<i32>(name).map(drop),
            dir.options().create_any(name).map(drop),
            dir.options().open(name).map(drop),
            dir.options().open_timeout(name, patient).map(drop),
            dir.options().leftovers(name).map(drop),
            dir.options().remove_leftovers(name, Duration::ZERO).map(drop),
            dir.options().unused(name, Duration::ZERO).map(drop),
            dir.options().remove_unused(name, Duration::ZERO).map(drop),
            dir.options().remove(name),
            Writer::<i32>::create(name).map(drop),
            AnyWriter::create(name).map(drop),
            ndsharray::compat::Reader::open(name).map(drop),
            ndsharray::compat::Reader::open_timeout(name, patient).map(drop),
            ndsharray::compat::leftovers(name).map(drop),
            ndsharray::compat::remove_leftovers(name, Duration::ZERO).map(drop),
            ndsharray::compat::unused(name, Duration::ZERO).map(drop),
            ndsharray::compat::remove_unused(name, Duration::ZERO).map(drop),
            ndsharray::compat::remove(name),
            ndsharray::Options::new().dir(dir.path()).look(name, ndsharray::inspect::Kind::Python).map(drop),
        ];
        for answer in answers {
            let error = answer.unwrap_err();
            assert!(
                matches!(&error, Error::InvalidName { reason, .. } if reason.contains("ASCII")),
                "{name}: {error:?}"
            );
        }
        assert_eq!(look(dir.path()), before);
    }
    // They are none of ours in lists either, nor is a channel beside them disturbed.
    assert_eq!(ndsharray::Options::new().dir(dir.path()).list().unwrap(), []);
    let mut writer = dir.options().create::<i32>(NAME).unwrap();
    writer.write(&[1], &[5]).unwrap();
    assert_eq!(next_i32(&mut dir.reader()), [5]);
}

/// Contents that look as much like ours as those of a stranger can.
fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(1_u8.., 1..200).prop_map(|bytes| [vec![b'~'], bytes].concat()),
        "~[ -~]{0,300}".prop_map(String::into_bytes),
        // A tag of another name, or one that goes on.
        "[b-z]{1,3}_[0-9a-f]{32}".prop_map(String::into_bytes),
        "a_[0-9a-f]{32}[\n ]".prop_map(String::into_bytes),
        // The header of an array of another length.
        (1_u64..9, 1_usize..40).prop_map(|(index, len)| {
            let words = [1, index, 1, 1 << 40].map(u64::to_be_bytes).concat();
            [words, vec![3; len]].concat()
        }),
    ]
}

fn file_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "a",
        "a_[0-9a-f]{32}",
        "a_[0-9a-f]{12}4[0-9a-f]{19}",
        "a_[0-9a-z]{1,33}",
        "[a-c.]{1,3}",
        "a\\.nds[ah]",
        "ü"
    ]
    .prop_filter("a name", |name| name != "." && name != "..")
}

#[test]
fn a_directory_of_foreign_files_stays_as_it_is() {
    let files = prop::collection::btree_map(file_name(), (content(), 0_u32..4, 0_u8..4), 1..8);
    let names = prop::collection::vec(prop_oneof![file_name(), Just("a".to_owned())], 1..4);
    let cases = (files, names);
    // Each case waits most of the time, for writers that linger.
    std::thread::scope(|scope| {
        for config in stress::property_in_parts(60, 6) {
            let cases = &cases;
            scope
                .spawn(|| TestRunner::new(config).run(cases, |(files, names)| stays_as_it_is(&files, &names)).unwrap());
        }
    });
}

/// A file's content, its mode, and how it comes to its name.
type Foreign = (Vec<u8>, u32, u8);

fn stays_as_it_is(files: &BTreeMap<String, Foreign>, names: &[String]) -> TestCaseResult {
    let dir = TestDir::new();
    let elsewhere = TestDir::new();
    for (name, (content, mode, how)) in files {
        let path = dir.path().join(name);
        let other = elsewhere.path().join(name);
        match how {
            0 => symlink(&other, &path).unwrap(),
            1 => {
                fs::write(&other, content).unwrap();
                fs::hard_link(&other, &path).unwrap();
            }
            _ => {
                fs::write(&path, content).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600 | mode << 3)).unwrap();
            }
        }
    }
    let before = (look(dir.path()), look(elsewhere.path()));
    for name in names {
        call_everything(&dir.options(), name);
    }
    prop_assert_eq!((look(dir.path()), look(elsewhere.path())), before);
    Ok(())
}
