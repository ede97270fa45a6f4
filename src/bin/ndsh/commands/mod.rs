//! The commands, one file each.

mod completions;
mod doctor;
mod gc;
mod info;
mod ls;
mod man;
mod rm;

use crate::args::Globals;
use crate::failure::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Command {
    Ls(ls::Args),
    Info(info::Args),
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
            Self::Completions(args) => completions::run(args),
            Self::Man(args) => man::run(args),
        }
    }
}
