//! What was seen of a command's comments when it was read.

use super::html::WithoutHtml;
use super::visibility::Unclear;

/// Comments that do not go on as they came, by their places in the command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// Those that stay, because nobody can tell who may see them.
    pub unclear: Unclear,
    /// Those whose HTML stays.
    pub without_html: WithoutHtml,
}
