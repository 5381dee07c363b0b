//! What a form of a group's page asks for.

use contracts::topology::Service;
use uuid::Uuid;

use super::piles::GroupKey;
use super::told::{ParkedOrder, ParkedQuestion, Verb};
use crate::console::form::{Fields, FormError, one_line};

/// Messages a second that can be chosen.
pub const RATES: [u32; 5] = [1, 20, 50, 100, 1_000];
/// What is chosen when nothing else is.
pub const USUAL_RATE: u32 = 50;
/// How far "the newest" goes back.
pub const NEW: u64 = 3_600;
/// Characters of a reason, at most: it stands in a header.
pub const BECAUSE: usize = 500;

/// Which messages of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    All,
    /// Parked at most [`NEW`] seconds ago.
    New,
    /// Those that the page listed: messages without a type are named by nothing else.
    Listed(Vec<Uuid>),
    One(Uuid),
}

/// What is to be done with which messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub verb: Verb,
    pub which: Which,
    pub account: Option<String>,
    pub rate: u32,
    pub because: Option<String>,
}

/// The group that an address names, with the type that its form or query names.
pub fn key(service: &str, reason: String, fields: &Fields) -> Option<GroupKey> {
    let mut services = Service::ALL.into_iter().chain(Service::EDGES);
    let service = services.find(|it| it.name() == service)?;
    let is_code = reason.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
    let message_type = fields.given("type").map(str::to_owned);
    is_code.then_some(GroupKey { service, reason, message_type })
}

impl Choice {
    /// What a form asks for; nothing when it only looks.
    ///
    /// # Errors
    /// When it asks for what cannot be.
    pub fn of(key: &GroupKey, fields: &Fields) -> Result<Option<Self>, FormError> {
        let wrong = |sentence: &str| Err(FormError(sentence.to_owned()));
        let verb = match fields.text("do") {
            "" => return Ok(None),
            "replay" => Verb::Replay,
            "discard" if key.can_discard() => Verb::Discard,
            "discard" => {
                return wrong("Only agreement-service and share-dispatcher discard: replay it.");
            }
            _ => return wrong("Choose whether to replay or to discard."),
        };
        let because = (verb == Verb::Discard).then(|| because(fields)).transpose()?;
        let rate = fields.given("rate").map_or(Some(USUAL_RATE), |rate| rate.parse().ok());
        let Some(rate) = rate.filter(|rate| RATES.contains(rate)) else {
            return wrong("Choose one of the rates.");
        };
        let account = fields.given("account").map(str::to_owned);
        Ok(Some(Self { verb, which: which(key, fields)?, account, rate, because }))
    }

    /// What the service is asked.
    pub fn question(&self, key: &GroupKey, limit: Option<u64>) -> ParkedQuestion {
        let (ids, newer_than_seconds) = match &self.which {
            Which::All => (Vec::new(), None),
            Which::New => (Vec::new(), Some(NEW)),
            Which::Listed(ids) => (ids.clone(), None),
            Which::One(id) => (vec![*id], None),
        };
        let is_group = ids.is_empty();
        ParkedQuestion {
            action: self.verb,
            because: self.because.clone(),
            ids,
            reason: is_group.then(|| key.reason.clone()),
            account: self.account.clone().filter(|_| is_group),
            message_type: key.message_type.clone().filter(|_| is_group),
            limit,
            newer_than_seconds,
        }
    }

    /// What the service is told to do, with what was planned as the limit: what was parked since
    /// then stays.
    ///
    /// # Errors
    /// When nobody is named, or nothing was planned.
    pub fn order(&self, key: &GroupKey, fields: &Fields) -> Result<ParkedOrder, FormError> {
        let by = fields.person()?;
        let planned = fields.text("limit").parse().ok().filter(|planned| *planned > 0);
        let Some(planned) = planned else {
            return Err(FormError(
                "Plan it first: nothing is done that was not planned.".to_owned(),
            ));
        };
        Ok(ParkedOrder { question: self.question(key, Some(planned)), rate: self.rate, by })
    }

