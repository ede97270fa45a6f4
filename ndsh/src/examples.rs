//! Examples of each command, for help and manual pages.

/// Examples of a command; for the program itself, a tour.
pub(crate) fn examples(command: &str) -> Vec<(&'static str, &'static str)> {
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
            ("ndsh view camera --graphics sixel > camera.six", "its pixels, for a terminal with sixels"),
            ("ndsh view imu --follow", "signals as curves, as they come, until q"),
            ("ndsh view volume --index 3,.. --png slice.png", "a slice, in a file"),
        ],
        "web" => vec![
            ("ndsh web", "a page on http://127.0.0.1:6374/ with all channels"),
            ("ndsh web 'cam*' --listen 127.0.0.1:0", "some of them, on any free port"),
            ("ssh -L 6374:127.0.0.1:6374 robot ndsh web", "the page of another machine, encrypted"),
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
            ("ndsh record --every 'cam*' imu today.mcap", "each value of several channels, until Ctrl-C"),
            ("ndsh record camera today/ --seconds 60", "a minute, one .npy for each value"),
            ("ndsh record camera today.npz --count 100", "a hundred values, in one file"),
        ],
        "play" => vec![
            ("ndsh play today.mcap --list", "what it has"),
            ("ndsh play today.mcap", "all channels, with their original timing; space pauses"),
            ("ndsh play today.mcap --only 'cam*' --prefix replay. --start 10 --speed 0.5", "some of it, slowly"),
            ("ndsh play camera today.npz --loop", "one channel, again and again"),
        ],
        "rm" => vec![("ndsh rm camera matrix", "two channels or arrays that no process has")],
        "gc" => vec![
            ("ndsh gc --dry-run", "what would be removed"),
            ("ndsh gc --all --verbose", "also what was left on purpose; what stays is listed too"),
        ],
        "doctor" => vec![("ndsh doctor || echo broken", "checks this machine, container and user")],
        "completions" => vec![
            ("source <(ndsh completions bash)", "in ~/.bashrc; for zsh the same with zsh, in ~/.zshrc after compinit"),
            ("ndsh completions fish > ~/.config/fish/completions/ndsh.fish", "for fish"),
        ],
        "man" => vec![
            ("ndsh man --out ~/.local/share/man/man1", "all pages"),
            ("ndsh man --markdown > ndsh.md", "the help of all commands, in one document"),
        ],
        _ => vec![
            ("ndsh ls", "what there is"),
            ("ndsh watch camera", "live figures of the channel camera"),
            ("ndsh view camera --follow", "its pictures, as they come"),
            ("ndsh record camera today.mcap --seconds 60", "a minute of it"),
            ("ndsh gc", "clears away what dead processes have left"),
        ],
    }
}

/// The examples as they stand at the end of help.
pub(crate) fn help(command: &str) -> String {
    let lines = examples(command).into_iter().map(|(line, meaning)| format!("\n  {line}\n      {meaning}"));
    format!("Examples:{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_command_has_examples_of_its_own() {
        let tour = examples("");
        for command in crate::cli::Cli::command().get_subcommands() {
            let own = examples(command.get_name());
            assert!(!own.is_empty() && own != tour, "{}", command.get_name());
        }
    }
}
