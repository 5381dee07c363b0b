//! By what a message is known, to whoever remembers it.

/// By what a message is known: a command by its publisher, entity and id, an internal message by
/// its type and id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub account: String,
    pub entity: String,
    pub message_id: String,
}
