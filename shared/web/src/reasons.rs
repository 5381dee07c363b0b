//! Why something was refused, changed or stayed, in the reader's words, and what can be done.

use std::borrow::Cow;

use contracts::Reason;
use contracts::reason::Class;

use crate::reader::Reader;

impl Reader {
    /// What a reason means.
    #[must_use]
    pub fn reason(&self, reason: Reason) -> Cow<'static, str> {
        self.say(&format!("reason.{}", reason.code()))
    }

    /// What can be done about it, and by whom.
    #[must_use]
    pub fn what_to_do(&self, reason: Reason) -> Cow<'static, str> {
        let own = format!("mend.{}", reason.code());
        if self.has(&own) {
            return self.say(&own);
        }
        match reason.class() {
            Class::Transient => self.say("mend.transient"),
            Class::AsAgreed | Class::Mendable(_) => self.say("mend.as_agreed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;
    use crate::texts;

    #[test]
    fn each_reason_has_its_words_and_what_can_be_mended_says_how() {
        for reason in Reason::ALL {
            let text = |kind: &str| {
                texts::own().get(Language::English, &format!("{kind}.{}", reason.code()))
            };
            assert!(text("reason").is_some(), "reason.{reason}");
            let is_mendable = matches!(reason.class(), Class::Mendable(_));
            assert!(!is_mendable || text("mend").is_some(), "mend.{reason}");
        }
    }
}
