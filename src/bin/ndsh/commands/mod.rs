//! The commands, one file each.

mod completions;
mod doctor;
mod gc;
mod get;
mod info;
mod ls;
mod man;
mod play;
mod put;
mod record;
mod rm;
mod view;
mod watch;

use crate::args::Globals;
use crate::failure::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Command {
    Ls(ls::Args),
    Info(info::Args),
    Watch(watch::Args),
    View(view::Args),
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
    pub(crate) fn run(&self, globals: &Globals) -> Result<()> {
        match self {
            Self::Ls(args) => ls::run(args, globals),
            Self::Info(args) => info::run(args, globals),
            Self::Rm(args) => rm::run(args, globals),
            Self::Gc(args) => gc::run(args, globals),
            Self::Doctor(args) => doctor::run(args, globals),
            Self::Watch(args) => watch::run(args, globals),
            Self::View(args) => view::run(args, globals),
            Self::Get(args) => get::run(args, globals),
            Self::Put(args) => put::run(args, globals),
            Self::Record(args) => record::run(args, globals),
            Self::Play(args) => play::run(args, globals),
            Self::Completions(args) => completions::run(args),
            Self::Man(args) => man::run(args),
        }
    }
}
