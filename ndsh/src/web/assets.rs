//! The files of the page, all of which are in the program.

use super::drawing::colormaps;
use std::borrow::Cow;

/// A file of the page: its kind and content; `None` if there is no such file.
pub(super) fn asset(path: &str) -> Option<(&'static str, Cow<'static, [u8]>)> {
    let script = "text/javascript; charset=utf-8";
    let (kind, text) = match path {
        "/" => ("text/html; charset=utf-8", include_str!("page/index.html")),
        "/style.css" => ("text/css; charset=utf-8", include_str!("page/style.css")),
        "/app.js" => (script, include_str!("page/app.js")),
        "/pane.js" => (script, include_str!("page/pane.js")),
        "/draw.js" => (script, include_str!("page/draw.js")),
        "/text.js" => (script, include_str!("page/text.js")),
        "/icon.svg" => ("image/svg+xml", include_str!("page/icon.svg")),
        "/colormaps" => return Some(("application/octet-stream", Cow::Owned(colormaps()))),
        _ => return None,
    };
    Some((kind, Cow::Borrowed(text.as_bytes())))
}
