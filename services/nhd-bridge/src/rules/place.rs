//! Where a request goes: `/sharing/<address>/<agreements or tickets>/<uuid>`.

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// An agreement.
    Agreement,
    /// A ticket.
    Ticket,
}

/// The parts of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose sharing URL it is.
    pub address: String,
    /// What is asked about.
    pub resource: Resource,
    /// The identifier as it stands there.
    pub uuid: String,
}

impl Place {
    /// Reads a path. Empty parts count for nothing: a client that joins a base with a slash at its
    /// end and a path makes `//`.
    #[must_use]
    pub fn read(path: &str) -> Option<Self> {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        if parts.next() != Some("sharing") {
            return None;
        }
        let address = parts.next()?.to_ascii_lowercase();
        let resource = match parts.next()? {
            "agreements" => Resource::Agreement,
            "tickets" => Resource::Ticket,
            _ => return None,
        };
        let uuid = parts.next()?.to_owned();
        let plain = |text: &str| {
            text.len() <= 64 && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
        };
        (parts.next().is_none() && plain(&address)).then_some(Self { address, resource, uuid })
    }
}

/// The sharing URL of an address.
#[must_use]
pub fn sharing_url(public_url: &str, address: &str) -> String {
    format!("{public_url}/sharing/{address}")
}

/// Whether two sharing URLs lead to the same place, however they are spelt.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    let bare = |text: &str| {
        let url = url::Url::parse(text.trim()).ok()?;
        let path = url.path().trim_end_matches('/').to_owned();
        Some((url.host_str()?.to_ascii_lowercase(), url.port_or_known_default()?, path))
    };
    bare(one).is_some_and(|place| bare(other) == Some(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_whatever_its_slashes() {
        let place = |resource| {
            Some(Place { address: "acme".to_owned(), resource, uuid: "ab12".to_owned() })
        };
        for path in [
            "/sharing/acme/tickets/ab12",
            "/sharing/acme//tickets/ab12",
            "/sharing/Acme/tickets/ab12/",
        ] {
            assert_eq!(Place::read(path), place(Resource::Ticket), "{path}");
        }
        let agreement = Place::read("/sharing/acme/agreements/ab12");
        assert_eq!(agreement, place(Resource::Agreement));
        for path in [
            "/",
            "/sharing/acme",
            "/sharing/acme/tickets",
            "/sharing/acme/comments/1",
            "/sharing/acme/tickets/1/2",
            "/sharing/%2e%2e/tickets/1",
            "/other/acme/tickets/1",
        ] {
            assert_eq!(Place::read(path), None, "{path}");
        }
    }

    #[test]
    fn a_sharing_url_is_the_same_in_any_spelling() {
        let ours = sharing_url("https://bridge.example", "acme");
        for same in
            ["https://bridge.example/sharing/acme", "https://Bridge.example:443/sharing/acme/"]
        {
            assert!(is_same(&ours, same), "{same}");
        }
        for other in
            ["https://bridge.example/sharing/globex", "https://b.example/sharing/acme", "", "acme"]
        {
            assert!(!is_same(&ours, other), "{other}");
        }
    }
}
