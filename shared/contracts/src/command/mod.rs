//! What a desk asks for (`share` exchange).

mod account;
mod agreement;
mod ticket;

pub use account::{AccountKind, AccountRegister, AccountUpdate, Admin};
pub use agreement::{AgreementAccept, AgreementDeactivate, AgreementDecline, AgreementInvite};
pub use ticket::{
    Cc, SentTag, SentTagChanges, SentTagRemoval, SetBy, SharedTicket, TicketBind, TicketShare, TicketUnshare, TicketUpdate,
};
