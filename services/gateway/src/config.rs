//! gateway's own keys; `config.default.toml` says what they mean.

use bootstrap::{GuardedListener, Listener, Within};
use serde::{Deserialize, Serialize};

/// The service's own configuration.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What programs speak to.
    pub api: Listener,
    /// What the operator speaks to.
    pub operator: GuardedListener,
    /// What accounts upload.
    pub files: files::FilesConfig,
    /// What one account may take.
    pub limits: Limits,
    /// How endpoints of accounts are called.
    pub webhooks: WebhookSettings,
    /// What may be called.
    #[serde(deserialize_with = "egress::checked")]
    pub egress: egress::EgressSettings,
    /// Who calls third-party systems.
    pub bridge: web::bridge::BridgeConfig,
    /// How secrets of identity providers are kept.
    pub keys: web::oidc::ProviderKeys,
}

/// What one account may take.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Requests a second.
    pub requests_per_second: Within<1, 100_000>,
    /// Long polls and streams at a time.
    pub open_streams: Within<1, 10_000>,
    /// Seconds after which a command without a receipt is sent again.
    pub send_again_seconds: Within<10, 86_400>,
}

/// How endpoints of accounts are called.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Milliseconds until a delivery that was not taken is tried again.
    pub first_retry_ms: Within<1, 600_000>,
    /// Milliseconds that a call may take.
    pub timeout_ms: Within<100, 60_000>,
    /// Endpoints that are called at the same time.
    pub at_once: Within<1, 1_000>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: &str = include_str!("../config.default.toml");

    fn with(key: &str, value: &str) -> Result<Config, bootstrap::ConfigError> {
        bootstrap::load_own(DEFAULTS, [(format!("DESKMESH__{key}"), value.to_owned())])
    }

    #[test]
    fn the_default_file_has_every_key() {
        let config: Config = bootstrap::load_own(DEFAULTS, []).unwrap();
        assert_eq!(config.api.public_url, "http://127.0.0.1:8080");
        assert!(config.operator.secret.reveal().is_empty());
    }

    #[test]
    fn networks_and_ports_come_from_the_environment_too() {
        let allowed = with("EGRESS__ALLOW", r#"["127.0.0.0/8", "::1/128"]"#).unwrap();
        assert_eq!(allowed.egress.allow.len(), 2);
        let ports = with("EGRESS__PORTS", r#"["1-65535"]"#).unwrap().egress.ports;
        assert_eq!(ports, [egress::Ports::all()]);
    }

    #[test]
    fn files_lie_in_a_folder_unless_the_environment_says_s3() {
        let with_s3 = |folder: &str| {
            let given = [
                ("FOLDER", folder),
                ("S3_URL", "https://s3.example.org"),
                ("S3_BUCKET", "files"),
                ("S3_ACCESS_KEY", "0123456789"),
                ("S3_SECRET_KEY", "hush"),
            ];
            let given = given.map(|(key, value)| (format!("DESKMESH__FILES__{key}"), value.into()));
            let config: Config = bootstrap::load_own(DEFAULTS, given).unwrap();
            assert!(!format!("{config:?}").contains("hush"), "{config:?}");
            config.files.settings("api.public_url", &config.api.public_url)
        };
        assert!(matches!(with_s3("").unwrap().place, files::FilesPlace::S3(_)));
        let both = with_s3("/var/lib/deskmesh/files").unwrap_err().to_string();
        assert!(both.contains("`files.folder` and `files.s3_url` are both given"), "{both}");
        let config: Config = bootstrap::load_own(DEFAULTS, []).unwrap();
        let settings = config.files.settings("api.public_url", &config.api.public_url).unwrap();
        assert!(matches!(settings.place, files::FilesPlace::Folder(_)));
    }

    #[test]
    fn what_cannot_work_is_named_and_the_secret_is_not() {
        for (key, value, said) in [
            ("API__PUBLIC_URL", "gateway.example", "`api.public_url`"),
            ("API__PUBLIC_URL", "https://gateway.example/", "slash"),
            ("API__LISTEN", "everywhere", "`api.listen`"),
            ("OPERATOR__SECRET", "hush", "32 characters"),
            ("FILES__FILE_MIB", "0", "1048576"),
            ("FILES__PUBLIC_URL", "files.example", "`files.public_url`"),
            ("FILES__S3_URL", "http://s3.example:9000", "http is for loopback alone"),
            ("FILES__S3_URL", "https://me:hush@s3.example", "`files.s3_url`"),
            ("FILES__S3_BUCKET", "hush/..", "`files.s3_bucket`"),
            ("LIMITS__OPEN_STREAMS", "0", "10000"),
            ("WEBHOOKS__TIMEOUT_MS", "1", "60000"),
            ("EGRESS__ALLOW", "[\"everywhere\"]", "`egress.allow"),
            ("BRIDGE__URL", "http://bridge/", "slash"),
            ("BRIDGE__SECRET", "hush", "32 characters"),
            ("KEYS__SECRET", "hush", "32 characters"),
        ] {
            let error = with(key, value).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("hush"), "{key}: {error}");
        }
    }
}