    /// The fields that bring the same choice again.
    pub fn pairs(&self, key: &GroupKey) -> Vec<(&'static str, String)> {
        let (which, named) = match &self.which {
            Which::All => ("all", None),
            Which::New => ("new", None),
            Which::Listed(ids) => ("listed", Some(("ids", listed(ids)))),
            Which::One(id) => ("one", Some(("id", id.to_string()))),
        };
        let verb = match self.verb {
            Verb::Replay => "replay",
            Verb::Discard => "discard",
        };
        let always = [
            ("do", Some(verb.to_owned())),
            ("type", key.message_type.clone()),
            ("which", Some(which.to_owned())),
            ("account", self.account.clone()),
            ("rate", Some(self.rate.to_string())),
            ("because", self.because.clone()),
        ];
        let always = always.into_iter().filter_map(|(name, value)| Some((name, value?)));
        always.chain(named).collect()
    }

    /// What it is, for people: `Replay at 20/s`.
    pub fn title(&self) -> String {
        match (&self.verb, &self.because) {
            (Verb::Discard, Some(because)) => format!("Discard: “{because}”"),
            (Verb::Discard, None) => "Discard".to_owned(),
            (Verb::Replay, _) => format!("Replay at {}/s", self.rate),
        }
    }

    /// Which messages, for people.
    pub fn of_which(&self) -> String {
        let which = match &self.which {
            Which::All => "all of the group".to_owned(),
            Which::New => "parked at most 1 hour ago".to_owned(),
            Which::Listed(ids) => format!("{} that were listed", ids.len()),
            Which::One(id) => return format!("id {id}"),
        };
        let account = self.account.iter().map(|account| format!(", of {account}"));
        which + &account.collect::<String>()
    }
}

/// Ids as a form brings them.
pub fn listed(ids: &[Uuid]) -> String {
    let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    ids.join(",")
}

fn which(key: &GroupKey, fields: &Fields) -> Result<Which, FormError> {
    let wrong = |sentence: &str| Err(FormError(sentence.to_owned()));
    match fields.text("which") {
        "all" | "new" if key.message_type.is_none() => {
            wrong("Messages without a type are chosen by their ids: take those that are listed.")
        }
        "all" => Ok(Which::All),
        "new" => Ok(Which::New),
        "one" => match fields.text("id").parse() {
            Ok(id) => Ok(Which::One(id)),
            Err(_) => wrong("Choose the message to try."),
        },
        "listed" => match fields.text("ids").split(',').map(str::parse).collect() {
            Ok(ids) => Ok(Which::Listed(ids)),
            Err(_) => wrong("The list of messages cannot be read: open the group again."),
        },
        _ => wrong("Choose which messages."),
    }
}

