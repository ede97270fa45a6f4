//! `ndsh man`

use crate::examples::examples;
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
    /// Print the help of all commands as one Markdown document instead
    #[arg(long, conflicts_with = "out")]
    markdown: bool,
}

pub(crate) fn run(args: &Args, program: Command) -> Result<()> {
    let mut command = program.disable_help_subcommand(true);
    command.build();
    if args.markdown {
        return Ok(stdout().write_all(markdown(&command).as_bytes())?);
    }
    let Some(dir) = &args.out else {
        return Ok(stdout().write_all(&page(&command)?)?);
    };
    write_all(&command, dir).map_err(|failure| failure.context(format!("cannot write the pages to {}", dir.display())))
}

/// The help of a program and of all its commands, as it is printed.
fn markdown(command: &Command) -> String {
    let mut text = "# Reference of ndsh\n\nThe help of each command, as `ndsh COMMAND --help` prints it.\n".to_owned();
    let own = command.get_subcommands().filter(|command| !command.is_hide_set());
    for command in std::iter::once(command).chain(own) {
        let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
        let help = command.clone().term_width(WIDTH).render_long_help().to_string();
        let help: Vec<_> = help.trim().lines().map(str::trim_end).collect();
        text += &format!("\n## {name}\n\n```text\n{}\n```\n", help.join("\n"));
    }
    text
}

/// Columns of the Markdown document.
const WIDTH: usize = 100;

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

const ENVIRONMENT: [(&str, &str); 7] = [
    ("NDSHARRAY_DIR", "directory of the channels, where --dir does not name one; by default /dev/shm"),
    ("NO_COLOR", "when set and not empty, no colours; --color always overrules it"),
    ("CLICOLOR_FORCE", "when set and not empty, colours everywhere, in a pipe too"),
    ("COLORTERM", "truecolor or 24bit: the terminal shows 24-bit colours"),
    ("TERM", "what the terminal is: dumb has neither colours nor a screen to take"),
    (
        "NDSH_GRAPHICS",
        "how pictures get to the terminal, where --graphics does not say: auto, kitty, iterm2, sixel, blocks",
    ),
    ("NDSH_GRAPHICS_WAIT", "seconds to wait for a terminal that is asked about that; by default 1, at most 60"),
];

const FILES: [(&str, &str); 6] = [
    ("NAME.ndsh", "the board of the channel NAME: what is current"),
    ("NAME.ndsh-readers", "its reader table"),
    ("NAME.ndsh-types", "what its records consist of"),
    ("NAME.ndsh-HEX", "its values; HEX is the 32 digits of a version 4 UUID"),
    ("NAME.ndsa", "the shared array NAME"),
    ("NAME, NAME_HEX", "the channel NAME of Python's ndsharray: its tag, and its values"),
];
