//! Histories in which shares end, comments change and copies come back: at rest a desk whose copy
//! is in a live share holds what a resync tells it, and the receipt of a redaction has named the
//! rest.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comment::SharedComment;
use contracts::delivery::Redaction;
use contracts::sync::{Action, Hop, Transfer, TransferComment};
use contracts::{AccountName, CommentId, CopyId, ItemOutcome};
use proptest::prelude::*;

use super::redaction::blanked;
use super::samples::{account, acme_copy, file, hop, published, settings, share, take, update};
use super::{ChainState, Decided, Settings};

const ACCOUNTS: [&str; 4] = ["acme", "globex", "initech", "umbrella"];

/// What happens, to which copy or share, and how.
type Step = (u8, u8, u8);

/// A desk's comments, as it was told of them, and what it has to blank.
#[derive(Debug, Default)]
struct Desk {
    comments: BTreeMap<CommentId, SharedComment>,
    redactions: Vec<Redaction>,
}

impl Desk {
    fn hear(&mut self, comment: &SharedComment) {
        let of = |redaction: &&Redaction| redaction.comment_id == comment.id;
        let left = self.redactions.iter().filter(of).fold(comment.clone(), |left, redaction| {
            blanked(left, redaction.attachment_id.as_deref())
        });
        self.comments.entry(comment.id.clone()).or_insert(left);
    }

    fn blank(&mut self, redaction: &Redaction) {
        if let Some(comment) = self.comments.get_mut(&redaction.comment_id) {
            *comment = blanked(comment.clone(), redaction.attachment_id.as_deref());
        }
        self.redactions.push(redaction.clone());
    }
}

struct World {
    state: ChainState,
    settings: Settings,
    desks: BTreeMap<CopyId, (AccountName, Desk)>,
    hops: Vec<Hop>,
    comments: Vec<(CopyId, CommentId)>,
    wrong: Vec<String>,
}

impl World {
    fn new() -> Self {
        let mut settings = settings();
        settings.secure_downloads.extend(ACCOUNTS.map(|name| (account(name), false)));
        Self {
            state: ChainState::default(),
            settings,
            desks: BTreeMap::from([(acme_copy(), (account("acme"), Desk::default()))]),
            hops: Vec::new(),
            comments: Vec::new(),
            wrong: Vec::new(),
        }
    }

    fn step(&mut self, (kind, which, how): Step) {
        let (which, how) = (usize::from(which), usize::from(how));
        let (copy, owner) = {
            let (copy, (owner, _)) = self.desks.iter().nth(which % self.desks.len()).unwrap();
            (copy.clone(), owner.clone())
        };
        match kind % 8 {
            0 | 1 => self.share(&copy, &owner, how),
            2 | 3 => self.comment(&copy, &owner, how),
            4 => self.unshare(which),
            5 if how % 2 == 0 => {
                self.settings
                    .inactive
                    .extend(self.hops.get(which % 9).map(|hop| hop.agreement_id.clone()));
            }
            _ => self.redact(which, how),
        }
    }

    /// The live hops on the way from a copy, as the entry tells them.
    fn way(&self, copy: &CopyId) -> Vec<Hop> {
        let way = self.state.chain.crossings(copy, &self.settings.inactive);
        way.into_iter().map(|crossing| crossing.hop).collect()
    }

    fn share(&mut self, copy: &CopyId, owner: &AccountName, how: usize) {
        let inactive = &self.settings.inactive;
        let receiver = ACCOUNTS[how % ACCOUNTS.len()];
        if self.state.chain.live_outbound(copy, inactive).is_some() || *receiver == *owner.as_str()
        {
            return;
        }
        let number = u8::try_from(self.hops.len() + 1).unwrap();
        let new = hop(number, owner.as_str(), receiver, copy.clone());
        self.hops.push(new.clone());
        self.desks.insert(new.far(), (account(receiver), Desk::default()));
        let hops = [self.way(copy), vec![new]].concat();
        self.decide(&share(&hops, Vec::new()));
    }

    fn unshare(&mut self, which: usize) {
        let Some(hop) = self.hops.get(which % self.hops.len().max(1)).cloned() else { return };
        let end = update(hop.sender.as_str(), &hop.near, &self.way(&hop.near), Vec::new());
        self.decide(&Transfer { action: Action::Unshare { share_id: hop.share_id }, ..end });
    }

    fn comment(&mut self, copy: &CopyId, owner: &AccountName, how: usize) {
        let id = format!("{owner}/{}", self.comments.len());
        let attachments = ["f1", "f2"][..how % 3].iter().map(|id| file(id)).collect();
        let comment = TransferComment { attachments, ..published(&id) };
        self.comments.push((copy.clone(), comment.id.clone()));
        let told = SharedComment {
            id: comment.id.clone(),
            author: comment.author.clone(),
            body: comment.body.clone(),
            html_body: None,
            public: true,
            authored_at: None,
            attachments: comment.attachments.clone(),
        };
        self.desks.get_mut(copy).unwrap().1.hear(&told);
        self.decide(&update(owner.as_str(), copy, &self.way(copy), vec![comment]));
    }

