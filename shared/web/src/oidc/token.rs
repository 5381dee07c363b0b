//! ID tokens: their signature by a key of the provider, by `ring`.

use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind, new_error};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::signature;
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, Validation};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::de::DeserializeOwned;

use super::rules::Untrusted;

/// The longest ID token that is looked at.
const LONGEST: usize = 64 * 1024;

/// Keys of a provider, as it publishes them; those that are none of ours are left out.
pub(super) fn keys(set: &serde_json::Value) -> Vec<Jwk> {
    let all = set.get("keys").and_then(serde_json::Value::as_array);
    let read = |key: &serde_json::Value| serde_json::from_value::<Jwk>(key.clone()).ok();
    let is_for_signatures = |key: &Jwk| {
        let used = &key.common.public_key_use;
        used.is_none() || *used == Some(PublicKeyUse::Signature)
    };
    let keys = all.into_iter().flatten().filter_map(read).filter(is_for_signatures);
    keys.filter(|key| family(key).is_some()).collect()
}

fn family(key: &Jwk) -> Option<AlgorithmFamily> {
    let family = DecodingKey::from_jwk(key).ok()?.family();
    (family != AlgorithmFamily::Hmac).then_some(family)
}

/// What a token says, if one of the keys has signed it.
pub(super) fn verified<T: DeserializeOwned>(token: &str, keys: &[Jwk]) -> Result<T, Untrusted> {
    install();
    if token.len() > LONGEST {
        return Err(Untrusted::Malformed);
    }
    // A way of signing that is not even known, as `none` is not, fails here already.
    let header = jsonwebtoken::decode_header(token).map_err(|error| why(&error))?;
    if ![Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA].contains(&header.alg) {
        return Err(Untrusted::Algorithm);
    }
    let fits = |key: &&Jwk| {
        let algorithm = key.common.key_algorithm;
        family(key) == Some(header.alg.family())
            && algorithm.is_none_or(|it| it.to_string() == format!("{:?}", header.alg))
    };
    let mut fitting = keys.iter().filter(fits);
    let key = match &header.kid {
        Some(kid) => fitting.find(|key| key.common.key_id.as_ref() == Some(kid)),
        // Without a name it is the one that there is.
        None => fitting.next().filter(|_| fitting.next().is_none()),
    };
    let key = DecodingKey::from_jwk(key.ok_or(Untrusted::Key)?).map_err(|_| Untrusted::Key)?;
    // Its claims are held against what was asked for by a rule, which is given the time.
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let decoded = jsonwebtoken::decode::<T>(token, &key, &validation);
    decoded.map(|token| token.claims).map_err(|error| why(&error))
}

fn why(error: &Error) -> Untrusted {
    match error.kind() {
        ErrorKind::InvalidSignature => Untrusted::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => Untrusted::Algorithm,
        ErrorKind::Json(error) if error.to_string().starts_with("unknown variant") => {
            Untrusted::Algorithm
        }
        _ => Untrusted::Malformed,
    }
}

/// The library leaves signatures to whoever uses it: this process has `ring`.
fn install() {
    static ONCE: Once = Once::new();
    static BY_RING: CryptoProvider = CryptoProvider {
        signer_factory: |_, _| Err(new_error(ErrorKind::UnsupportedAlgorithm)),
        verifier_factory: |algorithm, key| Ok(Box::new(Verifier::of(*algorithm, key)?)),
        key_utils: KeyUtils::new_unimplemented(),
    };
    ONCE.call_once(|| BY_RING.install_default().unwrap_or(()));
}

struct Verifier {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Verifier {
    fn of(algorithm: Algorithm, key: &DecodingKey) -> Result<Self, Error> {
        if key.family() != algorithm.family() {
            return Err(new_error(ErrorKind::InvalidAlgorithm));
        }
        Ok(Self { algorithm, key: key.clone() })
    }
}

impl signature::Verifier<Vec<u8>> for Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let is_right = match (self.algorithm, self.key.kind()) {
            (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                RsaPublicKeyComponents { n, e }
                    .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                    .is_ok()
            }
            (Algorithm::ES256, DecodingKeyKind::SecretOrDer(point)) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                    .verify(message, signature)
                    .is_ok()
            }
            (Algorithm::EdDSA, DecodingKeyKind::SecretOrDer(point)) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature).is_ok()
            }
            _ => false,
        };
        if is_right { Ok(()) } else { Err(signature::Error::new()) }
    }
}

