//! What a provider has to say of itself (OpenID Connect Discovery 1.0).

use serde::Deserialize;

/// The ways of signing that are taken.
const SIGNED_BY: [&str; 3] = ["RS256", "ES256", "EdDSA"];

/// What is read of its document.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::oidc) struct ProviderDocument {
    pub issuer: String,
    #[serde(default)]
    pub authorization_endpoint: String,
    #[serde(default)]
    pub token_endpoint: String,
    #[serde(default)]
    pub jwks_uri: String,
    pub userinfo_endpoint: Option<String>,
    pub response_types_supported: Option<Vec<String>>,
    pub code_challenge_methods_supported: Option<Vec<String>>,
    pub id_token_signing_alg_values_supported: Option<Vec<String>>,
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// A provider as it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::oidc) struct ProviderMetadata {
    pub authorization: String,
    pub token: String,
    pub keys: String,
    pub userinfo: Option<String>,
    /// Whether the client's secret goes in a header, as it does unless the provider says otherwise,
    /// or in the form.
    pub is_basic: bool,
}

/// Why a provider cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::oidc) enum Unfit {
    /// It calls itself so.
    Issuer(String),
    /// It has no such address, or one that may not be called.
    Address(&'static str),
    /// It says that it does not do this.
    Without(&'static str),
}

/// Where the document of an issuer is.
pub(in crate::oidc) fn address(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

/// How a provider is asked that was entered as `issuer`; `may_be_called` knows addresses.
pub(in crate::oidc) fn metadata(
    document: ProviderDocument,
    issuer: &str,
    may_be_called: impl Fn(&str) -> bool,
) -> Result<ProviderMetadata, Unfit> {
    if document.issuer != issuer {
        return Err(Unfit::Issuer(document.issuer.chars().take(200).collect()));
    }
    for (name, address) in [
        ("authorization_endpoint", Some(&document.authorization_endpoint)),
        ("token_endpoint", Some(&document.token_endpoint)),
        ("jwks_uri", Some(&document.jwks_uri)),
        ("userinfo_endpoint", document.userinfo_endpoint.as_ref()),
    ] {
        if address.is_some_and(|address| !may_be_called(address)) {
            return Err(Unfit::Address(name));
        }
    }
    // What it does not list it may do all the same: several list no challenges, and take them.
    let lacks = |listed: &Option<Vec<String>>, any: &[&str]| {
        listed.as_ref().is_some_and(|all| !all.iter().any(|it| any.contains(&it.as_str())))
    };
    for (listed, any, name) in [
        (&document.response_types_supported, &["code"][..], "code"),
        (&document.code_challenge_methods_supported, &["S256"][..], "S256"),
        (&document.id_token_signing_alg_values_supported, &SIGNED_BY[..], "RS256, ES256, EdDSA"),
        (
            &document.token_endpoint_auth_methods_supported,
            &["client_secret_basic", "client_secret_post"][..],
            "client_secret_basic",
        ),
    ] {
        if lacks(listed, any) {
            return Err(Unfit::Without(name));
        }
    }
    Ok(ProviderMetadata {
        is_basic: !lacks(&document.token_endpoint_auth_methods_supported, &["client_secret_basic"]),
        authorization: document.authorization_endpoint,
        token: document.token_endpoint,
        keys: document.jwks_uri,
        userinfo: document.userinfo_endpoint,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://login.acme.example";

    fn of(changes: &[(&str, Value)]) -> Result<ProviderMetadata, Unfit> {
        let mut document = json!({ "issuer": ISSUER,
            "authorization_endpoint": "https://a/authorize",
            "token_endpoint": "https://a/token", "jwks_uri": "https://a/keys" });
        for (name, value) in changes {
            document[*name] = value.clone();
        }
        let document = serde_json::from_value(document).unwrap();
        metadata(document, ISSUER, |address| address.starts_with("https://"))
    }

    #[test]
    fn it_is_who_was_entered_and_does_what_is_needed() {
        let without = |name| Err(Unfit::Without(name));
        for (name, value, outcome) in [
            (
                "issuer",
                json!("https://evil.example"),
                Err(Unfit::Issuer("https://evil.example".to_owned())),
            ),
            ("issuer", json!(format!("{ISSUER}/")), Err(Unfit::Issuer(format!("{ISSUER}/")))),
            ("token_endpoint", json!(""), Err(Unfit::Address("token_endpoint"))),
            ("jwks_uri", json!("http://a/keys"), Err(Unfit::Address("jwks_uri"))),
            (
                "authorization_endpoint",
                json!("javascript:alert(1)"),
                Err(Unfit::Address("authorization_endpoint")),
            ),
            ("userinfo_endpoint", json!("file:///"), Err(Unfit::Address("userinfo_endpoint"))),
            ("response_types_supported", json!(["id_token"]), without("code")),
            ("code_challenge_methods_supported", json!(["plain"]), without("S256")),
            (
                "id_token_signing_alg_values_supported",
                json!(["HS256", "none"]),
                without("RS256, ES256, EdDSA"),
            ),
            (
                "token_endpoint_auth_methods_supported",
                json!(["private_key_jwt"]),
                without("client_secret_basic"),
            ),
        ] {
            assert_eq!(of(&[(name, value.clone())]), outcome, "{name}: {value}");
        }
        for (methods, is_basic) in [
            (Value::Null, true),
            (json!(["client_secret_basic", "client_secret_post"]), true),
            (json!(["client_secret_post"]), false),
        ] {
            let got = of(&[("token_endpoint_auth_methods_supported", methods)]);
            assert_eq!(got.map(|it| it.is_basic), Ok(is_basic));
        }
    }

    #[test]
    fn the_document_is_below_the_issuer() {
        for issuer in ["https://a.example/realms/x", "https://a.example/realms/x/"] {
            let expected = "https://a.example/realms/x/.well-known/openid-configuration";
            assert_eq!(address(issuer), expected);
        }
    }
}
