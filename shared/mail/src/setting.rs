//! Keys of a configuration that mails need, refused where no mail could be sent by them.

use lettre::message::Mailbox;
use serde::{Deserialize, Deserializer, de};

use crate::address::ServerAddress;

/// The mail server's URL, in the type that keeps secrets. The URL is not repeated: a password
/// stands in it.
///
/// # Errors
/// What stands there is no mail server's address.
pub fn server_url<'de, D, S>(from: D, reveal: impl Fn(&S) -> &str) -> Result<S, D::Error>
where
    D: Deserializer<'de>,
    S: Deserialize<'de>,
{
    let url = S::deserialize(from)?;
    ServerAddress::read(reveal(&url)).map_err(de::Error::custom)?;
    Ok(url)
}

/// Who mails are from.
///
/// # Errors
/// What stands there is no mailbox.
pub fn sender<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    match text.parse::<Mailbox>() {
        Ok(_) => Ok(text),
        Err(_) => Err(de::Error::custom(
            "it must be an address, or a name and an address such as \"Deskmesh \
             <mesh@example.org>\"",
        )),
    }
}
