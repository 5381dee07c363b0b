//! Signatures as Standard Webhooks has them (<https://www.standardwebhooks.com>): `v1`, HMAC-SHA256.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const PREFIX: &str = "whsec_";

/// What deliveries are signed with; its endpoint knows it too.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A secret of chance, or one that was kept.
    #[must_use]
    pub fn of(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// What was told.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        STANDARD.decode(text.strip_prefix(PREFIX)?).ok().map(Self)
    }

    /// As it is told: `whsec_` and Base64.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// What is kept.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
        // Keys of every length will do.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// The header `webhook-signature`: one signature for each secret, so that an endpoint that knows
/// either takes it while they change. `timestamp` is in seconds since 1970.
///
/// What is signed is unambiguous although an id may have dots in it: a body begins with a brace,
/// which no timestamp has.
#[must_use]
pub fn signatures(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let each = secrets.iter().filter_map(|secret| secret.sign(id, timestamp, body));
    each.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    fn published() -> Secret {
        Secret::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
    }

    #[test]
    fn it_signs_as_the_standards_own_example() {
        assert_eq!(
            signatures(&[published()], ID, 1_614_265_330, BODY),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        assert_eq!(published().reveal(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    }

    #[test]
    fn each_secret_has_its_signature_and_all_that_is_signed_counts() {
        let new = Secret::of([7; 32]);
        let both = signatures(&[new.clone(), published()], ID, 1, BODY);
        let each = [&new, &published()].map(|it| signatures(std::slice::from_ref(it), ID, 1, BODY));
        assert_eq!(both, each.join(" "));
        for other in [
            signatures(std::slice::from_ref(&new), "msg_2", 1, BODY),
            signatures(std::slice::from_ref(&new), ID, 2, BODY),
            signatures(std::slice::from_ref(&new), ID, 1, b"{}"),
        ] {
            assert_ne!(other, each[0]);
        }
        assert_eq!(format!("{new:?}"), "Secret");
    }
}
