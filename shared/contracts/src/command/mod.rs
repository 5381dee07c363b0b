//! What a desk asks for (`share` exchange).

mod account;
mod agreement;
mod list;
mod ticket;

pub use account::{
    AccountKind, AccountLower, AccountRecover, AccountRegister, AccountRename, AccountShow,
    AccountUpdate, Admin, DeskLimits,
};
pub use agreement::{
    AgreementAccept, AgreementCompare, AgreementDeactivate, AgreementDecline, AgreementInvite,
};
pub use list::{AgreementList, DEFAULT_LIMIT, MAX_LIMIT, ShareList, ShareRecover, page_size};
pub use ticket::{
    Cc, SentTag, SentTagChanges, SentTagRemoval, SetBy, SharedTicket, TicketBind, TicketRedact,
    TicketResync, TicketShare, TicketUnshare, TicketUpdate,
};
