//! A help desk of the story, in whatever language its program is written.

use std::time::{Duration, Instant};

use contracts::command::TicketBind;
use contracts::delivery::DeliveryBody;
use contracts::{AccountName, Message, Receipt, ShareId, TicketId};
use serde_json::Value;
use testkit::desk::PATIENCE;
use testkit::model::Ticket;
use testkit::{Delivered, Desk, until};

use crate::python_desk::PythonDesk;

/// A command's receipt.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The command's message id.
    pub id: String,
    /// What it says.
    pub receipt: Receipt,
    /// How long it took, from publishing.
    pub took: Duration,
    /// The command's trace.
    pub trace: Option<String>,
}

#[derive(Debug)]
enum Program {
    Rust(Desk),
    Python(PythonDesk),
}

/// A help desk.
#[derive(Debug)]
pub struct DeskDriver {
    pub account: AccountName,
    program: Program,
}

/// What a desk has published and got, for the proof.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Message ids of its commands.
    pub sent: Vec<String>,
    /// All deliveries, each id once.
    pub deliveries: Vec<Delivered>,
    /// Deliveries that came again with the same id.
    pub repeated: usize,
    /// Deliveries that are not as the contract has them.
    pub unreadable: Vec<String>,
}

impl DeskDriver {
    /// A desk written in Rust.
    ///
    /// # Panics
    /// When the name is none.
    #[must_use]
    pub fn in_rust(url: &str, account: &str) -> Self {
        let desk = Desk::open(url, account);
        Self { account: desk.account.clone(), program: Program::Rust(desk) }
    }

    /// A desk written in Python.
    ///
    /// # Panics
    /// When the name is none.
    #[must_use]
    pub fn in_python(desk: PythonDesk, account: &str) -> Self {
        let account = AccountName::new(account).expect("an account's name");
        Self { account, program: Program::Python(desk) }
    }

    /// The desk in Rust, for what only a broken program does.
    #[must_use]
    pub fn rust(&self) -> Option<&Desk> {
        match &self.program {
            Program::Rust(desk) => Some(desk),
            Program::Python(_) => None,
        }
    }

    #[must_use]
    pub fn python(&self) -> Option<&PythonDesk> {
        match &self.program {
            Program::Rust(_) => None,
            Program::Python(desk) => Some(desk),
        }
    }

    /// Publishes a command; returns its message id.
    ///
    /// # Panics
    /// When the broker refuses it.
    pub async fn publish<M: Message>(&self, command: &M) -> String {
        match &self.program {
            Program::Rust(desk) => desk.send(command).await.expect("the broker takes the command"),
            Program::Python(desk) => desk.send(command).await.expect("the desk's program runs"),
        }
    }

    /// Publishes a command and waits for its receipt.
    ///
    /// # Panics
    /// When the broker refuses it, or no receipt comes.
    pub async fn ask<M: Message>(&self, command: &M) -> Answer {
        let id = self.publish(command).await;
        self.answer(id).await
    }

    /// Publishes a body that may be none of the contract's and waits for its receipt.
    ///
    /// # Panics
    /// When the broker refuses it, or no receipt comes.
    pub async fn ask_raw(&self, message_type: &str, body: &Value) -> Answer {
        let id = match &self.program {
            Program::Rust(desk) => {
                let id = desk.next_id();
                let stem = message_type.rsplit_once(".v").map_or(message_type, |(stem, _)| stem);
                let key = format!("{}.{stem}", self.account);
                let body = body.to_string();
                desk.publish(&key, message_type, &id, body.as_bytes(), |it| it)
                    .await
                    .expect("the broker takes the command");
                id
            }
            Program::Python(desk) => {
                desk.send_raw(message_type, body).await.expect("the desk's program runs")
            }
        };
        self.answer(id).await
    }

    /// Whether a command's receipt is there.
    #[must_use]
    pub fn is_answered(&self, id: &str) -> bool {
        match &self.program {
            Program::Rust(desk) => desk.answered_in(id).is_some(),
            Program::Python(desk) => desk.heard().receipts.contains_key(id),
        }
    }

