//! The section `[files]` of an edge's configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use bootstrap::Within;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::FilesSettings;

const MIB: u64 = 1024 * 1024;

/// What accounts keep here.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FilesConfig {
    /// Where links are answered.
    pub listen: SocketAddr,
    /// What links begin with.
    #[serde(deserialize_with = "bootstrap::public_url")]
    pub public_url: String,
    /// Where the bytes lie.
    pub folder: PathBuf,
    /// A file's size, at most.
    pub file_mib: Within<1, 1_048_576>,
    /// What an account's files may take.
    pub account_mib: Within<1, 1_073_741_824>,
    /// After so long a file that no command named goes.
    pub unlinked_hours: Within<1, 8_760>,
}

impl FilesConfig {
    /// What these say, for an edge that is reached by `edge_url`, which the key `edge_key` names.
    ///
    /// # Errors
    /// A file that ran in a browser would stand where the edge does.
    pub fn settings(&self, edge_key: &str, edge_url: &str) -> anyhow::Result<FilesSettings> {
        let (edge, own) = (Url::parse(edge_url)?, Url::parse(&self.public_url)?);
        anyhow::ensure!(
            edge.origin() != own.origin() && own.path() == "/",
            "`files.public_url` must be another origin than `{edge_key}` and have no path: give it \
             a port or a host of its own"
        );
        Ok(FilesSettings {
            origin: self.public_url.clone(),
            folder: self.folder.clone(),
            file_bytes: u64::from(self.file_mib.get()) * MIB,
            account_bytes: u64::from(self.account_mib.get()) * MIB,
            unlinked: self.unlinked_hours.hours(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_have_an_origin_of_their_own() {
        let config = |public_url: &str| -> FilesConfig {
            let section = serde_json::json!({ "listen": "127.0.0.1:1", "public_url": public_url,
                "folder": "/", "file_mib": 1, "account_mib": 2, "unlinked_hours": 3 });
            serde_json::from_value(section).unwrap()
        };
        for (public_url, edge_url, fits) in [
            ("https://files.example", "https://desk.example", true),
            ("https://desk.example:8443", "https://desk.example", true),
            ("https://desk.example", "https://desk.example", false),
            ("https://DESK.example:443", "https://desk.example", false),
            ("https://files.example/f", "https://desk.example", false),
        ] {
            let settings = config(public_url).settings("api.public_url", edge_url);
            assert_eq!(settings.is_ok(), fits, "{public_url} beside {edge_url}");
        }
        let settings = config("https://files.example").settings("x", "https://x.example").unwrap();
        assert_eq!((settings.file_bytes, settings.account_bytes), (MIB, 2 * MIB));
        assert_eq!(settings.unlinked.as_secs(), 3 * 60 * 60);
    }
}
