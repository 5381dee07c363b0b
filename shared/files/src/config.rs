//! The section `[files]` of an edge's configuration.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use bootstrap::{Secret, Within};
use object_store::path::Path;
use serde::{Deserialize, Deserializer, Serialize, de};
use url::{Host, Url};

use crate::FilesSettings;
use crate::place::FilesPlace;
use crate::s3::S3Settings;

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
    folder: PathBuf,
    #[serde(deserialize_with = "store_url")]
    s3_url: String,
    #[serde(deserialize_with = "bucket")]
    s3_bucket: String,
    #[serde(deserialize_with = "region")]
    s3_region: String,
    #[serde(deserialize_with = "prefix")]
    s3_prefix: String,
    s3_access_key: Secret,
    s3_access_key_file: String,
    s3_secret_key: Secret,
    s3_secret_key_file: String,
    s3_ca_file: PathBuf,
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
    /// A file that ran in a browser would stand where the edge does, or it does not say where files
    /// lie.
    pub fn settings(&self, edge_key: &str, edge_url: &str) -> anyhow::Result<FilesSettings> {
        let settings = self.settings_if_any(edge_key, edge_url)?;
        settings.context(
            "neither `files.folder` nor `files.s3_url` is given, and files have to lie somewhere: \
             give one of them",
        )
    }

    /// The same, for an edge that may keep no files; nothing, if these do not say where.
    ///
    /// # Errors
    /// As those of [`Self::settings`], but for no place at all.
    pub fn settings_if_any(
        &self,
        edge_key: &str,
        edge_url: &str,
    ) -> anyhow::Result<Option<FilesSettings>> {
        let Some(place) = self.place()? else { return Ok(None) };
        let (edge, own) = (Url::parse(edge_url)?, Url::parse(&self.public_url)?);
        ensure!(
            edge.origin() != own.origin() && own.path() == "/",
            "`files.public_url` must be another origin than `{edge_key}` and have no path: give it \
             a port or a host of its own"
        );
        Ok(Some(FilesSettings {
            origin: self.public_url.clone(),
            place,
            file_bytes: u64::from(self.file_mib.get()) * MIB,
            account_bytes: u64::from(self.account_mib.get()) * MIB,
            unlinked: self.unlinked_hours.hours(),
        }))
    }

    fn place(&self) -> anyhow::Result<Option<FilesPlace>> {
        let in_folder = !self.folder.as_os_str().is_empty();
        let of_s3 = [
            ("s3_bucket", self.s3_bucket.is_empty()),
            ("s3_access_key", self.s3_access_key.is_empty()),
            ("s3_secret_key", self.s3_secret_key.is_empty()),
            ("s3_region", self.s3_region.is_empty()),
        ];
        if self.s3_url.is_empty() {
            // The region has a default, so it says nothing.
            if let Some((key, _)) = of_s3[..3].iter().find(|(_, is_empty)| !is_empty) {
                bail!("`files.{key}` is given, and `files.s3_url` is empty: give it, or neither");
            }
            return Ok(in_folder.then(|| FilesPlace::Folder(self.folder.clone())));
        }
        ensure!(
            !in_folder,
            "`files.folder` and `files.s3_url` are both given, and files lie in one place: let one \
             of them be empty"
        );
        if let Some((key, _)) = of_s3.iter().find(|(_, is_empty)| *is_empty) {
            bail!("`files.s3_url` is given, and `files.{key}` is empty: give it too");
        }
        ensure!(
            self.s3_access_key.reveal().bytes().all(|byte| byte.is_ascii_graphic()),
            "`files.s3_access_key` has a space or another character that no key has: see that it \
             is the key, and nothing else"
        );
        Ok(Some(FilesPlace::S3(S3Settings {
            url: self.s3_url.clone(),
            bucket: self.s3_bucket.clone(),
            region: self.s3_region.clone(),
            prefix: self.s3_prefix.clone(),
            access_key: self.s3_access_key.clone(),
            secret_key: self.s3_secret_key.clone(),
            ca_file: self.s3_ca_file.clone(),
        })))
    }
}

/// Keys and files cross to the store, so it is https; but for this machine, where nobody listens.
fn store_url<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let is_loopback = |url: &Url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    };
    let fits = text.is_empty()
        || Url::parse(&text).is_ok_and(|url| {
            let is_bare = [url.username(), url.password().unwrap_or_default()] == ["", ""]
                && url.path() == "/"
                && (url.query(), url.fragment()) == (None, None)
                && !text.ends_with('/');
            is_bare && (url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url))
        });
    if fits {
        return Ok(text);
    }
    // What was given is not repeated: somebody may have written a password into it.
    Err(de::Error::custom(
        "it must be empty or an address such as https://s3.example.org, without a path, a user or \
         a slash at its end; http is for loopback alone",
    ))
}

fn bucket<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let is_name = (3..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        && !text.starts_with('.');
    if text.is_empty() || is_name {
        return Ok(text);
    }
    Err(de::Error::custom(
        "it must be empty or the name of a bucket: 3 to 63 letters, digits, dots, hyphens and \
         underscores",
    ))
}

fn region<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Ok(text);
    }
    Err(de::Error::custom("it must be a region such as eu-central-1"))
}

