//! Wrong arguments, reported like all other errors.

use crate::failure::{Exit, Failure};
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

/// Turns clap's error into a failure; `None` for what is no error, such as `--help`.
pub(crate) fn failure(error: &Error) -> Option<Failure> {
    if !error.use_stderr() {
        return None;
    }
    let text = error.render().to_string();
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Some(Failure::new(Exit::Usage, "no command is given").explain(text.trim_end()));
    }
    // The message comes first, then tips and the usage, with empty lines between them.
    let mut parts = text.split("\n\n");
    let message = parts.next().unwrap_or_default().trim();
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let message = message.split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
    let mut advice: Vec<String> =
        text.lines().filter_map(|line| line.trim().strip_prefix("tip: ")).map(str::to_owned).collect();
    advice.push(format!("`{} --help` tells how it is used", command(error)));
    let failure = Failure::new(Exit::Usage, message).advise(advice.join("; "));
    Some(match usage(error) {
        Some(usage) => failure.explain(usage),
        None => failure,
    })
}

/// Returns the usage on one line.
fn usage(error: &Error) -> Option<String> {
    match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => {
            Some(usage.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
        }
        _ => None,
    }
}

/// Returns the program's name, and the command if clap recognised one.
fn command(error: &Error) -> String {
    let usage = usage(error).unwrap_or_default();
    let words = usage.trim_start_matches("Usage:").split_whitespace();
    let command: Vec<_> = words.take_while(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())).collect();
    if command.is_empty() { "ndsh".to_owned() } else { command.join(" ") }
}
