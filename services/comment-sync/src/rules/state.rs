//! What is known of a chain, what a transfer changes of it, and what is sent.

use std::collections::BTreeMap;

use contracts::comment::SharedComment;
use contracts::sync::Notice;
use contracts::{CopyId, Reason};
use line::{Chain, ChainEntry, HopTraversal};

use super::ccs::{CcList, CcLists};
use super::missed::{Missed, MissedRedactions, Overdue};
use super::redaction::{Mark, Marks};
use super::{CommentChanges, Comments};

/// What is known of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainState {
    /// Its hops.
    pub chain: Chain,
    /// Its comments.
    pub comments: Comments,
    /// Redactions that wait for their comments.
    pub marks: Marks,
    /// Redactions that copies missed while they were in no live share.
    pub missed: MissedRedactions,
    /// Its copies' CCs.
    pub ccs: CcLists,
}

/// What becomes of a transfer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// What changes of its chain.
    pub changes: Changes,
    /// What is sent.
    pub decided: Decided,
}

/// What a transfer changes of its chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Hops that are new here, numbers of copies, and an end.
    pub entry: ChainEntry,
    /// Comments added, brought to more copies, and rewritten.
    pub comments: CommentChanges,
    /// A redaction that waits for its comment from now on.
    pub waits: Option<Mark>,
    /// Redactions that copies hear now.
    pub heard: Vec<Missed>,
    /// Redactions that copies miss.
    pub missed: Vec<Missed>,
    /// A copy's CCs.
    pub ccs: Option<(CopyId, CcList)>,
}

/// What became of a transfer's comments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decided {
    /// What is sent to each copy, as it was written in time.
    pub comments: BTreeMap<CopyId, Vec<SharedComment>>,
    /// What the publisher is told.
    pub decisions: Vec<contracts::Decision>,
    /// Why nothing was done, if nothing was.
    pub rejected: Option<Reason>,
    /// Which copies blank a comment, and over which hop they are told.
    pub redacted: Vec<HopTraversal>,
    /// Which copies hear of earlier redactions that they missed.
    pub overdue: Vec<Overdue>,
    /// Mails to CCs.
    pub notices: Vec<Notice>,
}

impl ChainState {
    /// Makes what a transfer changes the state, so that the next one meets it.
    pub fn apply(&mut self, changes: Changes) {
        self.chain.apply(changes.entry);
        self.comments.apply(changes.comments);
        if let Some(mark) = changes.waits {
            self.marks.add(mark);
        }
        self.missed.hear(changes.heard);
        changes.missed.into_iter().for_each(|missed| self.missed.add(missed));
        if let Some((copy, list)) = changes.ccs {
            self.ccs.tell(&copy, list);
        }
    }
}
