//! Styles, pictures and scripts: in the binary, under names that change with what they hold, so
//! that a browser keeps them for ever.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

struct Asset {
    content_type: &'static str,
    bytes: &'static [u8],
    path: String,
}

/// One file: htmx begins in a moment of its own choosing, and an extension that a second file
/// brings later than that is never asked.
const SCRIPT: &str =
    concat!(include_str!("../assets/htmx.min.js"), "\n", include_str!("../assets/hx-sse.min.js"));

const FILES: [(&str, &str, &[u8]); 6] = [
    ("style.css", "text/css; charset=utf-8", include_bytes!("../assets/style.css")),
    ("icons.svg", "image/svg+xml", include_bytes!("../assets/icons.svg")),
    ("favicon.svg", "image/svg+xml", include_bytes!("../assets/favicon.svg")),
    ("draft.js", "text/javascript; charset=utf-8", include_bytes!("../assets/draft.js")),
    ("said.js", "text/javascript; charset=utf-8", include_bytes!("../assets/said.js")),
    ("htmx.js", "text/javascript; charset=utf-8", SCRIPT.as_bytes()),
];

/// `style.css` is served as `/assets/<hash>-style.css`.
static ASSETS: LazyLock<BTreeMap<&str, Asset>> = LazyLock::new(|| {
    let assets = FILES.into_iter().map(|(name, content_type, bytes)| {
        let mut path = "/assets/".to_owned();
        for byte in &Sha256::digest(bytes)[..8] {
            write!(path, "{byte:02x}").ok();
        }
        write!(path, "-{name}").ok();
        (name, Asset { content_type, bytes, path })
    });
    assets.collect()
});

/// Where a file is served.
#[must_use]
pub fn path(name: &str) -> &'static str {
    ASSETS.get(name).map_or("", |asset| &asset.path)
}

/// Serves them.
pub fn router() -> Router {
    Router::new().route("/assets/{name}", get(asset))
}

async fn asset(Path(name): Path<String>) -> Response {
    let wanted = format!("/assets/{name}");
    let Some(asset) = ASSETS.values().find(|asset| asset.path == wanted) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (CONTENT_TYPE, asset.content_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, asset.bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_hash_of_what_it_holds() {
        let path = path("style.css");
        assert!(path.starts_with("/assets/") && path.ends_with("-style.css"), "{path}");
        assert_eq!(path.len(), "/assets/".len() + 16 + "-style.css".len());
    }

    /// The README says which release of htmx this is, and by what that is seen.
    #[test]
    fn what_others_wrote_is_as_the_readme_says() {
        let readme = include_str!("../README.md");
        for (name, script) in [
            ("htmx.min.js", include_bytes!("../assets/htmx.min.js").as_slice()),
            ("hx-sse.min.js", include_bytes!("../assets/hx-sse.min.js")),
        ] {
            let mut hash = String::new();
            for byte in Sha256::digest(script) {
                write!(hash, "{byte:02x}").ok();
            }
            assert!(readme.contains(&hash), "{name} has the SHA-256 {hash}");
        }
    }
}
