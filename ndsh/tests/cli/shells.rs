//! TAB in real shells, and commands of other programs.

use crate::support::{Ran, TIMEOUT, TestDir};
use rexpect::session::{PtySession, spawn_command};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// A PATH that begins with `first`, then has this program, then the system's.
fn path(first: &Path) -> String {
    let own = Path::new(env!("CARGO_BIN_EXE_ndsh")).parent().unwrap();
    format!("{}:{}:{}", first.display(), own.display(), std::env::var("PATH").unwrap())
}

/// A directory with channels whose names can be completed.
fn with_channels() -> TestDir {
    let dir = TestDir::new();
    for name in ["camera.left", "camera.right", "imu", "it's odd"] {
        dir.options().persist(true).create::<u8>(name).unwrap().write(&[1], &[1]).unwrap();
    }
    fs::write(dir.file("recorded.npz"), "").unwrap();
    dir
}

/// Starts an interactive shell, with the completions loaded.
fn shell(dir: &TestDir, program: &str, args: &[&str], load: &str) -> PtySession {
    // Where the terminal does not echo, bash shows nothing of what is typed.
    let mut command = Command::new("sh");
    command.args(["-c", "stty echo && exec \"$0\" \"$@\"", program]).args(args);
    dir.settings(&mut command).current_dir(dir.path()).env("PATH", path(dir.path())).env("TERM", "dumb");
    command.env("HOME", dir.path()).env_remove("ENV").env_remove("BASH_ENV").env("PS1", "> ");
    let mut session = spawn_command(command, Some(TIMEOUT.as_millis() as u64)).unwrap();
    session.send_line(load).unwrap();
    // In two parts, so that the echo of the command is not what is waited for.
    session.send_line("echo load''ed").unwrap();
    session.exp_string("loaded").unwrap();
    session
}

/// Types a beginning and TAB, and waits for the rest of the word.
fn completes(session: &mut PtySession, typed: &str, word: &str) {
    session.send(&format!("{typed}\t")).unwrap();
    session.flush().unwrap();
    session.exp_string(word).unwrap_or_else(|error| panic!("{typed:?} becomes {word:?}: {error}"));
    // Ctrl-U clears the line.
    session.send_control('u').unwrap();
    session.send_line("echo next''one").unwrap();
    session.exp_string("nextone").unwrap();
}

/// What any of the three shells completes.
fn everything(session: &mut PtySession) {
    for (typed, word) in [
        ("ndsh doc", "ndsh doctor"),
        ("ndsh info im", "ndsh info imu"),
        ("ndsh echo camera.l", "ndsh echo camera.left"),
        ("ndsh rm imu camera.r", "ndsh rm imu camera.right"),
        ("ndsh put new --dtype complex6", "ndsh put new --dtype complex64"),
        ("ndsh play new recor", "ndsh play new recorded.npz"),
        ("ndsh get imu x --for", "ndsh get imu x --format"),
        ("ndsh view imu --colormap vir", "ndsh view imu --colormap viridis"),
    ] {
        completes(session, typed, word);
    }
    // A shell at a terminal outlives a polite signal.
    session.send_line("exit").unwrap();
    session.exp_eof().unwrap();
}

#[test]
fn bash_completes_names_dtypes_and_files() {
    let dir = with_channels();
    let args = ["--norc", "--noprofile", "-i"];
    let mut session = shell(&dir, "bash", &args, "source <(ndsh completions bash)");
    everything(&mut session);
}

#[test]
#[ignore = "needs zsh; `.ci/run cli` runs it"]
fn zsh_completes_names_dtypes_and_files() {
    let dir = with_channels();
    let load = "unsetopt zle_bracketed_paste; autoload -U compinit && compinit -u -D; source <(ndsh completions zsh)";
    let mut session = shell(&dir, "zsh", &["-f", "-i"], load);
    everything(&mut session);
}

const FLOATS: [&str; 6] = ["float16", "float32", "float64", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu"];

/// Fish says what it would offer.
#[test]
#[ignore = "needs fish; `.ci/run cli` runs it"]
fn fish_completes_names_dtypes_and_files() {
    let dir = with_channels();
    let ask = |line: &str| {
        let script = format!("ndsh completions fish | source; complete --do-complete '{line}'");
        let mut command = Command::new("fish");
        dir.settings(command.args(["--no-config", "-c", &script]));
        command.current_dir(dir.path()).env("PATH", path(dir.path())).env("HOME", dir.path());
        let ran: Ran = command.output().unwrap().into();
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
        let words = ran.stdout.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned());
        words.collect::<Vec<_>>()
    };
    assert_eq!(ask("ndsh doc"), ["doctor"]);
    assert_eq!(ask("ndsh info cam"), ["camera.left", "camera.right"]);
    assert_eq!(ask("ndsh rm imu im"), ["imu"]);
    assert_eq!(ask("ndsh put new --dtype float"), FLOATS);
    assert_eq!(ask("ndsh play new recor"), ["recorded.npz"]);
    assert_eq!(ask("ndsh view imu --colormap vir"), ["viridis"]);
}

