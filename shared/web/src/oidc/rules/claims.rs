//! What an ID token, whose signature is right, has to say (OpenID Connect Core 3.1.3.7), and whom
//! it names.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer};

/// By how much the provider's clock may differ from ours.
const SKEW: TimeDelta = TimeDelta::minutes(1);
/// The longest subject (OpenID Connect Core 2) and the longest address.
const SUBJECT: usize = 255;
const EMAIL: usize = 200;
const NAME: usize = 100;

/// What is read of an ID token.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::oidc) struct Claims {
    pub iss: String,
    pub aud: Audience,
    pub azp: Option<String>,
    pub exp: i64,
    pub iat: i64,
    pub nbf: Option<i64>,
    pub nonce: Option<String>,
    #[serde(flatten)]
    pub profile: ProviderProfile,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(in crate::oidc) enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Who it is: of the ID token, or of what the provider says of its access token (`userinfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(in crate::oidc) struct ProviderProfile {
    pub sub: String,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default, deserialize_with = "verified")]
    pub email_verified: bool,
    #[serde(default)]
    pub name: Option<String>,
}

/// Some providers say `"true"`.
fn verified<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    let given = serde_json::Value::deserialize(from)?;
    Ok(given == true || given == "true")
}

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(in crate::oidc) struct ExpectedClaims<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
}

/// Somebody, as the provider knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::oidc) struct ProvenIdentity {
    pub subject: String,
    /// Their address, if it can be one.
    pub email: Option<String>,
    pub email_verified: bool,
    /// Their name, or else their address.
    pub name: String,
}

impl ProviderProfile {
    /// Whom it names; nobody without a subject.
    pub fn identity(self) -> Option<ProvenIdentity> {
        let is_text = |text: &str| !text.is_empty() && !text.contains('\0');
        if !is_text(&self.sub) || self.sub.len() > SUBJECT {
            return None;
        }
        let email = self.email.map(|email| email.trim().to_owned());
        let email =
            email.filter(|it| it.len() <= EMAIL && it.contains('@') && !it.contains(['\0', '\n']));
        let name = self.name.as_deref().map(str::trim).filter(|name| is_text(name));
        let name: String =
            name.or(email.as_deref()).unwrap_or_default().chars().take(NAME).collect();
        let (subject, email_verified) = (self.sub, self.email_verified);
        Some(ProvenIdentity { subject, email, email_verified, name })
    }
}

/// Why an ID token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::oidc) enum Untrusted {
    /// It is none, or lacks what each has.
    Malformed,
    /// It is not signed by a way that is taken here.
    Algorithm,
    /// It is signed with a key that the provider does not have.
    Key,
    Signature,
    Issuer,
    Audience,
    Expired,
    NotYet,
    Nonce,
}

impl Untrusted {
    /// The end of its text's key.
    pub fn word(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYet => "not_yet",
            Self::Nonce => "nonce",
        }
    }
}

/// Whom an ID token names, whose signature is right.
pub(in crate::oidc) fn identity(
    claims: Claims,
    expected: ExpectedClaims<'_>,
    now: DateTime<Utc>,
) -> Result<ProviderProfile, Untrusted> {
    if claims.iss != expected.issuer {
        return Err(Untrusted::Issuer);
    }
    let audiences = match &claims.aud {
        Audience::One(one) => std::slice::from_ref(one),
        Audience::Several(all) => all.as_slice(),
    };
    let is_for_us = audiences.iter().any(|it| it == expected.client_id);
    // Whom it was made for: who else is named must not have asked for it.
    let is_ours = match &claims.azp {
        Some(party) => party == expected.client_id,
        None => audiences.len() == 1,
    };
    if !is_for_us || !is_ours {
        return Err(Untrusted::Audience);
    }
    let at = |seconds| DateTime::from_timestamp(seconds, 0).ok_or(Untrusted::Malformed);
    if at(claims.exp)? <= now - SKEW {
        return Err(Untrusted::Expired);
    }
    let begins = at(claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat)))?;
    if begins > now + SKEW {
        return Err(Untrusted::NotYet);
    }
    if claims.nonce.as_deref() != Some(expected.nonce) {
        return Err(Untrusted::Nonce);
    }
    if claims.profile.sub.is_empty() {
        return Err(Untrusted::Malformed);
    }
    Ok(claims.profile)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_000_000;

    fn of(changes: &[(&str, Value)]) -> Result<ProviderProfile, Untrusted> {
        let mut claims = json!({ "iss": "https://login.acme.example", "aud": "deskmesh", "sub": "7",
            "exp": NOW + 300, "iat": NOW, "nonce": "n", "email": "sam@acme.example" });
        for (name, value) in changes {
            claims[*name] = value.clone();
        }
        let expected = ExpectedClaims {
            issuer: "https://login.acme.example",
            client_id: "deskmesh",
            nonce: "n",
        };
        let claims = serde_json::from_value(claims).map_err(|_| Untrusted::Malformed)?;
        identity(claims, expected, DateTime::from_timestamp(NOW, 0).unwrap())
    }

    #[test]
    fn a_token_is_for_us_from_the_provider_now_and_for_this_sign_in() {
        use Untrusted::{Audience, Expired, Issuer, Malformed, Nonce, NotYet};
        let refused: &[(&str, Value, Untrusted)] = &[
            ("iss", json!("https://login.acme.example/"), Issuer),
            ("aud", json!("other"), Audience),
            ("aud", json!(["other"]), Audience),
            ("aud", json!([]), Audience),
            ("aud", json!(["deskmesh", "other"]), Audience),
            ("aud", json!(7), Malformed),
            ("azp", json!("other"), Audience),
            ("exp", json!(NOW - 60), Expired),
            ("exp", json!("soon"), Malformed),
            ("exp", Value::Null, Malformed),
            ("exp", json!(i64::MAX), Malformed),
            ("iat", json!(NOW + 61), NotYet),
            ("iat", Value::Null, Malformed),
            ("nbf", json!(NOW + 61), NotYet),
            ("nonce", json!("m"), Nonce),
            ("nonce", Value::Null, Nonce),
            ("sub", json!(""), Malformed),
            ("sub", Value::Null, Malformed),
        ];
        for (name, value, why) in refused {
            assert_eq!(of(&[(name, value.clone())]), Err(*why), "{name}: {value}");
        }
        for (name, value) in [
            ("aud", json!(["deskmesh"])),
            ("azp", json!("deskmesh")),
            ("exp", json!(NOW - 59)),
            ("iat", json!(NOW + 60)),
            ("nbf", json!(NOW - 9)),
        ] {
            assert_eq!(of(&[(name, value.clone())]).map(|it| it.sub), Ok("7".to_owned()), "{name}");
        }
        let several = [("aud", json!(["deskmesh", "other"])), ("azp", json!("deskmesh"))];
        assert!(of(&several).is_ok(), "made for us, though others are named");
    }

    #[test]
    fn an_address_is_verified_where_the_provider_says_so() {
        for (said, is_verified) in [
            (json!(true), true),
            (json!("true"), true),
            (json!(false), false),
            (json!("yes"), false),
            (json!(1), false),
            (Value::Null, false),
        ] {
            let profile = of(&[("email_verified", said.clone())]).unwrap();
            assert_eq!(profile.email_verified, is_verified, "{said}");
        }
    }

    #[test]
    fn a_profile_names_somebody_by_a_subject() {
        let profile = |sub: &str, email: &str, name: &str| {
            let (email, name) = (Some(email.to_owned()), Some(name.to_owned()));
            ProviderProfile { sub: sub.to_owned(), email, email_verified: true, name }.identity()
        };
        let sam = profile("7", " sam@acme.example ", " Sam ").unwrap();
        assert_eq!((sam.email.as_deref(), sam.name.as_str()), (Some("sam@acme.example"), "Sam"));
        assert_eq!(profile("7", "sam@acme.example", " ").unwrap().name, "sam@acme.example");
        for no_address in ["sam", "", "a@b\0", &format!("{}@x", "a".repeat(200))] {
            assert_eq!(profile("7", no_address, "Sam").unwrap().email, None, "{no_address}");
        }
        for no_subject in ["", "7\0", &"7".repeat(256)] {
            assert_eq!(profile(no_subject, "sam@acme.example", "Sam"), None);
        }
        assert_eq!(profile("7", "", &"é".repeat(300)).unwrap().name.chars().count(), 100);
    }
}
