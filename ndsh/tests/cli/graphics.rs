//! Pictures in terminals that show pixels: a pseudo-terminal answers as they do.

use crate::support::{TIMEOUT, TestDir};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rexpect::session::{PtySession, spawn_command};
use std::collections::BTreeMap;
use std::io::Read;
use std::process::Command;

/// What terminals are asked last.
const LAST_QUESTION: &str = "\u{1b}[c";

const KITTY: &str = "\u{1b}_Gi=31;OK\u{1b}\\\u{1b}[6;20;10t\u{1b}P>|kitty(0.40.1)\u{1b}\\\u{1b}[?62;c";
const ITERM: &str = "\u{1b}[6;16;8t\u{1b}P>|iTerm2 3.5.10\u{1b}\\\u{1b}[?64;1;2;4;6;17;18;21;22c";
const XTERM: &str = "\u{1b}[6;13;6t\u{1b}P>|XTerm(390)\u{1b}\\\u{1b}[?64;1;2;4;6;9;15;16;17;18;21;22;28c";
const BARE: &str = "\u{1b}[?62;22c";

/// Starts `ndsh` in a pseudo-terminal of 100 columns and 30 lines.
///
/// It waits for answers for as long as `wait` says.
fn terminal(dir: &TestDir, args: &[&str], wait: &str, variables: &[(&str, &str)]) -> PtySession {
    let ndsh = dir.command(args);
    let mut command = Command::new("sh");
    command.args(["-c", "stty rows 30 cols 100 -opost && exec \"$0\" \"$@\""]);
    command.arg(ndsh.get_program()).args(ndsh.get_args());
    dir.settings(&mut command).env("TERM", "xterm-256color").env("COLORTERM", "truecolor");
    command.env("NDSH_GRAPHICS_WAIT", wait).env_remove("NDSH_GRAPHICS").envs(variables.iter().copied());
    spawn_command(command, Some(TIMEOUT.as_millis() as u64)).unwrap()
}

fn answer(session: &mut PtySession, answers: &str) {
    session.exp_string(LAST_QUESTION).unwrap();
    session.send(answers).unwrap();
    session.flush().unwrap();
}

/// Each byte comes as a character of its own.
fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).unwrap()).collect()
}

/// The output after a terminal has answered.
fn shown(dir: &TestDir, args: &[&str], answers: &str) -> Vec<u8> {
    // A terminal that does not answer need not be waited for.
    let wait = if answers.ends_with('c') { "60" } else { "0.2" };
    let mut session = terminal(dir, args, wait, &[]);
    answer(&mut session, answers);
    bytes(&session.exp_eof().unwrap())
}

/// A picture as a terminal has it.
#[derive(Debug, PartialEq)]
struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 3]>,
}

/// What stands between two marks.
fn between<'a>(bytes: &'a [u8], start: &[u8], end: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let find = |bytes: &[u8], mark: &[u8]| bytes.windows(mark.len()).position(|window| window == mark);
    let rest = &bytes[find(bytes, start)? + start.len()..];
    let at = find(rest, end)?;
    Some((&rest[..at], &rest[at + end.len()..]))
}

/// Decodes kitty's pictures: compressed pixels.
fn kitty(mut output: &[u8]) -> (Vec<Picture>, String) {
    let (mut pictures, mut keys, mut data) = (Vec::new(), BTreeMap::new(), String::new());
    let mut all_keys = String::new();
    while let Some((piece, rest)) = between(output, b"\x1b_G", b"\x1b\\") {
        output = rest;
        let piece = std::str::from_utf8(piece).unwrap();
        let (head, payload) = piece.split_once(';').unwrap_or((piece, ""));
        all_keys += &format!("{head};");
        if head.contains("a=d") || head.contains("a=q") {
            continue;
        }
        assert!(payload.len() <= 4096);
        data += payload;
        keys.extend(head.split(',').map(|key| key.split_once('=').unwrap()));
        if keys["m"] == "0" {
            let mut raw = Vec::new();
            flate2::read::ZlibDecoder::new(&STANDARD.decode(&data).unwrap()[..]).read_to_end(&mut raw).unwrap();
            assert_eq!((keys["f"], keys["o"], raw.len() % 3), ("24", "z", 0));
            let (width, height) = (keys["s"].parse().unwrap(), keys["v"].parse().unwrap());
            pictures.push(Picture { width, height, pixels: raw.as_chunks::<3>().0.to_vec() });
            (keys, data) = (BTreeMap::new(), String::new());
        }
    }
    (pictures, all_keys)
}

