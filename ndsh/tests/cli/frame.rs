//! Behaviour that all commands share.

use crate::support::TestDir;
use std::fs;
use std::process::Stdio;

#[test]
fn help_tells_of_commands_and_exit_codes() {
    let dir = TestDir::new();
    let help = dir.ok(&["--help"]);
    for word in ["ls", "info", "rm", "gc", "doctor", "completions", "man", "--dir", "--any-owner", "Exit codes:"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    assert_eq!(dir.ok(&["--version"]), format!("ndsh {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_is_2_and_told_on_stderr() {
    let dir = TestDir::new();
    for args in [&["fly"][..], &[], &["completions", "nonsuch"], &["--color", "sometimes", "man"]] {
        let ran = dir.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{args:?}");
        assert!(ran.stderr.contains("Usage:") || ran.stderr.contains("possible values"), "{}", ran.stderr);
    }
}

#[test]
fn shells_take_the_completions() {
    let dir = TestDir::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = dir.ok(&["completions", shell]);
        // The script asks the program each time; shells.rs has real ones take it.
        assert!(script.contains("ndsh") && script.contains("NDSH_COMPLETE"), "{shell}");
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let dir = TestDir::new();
    let page = dir.ok(&["man"]);
    assert!(page.contains(".TH ndsh 1") && page.contains("Exit codes"), "{page}");
    let sections = |page: &str| {
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"]
        {
            let title = page
                .lines()
                .position(|line| line.strip_prefix(".SH ").map(|name| name.trim_matches('"')) == Some(section));
            let Some(title) = title else { panic!("{section}: {page}") };
            assert!(
                page.lines().nth(title + 1).is_some_and(|line| !line.starts_with(".SH")),
                "{section} is empty: {page}"
            );
        }
        assert!(!page.contains(".SH EXTRA") && page.matches(".TH ").count() == 1, "{page}");
        for code in ["0", "9", "130"] {
            assert!(page.contains(&format!("\\fB{code}\\fR")), "{code}: {page}");
        }
    };
    sections(&page);
    dir.ok(&["man", "--out", dir.path().to_str().unwrap()]);
    let pages = dir.files();
    for page in ["ndsh.1", "ndsh-ls.1", "ndsh-doctor.1"] {
        assert!(pages.iter().any(|found| found == page), "{page}: {pages:?}");
    }
    assert_eq!(
        pages.len(),
        17 + usize::from(cfg!(feature = "web")),
        "one for each command, and one for all: {pages:?}"
    );
    for page in &pages {
        sections(&fs::read_to_string(dir.file(page)).unwrap());
    }
    let ran = dir.run(&["man", "--out", "/nowhere/at/all"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.starts_with("ndsh: cannot write the pages to /nowhere/at/all: "), "{}", ran.stderr);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let dir = TestDir::new();
    let mut child =
        dir.command(&["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
}

#[test]
fn ctrl_c_is_an_orderly_end() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("camera").unwrap();
    writer.write(&[1], &[1]).unwrap();
    let mut watch = dir.start(&["watch", "camera", "--interval", "0.1"]);
    assert!(!watch.line().is_empty());
    watch.interrupt();
    let ran = watch.end();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
}
