//! Signatures as Standard Webhooks has them (<https://www.standardwebhooks.com>): `v1`,
//! HMAC-SHA256, for endpoints that keep the secret, and `v1a`, Ed25519, for those that keep the
//! public key alone.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sha2::Sha256;

const PREFIX: &str = "whsec_";
const PUBLIC_PREFIX: &str = "whpk_";
/// From a secret follows the seed of its key pair, so that both change together.
const SEED: &[u8] = b"deskmesh webhook ed25519";

/// What deliveries are signed with; its endpoint knows it too.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Vec<u8>);

impl SigningSecret {
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

    /// The public key of the pair that follows from it, as it is told: `whpk_` and Base64.
    #[must_use]
    pub fn public_key(&self) -> Option<String> {
        let pair = self.pair()?;
        Some(format!("{PUBLIC_PREFIX}{}", STANDARD.encode(pair.public_key())))
    }

    fn pair(&self) -> Option<Ed25519KeyPair> {
        Ed25519KeyPair::from_seed_unchecked(&self.hmac(&[SEED])?).ok()
    }

    fn hmac(&self, parts: &[&[u8]]) -> Option<[u8; 32]> {
        // Keys of every length will do.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in parts {
            mac.update(part);
        }
        Some(mac.finalize().into_bytes().into())
    }

    /// `v1` and `v1a`.
    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
        let before = format!("{id}.{timestamp}.");
        let mac = self.hmac(&[before.as_bytes(), body])?;
        let signed = self.pair()?.sign(&[before.as_bytes(), body].concat());
        Some(format!("v1,{} v1a,{}", STANDARD.encode(mac), STANDARD.encode(signed)))
    }
}

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// The header `webhook-signature`: two signatures for each secret, so that an endpoint that knows
/// either takes it while they change. `timestamp` is in seconds since 1970.
///
/// What is signed is unambiguous although an id may have dots in it: a body begins with a brace,
/// which no timestamp has.
#[must_use]
pub fn signatures(secrets: &[SigningSecret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let each = secrets.iter().filter_map(|secret| secret.sign(id, timestamp, body));
    each.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    fn published() -> SigningSecret {
        SigningSecret::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
    }

    #[test]
    fn it_signs_as_the_standards_own_example() {
        let signed = signatures(&[published()], ID, 1_614_265_330, BODY);
        let (symmetric, _) = signed.split_once(' ').unwrap();
        assert_eq!(symmetric, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(published().reveal(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    }

    #[test]
    fn whoever_has_the_public_key_alone_can_check() {
        let signed = signatures(&[published()], ID, 1_614_265_330, BODY);
        // Made with `openssl pkeyutl -sign -rawin` from the seed that follows from the secret.
        assert_eq!(
            published().public_key().as_deref(),
            Some("whpk_hnnVOP/YQwab62l/fWkd15mIV2vL6U4WCZL7G15Sbd4=")
        );
        assert_eq!(
            signed.split_once(" v1a,").unwrap().1,
            "80GTfMz39oArymeWT1CAjkm+yhsbgSUpByyHzvz4\
             xAPAoBxNweXGBPgrx/+mpPZBNdJY/PIF1jOlXSyRFW3FBg=="
        );
        assert_ne!(SigningSecret::of([7; 32]).public_key(), published().public_key());
    }

    #[test]
    fn each_secret_has_its_signature_and_all_that_is_signed_counts() {
        let new = SigningSecret::of([7; 32]);
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
