//! The sentences of the mails: a folder of templates per language, compiled in.

use contracts::sync::NoticeKind;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, context};

use crate::rules::language;
use crate::rules::wording::{Words, one_line};

/// Lists the files of one language's folder, which has the same ones as every other.
macro_rules! folder {
    ($language:literal: $($file:literal)*) => {
        &[$(($file, concat!($language, "/", $file), include_str!(concat!("../../templates/", $language, "/", $file)))),*]
    };
    ($language:literal) => {
        ($language, folder!($language:
            "_agreement.txt" "_end.txt" "_layout.html" "invited.txt" "invited.html" "accepted.txt" "accepted.html"
            "declined.txt" "declined.html" "deactivated.txt" "deactivated.html"))
    };
}

/// File, name of the template, text.
type File = (&'static str, &'static str, &'static str);

/// A new language is a folder, and a line here.
const LANGUAGES: &[(&str, &[File])] = &[folder!("en")];

/// One mail in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The subject.
    pub subject: String,
    /// The mail as plain text.
    pub plain: String,
    /// The same as HTML.
    pub html: String,
}

/// All templates, ready to be filled in.
#[derive(Debug)]
pub struct Templates {
    known: Environment<'static>,
}

impl Templates {
    /// Reads all templates.
    ///
    /// # Errors
    /// When one of them is not well-formed.
    pub fn new() -> Result<Self, minijinja::Error> {
        let mut known = Environment::new();
        // A misspelt name must not leave a hole in a mail.
        known.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?;
        known.set_syntax(syntax);
        for (_, name, source) in LANGUAGES.iter().flat_map(|(_, files)| *files) {
            known.add_template(name, source)?;
        }
        Ok(Self { known })
    }

    /// Fills in the templates for `kind` in the language that is nearest to `locale`.
    ///
    /// # Errors
    /// When a template uses a name that is not there.
    pub fn text(&self, kind: NoticeKind, locale: Option<&str>, words: &Words) -> Result<Text, minijinja::Error> {
        let there_are: Vec<&str> = LANGUAGES.iter().map(|(language, _)| *language).collect();
        let language = language::choose(&there_are, locale);
        let name = match kind {
            NoticeKind::Invited => "invited",
            NoticeKind::Accepted => "accepted",
            NoticeKind::Declined => "declined",
            NoticeKind::Deactivated => "deactivated",
        };
        let fill = |ending: &str| self.known.get_template(&format!("{language}/{name}.{ending}"))?.render(values(words));
        let (plain, html) = (fill("txt")?, fill("html")?);
        // The first line of a plain text is its subject; a test holds every template to it.
        let (subject, plain) = plain.split_once("\n\n").unwrap_or(("", &plain));
        let subject = one_line(subject.strip_prefix("Subject:").unwrap_or(subject));
        Ok(Text { subject, plain: plain.to_owned(), html })
    }
}

fn values(words: &Words) -> minijinja::Value {
    context! {
        recipient => words.recipient.as_str(),
        account => words.account.as_str(),
        partner => words.partner.as_str(),
        partner_address => words.partner_address.as_str(),
        agreement => words.agreement.as_str(),
        agreement_id => words.agreement_id.as_str(),
        public_comments => words.public_comments,
        tags => words.tags,
        custom_fields => words.custom_fields,
        by => words.by.as_str(),
        at => words.at.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use contracts::terms::CommentTerms;

    use super::*;
    use crate::rules::samples::notice;

    const KINDS: [NoticeKind; 4] = [NoticeKind::Invited, NoticeKind::Accepted, NoticeKind::Declined, NoticeKind::Deactivated];

    fn text(kind: NoticeKind) -> Text {
        Templates::new().unwrap().text(kind, None, &Words::of(&notice(kind))).unwrap()
    }

    #[test]
    fn every_kind_is_said_in_every_language() {
        let templates = Templates::new().unwrap();
        for (language, _) in LANGUAGES {
            for kind in KINDS {
                let words = Words::of(&notice(kind));
                let Text { subject, plain, html } = templates.text(kind, Some(language), &words).unwrap();
                assert!(subject.contains("Globex Support"), "{language} {kind:?}: {subject}");
                for body in [plain, html] {
                    for said in
                        ["Globex Support", "(globex)", "Network faults", "Agent Gil", "2026-03-01 10:00 UTC", "acme", "Agent Ada"]
                    {
                        assert!(body.contains(said), "{language} {kind:?} lacks {said}: {body}");
                    }
                    assert!(!body.contains("Subject:") && !body.contains("{{") && !body.contains("{%"), "{body}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_language_is_english() {
        let templates = Templates::new().unwrap();
        let words = Words::of(&notice(NoticeKind::Invited));
        assert_eq!(templates.text(NoticeKind::Invited, Some("tlh-KX"), &words).unwrap(), text(NoticeKind::Invited));
    }

    #[test]
    fn r_65_each_combination_of_terms_is_said() {
        let templates = Templates::new().unwrap();
        let mut notice = notice(NoticeKind::Invited);
        notice.terms.comments = CommentTerms::PrivateOnly;
        (notice.terms.tags, notice.terms.custom_fields) = (false, true);
        let Text { plain, html, .. } = templates.text(NoticeKind::Invited, None, &Words::of(&notice)).unwrap();
        for said in ["Private comments only", "Tags are not shared.", "Custom fields are kept in step."] {
            assert!(plain.contains(said) && html.contains(said), "{said}: {plain}");
        }
        assert!(!plain.contains("Public and private"));
    }

    #[test]
    fn a_notice_without_names_reads_well() {
        let mut notice = notice(NoticeKind::Deactivated);
        (notice.agreement_name, notice.by) = (None, String::new());
        notice.to[0].name = String::new();
        let Text { plain, .. } = Templates::new().unwrap().text(notice.kind, None, &Words::of(&notice)).unwrap();
        assert!(plain.starts_with("Hello,\n"), "{plain}");
        assert!(plain.contains("Agreement:  (without a name)\n") && plain.contains("By:         not said\n"), "{plain}");
    }

    #[test]
    fn r_76_the_mail_about_the_end_word_by_word() {
        let Text { subject, plain, .. } = text(NoticeKind::Deactivated);
        assert_eq!(subject, "Globex Support ended the sharing agreement with you");
        assert_eq!(plain, include_str!("../../tests/golden/deactivated.txt"));
    }

    #[test]
    fn markup_in_a_name_stays_text() {
        let mut notice = notice(NoticeKind::Invited);
        notice.partner.display_name = "<script>alert('x')</script>".into();
        notice.agreement_name = Some("\"><img src=x>".into());
        let Text { html, subject, .. } = Templates::new().unwrap().text(notice.kind, None, &Words::of(&notice)).unwrap();
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        assert!(html.contains("&lt;script&gt;"), "{html}");
        assert_eq!(subject, "<script>alert('x')</script> invites you to share tickets");
    }
}
