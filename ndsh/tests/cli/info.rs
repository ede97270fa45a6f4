//! `ndsh info`

use crate::holder;
use crate::support::TestDir;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};

#[test]
fn a_channel_is_told_slot_by_slot() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(4).max_readers(2).create::<u8>("camera").unwrap();
    writer.write(&[5], &[1; 5]).unwrap();
    let mut reader = holder::hold(&dir, "reader", "camera");
    writer.write(&[2, 2500], &[2; 5000]).unwrap();

    let all = dir.json(&["info", "--json", "--interval=0", "camera"]);
    let info = &all[0];
    assert_eq!(
        (&info["seq"], &info["epoch"], &info["pinned"], &info["readers"]),
        (&json!(2), &json!(1), &json!(1), &json!(1))
    );
    let slots = info["slots"].as_array().unwrap();
    assert_eq!(slots.len(), 4);
    let of = |state: &str| slots.iter().filter(|slot| slot["state"] == state).collect::<Vec<_>>();
    let (current, earlier) = (of("current"), of("earlier"));
    assert_eq!((current.len(), earlier.len(), of("unused").len()), (1, 1, 2));
    assert_eq!((&current[0]["shape"], &current[0]["capacity"]), (&json!([2, 2500]), &json!(8192)));
    assert_eq!(
        (&current[0]["payload"], &current[0]["pinned_by"]),
        (&json!(writer.payload_name().unwrap()), &json!([]))
    );
    assert_eq!(
        (&earlier[0]["seq"], &earlier[0]["bytes"], &earlier[0]["pinned_by"]),
        (&json!(1), &json!(5), &json!([0]))
    );
    let entry = &info["entries"][0];
    assert_eq!(
        (&entry["alive"], &entry["pid"], &entry["pins"]),
        (&json!(true), &json!(reader.id()), &json!([earlier[0]["slot"]]))
    );
    let files = info["files"].as_array().unwrap();
    let roles: Vec<_> = files.iter().map(|file| file["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["board", "readers", "payload", "payload"]);
    assert!(files.iter().all(|file| file["mode"] == "0600" && fs::metadata(file["path"].as_str().unwrap()).is_ok()));

    let text = dir.ok(&["info", "--interval=0", "camera"]);
    let payload = writer.payload_name().unwrap();
    let expected = [
        "camera (channel)\n  value     uint8 (2, 2500), 4.9 KiB, number 2, written ",
        &format!("  writer    alive, as the kernel says; process {} (a hint)\n", std::process::id()),
        "  state     open, writer number 1 of this channel\n  readers   1 of 2 at most\n",
        "  2 slots unused\n",
        &format!("alive ({})", reader.id()),
        payload.as_str(),
    ];
    for part in expected {
        assert!(text.contains(part), "{part}: {text}");
    }
    reader.kill();
    let text = dir.ok(&["info", "--interval=0", "camera"]);
    assert!(text.contains("  readers   0 of 2 at most, and 1 dead, to be cleared away by the writer\n"), "{text}");
    let rate = dir.json(&["info", "--json", "camera"])[0]["rate"].as_f64();
    assert_eq!(rate, Some(0.0), "nothing is being written");
}

#[test]
fn what_is_not_there_is_3() {
    let dir = TestDir::new();
    let ran = dir.run(&["info", "nothing"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""));
    let path = dir.path().display();
    assert!(
        ran.stderr.starts_with(&format!("ndsh: no channel or array called \"nothing\" in {path}\n  next: ")),
        "{}",
        ran.stderr
    );
    for bad in ["a/b", "", ".x"] {
        assert_eq!(dir.run(&["info", bad]).code, 2, "{bad:?}");
    }
}

#[test]
fn one_name_may_stand_for_three() {
    let dir = TestDir::new();
    dir.options().persist(true).create::<u8>("x").unwrap().write(&[1], &[1]).unwrap();
    drop(dir.array_options().create::<u8>("x", &[7]).unwrap());
    dir.python().persist(true).create::<u8>("x").unwrap().write(&[3], &[1; 3]).unwrap();
    let all = dir.json(&["info", "--json", "--interval=0", "x"]);
    let kinds: Vec<_> = all.as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["channel", "array", "python"]);
    assert_eq!(all[2]["whole"], true);
    let one = dir.json(&["info", "--json", "--kind", "array", "x"]);
    assert_eq!((one.as_array().unwrap().len(), &one[0]["shape"], &one[0]["holder"]), (1, &json!([7]), &Value::Null));
    let text = dir.ok(&["info", "--interval=0", "x"]);
    for part in ["x (channel)\n", "\nx (array)\n", "\nx (python)\n", "  lock      free, or shared\n"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn the_holder_of_an_arrays_lock_is_told_and_its_death() {
    let dir = TestDir::new();
    let mut holder = holder::hold(&dir, "array", "matrix");
    let handle = holder::hold(&dir, "handle", "matrix");
    let text = dir.ok(&["info", "matrix"]);
    assert!(text.contains(&format!("  lock      entry 0 has it alone, alive ({})\n", holder.id())), "{text}");
    assert!(text.contains("  handles   2 of 64 at most\n"), "{text}");
    holder.kill();
    let text = dir.ok(&["info", "matrix"]);
    assert!(text.contains("  lock      entry 0 has it alone, gone\n"), "{text}");
    drop(handle);
    // The next to take the lock finds it poisoned.
    let array: ndsharray::SharedArray<f64> = dir.array_options().open("matrix").unwrap();
    assert!(matches!(array.write(), Err(ndsharray::Error::Poisoned(_))));
    assert!(dir.ok(&["info", "matrix"]).contains("POISONED"));
    assert!(dir.ok(&["ls"]).contains("poisoned"));
}

/// Root may read everything, so another user looks.
#[test]
#[ignore = "root lets another user look; `.ci/run cli` runs it"]
fn what_may_not_be_read_is_not_called_damaged_or_dead() {
    let dir = TestDir::new();
    let _writer = holder::hold(&dir, "writer", "camera");
    let _array = holder::hold(&dir, "array", "matrix");
    let binary = dir.file(".ndsh-copy");
    fs::copy(env!("CARGO_BIN_EXE_ndsh"), &binary).unwrap();
    // SAFETY: takes nothing and cannot fail.
    let is_root = unsafe { libc::geteuid() } == 0;
    if is_root {
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    }
    for file in ["camera.ndsh", "camera.ndsh-readers", "matrix.ndsa"] {
        fs::set_permissions(dir.file(file), fs::Permissions::from_mode(0o000)).unwrap();
    }
    let ndsh = |args: &[&str]| -> crate::support::Ran {
        let mut command = std::process::Command::new(if is_root { std::path::Path::new("setpriv") } else { &binary });
        if is_root {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&binary);
        }
        command.args(args).env("NDSHARRAY_DIR", dir.path()).output().unwrap().into()
    };
    let ran = ndsh(&["ls", "--interval=0", "--json"]);
    let all: Value = serde_json::from_str(&ran.stdout).unwrap();
    for one in all.as_array().unwrap() {
        assert_eq!(
            (&one["readable"], &one["writer"]["alive"], &one["rate"]),
            (&json!(false), &Value::Null, &Value::Null)
        );
    }
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert!(ndsh(&["ls"]).stdout.contains("not readable: see `ndsh info`"));
    for name in ["camera", "matrix"] {
        let ran = ndsh(&["info", name]);
        assert!(ran.code == 6 && ran.stdout.contains("Permission denied"), "{ran:?}");
        assert!(!ran.stdout.contains("gone") && ran.stderr.contains(&format!("{name} cannot be read")), "{ran:?}");
        assert_eq!(ndsh(&["rm", name]).code, 6);
    }
    let ran = ndsh(&["gc", "--all"]);
    assert!(ran.code == 0 && ran.stdout.contains("nothing to remove"), "{ran:?}");
}

#[test]
fn damage_is_explained_and_is_4() {
    let dir = TestDir::new();
    let mut writer = dir.options().persist(true).create::<u8>("camera").unwrap();
    writer.write(&[5], &[0; 5]).unwrap();
    let payload = dir.file(&writer.payload_name().unwrap());
    drop(writer);
    let sound = fs::read(dir.file("camera.ndsh")).unwrap();
    fs::remove_file(&payload).unwrap();
    let explained = |words: &str| {
        let ran = dir.run(&["info", "--interval=0", "camera"]);
        assert_eq!(ran.code, 4, "{ran:?}");
        assert!(ran.stdout.starts_with("camera (channel)\n") && ran.stdout.contains("  PROBLEM   "), "{}", ran.stdout);
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
        assert!(ran.stderr.starts_with("ndsh: camera is damaged\n  next: "), "{}", ran.stderr);
        let ran = dir.run(&["info", "--json", "--interval=0", "camera"]);
        let all: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert!(ran.code == 4 && all[0]["problems"][0].as_str().unwrap().contains(words), "{all}");
    };
    explained("payload file has 0 bytes, the array 5");
    let board = fs::File::options().write(true).open(dir.file("camera.ndsh")).unwrap();
    board.write_at(&9_u32.to_ne_bytes(), 12).unwrap();
    explained("format version 9, but this library speaks version 1");
    board.set_len(100).unwrap();
    board.write_at(&1_u32.to_ne_bytes(), 12).unwrap();
    explained("4096 are needed");
    board.write_at(&sound, 0).unwrap();
    fs::write(dir.file("camera.ndsh-readers"), "not a reader table at all").unwrap();
    explained("25 bytes, but 64 are needed");
    fs::remove_file(dir.file("camera.ndsh")).unwrap();
    explained("nothing of that name");
}
