//! Passwords: Argon2id, a few at a time, because each takes 19 MiB and a core.

use std::sync::{Arc, LazyLock};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::failure::Failure;

/// Characters of a password at least, as NIST SP 800-63B asks of one that stands alone.
pub(crate) const SHORTEST: usize = 12;
/// Bytes at most: nobody types more, and it is not read to its end for nothing.
pub(crate) const LONGEST: usize = 1024;

/// Whether a new password is one.
pub(crate) fn is_long_enough(password: &str) -> bool {
    password.chars().count() >= SHORTEST && password.len() <= LONGEST
}

static AT_ONCE: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(2)));

/// What is kept of a password.
pub(crate) async fn hash(password: String) -> Result<String, Failure> {
    let hashed = alone(move || {
        Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())
    });
    hashed.await?.map_err(|error| Failure::internal(&error))
}

/// Whether it is the password. Who has none is compared too: how long it takes tells nothing.
pub(crate) async fn is_right(password: String, kept: Option<String>) -> Result<bool, Failure> {
    alone(move || {
        let is_kept = kept.is_some();
        let kept = kept.as_deref().unwrap_or(NOBODYS);
        let Ok(kept) = PasswordHash::new(kept) else { return false };
        Argon2::default().verify_password(password.as_bytes(), &kept).is_ok() && is_kept
    })
    .await
}

/// A hash with the usual parameters, of a password that nobody has.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

async fn alone<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let permit = Arc::clone(&AT_ONCE).acquire_owned().await.map_err(|it| Failure::internal(&it))?;
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(permit);
        done
    });
    done.await.map_err(|error| Failure::internal(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_is_right() {
        let kept = hash("correct horse battery".to_owned()).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        let is_right = |password: &str, kept: Option<&str>| {
            is_right(password.to_owned(), kept.map(str::to_owned))
        };
        assert!(is_right("correct horse battery", Some(&kept)).await.unwrap());
        assert!(!is_right("correct horse batterz", Some(&kept)).await.unwrap());
        assert!(!is_right("correct horse battery", None).await.unwrap());
        assert!(PasswordHash::new(NOBODYS).is_ok(), "it costs what a real one costs");
    }

    #[test]
    fn a_short_password_is_none() {
        assert!(is_long_enough("twelve chars"));
        assert!(!is_long_enough("eleven char"));
        assert!(is_long_enough("ääääääääääää"));
        assert!(!is_long_enough(&"x".repeat(LONGEST + 1)));
    }
}