fn prefix<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if Path::parse(&text).is_ok_and(|path| path.as_ref() == text) {
        return Ok(text);
    }
    Err(de::Error::custom(
        "it must be empty or a path such as deskmesh/gateway, without a slash at its beginning or \
         end",
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const EDGE: &str = "https://desk.example";

    /// A section in a folder, with some other keys.
    fn config(other: &Value) -> Result<FilesConfig, serde_json::Error> {
        let mut section = json!({ "listen": "127.0.0.1:1", "public_url": "https://files.example",
            "folder": "", "s3_url": "", "s3_bucket": "", "s3_region": "us-east-1", "s3_prefix": "",
            "s3_access_key": "", "s3_access_key_file": "", "s3_secret_key": "",
            "s3_secret_key_file": "", "s3_ca_file": "",
            "file_mib": 1, "account_mib": 2, "unlinked_hours": 3 });
        for (key, value) in other.as_object().unwrap() {
            section[key] = value.clone();
        }
        serde_json::from_value(section)
    }

    fn settings(other: &Value) -> anyhow::Result<FilesSettings> {
        config(other)?.settings("api.public_url", EDGE)
    }

    #[test]
    fn links_have_an_origin_of_their_own() {
        for (public_url, edge_url, fits) in [
            ("https://files.example", "https://desk.example", true),
            ("https://desk.example:8443", "https://desk.example", true),
            ("https://desk.example", "https://desk.example", false),
            ("https://DESK.example:443", "https://desk.example", false),
            ("https://files.example/f", "https://desk.example", false),
        ] {
            let config = config(&json!({ "folder": "/", "public_url": public_url })).unwrap();
            let settings = config.settings("api.public_url", edge_url);
            assert_eq!(settings.is_ok(), fits, "{public_url} beside {edge_url}");
        }
        let settings = settings(&json!({ "folder": "/" })).unwrap();
        assert_eq!((settings.file_bytes, settings.account_bytes), (MIB, 2 * MIB));
        assert_eq!(settings.unlinked.as_secs(), 3 * 60 * 60);
    }

    #[test]
    fn files_lie_in_one_place_and_what_is_missing_of_it_is_named() {
        let given = json!({ "s3_url": "https://s3.example.org", "s3_bucket": "files",
            "s3_prefix": "deskmesh/gateway", "s3_access_key": "GK31c2f2",
            "s3_secret_key": "hush" });
        let with = |key: &str, value: &str| {
            let mut given = given.clone();
            given[key] = json!(value);
            settings(&given)
        };
        let told = format!("{:?}", settings(&given).unwrap());
        assert!(told.contains("S3") && !told.contains("hush"), "{told}");
        assert!(!told.contains("GK31c2f2"), "{told}");
        assert!(matches!(
            settings(&json!({ "folder": "/f" })).unwrap().place,
            FilesPlace::Folder(_)
        ));
        for (key, value, said) in [
            ("folder", "/f", "`files.folder` and `files.s3_url` are both given"),
            ("s3_url", "", "`files.s3_bucket` is given, and `files.s3_url` is empty"),
            ("s3_bucket", "", "`files.s3_bucket` is empty"),
            ("s3_region", "", "`files.s3_region` is empty"),
            ("s3_region", "eu central", "it must be a region"),
            ("s3_access_key", "GK31\nc2f2", "`files.s3_access_key` has a space"),
            ("s3_access_key", "", "`files.s3_access_key` is empty"),
            ("s3_secret_key", "", "`files.s3_secret_key` is empty"),
        ] {
            let error = with(key, value).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("hush"), "{key}: {error}");
        }
        let error = settings(&json!({})).unwrap_err().to_string();
        assert!(error.contains("neither `files.folder` nor `files.s3_url`"), "{error}");
        let none = config(&json!({})).unwrap().settings_if_any("x", EDGE).unwrap();
        assert!(none.is_none(), "{none:?}");
    }

    #[test]
    fn keys_cross_to_the_store_in_secret() {
        let fits = |key: &str, value: &str| config(&json!({ key: value })).is_ok();
        for (url, wanted) in [
            ("https://s3.example.org", true),
            ("https://10.0.0.7:9000", true),
            ("http://localhost:9000", true),
            ("http://127.0.0.1:9000", true),
            ("http://[::1]:9000", true),
            ("http://minio:9000", false),
            ("http://10.0.0.7:9000", false),
            ("https://s3.example.org/", false),
            ("https://s3.example.org/bucket", false),
            ("https://key@s3.example.org", false),
            ("ftp://localhost", false),
            ("s3.example.org", false),
        ] {
            assert_eq!(fits("s3_url", url), wanted, "{url}");
        }
        for (bucket, wanted) in
            [("files.example-1", true), ("ab", false), ("a/b/c", false), ("../..", false)]
        {
            assert_eq!(fits("s3_bucket", bucket), wanted, "{bucket}");
        }
        for (prefix, wanted) in
            [("a/b", true), ("/a", false), ("a/", false), ("a//b", false), ("..", false)]
        {
            assert_eq!(fits("s3_prefix", prefix), wanted, "{prefix}");
        }
    }
}
