//! `view`.

use crate::support::TestDir;
use std::fs;

#[test]
fn a_picture_in_colours() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("it").unwrap();
    writer.write(&[2, 1, 3], &[255, 0, 0, 0, 0, 255]).unwrap();
    let text = dir.ok(&["view", "it", "--color", "always", "--width", "1", "--height", "1"]);
    let (picture, caption) = text.split_once('\n').unwrap();
    assert_eq!(picture, "\u{1b}[38;2;255;0;0m\u{1b}[48;2;0;0;255m\u{2580}\u{1b}[0m");
    assert!(caption.starts_with("it  uint8 (2, 1, 3)  0 to 255  #1  "), "{caption}");
}

#[test]
fn a_picture_in_characters() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<f32>("it").unwrap();
    writer.write(&[2, 3], &[0.0, 0.5, 1.0, 0.0, 0.5, 1.0]).unwrap();
    let text = dir.ok(&["view", "it", "--colormap", "grey", "--width", "3", "--height", "1"]);
    assert!(text.starts_with(" +@\nit  float32 (2, 3)  0 to 1  #1  "), "{text}");
    // `--color always` overrules NO_COLOR.
    let mut command = dir.command(&["view", "it", "--color", "always"]);
    let coloured = command.env("NO_COLOR", "1").output().unwrap();
    assert!(String::from_utf8(coloured.stdout).unwrap().contains("\u{1b}[38;2;"));
}

#[test]
fn a_file_has_every_pixel() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<f64>("it").unwrap();
    let numbers: Vec<f64> = (0..2 * 5 * 7).map(f64::from).collect();
    writer.write(&[2, 5, 7], &numbers).unwrap();
    let file = dir.text_path("it.png");
    dir.ok(&["view", "it", "--index", "1,..", "--png", &file]);
    dir.ok(&["put", "pixels", &file]);
    let mut reader = dir.options().open("pixels").unwrap();
    let pixels = reader.latest().unwrap().unwrap();
    assert_eq!(pixels.shape(), [5, 7, 4]);
    let bytes = pixels.as_bytes();
    assert_eq!((&bytes[..4], &bytes[bytes.len() - 4..]), (&[0x44, 0x01, 0x54, 255][..], &[0xfd, 0xe7, 0x25, 255][..]));
    drop(pixels);
    let before = fs::read(&file).unwrap();
    let ran = dir.run(&["view", "it", "--index", "2", "--png", &file]);
    assert!(ran.code == 2 && ran.stderr.contains("outside of axis 0"), "{ran:?}");
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn everything_has_a_picture() {
    let dir = TestDir::new();
    for &dtype in ndsharray::DType::ALL.iter().filter(|dtype| **dtype < ndsharray::DType::DateTime64) {
        for shape in [&[][..], &[3], &[2, 3], &[0, 3], &[2, 3, 4], &[1, 2, 1, 3]] {
            let len = shape.iter().product::<usize>() * dtype.size();
            let bytes: Vec<u8> =
                (0..len).map(|i| if dtype == ndsharray::DType::Bool { 1 } else { (i * 37).to_le_bytes()[0] }).collect();
            let mut writer = dir.options().create_any("it").unwrap();
            writer.write_bytes(dtype, shape, &bytes).unwrap();
            let text = dir.ok(&["view", "it", "--width", "8", "--height", "4"]);
            assert!(text.lines().count() <= 5 && text.contains(dtype.name()), "{text}");
        }
    }
}

