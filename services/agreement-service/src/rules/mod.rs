//! What follows from a command: functions of values. One file per message or policy.

mod accept;
mod addresses;
mod announcement;
mod authorize;
mod compare;
mod deactivate;
mod decline;
mod forms;
mod invite;
pub mod invites_a_day;
pub(crate) mod list;
mod lower;
mod operating;
pub(crate) mod recover;
mod register;
pub(crate) mod rename;
mod show;
pub mod state;
mod third_party;
mod update;
mod validate;

#[cfg(test)]
mod history;
#[cfg(test)]
mod rename_size;
#[cfg(test)]
pub(crate) mod world;

use contracts::delivery::Delivery;
use contracts::sync::{Change, CommandRef, Fact};
use contracts::{AccountName, AgreementId, Reason, Receipt, ReceiptOutcome, Role, Timestamp};

use self::state::{Account, Agreement, Released, State};
use crate::inbound::Inbound;

/// What a command changes, and what is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The account as it is from now on, where it changes.
    pub account: Option<Box<Account>>,
    /// Agreements as they are from now on, those that change.
    pub agreements: Vec<Agreement>,
    /// The address that the account gives up.
    pub released: Option<Released>,
    /// What is sent.
    pub answer: Answer,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The change walks the line; the last stage sends the receipt.
    Fact(Box<Fact>),
    /// Nothing changed for anybody else: the receipt is sent at once.
    Receipt {
        /// Whose desk.
        to: AccountName,
        /// What it is told.
        receipt: Box<Receipt>,
    },
    /// What was asked for, in this order; nothing changed.
    Shown {
        /// What the account is told.
        deliveries: Vec<Delivery>,
        /// What it is told when it has been told all.
        receipt: Box<Receipt>,
    },
    /// Something is not known yet.
    NotYet {
        /// What.
        reason: Reason,
        /// Nothing of it is known to be on its way: only what is being decided at this moment can
        /// bring it.
        brief: bool,
        /// What is answered when waiting was in vain; nothing when there is nobody to answer.
        refusal: Option<Box<Receipt>>,
    },
}

/// A command with who published it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub command: &'a CommandRef,
    /// The broker user that published it: the account itself or its operator.
    pub publisher: &'a AccountName,
    /// The agreement it names.
    agreement_id: Option<&'a AgreementId>,
}

/// Decides one command.
#[must_use]
pub fn decide(
    state: &State,
    publisher: &AccountName,
    command: &CommandRef,
    message: &Inbound,
) -> Decision {
    let asked = Asked { command, publisher, agreement_id: message.agreement_id() };
    if let Inbound::Register(message) = message
        && asked.is_from_operator()
    {
        return register::decide(state, asked, message);
    }
    match message {
        Inbound::Lower(_) | Inbound::Recover(_) if !asked.is_from_operator() => {
            return authorize::not_yours(asked).into();
        }
        Inbound::Lower(message) => return lower::decide(state, asked, message),
        Inbound::Recover(message) => return recover::decide(state, asked, message),
        _ => {}
    }
    let account = match authorize::account(state, asked) {
        Ok(account) => account,
        Err(answer) => return answer.into(),
    };
    match message {
        Inbound::Register(message) => register::decide(state, asked, message),
        Inbound::Update(message) => update::decide(account, asked, message),
        Inbound::Show(message) => show::decide(account, asked, message),
        // The operator's alone: answered above.
        Inbound::Lower(_) | Inbound::Recover(_) => authorize::not_yours(asked).into(),
        Inbound::Rename(message) => rename::decide(state, account, asked, message),
        Inbound::Invite(message) => invite::decide(state, account, asked, message),
        Inbound::Accept(message) => accept::decide(state, account, asked, message),
        Inbound::Decline(message) => decline::decide(state, account, asked, message),
        Inbound::Deactivate(message) => deactivate::decide(state, account, asked, message),
        Inbound::List(message) => list::decide(state, account, asked, message),
        Inbound::Compare(message) => compare::decide(state, account, asked, message),
    }
}

impl From<Answer> for Decision {
    /// An answer to a command that changes nothing.
    fn from(answer: Answer) -> Self {
        Self { account: None, agreements: Vec::new(), released: None, answer }
    }
}

impl Asked<'_> {
    fn is_from_operator(&self) -> bool {
        *self.publisher == AccountName::operator() && self.command.account == *self.publisher
    }

    fn at(&self) -> Timestamp {
        self.command.received_at
    }

    fn receipt(&self, outcome: ReceiptOutcome) -> Receipt {
        Receipt { agreement_id: self.agreement_id.cloned(), ..self.command.receipt(outcome) }
    }

    fn refusal(&self, reason: Reason, detail: impl Into<Option<String>>) -> Receipt {
        self.receipt(ReceiptOutcome::Rejected).because(reason, detail)
    }

    /// Answers the account at once.
    fn answered(&self, receipt: Receipt) -> Answer {
        Answer::Receipt { to: self.command.account.clone(), receipt: Box::new(receipt) }
    }

    fn refused(&self, reason: Reason, detail: impl Into<Option<String>>) -> Answer {
        self.answered(self.refusal(reason, detail))
    }

    /// Waits for what may still be on its way, and refuses when it does not come.
    fn not_yet(&self, reason: Reason, detail: impl Into<Option<String>>) -> Answer {
        let refusal = Some(Box::new(self.refusal(reason, detail)));
        Answer::NotYet { reason, brief: false, refusal }
    }

    /// Sends a change along the line.
    fn changed(&self, change: Change, receipt: Receipt) -> Fact {
        Fact {
            command: self.command.clone(),
            change,
            receipt,
            deliveries: Vec::new(),
            notices: Vec::new(),
            compare: None,
            epoch: None,
        }
    }

    /// Refuses what only an administrator may do.
    fn check_admin(&self, role: Role) -> Result<(), Answer> {
        if role == Role::Admin { Ok(()) } else { Err(self.refused(Reason::NotAnAdmin, None)) }
    }

    /// Refuses what is not well-formed, with its place.
    fn check_valid<T>(&self, checked: Result<T, validate::Flaw>) -> Result<T, Answer> {
        checked.map_err(|flaw| self.refused(flaw.reason, flaw.detail()))
    }
}