    /// A desk redacts a comment of its own, whole or one of its files.
    fn redact(&mut self, which: usize, how: usize) {
        let Some((copy, id)) = self.comments.get(which % self.comments.len().max(1)).cloned()
        else {
            return;
        };
        let attachment_id = ["f1", "f2"].get(how % 4).map(|file| (*file).to_owned());
        let redaction = Redaction { comment_id: id.clone(), attachment_id: attachment_id.clone() };
        let (owner, desk) = self.desks.get_mut(&copy).unwrap();
        desk.blank(&redaction);
        let redact = update(owner.clone().as_str(), &copy, &self.way(&copy), Vec::new());
        let decided = self.decide(&Transfer {
            action: Action::Redact { comment_id: id.clone(), attachment_id },
            ..redact
        });
        let of = |outcome| decided.decisions.iter().filter(move |it| it.outcome == outcome);
        let withheld = of(ItemOutcome::Withheld);
        let (unaware, named) = (self.unaware(&redaction), withheld.clone().count());
        // Of a comment that is blank here it is not known which files a copy without it has.
        let unknown = of(ItemOutcome::Unchanged).next().is_some();
        if named < unaware.len() || (named > unaware.len() && !unknown) {
            self.wrong.push(format!("{unaware:?} do not know of {redaction:?}: {decided:?}"));
        }
        if withheld.clone().any(|it| it.share_id.is_none() || it.reason.is_none()) {
            self.wrong.push(format!("a copy without its share: {decided:?}"));
        }
    }

    /// Copies that hold a comment and have not heard of its redaction, though it changed it.
    fn unaware(&self, redaction: &Redaction) -> BTreeSet<&CopyId> {
        let file = redaction.attachment_id.as_deref();
        let holds = |desk: &Desk| {
            let comment = desk.comments.get(&redaction.comment_id);
            comment.is_some_and(|comment| blanked(comment.clone(), file) != *comment)
        };
        self.desks.iter().filter(|(_, (_, desk))| holds(desk)).map(|(copy, _)| copy).collect()
    }

    fn decide(&mut self, transfer: &Transfer) -> Decided {
        let decided = take(&mut self.state, &self.settings, transfer);
        for (copy, comments) in &decided.comments {
            let desk = &mut self.desks.get_mut(copy).unwrap().1;
            for comment in comments {
                desk.hear(comment);
            }
        }
        if let Action::Redact { comment_id, attachment_id } = &transfer.action {
            let redaction =
                Redaction { comment_id: comment_id.clone(), attachment_id: attachment_id.clone() };
            for crossing in &decided.redacted {
                self.desks.get_mut(&crossing.to).unwrap().1.blank(&redaction);
            }
        }
        for overdue in &decided.overdue {
            let desk = &mut self.desks.get_mut(&overdue.crossing.to).unwrap().1;
            overdue.redactions.iter().for_each(|redaction| desk.blank(redaction));
        }
        decided
    }

    /// What a resync tells of a copy.
    fn resync(&mut self, copy: &CopyId) -> BTreeMap<CommentId, SharedComment> {
        let (owner, _) = &self.desks[copy];
        let share_id = self.hops[0].share_id.clone();
        let resync = Transfer {
            action: Action::Resync { share_id },
            ..update(owner.as_str(), copy, &self.way(copy), Vec::new())
        };
        let told = take(&mut self.state, &self.settings, &resync).comments.remove(copy);
        told.unwrap_or_default().into_iter().map(|it| (it.id.clone(), it)).collect()
    }

    /// The copies at a live hop whose desks hold something else than a resync tells.
    fn differ(mut self) -> Vec<String> {
        let live: BTreeSet<CopyId> = self
            .state
            .chain
            .live(&self.settings.inactive)
            .flat_map(|hop| [hop.near.clone(), hop.far()])
            .collect();
        for copy in live {
            let told = self.resync(&copy);
            let mut held = self.desks[&copy].1.comments.clone();
            // What came to no live share is at home alone.
            held.retain(|id, _| self.state.comments.get(id).is_some());
            if held != told {
                self.wrong.push(format!("{copy} holds {held:?}, Deskmesh {told:?}"));
            }
        }
        self.wrong
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn part_5_a_copy_that_came_back_holds_what_a_resync_tells(
        steps in prop::collection::vec(any::<Step>(), 1..60),
    ) {
        let mut world = World::new();
        world.share(&acme_copy(), &account("acme"), 1);
        for step in steps {
            world.step(step);
        }
        let wrong = world.differ();
        prop_assert!(wrong.is_empty(), "{:#?}", wrong);
    }
}
