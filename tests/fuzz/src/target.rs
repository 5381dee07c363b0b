//! What a script is played on.

use std::collections::VecDeque;
use std::sync::LazyLock;

use contracts::Timestamp;
use contracts::delivery::DeliveryBody;
use contracts::topology::{Service, entry_of};
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use messaging::{dead_letter_trial, trial};
use notifier::delivery::{Templates, compose};
use notifier::rules::notice;
use serde_json::Value;
use stages::{Line, LineMessage, Sent};

use crate::script::{self, text};

/// Messages that one script may come to on the whole line.
const MESSAGES: usize = 2_000;

#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// A delivery as a service's runtime takes it, whoever published it.
    Admission,
    /// The rules of one stage, given any message in any state that others have led to.
    Stage(Service),
    /// Commands, and everything that comes of them down the line.
    Line,
}

/// Every target with its name.
pub const TARGETS: [(&str, Target); 7] = [
    ("admission", Target::Admission),
    ("agreement-service", Target::Stage(Service::Agreement)),
    ("share-dispatcher", Target::Stage(Service::ShareDispatcher)),
    ("comment-sync", Target::Stage(Service::CommentSync)),
    ("field-sync", Target::Stage(Service::FieldSync)),
    ("notifier", Target::Stage(Service::Notifier)),
    ("line", Target::Line),
];

/// The target of this name.
#[must_use]
pub fn named(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|(other, _)| *other == name).map(|(_, target)| target)
}

fn at(number: usize) -> Timestamp {
    let begin = Timestamp::parse("2026-03-01T10:00:00Z").expect("a date");
    begin.plus_seconds(i64::try_from(number).unwrap_or_default())
}

impl Target {
    /// Plays a script.
    ///
    /// # Panics
    /// When something is found.
    pub fn play(self, data: &[u8]) {
        let lines = script::read(data);
        match self {
            Self::Admission => {
                lines.iter().enumerate().for_each(|(number, line)| admission(line, at(number)));
            }
            Self::Stage(service) => stage(service, &lines),
            Self::Line => tell(&lines, |_, _| ()),
        }
    }
}

fn admission(line: &Value, now: Timestamp) {
    let _ = trial(
        &agreement_service::AgreementService::new(usize::MAX),
        "agreement-service",
        delivery(line),
        now,
    );
    for queue in Service::ShareDispatcher.work_queues() {
        let _ = trial(&stages::dispatcher(), &queue, delivery(line), now);
    }
    let _ = trial(&comment_sync::CommentSync, "comment-sync", delivery(line), now);
    let _ = trial(&field_sync::FieldSync::default(), "field-sync", delivery(line), now);
    let _ = trial(&notifier::Notifier, "notifier", delivery(line), now);
    for queue in ["share-dispatcher.parked", "desk.parked"] {
        let _ = dead_letter_trial::<share_dispatcher::ShareDispatcher>(queue, delivery(line), now);
    }
}

/// The delivery that a line describes. Its body is `body`, byte for byte (a character below U+0100
/// is a byte), or else its content.
fn delivery(line: &Value) -> Delivery {
    let short = |name: &str| text(line, name).map(short_string);
    let bytes = |text: &str| {
        text.chars().map(|char| u8::try_from(u32::from(char)).unwrap_or(b'?')).collect::<Vec<u8>>()
    };
    let body = text(line, "body").map_or_else(|| line["content"].to_string().into_bytes(), bytes);
    let exchange = short("exchange").unwrap_or_else(|| "share".into());
    let account = text(line, "account").unwrap_or_default();
    let stem = text(line, "type").unwrap_or_default().rsplit_once('.').map_or("", |(stem, _)| stem);
    let key = short("key").unwrap_or_else(|| short_string(&format!("{account}.{stem}")));
    let mut delivery =
        Delivery::mock(1, exchange, key, line["redelivered"] == Value::Bool(true), body);
    let given =
        |properties: BasicProperties,
         name: &str,
         set: fn(BasicProperties, ShortString) -> BasicProperties| match short(name) {
            Some(value) => set(properties, value),
            None => properties,
        };
    let mut properties = BasicProperties::default().with_headers(table(&line["headers"], 0));
    properties = given(properties, "id", BasicProperties::with_message_id);
    properties = given(properties, "type", BasicProperties::with_type);
    properties = given(properties, "user", BasicProperties::with_user_id);
    properties = given(properties, "content_type", BasicProperties::with_content_type);
    properties = given(properties, "correlation_id", BasicProperties::with_correlation_id);
    properties = given(properties, "expiration", BasicProperties::with_expiration);
    delivery.properties = properties;
    delivery
}

