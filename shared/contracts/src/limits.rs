//! How much there may be of what, and how long it is kept (contract part 2): the numbers that third
//! parties are told.

/// Bytes of a command's body.
pub const BODY_BYTES: usize = 512 * 1024;
/// Bytes of the largest message that the broker lets in (its `max_message_size`): one between
/// services, which holds what several copies are sent. A command of this size is answered with
/// `too_large`; over it the broker closes the channel.
pub const MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// Comments in one command.
pub const COMMENTS: usize = 200;
/// Attachments of one comment.
pub const ATTACHMENTS: usize = 20;
/// Bytes of a comment's HTML; with more its text goes alone.
pub const HTML_BYTES: usize = 128 * 1024;
/// Tags in it, likewise.
pub const HTML_TAGS: usize = 8 * 1024;
/// CCs of a ticket: each may get a mail for every comment.
pub const CCS: usize = 100;
/// Tags in one command, those set and those taken off together.
pub const TAGS: usize = 200;
/// Custom fields in one command, of an account and on its default form.
pub const FIELDS: usize = 400;
/// Options of all custom fields of an account together.
pub const OPTIONS: usize = 25_000;
/// Bytes of all options of an account together, written as JSON: they go along the line as one.
pub const OPTIONS_BYTES: usize = 1024 * 1024;
/// The highest part of a field's options.
pub const OPTION_PARTS: u32 = 1_000;
/// The largest whole number that every JSON reader takes exactly (RFC 8259, 6): of a size, a length
/// of time or a revision in a command.
pub const WHOLE_NUMBER: u64 = (1 << 53) - 1;
/// The highest version of a setting.
pub const VERSION: u64 = WHOLE_NUMBER;
/// Custom statuses of an account.
pub const STATUSES: usize = 300;
/// Support addresses of an account: they go to every partner.
pub const SUPPORT_ADDRESSES: usize = 200;
/// Admins of an account: each gets every notice.
pub const ADMINS: usize = 100;
/// Days for which an address that an account gave up is given to no other account.
pub const ADDRESS_DAYS: u64 = 90;
/// Accounts in one chain of shares.
pub const ACCOUNTS: usize = 8;
/// Bytes over which a delivery is split; the rest follows as updates.
pub const DELIVERY_BYTES: usize = 1024 * 1024;
/// Days for which a `message_id` is remembered.
pub const MESSAGE_ID_DAYS: u64 = 30;
/// Days for which a command that is sent again is answered by its own receipt.
pub const RECEIPT_DAYS: u64 = 2;
/// Seconds without a receipt after which a desk sends a command again.
pub const RESEND_SECONDS: u64 = 600;
