//! Goldens: messages that have to be read for ever.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use contracts::Message;
use contracts::asyncapi::{Example, messages};
use contracts::command::{
    AccountLower, AccountRecover, AccountRegister, AccountRename, AccountShow, AccountUpdate,
    AgreementAccept, AgreementCompare, AgreementDeactivate, AgreementDecline, AgreementInvite,
    AgreementList, ShareList, ShareRecover, TicketBind, TicketRedact, TicketResync, TicketShare,
    TicketUnshare, TicketUpdate,
};
use contracts::delivery::DeliveryBody;
use contracts::topology::Exchange;
use serde_json::Value;

/// A golden and its file's name.
pub struct Golden {
    pub file: String,
    pub exchange: Exchange,
    pub example: Example,
}

pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

pub fn files(folder: &Path) -> BTreeSet<String> {
    let entries =
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| entry.expect("a readable folder").file_name().to_string_lossy().into_owned())
        .collect()
}

/// `<message type>.json`, `<message type>.<variant>.json`.
pub fn goldens() -> Vec<Golden> {
    let read = |file: String| {
        let words: Vec<&str> = file.strip_suffix(".json").unwrap_or(&file).split('.').collect();
        let (message, variant) = (words[..3].join("."), words.get(3).map(ToString::to_string));
        let known = messages()
            .find(|known| known.name == message)
            .unwrap_or_else(|| panic!("{file} is of no message"));
        let text = std::fs::read_to_string(folder("golden").join(&file)).expect("a readable file");
        let body = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        Golden { exchange: known.exchange, example: Example { message, variant, body }, file }
    };
    files(&folder("golden")).into_iter().map(read).collect()
}

/// Reads a body as whoever receives it does, and writes it again.
pub fn read(message: &str, body: &Value) -> serde_json::Result<Value> {
    if DeliveryBody::NAMES.contains(&message) {
        let told = DeliveryBody::read(message, body.to_string().as_bytes())?;
        let written = told.body()?;
        assert_eq!(DeliveryBody::read(message, written.get().as_bytes())?, told, "{message}");
        return serde_json::from_str(written.get());
    }
    let body = &without_null(body);
    match message {
        AccountRegister::NAME => read_as::<AccountRegister>(body),
        AccountUpdate::NAME => read_as::<AccountUpdate>(body),
        AccountRename::NAME => read_as::<AccountRename>(body),
        AccountShow::NAME => read_as::<AccountShow>(body),
        AccountLower::NAME => read_as::<AccountLower>(body),
        AccountRecover::NAME => read_as::<AccountRecover>(body),
        AgreementInvite::NAME => read_as::<AgreementInvite>(body),
        AgreementAccept::NAME => read_as::<AgreementAccept>(body),
        AgreementDecline::NAME => read_as::<AgreementDecline>(body),
        AgreementDeactivate::NAME => read_as::<AgreementDeactivate>(body),
        AgreementCompare::NAME => read_as::<AgreementCompare>(body),
        AgreementList::NAME => read_as::<AgreementList>(body),
        TicketShare::NAME => read_as::<TicketShare>(body),
        TicketUpdate::NAME => read_as::<TicketUpdate>(body),
        TicketBind::NAME => read_as::<TicketBind>(body),
        TicketUnshare::NAME => read_as::<TicketUnshare>(body),
        TicketRedact::NAME => read_as::<TicketRedact>(body),
        TicketResync::NAME => read_as::<TicketResync>(body),
        ShareList::NAME => read_as::<ShareList>(body),
        ShareRecover::NAME => read_as::<ShareRecover>(body),
        other => panic!("{other} is neither command nor delivery"),
    }
}

fn read_as<T: Message + PartialEq + Debug>(body: &Value) -> serde_json::Result<Value> {
    let message: T = serde_json::from_value(body.clone())?;
    let written = serde_json::to_value(&message)?;
    assert_eq!(serde_json::from_value::<T>(written.clone())?, message, "{}", T::NAME);
    Ok(written)
}

/// A command's content as admission hands it on: `null` means "not given".
fn without_null(content: &Value) -> Value {
    match content {
        Value::Object(members) => {
            let given = members.iter().filter(|(_, member)| !member.is_null());
            Value::Object(
                given.map(|(name, member)| (name.clone(), without_null(member))).collect(),
            )
        }
        Value::Array(items) => items.iter().map(without_null).collect(),
        other => other.clone(),
    }
}
