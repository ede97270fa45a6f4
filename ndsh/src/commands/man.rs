//! `ndsh man`

use crate::failure::{CODES, Failure, Result};
use crate::output::stdout;
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Print the manual page
///
/// For example, `ndsh man > ~/.local/share/man/man1/ndsh.1`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write the pages of all commands to this directory instead
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, program: Command) -> Result<()> {
    let mut command = program.disable_help_subcommand(true);
    command.build();
    let Some(dir) = &args.out else {
        return Ok(stdout().write_all(&page(&command)?)?);
    };
    write_all(&command, dir).map_err(|failure| failure.context(format!("cannot write the pages to {}", dir.display())))
}

/// Writes the page of a command, and those of its subcommands.
fn write_all(command: &Command, dir: &Path) -> Result<()> {
    let name = Man::new(command.clone()).get_filename();
    std::fs::write(dir.join(name), page(command)?).map_err(Failure::from)?;
    let own = command.get_subcommands().filter(|command| !command.is_hide_set());
    own.cloned().try_for_each(|command| write_all(&command, dir))
}

fn page(command: &Command) -> Result<Vec<u8>> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut rest = Roff::new();
    rest.control("SH", ["EXIT STATUS"]);
    rest.text([roman("Exit codes, once given, keep their meaning.")]);
    entries(&mut rest, CODES.iter().map(|(code, meaning)| (code.to_string(), *meaning)));
    section(&mut rest, "ENVIRONMENT", ENVIRONMENT);
    section(&mut rest, "FILES", FILES);
    section(&mut rest, "EXAMPLES", examples(command.get_name()));
    page.extend(rest.render().into_bytes());
    man.render_version_section(&mut page)?;
    // Each part begins with the same definition of an apostrophe, which a page needs once.
    let page = String::from_utf8_lossy(&page);
    let definition: String = page.split_inclusive('\n').take(2).collect();
    Ok(format!("{definition}{}", page.replace(&definition, "")).into_bytes())
}

/// Adds a section of terms and their meanings.
fn section<S: Into<String>>(page: &mut Roff, title: &str, entries: impl IntoIterator<Item = (S, &'static str)>) {
    page.control("SH", [title]);
    self::entries(page, entries);
}

fn entries<S: Into<String>>(page: &mut Roff, entries: impl IntoIterator<Item = (S, &'static str)>) {
    for (term, meaning) in entries {
        page.control("TP", []);
        page.text([bold(term.into())]);
        page.text([roman(meaning)]);
    }
}

const ENVIRONMENT: [(&str, &str); 5] = [
    ("NDSHARRAY_DIR", "directory of the channels, where --dir does not name one; by default /dev/shm"),
    ("NO_COLOR", "when set and not empty, no colours; --color always overrules it"),
    ("CLICOLOR_FORCE", "when set and not empty, colours everywhere, in a pipe too"),
    ("COLORTERM", "truecolor or 24bit: the terminal shows 24-bit colours"),
    ("TERM", "what the terminal is: dumb has neither colours nor a screen to take"),
];

const FILES: [(&str, &str); 5] = [
    ("NAME.ndsh", "the board of the channel NAME: what is current"),
    ("NAME.ndsh-readers", "its reader table"),
    ("NAME.ndsh-HEX", "its values; HEX is the 32 digits of a version 4 UUID"),
    ("NAME.ndsa", "the shared array NAME"),
    ("NAME, NAME_HEX", "the channel NAME of Python's ndsharray: its tag, and its values"),
];

/// Examples of a command; for the program itself, a tour.
fn examples(command: &str) -> Vec<(&'static str, &'static str)> {
    match command {
        "ls" => vec![
            ("ndsh ls", "what there is, as a table that fits the window"),
            ("ndsh ls 'cam*'", "channels whose names begin with cam"),
            ("ndsh ls -q | xargs -n1 ndsh stat", "something for each name"),
        ],
        "top" => vec![("ndsh top --sort memory", "all channels, the largest first, until q")],
        "info" => vec![("ndsh info camera", "slots, readers and files of the channel camera")],
        "echo" => vec![
            ("ndsh echo matrix", "the numbers, as NumPy prints them"),
            ("ndsh echo camera --index 100:110,200,:", "a part of a picture"),
            ("ndsh echo imu --follow --csv > imu.csv", "a line for each value"),
        ],
        "stat" => vec![("ndsh stat camera --json | jq .values.mean", "one figure of the current value")],
        "watch" => vec![
            ("ndsh watch camera", "rate, age and figures on a screen"),
            ("ndsh watch left right imu", "several channels, a line each"),
            ("ndsh watch camera --json --count 1", "one JSON object, after a second"),
        ],
        "view" => vec![
            ("ndsh view camera", "the current value as a picture"),
            ("ndsh view volume --index 3,.. --png slice.png", "a slice, in a file"),
        ],
        "get" => vec![
            ("ndsh get camera now.npy", "the current value"),
            ("ndsh get camera - --follow | consumer", "one .npy after another, until the writer closes the channel"),
            ("ndsh get camera - --format raw --follow | ffplay -f rawvideo ... -", "elements alone"),
        ],
        "put" => vec![
            ("ndsh put camera frame.npy", "a value that stays when the command has ended"),
            ("ndsh put gains --value '[[1, 2], [3, 4]]' --dtype f4", "an array from the command line"),
            ("ndsh put camera --test-pattern 1280x720", "moving bars, to try things out"),
            ("ffmpeg ... -f rawvideo - | ndsh put camera - --raw uint8:720x1280x3", "pictures of another program"),
            ("ndsh put camera clip.npy --split --loop --rate 30", "30 pictures a second, until Ctrl-C"),
        ],
        "record" => vec![
            ("ndsh record camera today/ --seconds 60", "a minute, one .npy for each value"),
            ("ndsh record camera today.npz --count 100", "a hundred values, in one file"),
        ],
        "play" => vec![("ndsh play camera today.npz --loop", "with its original timing, again and again")],
        "rm" => vec![("ndsh rm camera matrix", "two channels or arrays that no process has")],
        "gc" => vec![
            ("ndsh gc --dry-run", "what would be removed"),
            ("ndsh gc --all --verbose", "also what was left on purpose; what stays is listed too"),
        ],
        "doctor" => vec![("ndsh doctor || echo broken", "checks this machine, container and user")],
        "completions" => vec![("ndsh completions bash > ~/.local/share/bash-completion/completions/ndsh", "for bash")],
        "man" => vec![("ndsh man --out ~/.local/share/man/man1", "all pages")],
        _ => vec![
            ("ndsh ls", "what there is"),
            ("ndsh watch camera", "live figures of the channel camera"),
            ("ndsh view camera --follow", "its pictures, as they come"),
            ("ndsh record camera today.npz --seconds 60", "a minute of it"),
            ("ndsh gc", "clears away what dead processes have left"),
        ],
    }
}