fn because(fields: &Fields) -> Result<String, FormError> {
    match fields.text("because") {
        "" => Err(FormError("A reason is missing: the publisher is told it.".to_owned())),
        because => one_line("The reason", because, BECAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0193a1f2-0000-7000-8000-000000000001";

    fn group(service: Service, message_type: Option<&str>) -> GroupKey {
        let message_type = message_type.map(str::to_owned);
        GroupKey { service, reason: "poison".to_owned(), message_type }
    }

    fn entry() -> GroupKey {
        group(Service::ShareDispatcher, Some("ticket.update.v1"))
    }

    fn choice(key: &GroupKey, form: &str) -> Result<Choice, String> {
        match Choice::of(key, &Fields::of(form)) {
            Ok(choice) => Ok(choice.expect("it asks for something")),
            Err(FormError(sentence)) => Err(sentence),
        }
    }

    #[test]
    fn a_plan_asks_for_what_was_chosen() {
        assert_eq!(Choice::of(&entry(), &Fields::of("type=ticket.update.v1")), Ok(None));
        let chosen = choice(&entry(), "do=replay&which=new&account=acme&rate=20").unwrap();
        let wanted = ParkedQuestion {
            action: Verb::Replay,
            because: None,
            ids: Vec::new(),
            reason: Some("poison".to_owned()),
            account: Some("acme".to_owned()),
            message_type: Some("ticket.update.v1".to_owned()),
            limit: None,
            newer_than_seconds: Some(3_600),
        };
        assert_eq!(chosen.question(&entry(), None), wanted);
        assert_eq!(chosen.title(), "Replay at 20/s");
        assert_eq!(chosen.of_which(), "parked at most 1 hour ago, of acme");
        // An id says all.
        let one = choice(&entry(), &format!("do=replay&which=one&id={ID}&account=acme")).unwrap();
        let asked = one.question(&entry(), None);
        assert_eq!(
            (asked.ids, asked.reason, asked.account),
            (vec![ID.parse().unwrap()], None, None)
        );
        assert_eq!(one.rate, USUAL_RATE);
    }

    #[test]
    fn an_order_takes_no_more_than_was_planned() {
        let form = "do=replay&which=all&limit=212&by=Dana+Weber";
        let order = choice(&entry(), form).unwrap().order(&entry(), &Fields::of(form)).unwrap();
        assert_eq!((order.question.limit, order.rate), (Some(212), 50));
        assert_eq!(order.by, "Dana Weber");
        for form in ["limit=212", "limit=0&by=Dana", "by=Dana", "limit=x&by=Dana"] {
            let chosen = choice(&entry(), "do=replay&which=all").unwrap();
            assert!(chosen.order(&entry(), &Fields::of(form)).is_err(), "{form}");
        }
    }

    #[test]
    fn a_discard_has_a_reason_and_its_service() {
        let discarded = |key: &GroupKey, because: &str| {
            choice(key, &format!("do=discard&which=all&because={because}"))
        };
        let chosen = discarded(&entry(), "sent+by+mistake").unwrap();
        assert_eq!(chosen.question(&entry(), None).because.as_deref(), Some("sent by mistake"));
        assert_eq!(chosen.title(), "Discard: “sent by mistake”");
        assert!(discarded(&entry(), "").unwrap_err().contains("reason is missing"));
        assert!(discarded(&entry(), &"x".repeat(501)).unwrap_err().contains("at most 500"));
        assert!(discarded(&entry(), "two%0Alines").is_err());
        let behind = group(Service::CommentSync, Some("transfer.v1"));
        assert!(discarded(&behind, "why").unwrap_err().contains("share-dispatcher discard"));
    }

    #[test]
    fn messages_without_a_type_are_chosen_by_id() {
        let key = group(Service::ShareDispatcher, None);
        assert!(choice(&key, "do=replay&which=all").is_err());
        let chosen = choice(&key, &format!("do=replay&which=listed&ids={ID},{ID}")).unwrap();
        assert_eq!(chosen.question(&key, None).ids.len(), 2);
        assert!(choice(&key, "do=replay&which=listed&ids=").is_err());
    }

    #[test]
    fn an_address_names_a_group_of_a_service() {
        let fields = Fields::of("type=ticket.update.v1");
        assert_eq!(key("share-dispatcher", "poison".to_owned(), &fields), Some(entry()));
        assert_eq!(key("operator", "poison".to_owned(), &fields), None);
        assert_eq!(key("share-dispatcher", "two\nlines".to_owned(), &fields), None);
    }

    #[test]
    fn what_cannot_be_chosen_is_refused() {
        for form in [
            "do=delete&which=all",
            "do=replay",
            "do=replay&which=all&rate=7",
            "do=replay&which=one&id=x",
        ] {
            assert!(choice(&entry(), form).is_err(), "{form}");
        }
    }

    #[test]
    fn a_choice_survives_its_form() {
        let forms =
            ["do=replay&which=all&account=acme&rate=1000", "do=discard&which=new&because=why"];
        for form in forms.map(str::to_owned).into_iter().chain([
            format!("do=replay&which=one&id={ID}"),
            format!("do=replay&which=listed&ids={ID},{ID}"),
        ]) {
            let chosen = choice(&entry(), &form).unwrap();
            let pairs = chosen.pairs(&entry());
            let mut again = url::form_urlencoded::Serializer::new(String::new());
            let again = again.extend_pairs(&pairs).finish();
            assert_eq!(choice(&entry(), &again), Ok(chosen), "{again}");
            assert!(again.contains("type=ticket.update.v1"), "{again}");
        }
    }
}