/// What the shells ask for, without a shell.
#[test]
fn names_come_from_the_directory_of_the_command_line() {
    let (dir, other) = (with_channels(), TestDir::new());
    other.put_value();
    let ask = |words: &[&str]| {
        let mut command = dir.command(&[]);
        let ran: Ran = command.args(["--", "ndsh"]).args(words).env("NDSH_COMPLETE", "fish").output().unwrap().into();
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{words:?}");
        ran.stdout
    };
    assert_eq!(ask(&["info", "c"]), "camera.left\tchannel\ncamera.right\tchannel\n");
    assert_eq!(ask(&["info", "--dir", other.path().to_str().unwrap(), ""]).lines().next(), Some("from\tchannel"));
    assert!(!ask(&["info", "i"]).contains("odd"), "a name that needs quotes");
    assert_eq!(ask(&["info", "--dir", "/nowhere/at/all", "c"]), "");
    assert!(ask(&["echo", "imu", "--raw", "uint8"]).contains("uint8:"));
}

/// Puts a script on the PATH of a directory.
fn script(dir: &TestDir, name: &str, mode: u32) {
    let text = "#!/bin/sh\necho \"$NDSHARRAY_DIR|$NO_COLOR|$#|$1|$2\"\nexit 42\n";
    fs::write(dir.file(name), text).unwrap();
    fs::set_permissions(dir.file(name), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn unknown_commands_are_other_programs() {
    let dir = TestDir::new();
    script(&dir, "ndsh-foo", 0o755);
    script(&dir, "ndsh-ls", 0o755);
    script(&dir, "ndsh-plain", 0o644);
    let run = |args: &[&str]| {
        let ran: Ran = dir.command(args).env("PATH", path(dir.path())).output().unwrap().into();
        (ran.code, ran.stdout, ran.stderr)
    };
    let own = dir.path().to_str().unwrap();
    assert_eq!(run(&["foo", "a b", "--more"]), (42, format!("{own}||2|a b|--more\n"), String::new()));
    assert_eq!(run(&["foo"]), (42, format!("{own}||0||\n"), String::new()));
    assert_eq!(run(&["foo", "--help"]), (42, format!("{own}||1|--help|\n"), String::new()));
    let (_, shown, _) = run(&["--dir", "/else/where", "--any-owner", "--color=never", "foo", "x"]);
    assert_eq!(shown, "/else/where|1|2|--any-owner|x\n");
    assert_eq!(run(&["--dir", "foo", "foo", "y"]).1, "foo||1|y|\n");
    // Own commands come first, and what is no program is none.
    assert_ne!(run(&["ls"]).0, 42);
    for bad in ["plain", "bar", "../foo", "-x"] {
        let (code, shown, told) = run(&[bad]);
        assert_eq!((code, shown.as_str()), (2, ""), "{bad}: {told}");
    }
    assert!(run(&["eco", "x"]).2.contains("'echo'"), "a typo gets a suggestion");
    let help = run(&["--help"]).1;
    assert!(help.contains("Commands of other programs:\n") && help.contains("  foo  "), "{help}");
    assert!(!help.contains("ndsh-plain"), "{help}");
    let mut command = dir.command(&["--help"]);
    let help: Ran = command.env("PATH", "/nowhere").output().unwrap().into();
    assert!(!help.stdout.contains("other programs"), "{help:?}");
}

/// `docs/ndsh.md` is what the help says.
#[test]
fn the_reference_is_the_help() {
    let dir = TestDir::new();
    let own = dir.ok(&["man", "--markdown"]);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ndsh.md");
    let found = fs::read_to_string(&file).unwrap();
    assert!(
        found == own,
        "the help has changed: `cargo run -p ndsh -- man --markdown > docs/ndsh.md` renews docs/ndsh.md"
    );
    let sections = own.lines().filter(|line| line.starts_with("## ndsh ")).count();
    let examples = own.lines().filter(|line| *line == "Examples:").count();
    assert_eq!(sections + 1, examples, "each help has examples, that of the program too");
    assert!(sections >= 15, "{sections}");
}
