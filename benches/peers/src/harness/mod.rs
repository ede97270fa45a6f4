//! What every measurement needs and no contender knows about.

pub(crate) mod child;
pub(crate) mod clock;
pub(crate) mod cores;
pub(crate) mod figure;
pub(crate) mod goal;
pub(crate) mod machine;
pub(crate) mod place;
pub(crate) mod process;
pub(crate) mod race;
pub(crate) mod stats;
pub(crate) mod table;
