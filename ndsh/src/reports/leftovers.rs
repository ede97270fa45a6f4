//! What is left of channels and arrays that no process uses.

use super::summary::state;
use ndsharray::inspect::{ChannelState, Details, Kind, Life, Report};
use ndsharray::{Error, HeaderError};

/// Returns why `gc` leaves something alone that no process uses; `None` if it may go.
///
/// With `all`, what was left on purpose may go too.
pub(crate) fn reason_to_stay(report: &Report, all: bool) -> Option<String> {
    for problem in &report.problems {
        match &problem.error {
            // Another version may tell the living from the dead in another way. Without the magic
            // it is no file of ndsharray's at all.
            Error::Corrupt(HeaderError::Version { .. } | HeaderError::ByteOrder { .. } | HeaderError::Magic { .. })
            | Error::ForeignOwner { .. }
            | Error::PermissionDenied { .. } => return Some(problem.to_string()),
            _ => {}
        }
    }
    if report.is_in_use().is_none() {
        return Some("the kernel cannot say which processes live".to_owned());
    }
    if all {
        return None;
    }
    if state(report) == Some(ChannelState::Kept) {
        return Some("its writer has kept it (--all removes it too)".to_owned());
    }
    // An array lives until it is removed. A handle that is still in the table died without closing
    // it.
    let died = report.readers.iter().any(|reader| reader.owner.life == Life::Gone);
    let unfinished = matches!(report.details, Details::Array { lock: None });
    if report.kind == Kind::Array && !died && !unfinished {
        return Some("all its handles have closed it (--all removes it too)".to_owned());
    }
    None
}