/// Decodes an inline image of iTerm2: a PNG.
fn iterm(output: &[u8]) -> Picture {
    let (image, _) = between(output, b"\x1b]1337;File=", b"\x07").unwrap();
    let (keys, data) = std::str::from_utf8(image).unwrap().split_once(':').unwrap();
    let file = STANDARD.decode(data).unwrap();
    assert!(keys.contains("inline=1") && keys.contains(&format!("size={}", file.len())), "{keys}");
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut raw = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut raw).unwrap();
    let channels = info.color_type.samples();
    let pixels = raw[..info.buffer_size()].chunks(channels).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    Picture { width: info.width as usize, height: info.height as usize, pixels }
}

/// Decodes sixels.
fn sixel(output: &[u8]) -> Picture {
    let (data, _) = between(output, b"\x1bP0;1;0q", b"\x1b\\").unwrap();
    let mut text = std::str::from_utf8(data).unwrap().chars().peekable();
    let numbers = |text: &mut std::iter::Peekable<std::str::Chars<'_>>| {
        let mut found = vec![0_usize];
        while let Some(c) = text.next_if(|c| c.is_ascii_digit() || *c == ';') {
            match c.to_digit(10) {
                Some(digit) => *found.last_mut().unwrap() = found.last().unwrap() * 10 + digit as usize,
                None => found.push(0),
            }
        }
        found
    };
    assert_eq!(text.next(), Some('"'));
    let [1, 1, width, height] = numbers(&mut text)[..] else { panic!("{output:?}") };
    let mut palette = BTreeMap::new();
    let mut pixels = vec![None; width * height];
    let (mut colour, mut x, mut y) = (0, 0, 0);
    while let Some(c) = text.next() {
        let (count, c) = if c == '!' { (numbers(&mut text)[0], text.next().unwrap()) } else { (1, c) };
        match c {
            '#' => match numbers(&mut text)[..] {
                [index, 2, r, g, b] => {
                    assert!(index < 256 && [r, g, b].iter().all(|part| *part <= 100));
                    palette.insert(index, [r, g, b].map(|part| ((part * 255 + 50) / 100) as u8));
                }
                [index] => colour = index,
                ref other => panic!("{other:?}"),
            },
            '$' => x = 0,
            '-' => (x, y) = (0, y + 6),
            '?'..='~' => {
                for x in x..x + count {
                    for bit in (0..6).filter(|bit| (u32::from(c) - 63) >> bit & 1 == 1) {
                        // Nothing lies outside, and no pixel has two colours.
                        assert!(x < width && y + bit < height, "{x} {y} {bit}");
                        assert!(pixels[(y + bit) * width + x].replace(palette[&colour]).is_none());
                    }
                }
                x += count;
            }
            other => panic!("{other:?}"),
        }
    }
    let pixels = pixels.into_iter().map(|pixel| pixel.expect("a colour for each pixel")).collect();
    Picture { width, height, pixels }
}

/// Publishes a picture of 20 × 30 pixels, each in a colour of its own; returns what is shown of it.
fn with_picture(dir: &TestDir, factor: usize) -> Picture {
    let colour = |y: usize, x: usize| [(x * 8) as u8, (y * 12) as u8, ((x + y) * 5) as u8];
    let bytes: Vec<u8> = (0..20 * 30).flat_map(|i| colour(i / 30, i % 30)).collect();
    dir.options().persist(true).create::<u8>("it").unwrap().write(&[20, 30, 3], &bytes).unwrap();
    scaled(20, 30, factor, colour)
}