    /// When a command was published.
    #[must_use]
    pub fn sent_at(&self, id: &str) -> Option<Instant> {
        match &self.program {
            Program::Rust(desk) => desk.sent_at(id),
            Program::Python(desk) => desk.heard().sent.get(id).copied(),
        }
    }

    /// Waits for the receipt of a command.
    ///
    /// # Panics
    /// When none comes.
    pub async fn answer(&self, id: String) -> Answer {
        let (receipt, at) =
            until(&format!("the receipt of {id} at {}", self.account), PATIENCE, async || {
                self.receipt(&id).ok_or_else(|| {
                    format!("{} deliveries", self.with_deliveries(<[Delivered]>::len))
                })
            })
            .await;
        let took = self.sent_at(&id).map_or(Duration::ZERO, |sent| at.duration_since(sent));
        let trace = self.with_deliveries(|all| {
            let of_it = |it: &&Delivered| {
                matches!(&it.told,
                    DeliveryBody::Receipt(receipt) if receipt.command_id == id)
            };
            all.iter().rev().find(of_it).and_then(|it| it.trace_id.clone())
        });
        Answer { id, receipt, took, trace }
    }

    /// Waits for a delivery for which `wanted` gives a value.
    ///
    /// # Panics
    /// When none comes.
    pub async fn told<T>(
        &self,
        what: &str,
        wanted: impl Fn(&DeliveryBody) -> Option<T>,
    ) -> (T, Delivered) {
        until(&format!("{what} at {}", self.account), PATIENCE, async || {
            self.with_deliveries(|all| {
                let found =
                    all.iter().find_map(|it| wanted(&it.told).map(|value| (value, it.clone())));
                let last = all.iter().rev().take(8).map(|it| it.told.name());
                found.ok_or_else(|| {
                    format!("{} deliveries, the last: {:?}", all.len(), last.collect::<Vec<_>>())
                })
            })
        })
        .await
    }

    /// Tells the desk's own number for a ticket it was asked to create: a desk in Rust is told to,
    /// the one in Python does it by itself.
    ///
    /// # Panics
    /// When the broker refuses it, or no receipt comes.
    pub async fn bind(&self, share: &ShareId, number: &str) {
        if let Program::Rust(desk) = &self.program {
            desk.with_model(|model| model.number(share.as_str(), number));
            let ticket_id = TicketId::new(number).expect("a ticket's number");
            self.ask(&TicketBind { share_id: share.clone(), ticket_id }).await;
        }
    }

    /// What a ticket holds, by the desk's own number.
    ///
    /// # Panics
    /// When the desk's program does not answer.
    pub async fn ticket(&self, number: &str) -> Ticket {
        match &self.program {
            Program::Rust(desk) => {
                desk.with_model(|model| model.ticket(number).cloned()).unwrap_or_default()
            }
            Program::Python(desk) => desk.holds(number).await.expect("the desk's program runs"),
        }
    }

    /// Looks at the deliveries so far, each id once.
    pub fn with_deliveries<T>(&self, look: impl FnOnce(&[Delivered]) -> T) -> T {
        match &self.program {
            Program::Rust(desk) => desk.with_deliveries(look),
            Program::Python(desk) => look(&desk.heard().deliveries),
        }
    }

    /// Everything that was published and came.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let deliveries = self.with_deliveries(<[Delivered]>::to_vec);
        match &self.program {
            Program::Rust(desk) => {
                let (repeated, unreadable) = desk.repeated_and_unreadable();
                Tally { sent: desk.sent(), deliveries, repeated, unreadable }
            }
            Program::Python(desk) => {
                let heard = desk.heard();
                let sent = heard.sent.keys().cloned().collect();
                Tally {
                    sent,
                    deliveries,
                    repeated: heard.repeated,
                    unreadable: heard.unreadable.clone(),
                }
            }
        }
    }

    fn receipt(&self, id: &str) -> Option<(Receipt, Instant)> {
        match &self.program {
            Program::Rust(desk) => desk.answer(id),
            Program::Python(desk) => desk.heard().receipts.get(id).cloned(),
        }
    }
}
