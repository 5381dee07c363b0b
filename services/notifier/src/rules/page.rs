//! The page that a mail speaks of: on the edge that keeps the account, where its address is known.

use std::collections::BTreeMap;

/// Where each edge has its pages, by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pages(BTreeMap<String, String>);

impl Pages {
    /// Pages of these edges; one without an address has none that can be linked.
    #[must_use]
    pub fn of(edges: &[(&str, &str)]) -> Self {
        let known = edges.iter().filter(|(_, url)| !url.is_empty());
        let known =
            known.map(|(edge, url)| ((*edge).to_owned(), url.trim_end_matches('/').to_owned()));
        Self(known.collect())
    }

    /// The page of an agreement, for its parties' admins.
    #[must_use]
    pub fn of_agreement(&self, account: &str, agreement: &str) -> Option<String> {
        let (_, url) = self.edge_of(account)?;
        Some(format!("{url}/sharing/agreements/{agreement}"))
    }

    /// The edge that keeps an account, whose name begins with the edge's.
    fn edge_of(&self, account: &str) -> Option<(&str, &str)> {
        let keeps = |edge: &str| account.strip_prefix(edge)?.strip_prefix('-').map(str::len);
        // Of two names of which one begins with the other, the longer one.
        let known = self.0.iter().filter_map(|(edge, url)| Some((keeps(edge)?, edge, url)));
        known.min_by_key(|(rest, ..)| *rest).map(|(_, edge, url)| (edge.as_str(), url.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accounts_pages_are_those_of_the_edge_that_keeps_it() {
        let pages = Pages::of(&[
            ("gateway", "https://api.example"),
            ("helpdesk", "https://desk.example/"),
            ("helpdesk-eu", "https://eu.desk.example"),
            ("nhd-bridge", ""),
        ]);
        for (account, page) in [
            ("helpdesk-acme", Some("https://desk.example/sharing/agreements/7")),
            ("helpdesk-eu-acme", Some("https://eu.desk.example/sharing/agreements/7")),
            ("gateway-acme", Some("https://api.example/sharing/agreements/7")),
            ("nhd-bridge-acme", None),
            ("acme", None),
            ("helpdesk", None),
            ("helpdeskacme", None),
        ] {
            assert_eq!(pages.of_agreement(account, "7").as_deref(), page, "{account}");
        }
    }
}