fn scaled(height: usize, width: usize, factor: usize, colour: impl Fn(usize, usize) -> [u8; 3]) -> Picture {
    let (height, width) = (height * factor, width * factor);
    let pixels = (0..height * width).map(|i| colour(i / width / factor, i % width / factor)).collect();
    Picture { width, height, pixels }
}

/// Has a caption in its last line, below the picture.
fn has_caption(output: &[u8]) {
    let text = String::from_utf8_lossy(output);
    let last = text.trim_end().rsplit('\n').next().unwrap();
    assert!(last.starts_with("it  uint8 (20, 30, 3)"), "{last:?}");
}

#[test]
fn every_pixel_arrives() {
    let dir = TestDir::new();
    // 28 lines are left for the picture, of as many pixels as the terminal says.
    let wanted = with_picture(&dir, 560 / 20);
    let output = shown(&dir, &["view", "it"], KITTY);
    has_caption(&output);
    let (pictures, _) = kitty(&output);
    assert!(pictures == [wanted], "{} pictures", pictures.len());
    let output = shown(&dir, &["view", "it"], ITERM);
    has_caption(&output);
    assert!(iterm(&output) == with_picture(&dir, 448 / 20));
    let output = shown(&dir, &["view", "it", "--width", "20", "--height", "12"], ITERM);
    assert!(iterm(&output) == with_picture(&dir, 160 / 30));
}

#[test]
fn sixels_have_the_picture_s_colours_or_near_ones() {
    let dir = TestDir::new();
    // More colours than fit: they are mixed.
    let wanted = with_picture(&dir, 364 / 20);
    let output = shown(&dir, &["view", "it"], XTERM);
    has_caption(&output);
    let found = sixel(&output);
    assert_eq!((found.width, found.height), (wanted.width, wanted.height));
    for part in 0..3 {
        let sum = |picture: &Picture| picture.pixels.iter().map(|pixel| f64::from(pixel[part])).sum::<f64>();
        let difference = (sum(&found) - sum(&wanted)) / found.pixels.len() as f64;
        assert!(difference.abs() < 4.0, "{part}: {difference}");
    }
    // A heat map has 256 colours at most.
    let values: Vec<f32> = (0..400).map(|i| i as f32).collect();
    dir.options().persist(true).create::<f32>("heat").unwrap().write(&[20, 20], &values).unwrap();
    let [exact, found] = [
        kitty(&shown(&dir, &["view", "heat", "--width=60", "--height=28", "--graphics=kitty"], XTERM)).0.remove(0),
        sixel(&shown(&dir, &["view", "heat", "--width=60", "--height=28"], XTERM)),
    ];
    // 28 lines of 13 pixels, of which sixels take a multiple of six.
    assert_eq!((exact.width, exact.height, found.width, found.height), (360, 360, 360, 360));
    for (wanted, found) in exact.pixels.iter().zip(&found.pixels) {
        // They name colours in hundredths.
        assert!(wanted.iter().zip(found).all(|(a, b)| a.abs_diff(*b) <= 2), "{wanted:?} {found:?}");
    }
}

