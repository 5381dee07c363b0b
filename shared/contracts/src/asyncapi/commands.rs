use super::messages::{Published, command};
use crate::command::{
    AccountLower, AccountRecover, AccountRegister, AccountRename, AccountShow, AccountUpdate,
    AgreementAccept, AgreementCompare, AgreementDeactivate, AgreementDecline, AgreementInvite,
    AgreementList, ShareList, ShareRecover, TicketBind, TicketRedact, TicketResync, TicketShare,
    TicketUnshare, TicketUpdate,
};

/// What a desk may send, in the order in which it comes to need it.
pub(super) const COMMANDS: &[Published] = &[
    command::<AccountRegister>(
        "Register an account",
        "Routing key `operator.account.register`, broker user `operator`; or \
         `<X>.account.register`, broker user `X`, which was registered with `may_operate`, for a \
         name that begins with `X-`. `sharing_url` is given by `operator` and by the operator with \
         `third_parties`. Refused: `invalid_name`, `account_exists`, `name_taken`.",
    ),
    command::<AccountUpdate>(
        "Change an account's settings",
        "Only what is given changes, and a list given replaces the whole list. `version` is a \
         number of the desk's own that it raises \
         with every update: what an older one would change stays, with `newer_change_exists`. \
         Without a version the update counts as the latest when it arrives; one that comes after a \
         later change of an attribute, because it waited, leaves that attribute. A drop-down with \
         too many options for one command has them in parts, `ticket_field_options`. What the desk \
         cannot hold is told within `limits`: cut at a word or left out, with `too_long` or \
         `no_private_comments` in the publisher's receipt; `ticket.resync` tells the same again. \
         An administrator's to do.",
    ),
    command::<AccountShow>(
        "Ask for the account's settings",
        "An `account.state.v1` with all that is held, the version of each attribute, and how much \
         of each limit is used.",
    ),
    command::<AccountLower>(
        "Lower versions that are too high",
        "Routing key `operator.account.lower`, broker user `operator`. What the attributes hold \
         stays; the account's next update counts. Refused: `unknown_account`, `not_your_account`.",
    ),
    command::<AccountRecover>(
        "Recover an account after a restore",
        "Routing key `operator.account.recover`, broker user `operator`; `deskmesh-operator \
         recover` gives it for one account after the other. Versions rise above all that were ever \
         given, and both sides of each agreement get `agreement.state.v1`. The receipt has \
         `next_cursor` while there are more. Refused: `not_your_account`, `newer_change_exists` \
         for an epoch before the one that is held.",
    ),
    command::<AccountRename>(
        "Give an account another address",
        "Partners invite the new address from now on; the account's name stays. Its agreements \
         end: both sides get \
         `agreement.deactivated.v1` with `account_renamed`. Refused: `name_taken`, `invalid_name`.",
    ),
    command::<AgreementInvite>(
        "Invite an account",
        "Both sides get `agreement.invited.v1`. An account that declines all invites hears \
         nothing: the receipt is `applied`, then \
         `agreement.declined.v1` comes with `invites_declined`. An administrator's to do. Refused: \
         `unknown_account`, `invite_to_self`, `id_taken`, `quota_exceeded`.",
    ),
    command::<AgreementAccept>(
        "Accept an agreement",
        "Both sides get `agreement.accepted.v1`; with the receipt, tickets may be shared. An \
         administrator's to do. Refused: \
         `unknown_agreement`, `not_the_receiver`, `already_decided`.",
    ),
    command::<AgreementDecline>(
        "Decline an agreement",
        "Both sides get `agreement.declined.v1`. An administrator's to do. Refused: \
         `unknown_agreement`, `not_the_receiver`, `already_decided`.",
    ),
    command::<AgreementDeactivate>(
        "End an agreement",
        "Both sides get `agreement.deactivated.v1`, and every share under it ends: that one \
         delivery speaks for all of them. An \
         administrator's to do. Refused: `unknown_agreement`, `already_decided`.",
    ),
    command::<AgreementList>(
        "List agreements",
        "An `agreement.state.v1` for each, then the receipt, with `next_cursor` while there are \
         more.",
    ),
    command::<AgreementCompare>(
        "Compare custom fields",
        "An `agreement.comparison.v1` with a page of titles, then the receipt, with `next_cursor` \
         while there are more: whether each would cross, else why not and what would mend it. \
         Titles that only the partner has are told where it shows them (`show_fields`). Refused: \
         `unknown_agreement`, `custom_fields_not_synced`, `agreement_inactive`, \
         `agreement_not_accepted` while it is pending and the partner shows nothing.",
    ),
    command::<TicketShare>(
        "Share a ticket",
        "The receiver gets `ticket.created.v1`; the receipt tells the `share_id`, and the \
         decisions what stayed and why. A copy that \
         came by sharing can be shared on: `copy_of` names its share while it is not bound. A \
         longer history than one command may \
         carry: share, then updates. With `dry_run` nothing is done. Refused: \
         `agreement_not_accepted`, `agreement_inactive`, `not_the_sender`, `ticket_closed`, \
         `already_shared`, `would_loop`, `chain_too_long`, `id_taken`.",
    ),
    command::<TicketUpdate>(
        "Tell what changed on a ticket",
        "About the desk's own ticket: it travels every live share of it, all along the chain, and \
         a desk never forwards. One action of \
         an agent is one update and arrives as one. See the part on how all copies end up the same \
         for `base_revision`, and on custom \
         fields for which of them transfer. With `dry_run` nothing is done. Refused: `not_shared`.",
    ),
    command::<TicketBind>(
        "Tell the number of a received ticket",
        "The sender gets `ticket.bound.v1`. `already_bound`: a second, different number, or a \
         ticket that belongs to another share or \
         was shared on without `copy_of`.",
    ),
    command::<TicketUnshare>(
        "Stop sharing a ticket",
        "The sender's to do (`receiver_cannot_unshare`). The receiver keeps its ticket and gets \
         `ticket.unshared.v1`. Refused: `not_shared`.",
    ),
    command::<TicketRedact>(
        "Blank a comment or one of its files",
        "For any ticket that was ever shared. Every copy on a live hop gets `ticket.updated.v1` \
         with `redact`; a hop made later gets the \
         blanked comment. A copy whose shares have all ended is told when it comes into a live \
         share again; until then the receipt names it as `withheld` with that share, a copy \
         further along with the share on the way to it. Refused: `not_the_author`.",
    ),
    command::<TicketResync>(
        "Ask for all of a copy",
        "One `ticket.state.v1`, comment text as long as it is kept.",
    ),
    command::<ShareList>(
        "List shares",
        "A `share.state.v1` for each, then the receipt, with `next_cursor` while there are more.",
    ),
    command::<ShareRecover>(
        "Recover shares after a restore",
        "Routing key `operator.share.recover`, broker user `operator`; `deskmesh-operator recover` \
         gives it for page after page of all live shares. Both desks of each get `share.state.v1`, \
         then `ticket.state.v1` with revisions above all that were ever given. The receipt has \
         `next_cursor` while there are more. Refused: `not_your_account`.",
    ),
];
