//! What becomes of a run: Markdown and plots in a folder.

mod columns;
mod plots;
mod summary;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::harness::figure::Figure;
use crate::harness::goal::{self, Goal};
use crate::harness::table::Table;

/// All that a run found.
pub(crate) struct Run {
    /// Date, machine, versions, settings.
    pub(crate) preface: String,
    pub(crate) tables: Vec<Table>,
    pub(crate) goals: Vec<Goal>,
    pub(crate) figures: Vec<Figure>,
}

/// Writes `results.md`, `summary.md` and the plots into `dir`.
pub(crate) fn write(run: &Run, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let summary = summary::markdown(&run.figures);
    let plots = plots::draw(&run.figures, dir)?;

    let mut text = format!("# ndsharray and its rivals\n\n{}\n", run.preface);
    text.push_str(
        "How this was measured and what each figure leaves out stands in the [README](../peers/README.md).\n\n",
    );
    text.push_str(&format!("## In short\n\n{summary}\n"));
    for plot in &plots {
        text.push_str(&format!("![{}]({})\n\n", plot.title, plot.file));
    }
    text.push_str(&format!("{}\n", goal::table(&run.goals)));
    text.push_str("## Everything\n\n");
    for table in &run.tables {
        text.push_str(&format!("{table}\n"));
    }
    save(dir, "results.md", text.trim_end())?;
    save(dir, "summary.md", &format!("{}\n{}", run.preface, summary.trim_end()))
}

fn save(dir: &Path, name: &str, text: &str) -> Result<()> {
    let path = dir.join(name);
    fs::write(&path, format!("{text}\n")).with_context(|| format!("{} cannot be written", path.display()))
}
