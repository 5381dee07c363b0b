use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AgreementId, Message};

/// Entries of a page when the command names no limit.
pub const DEFAULT_LIMIT: u32 = 50;
/// Entries of a page, at most.
pub const MAX_LIMIT: u32 = 200;

/// Asks for the account's agreements, page by page: an `agreement.state` each, then the receipt
///
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgreementList {
    /// The `next_cursor` of the page before; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Entries of the page; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<u32>,
    /// Only this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement_id: Option<AgreementId>,
}

impl Message for AgreementList {
    const NAME: &'static str = "agreement.list.v1";
}

/// Asks for the account's shares, live and ended, page by page: a `share.state` each, then the
/// receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShareList {
    /// The `next_cursor` of the page before; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Entries of the page; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<u32>,
    /// Only those under this agreement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement_id: Option<AgreementId>,
}

impl Message for ShareList {
    const NAME: &'static str = "share.list.v1";
}

/// After the database was restored: both desks of every live share are told the share, then their
/// copy as Deskmesh holds it. Page by page, through all live shares. Published by `operator`, once
/// `account.recover` has come to its end: from then on revisions are above all that were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShareRecover {
    /// The `next_cursor` of the page before; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Shares of the page; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<u32>,
}

impl Message for ShareRecover {
    const NAME: &'static str = "share.recover.v1";
}

/// The entries that a page has, from the limit that was asked for; nothing when there is no such
/// page.
#[must_use]
pub fn page_size(limit: Option<u32>) -> Option<u32> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    (1..=MAX_LIMIT).contains(&limit).then_some(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_1_to_200_entries() {
        let sizes = [None, Some(1), Some(200), Some(0), Some(201)].map(page_size);
        assert_eq!(sizes, [Some(DEFAULT_LIMIT), Some(1), Some(200), None, None]);
    }
}