#[test]
fn other_terminals_get_characters() {
    let dir = TestDir::new();
    with_picture(&dir, 1);
    let is_text = |output: &[u8]| {
        let text = String::from_utf8_lossy(output);
        assert!(text.contains('\u{2580}') && !text.contains("\u{1b}P") && !text.contains("\u{1b}_"), "{text:?}");
        has_caption(output);
    };
    is_text(&shown(&dir, &["view", "it"], BARE));
    // Without an answer, with half of one, and with noise.
    for answers in ["", "\u{1b}[?62", "noise", &"\u{1b}[6;0;0t".repeat(400)] {
        is_text(&shown(&dir, &["view", "it"], answers));
    }
    // None of these asks.
    let asks_nothing = |args: &[&str], variables: &[(&str, &str)]| {
        let output = bytes(&terminal(&dir, args, "60", variables).exp_eof().unwrap());
        assert!(!output.windows(3).any(|window| window == LAST_QUESTION.as_bytes()));
        output
    };
    is_text(&asks_nothing(&["view", "it", "--graphics", "blocks"], &[]));
    is_text(&asks_nothing(&["view", "it"], &[("NDSH_GRAPHICS", "blocks")]));
    has_caption(&asks_nothing(&["view", "it", "--color", "never"], &[]));
    has_caption(&asks_nothing(&["view", "it"], &[("NO_COLOR", "1")]));
    has_caption(&asks_nothing(&["view", "it"], &[("TERM", "dumb")]));
    let wrong = dir.command(&["view", "it"]).env("NDSH_GRAPHICS", "crayons").output().unwrap();
    let text = String::from_utf8(wrong.stderr).unwrap();
    assert!(wrong.status.code() == Some(2) && text.contains("crayons") && text.contains("sixel"), "{text}");
    let output = bytes(&terminal(&dir, &["view", "it"], "soon", &[]).exp_eof().unwrap());
    assert!(String::from_utf8_lossy(&output).contains("NDSH_GRAPHICS_WAIT is \"soon\""));
}

#[test]
fn pictures_go_into_pipes_for_those_that_ask() {
    let dir = TestDir::new();
    let wanted = with_picture(&dir, 440 / 20);
    let run = |how: &str| dir.command(&["view", "it", "--graphics", how]).env_remove("NDSH_GRAPHICS").output().unwrap();
    let output = run("kitty");
    assert!(output.status.success() && output.stderr.is_empty());
    // 80 columns and 24 lines, with characters of 10 × 20 pixels.
    assert!(kitty(&output.stdout).0 == [wanted]);
    assert!(iterm(&run("iterm2").stdout) == with_picture(&dir, 22));
    assert_eq!(sixel(&run("sixel").stdout).height, 440 / 6 * 6 / 20 * 20);
    assert!(!run("auto").stdout.contains(&0x1b));
    // An empty array has no pixels.
    dir.options().persist(true).create::<u8>("empty").unwrap().write(&[0, 4, 3], &[]).unwrap();
    for how in ["kitty", "iterm2", "sixel"] {
        let output = dir.ok(&["view", "empty", "--graphics", how]);
        assert!(output.contains("empty") && !output.contains('\u{1b}'), "{output:?}");
    }
}

#[test]
fn a_screen_shows_one_picture_after_another() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("it").unwrap();
    let grey = |grey: u8| scaled(2, 4, 250, move |_, _| [grey; 3]);
    writer.write(&[2, 4], &[10; 8]).unwrap();
    let mut session = terminal(&dir, &["view", "it", "--follow"], "60", &[]);
    answer(&mut session, KITTY);
    let mut output = Vec::new();
    let mut next = |session: &mut PtySession| {
        let until = session.exp_string("m=0;").unwrap();
        let rest = session.exp_string("\u{1b}\\").unwrap();
        output.extend(bytes(&format!("{until}m=0;{rest}\u{1b}\\")));
    };
    next(&mut session);
    for value in [20, 30] {
        writer.write(&[2, 4], &[value; 8]).unwrap();
        next(&mut session);
    }
    // A signal is a curve, and the picture goes.
    writer.write(&[40], &[7; 40]).unwrap();
    let until = session.exp_string("a=d,d=I,i=1").unwrap();
    assert!(!until.contains("a=T"), "the picture has not been drawn again");
    session.send("q").unwrap();
    session.flush().unwrap();
    session.exp_eof().unwrap();
    let (pictures, keys) = kitty(&output);
    // 100 columns of ten pixels, and 29 lines of twenty.
    let wanted = [10, 20, 30].map(grey);
    assert!(pictures == wanted, "{:?}", pictures.iter().map(|p| (p.width, p.height)).collect::<Vec<_>>());
    assert_eq!(keys.matches("i=1,p=1,C=1").count(), 3, "each takes the place of the one before");
}
