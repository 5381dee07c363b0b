//! Everything this service accepts.

use contracts::Message;
use contracts::command::{
    ShareList, ShareRecover, TicketBind, TicketRedact, TicketResync, TicketShare, TicketUnshare,
    TicketUpdate,
};
use contracts::sync::Fact;
use messaging::{Content, DecodeError, decode};

use crate::limits;
use crate::rules::visibility::{self, Unclear};
use crate::rules::{Noted, html};

/// The messages this service accepts.
#[derive(Debug)]
pub enum Inbound {
    /// A desk shares a ticket; some of its comments may not go on as they came.
    Share(Box<TicketShare>, Noted),
    /// A desk changed a shared ticket; some of its comments may not go on as they came.
    Update(Box<TicketUpdate>, Noted),
    /// A desk tells its number for a copy.
    Bind(TicketBind),
    /// A desk ends its outbound share.
    Unshare(TicketUnshare),
    /// A desk blanks a comment of its own.
    Redact(TicketRedact),
    /// A desk asks for all of a copy.
    Resync(TicketResync),
    /// A desk asks for its shares.
    List(ShareList),
    /// The operator recovers shares after the database was restored.
    Recover(ShareRecover),
    /// An account or agreement changed.
    Fact(Box<Fact>),
}

impl Inbound {
    /// Whether it only asks what it would come to.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        match self {
            Self::Share(share, _) => share.dry_run,
            Self::Update(update, _) => update.dry_run,
            _ => false,
        }
    }

    /// Reads a message by its type; a command is held to the contract's limits here, and its HTML
    /// cleaned: once, and not while chains are locked.
    ///
    /// # Errors
    /// An unknown type, or content that breaks the contract.
    pub fn decode(message_type: &str, content: Content<'_>) -> Result<Self, DecodeError> {
        match message_type {
            TicketShare::NAME => {
                let unclear = unclear(&content, "/ticket/comments");
                let mut share: TicketShare = decode(content)?;
                limits::share(&share)?;
                let without_html = html::clean(&mut share.ticket.comments);
                Ok(Self::Share(Box::new(share), Noted { unclear, without_html }))
            }
            TicketUpdate::NAME => {
                let unclear = unclear(&content, "/comments");
                let mut update: TicketUpdate = decode(content)?;
                limits::update(&update)?;
                let without_html = html::clean(&mut update.comments);
                Ok(Self::Update(Box::new(update), Noted { unclear, without_html }))
            }
            TicketBind::NAME => decode(content).map(Self::Bind),
            TicketUnshare::NAME => {
                let unshare: TicketUnshare = decode(content)?;
                limits::names_a_ticket(unshare.ticket_id.as_ref(), unshare.share_id.as_ref())?;
                Ok(Self::Unshare(unshare))
            }
            TicketRedact::NAME => {
                let redact: TicketRedact = decode(content)?;
                limits::redact(&redact)?;
                Ok(Self::Redact(redact))
            }
            TicketResync::NAME => decode(content).map(Self::Resync),
            ShareList::NAME => {
                let list: ShareList = decode(content)?;
                limits::page(list.limit, list.cursor.as_deref())?;
                Ok(Self::List(list))
            }
            ShareRecover::NAME => {
                let recover: ShareRecover = decode(content)?;
                limits::page(recover.limit, recover.cursor.as_deref())?;
                Ok(Self::Recover(recover))
            }
            Fact::NAME => decode(content).map(|fact| Self::Fact(Box::new(fact))),
            other => Err(DecodeError::UnknownType(other.to_owned())),
        }
    }
}

fn unclear(content: &Content<'_>, comments: &str) -> Unclear {
    match content {
        Content::Parsed(content, _) => visibility::unclear(content.pointer(comments)),
        // No desk's: between services a comment's visibility is always given.
        Content::Bytes(_) => Unclear::new(),
    }
}