#[test]
fn a_screen_follows_and_steps_through_slices() {
    let dir = TestDir::new();
    let mut screen = dir.screen(&["view", "it", "--follow"]);
    screen.shows("it: nothing of that name yet");
    let mut writer = dir.options().create::<i32>("it").unwrap();
    writer.write(&[3, 1, 3], &[5, 5, 5, 6, 6, 6, 7, 7, 7]).unwrap();
    screen.shows("int32 (3, 1, 3)  [0, :, :]  5 to 5");
    for (key, shown) in [("n", "[1, :, :]  6 to 6"), ("\u{1b}[C", "[2, :, :]  7 to 7"), ("p", "[1, :, :]  6 to 6")] {
        screen.press(key);
        screen.shows(shown);
    }
    // A value of another shape, for which that index is none; red above blue.
    let mut writer = writer.into_dtype::<u8>();
    writer.write(&[2, 1, 3], &[255, 0, 0, 0, 0, 255]).unwrap();
    screen.shows("uint8 (2, 1, 3)  0 to 255");
    let rgb = vt100::Color::Rgb;
    screen.wait("the picture", |screen| {
        let cell = |line, column| screen.cell(line, column).map(|cell| (cell.fgcolor(), cell.bgcolor()));
        cell(0, 0) == Some((rgb(255, 0, 0), rgb(255, 0, 0))) && cell(28, 0) == Some((rgb(0, 0, 255), rgb(0, 0, 255)))
    });
    screen.press("\u{3}");
    screen.ends();
    let ran = dir.run(&["view", "it", "--follow"]);
    assert!(ran.code == 2 && ran.stderr.contains("terminal"), "{ran:?}");
}

#[test]
fn signals_are_curves() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<f32>("it").unwrap();
    let wave: Vec<f32> = (0..200).map(|i| (i as f32 / 20.0).sin()).collect();
    writer.write(&[200], &wave).unwrap();
    let text = dir.ok(&["view", "it", "--width", "40", "--height", "6"]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 7, "{text}");
    assert!(lines[6].starts_with("it  float32 (200,)  -0.9999 to 1.0000  #1") && !text.contains('\u{1b}'), "{text}");
    let dots = |line: &str| line.chars().filter(|c| ('\u{2801}'..='\u{28ff}').contains(c)).count();
    assert!(lines[..6].iter().all(|line| dots(line) > 0 && line.chars().count() <= 40), "{text}");
    assert!(lines[0].trim_start().starts_with('1') && lines[5].trim_start().starts_with("-0.9999"), "{text}");
    // Several curves have colours of their own; plain text has stars.
    let pairs: Vec<f32> = wave.iter().flat_map(|number| [*number, number / 2.0]).collect();
    writer.write(&[200, 2], &pairs).unwrap();
    let text = dir.ok(&["view", "it", "--width", "40", "--height", "6", "--color", "always"]);
    assert!(text.contains("\u{1b}[38;2;86;180;233m") && text.contains("\u{1b}[38;2;230;159;0m"), "{text:?}");
    let mut command = dir.command(&["view", "it", "--width", "40", "--height", "6"]);
    let text = String::from_utf8(command.env("TERM", "dumb").output().unwrap().stdout).unwrap();
    assert!(text.contains('*') && text.is_ascii(), "{text}");
    // As a picture, and the other way round.
    assert!(!dir.ok(&["view", "it", "--layout", "plane"]).contains('\u{2802}'));
    writer.write(&[4, 3], &[0.0; 12]).unwrap();
    assert_eq!(dots(&dir.ok(&["view", "it", "--width", "10", "--height", "1"])), 0, "a picture");
    assert!(dots(&dir.ok(&["view", "it", "--layout", "curves", "--width", "10", "--height", "1"])) > 0);
    assert_eq!(dir.run(&["view", "it", "--layout", "curves", "--index", "0,0"]).code, 2);
    writer.write(&[3], &[f32::NAN, f32::INFINITY, f32::NAN]).unwrap();
    assert!(dir.ok(&["view", "it"]).contains("0 to 1"), "nothing to draw");
    let mut screen = dir.screen(&["view", "it", "--follow"]);
    writer.write(&[200], &wave).unwrap();
    screen.shows("float32 (200,)");
    screen.wait("a curve", |screen| dots(&screen.contents()) > 50);
    screen.press("q");
    screen.ends();
}
