//! A ticket as its account's people and rules see it.

use std::collections::{BTreeMap, BTreeSet};

use contracts::fields::{CustomStatuses, Status};
use serde_json::Value;
use uuid::Uuid;

use super::custom_status::TicketStatus;

/// All statuses, in the order of a ticket's life.
pub const STATUSES: [Status; 6] =
    [Status::New, Status::Open, Status::Pending, Status::Hold, Status::Solved, Status::Closed];

/// A status as messages and rows have it.
#[must_use]
pub fn status_word(status: Status) -> &'static str {
    match status {
        Status::New => "new",
        Status::Open => "open",
        Status::Pending => "pending",
        Status::Hold => "hold",
        Status::Solved => "solved",
        Status::Closed => "closed",
    }
}

/// The status of this word.
#[must_use]
pub fn status_of(word: &str) -> Option<Status> {
    STATUSES.into_iter().find(|status| status_word(*status) == word)
}

/// By what way something came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// An agent of the account, on these pages.
    Agent,
    /// Whoever asked, or a CC, on the page that mails link to.
    Requester,
    /// Ticket sharing.
    Sharing,
    /// A rule of the account.
    Rule,
}

impl Channel {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Agent, Self::Requester, Self::Sharing, Self::Rule];

    /// As rows and conditions have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Requester => "requester",
            Self::Sharing => "sharing",
            Self::Rule => "rule",
        }
    }

    /// The channel of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.word() == word)
    }
}

/// What can change of a ticket, and what rules look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticket {
    /// The account's own number.
    pub number: i64,
    /// What it is about.
    pub subject: String,
    /// Status.
    pub status: Status,
    /// Key of the custom status within it.
    pub custom_status: Option<String>,
    /// The group that works on it.
    pub group: Option<Uuid>,
    /// The agent who works on it.
    pub assignee: Option<Uuid>,
    /// Who asks: a person's id.
    pub requester: String,
    /// How it came to be.
    pub channel: Channel,
    /// What changed it last.
    pub updated_via: Channel,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// Those of them that a rule added.
    pub rule_tags: BTreeSet<String>,
    /// Values of custom fields by their keys.
    pub fields: BTreeMap<String, Value>,
    /// The partner that shared it with this account.
    pub received_from: Option<String>,
    /// The partner that this account shared it with.
    pub sent_to: Option<String>,
}

impl Ticket {
    /// One that an agent opens.
    #[must_use]
    pub fn new(number: i64, subject: impl Into<String>, requester: impl Into<String>) -> Self {
        Self {
            number,
            subject: subject.into(),
            status: Status::New,
            custom_status: None,
            group: None,
            assignee: None,
            requester: requester.into(),
            channel: Channel::Agent,
            updated_via: Channel::Agent,
            tags: BTreeSet::new(),
            rule_tags: BTreeSet::new(),
            fields: BTreeMap::new(),
            received_from: None,
            sent_to: None,
        }
    }

    /// Its status with the custom status.
    #[must_use]
    pub fn standing(&self) -> TicketStatus {
        TicketStatus { category: self.status, custom: self.custom_status.clone() }
    }

    /// Puts it so.
    pub fn stand(&mut self, TicketStatus { category, custom }: TicketStatus) {
        (self.status, self.custom_status) = (category, custom);
    }

    /// Gives it the custom status that it has by the account's statuses.
    pub fn settle_status(&mut self, known: &CustomStatuses) {
        self.stand(self.standing().settled(known));
    }

    /// Tags that people or partners set.
    pub fn own_tags(&self) -> impl Iterator<Item = &String> {
        self.tags.difference(&self.rule_tags)
    }

    /// A person sets the tags: those that rules added stay what they are, and who names one that is
    /// not there makes it their own.
    pub fn set_own_tags(&mut self, wanted: &BTreeSet<String>) {
        self.tags = wanted.union(&self.rule_tags).cloned().collect();
    }
}

/// Tags as people type them: words between blanks and commas, in small letters, each once.
#[must_use]
pub fn tags_of(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| letter == ',' || letter.is_whitespace());
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_statuses_and_channels_are_read_as_written() {
        for status in STATUSES {
            assert_eq!(status_of(status_word(status)), Some(status));
            assert_eq!(serde_json::json!(status), status_word(status));
        }
        for channel in Channel::ALL {
            assert_eq!(Channel::of(channel.word()), Some(channel));
        }
        assert_eq!((status_of("on-hold"), Channel::of("mail")), (None, None));
    }

    #[test]
    fn tags_are_words_each_once() {
        let tags: Vec<String> = tags_of(" Meter, relay  meter,\tnight-desk ").into_iter().collect();
        assert_eq!(tags, ["meter", "night-desk", "relay"]);
    }

    #[test]
    fn r_61_a_rules_tag_stays_a_rules_when_people_set_theirs() {
        let mut ticket = Ticket::new(1, "Pump", "p");
        ticket.tags = tags_of("field-team meter");
        ticket.rule_tags = tags_of("field-team");
        ticket.set_own_tags(&tags_of("relay"));
        assert_eq!(ticket.tags, tags_of("field-team relay"));
        assert_eq!(ticket.own_tags().collect::<Vec<_>>(), ["relay"]);
    }
}