/// As much of a text as AMQP's short strings take.
fn short_string(text: &str) -> ShortString {
    let end =
        (0..=text.len().min(255)).rfind(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text[..end].into()
}

fn table(value: &Value, depth: usize) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, member) in value.as_object().into_iter().flatten() {
        table.insert(short_string(name), field(member, depth));
    }
    table
}

fn field(value: &Value, depth: usize) -> AMQPValue {
    match value {
        Value::Bool(flag) => AMQPValue::Boolean(*flag),
        Value::Number(number) => {
            number.as_i64().map_or(AMQPValue::Double(0.5), AMQPValue::LongLongInt)
        }
        Value::String(text) => AMQPValue::LongString(LongString::from(text.as_str())),
        Value::Array(items) if depth < 8 => AMQPValue::FieldArray(
            items.iter().map(|item| field(item, depth + 1)).collect::<Vec<_>>().into(),
        ),
        Value::Object(_) if depth < 8 => AMQPValue::FieldTable(table(value, depth + 1)),
        Value::Null | Value::Array(_) | Value::Object(_) => AMQPValue::Void,
    }
}

fn stage(service: Service, lines: &[Value]) {
    let mut line = Line::default();
    for (number, said) in lines.iter().enumerate() {
        let Some(message) = script::message(said, number) else { continue };
        if service == Service::Notifier {
            mails(&message, at(number));
        }
        let mut waiting = vec![message];
        while let Some(message) = waiting.pop() {
            for sent in line.take(service, message, at(number)) {
                check(sent, &mut waiting);
            }
        }
    }
}

/// Tells commands, one after the other, and everything that comes of them, down the whole line;
/// `hears` is told what reaches whom.
pub(crate) fn tell(commands: &[Value], mut hears: impl FnMut(Service, &LineMessage)) {
    let (mut line, mut left) = (Line::default(), MESSAGES);
    for (number, said) in commands.iter().enumerate() {
        let Some(message) = script::message(said, number) else { continue };
        let Some(entry) = entry_of(&message.kind) else { continue };
        let mut queue = VecDeque::from([(entry, message)]);
        while let Some((service, message)) = queue.pop_front() {
            let Some(fewer) = left.checked_sub(1) else { return };
            left = fewer;
            hears(service, &message);
            let mut again = Vec::new();
            for sent in line.take(service, message, at(number)) {
                queue.extend(check(sent, &mut again));
            }
            queue.extend(again.into_iter().map(|message| (service, message)));
        }
    }
}

/// What is sent can be read by whoever it is sent to.
fn check(sent: Sent, again: &mut Vec<LineMessage>) -> Option<(Service, LineMessage)> {
    match sent {
        Sent::Service(to, message) => {
            if let Err(error) = Line::read(to, &message) {
                panic!("{} cannot read {message:?}: {error}", to.name());
            }
            return Some((to, message));
        }
        Sent::Desk(account, message) => {
            if let Err(error) =
                DeliveryBody::read(&message.kind, message.content.to_string().as_bytes())
            {
                panic!("the desk of {account} cannot read {message:?}: {error}");
            }
        }
        Sent::Again(message) => again.push(message),
        Sent::Refused(..) | Sent::Parked(..) => {}
    }
    None
}

/// The mails of a notice, as they would be sent.
fn mails(message: &LineMessage, now: Timestamp) {
    static TEMPLATES: LazyLock<Templates> =
        LazyLock::new(|| Templates::new().expect("the templates are well-formed"));
    let Ok(said) = serde_json::from_value(message.content.clone()) else { return };
    let from = "Deskmesh <mesh@mesh.example>".parse().expect("an address");
    for mail in
        notice::decide(&message.id, &said, now).iter().filter(|mail| mail.suppressed.is_none())
    {
        if let Ok(composed) =
            compose(mail.id, mail.recipient(), &mail.notice, now, &from, &TEMPLATES)
        {
            assert!(!composed.formatted().is_empty(), "a mail has bytes");
        }
    }
}
