//! The commands, one file each.

mod completions;
mod doctor;
mod echo;
mod gc;
mod get;
mod info;
mod ls;
mod man;
mod play;
mod put;
mod record;
mod rm;
mod stat;
mod top;
mod view;
mod watch;
#[cfg(feature = "web")]
mod web;

use crate::advice::Situation;
use crate::args::Globals;
use crate::failure::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Command {
    Ls(ls::Args),
    Top(top::Args),
    Info(info::Args),
    Echo(echo::Args),
    Stat(stat::Args),
    Watch(watch::Args),
    View(view::Args),
    #[cfg(feature = "web")]
    Web(web::Args),
    Get(get::Args),
    Put(put::Args),
    Record(record::Args),
    Play(play::Args),
    Rm(rm::Args),
    Gc(gc::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    /// What the command is about, for advice when it fails.
    pub(crate) fn situation<'a>(&'a self, globals: &'a Globals) -> Situation<'a> {
        let (command, name) = match self {
            Self::Ls(_) => ("ls", None),
            Self::Top(_) => ("top", None),
            Self::Info(args) => ("info", Some(&args.name)),
            Self::Echo(args) => ("echo", Some(&args.from.name)),
            Self::Stat(args) => ("stat", Some(&args.from.name)),
            Self::Watch(args) => ("watch", args.names.first().filter(|_| args.names.len() == 1)),
            Self::View(args) => ("view", Some(&args.from.name)),
            #[cfg(feature = "web")]
            Self::Web(_) => ("web", None),
            Self::Get(args) => ("get", Some(&args.from.name)),
            Self::Put(args) => ("put", Some(&args.name)),
            Self::Record(args) => ("record", args.name()),
            Self::Play(args) => ("play", args.name()),
            // Each failure names its own channel or array.
            Self::Rm(_) => ("rm", None),
            Self::Gc(_) => ("gc", None),
            Self::Doctor(_) => ("doctor", None),
            Self::Completions(_) => ("completions", None),
            Self::Man(_) => ("man", None),
        };
        let could_force = matches!(self, Self::Rm(args) if !args.force);
        Situation { globals, command, name: name.map(String::as_str), could_force }
    }

    /// Runs it. `program` describes the whole command line, for completions and manual pages.
    pub(crate) fn run(&self, globals: &Globals, program: fn() -> clap::Command) -> Result<()> {
        match self {
            Self::Ls(args) => ls::run(args, globals),
            Self::Top(args) => top::run(args, globals),
            Self::Info(args) => info::run(args, globals),
            Self::Rm(args) => rm::run(args, globals),
            Self::Gc(args) => gc::run(args, globals),
            Self::Doctor(args) => doctor::run(args, globals),
            Self::Echo(args) => echo::run(args, globals),
            Self::Stat(args) => stat::run(args, globals),
            Self::Watch(args) => watch::run(args, globals),
            Self::View(args) => view::run(args, globals),
            #[cfg(feature = "web")]
            Self::Web(args) => web::run(args, globals),
            Self::Get(args) => get::run(args, globals),
            Self::Put(args) => put::run(args, globals),
            Self::Record(args) => record::run(args, globals),
            Self::Play(args) => play::run(args, globals),
            Self::Completions(args) => completions::run(args),
            Self::Man(args) => man::run(args, program()),
        }
    }
}