impl JwtVerifier for Verifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::rand::SystemRandom;
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    };
    use serde_json::{Value, json};

    use super::*;

    fn encoded(bytes: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A provider's keys, and tokens that it signs.
    struct Signer {
        ec: EcdsaKeyPair,
        ed: Ed25519KeyPair,
    }

    impl Signer {
        fn new() -> Self {
            let (way, chance) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
            let ec = EcdsaKeyPair::generate_pkcs8(way, &chance).unwrap();
            let ed = Ed25519KeyPair::generate_pkcs8(&chance).unwrap();
            Self {
                ec: EcdsaKeyPair::from_pkcs8(way, ec.as_ref(), &chance).unwrap(),
                ed: Ed25519KeyPair::from_pkcs8(ed.as_ref()).unwrap(),
            }
        }

        fn ec_key(&self, kid: &str, more: &Value) -> Value {
            let (x, y) = self.ec.public_key().as_ref()[1..].split_at(32);
            let (x, y) = (encoded(x), encoded(y));
            let mut key = json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": x, "y": y });
            for (name, value) in more.as_object().into_iter().flatten() {
                key[name] = value.clone();
            }
            key
        }

        fn ed_key(&self) -> Value {
            let x = encoded(self.ed.public_key());
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": x })
        }

        fn token(&self, header: &Value) -> String {
            let claims = json!({ "sub": "7" }).to_string();
            let message = format!("{}.{}", encoded(header.to_string()), encoded(claims));
            let signature = if header["alg"] == "EdDSA" {
                self.ed.sign(message.as_bytes()).as_ref().to_vec()
            } else {
                let signed = self.ec.sign(&SystemRandom::new(), message.as_bytes());
                signed.unwrap().as_ref().to_vec()
            };
            format!("{message}.{}", encoded(signature))
        }
    }

    fn sub(token: &str, set: &[Value]) -> Result<String, Untrusted> {
        let claims: Value = verified(token, &keys(&json!({ "keys": set })))?;
        Ok(claims["sub"].as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_token_is_believed_that_the_named_key_signed_in_its_own_way() {
        use Untrusted::{Algorithm, Key, Malformed, Signature};
        let (ours, other) = (Signer::new(), Signer::new());
        let (a, none) = (|more: Value| ours.ec_key("a", &more), json!({}));
        let b = ours.ec_key("b", &none);
        for (header, keys, outcome) in [
            (json!({ "alg": "ES256", "kid": "a" }), vec![a(none.clone())], Ok("7")),
            (json!({ "alg": "ES256", "kid": "a" }), vec![a(json!({ "alg": "ES256" }))], Ok("7")),
            (json!({ "alg": "EdDSA", "kid": "ed" }), vec![ours.ed_key()], Ok("7")),
            (json!({ "alg": "ES256" }), vec![a(none.clone()), ours.ed_key()], Ok("7")),
            (json!({ "alg": "ES256" }), vec![a(none.clone()), b], Err(Key)),
            (json!({ "alg": "ES256", "kid": "c" }), vec![a(none.clone())], Err(Key)),
            (json!({ "alg": "ES256", "kid": "a" }), vec![a(json!({ "use": "enc" }))], Err(Key)),
            (json!({ "alg": "ES256", "kid": "a" }), vec![a(json!({ "alg": "ES384" }))], Err(Key)),
            (json!({ "alg": "ES256", "kid": "ed" }), vec![ours.ed_key()], Err(Key)),
            (json!({ "alg": "ES256", "kid": "a" }), vec![other.ec_key("a", &none)], Err(Signature)),
            (json!({ "alg": "none", "kid": "a" }), vec![a(none.clone())], Err(Algorithm)),
            (json!({ "alg": "HS256", "kid": "a" }), vec![a(none.clone())], Err(Algorithm)),
            (json!({ "alg": "ES384", "kid": "a" }), vec![a(none.clone())], Err(Algorithm)),
            (
                json!({ "alg": "ES256", "kid": "a", "crit": ["x"], "x": 1 }),
                vec![a(none.clone())],
                Err(Malformed),
            ),
        ] {
            let got = sub(&ours.token(&header), &keys);
            assert_eq!(got.as_deref(), outcome.as_ref().map(|it| *it), "{header} {keys:?}");
        }
    }

    #[test]
    fn what_was_changed_or_is_no_token_is_not_believed() {
        let signer = Signer::new();
        let keys = [signer.ec_key("a", &json!({}))];
        let token = signer.token(&json!({ "alg": "ES256", "kid": "a" }));
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = message.split_once('.').unwrap();
        let other = encoded(json!({ "sub": "8" }).to_string());
        assert_eq!(sub(&format!("{header}.{other}.{signature}"), &keys), Err(Untrusted::Signature));
        assert_eq!(sub(&format!("{message}."), &keys), Err(Untrusted::Signature));
        for none in ["", "a.b", "a.b.c", &"x".repeat(70_000), &format!("{token}.x")] {
            assert_eq!(sub(none, &keys), Err(Untrusted::Malformed), "{none}");
        }
    }

    #[test]
    fn keys_of_other_kinds_do_no_harm() {
        let signer = Signer::new();
        let set = json!({ "keys": [
            { "kty": "oct", "kid": "a", "k": "AAAA" },
            { "kty": "AKP", "kid": "a", "alg": "ML-DSA-44", "pub": "AAAA" },
            { "kid": 7 },
            "no key",
            signer.ec_key("a", &json!({})),
        ] });
        assert_eq!(keys(&set).len(), 1);
        for no_set in [json!({}), json!([]), json!({ "keys": {} }), Value::Null] {
            assert!(keys(&no_set).is_empty(), "{no_set}");
        }
    }
}
