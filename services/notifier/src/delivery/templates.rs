//! The sentences of the mails: a folder of templates per language, compiled in.

use contracts::sync::AgreementEvent;
use mail::one_line;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value, context};

use crate::rules::language;
use crate::rules::page::Pages;
use crate::rules::wording::{NoticeWords, Words};

/// Lists the files of one language's folder, which has the same ones as every other.
macro_rules! folder {
    ($language:literal: $($file:literal)*) => {
        &[$((
            $file,
            concat!($language, "/", $file),
            include_str!(concat!("../../templates/", $language, "/", $file)),
        )),*]
    };
    ($language:literal) => {
        ($language, folder!($language:
            "_layout.html" "_agreement.html" "_agreement.txt" "_agreement_end.txt"
            "invited.txt" "invited.html" "accepted.txt" "accepted.html"
            "declined.txt" "declined.html" "deactivated.txt" "deactivated.html"
            "withdrawn.txt" "withdrawn.html" "renamed.txt" "renamed.html"
            "commented.txt" "commented.html"))
    };
}

/// File, name of the template, text.
type File = (&'static str, &'static str, &'static str);

/// A new language is a folder, and a line here.
const LANGUAGES: &[(&str, &[File])] = &[folder!("en"), folder!("de"), folder!("it")];

/// One mail in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
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
    /// The pages that mails link.
    pub pages: Pages,
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
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()?;
        known.set_syntax(syntax);
        for (_, name, source) in LANGUAGES.iter().flat_map(|(_, files)| *files) {
            known.add_template(name, source)?;
        }
        Ok(Self { known, pages: Pages::default() })
    }

    /// Fills in the templates for what happened, in the language that is nearest to `locale`.
    ///
    /// # Errors
    /// When a template uses a name that is not there.
    pub fn text(&self, locale: Option<&str>, words: &Words) -> Result<Text, minijinja::Error> {
        let there_are: Vec<&str> = LANGUAGES.iter().map(|(language, _)| *language).collect();
        let language = language::choose(&there_are, locale);
        let name = template(&words.about);
        let fill = |ending: &str| {
            self.known.get_template(&format!("{language}/{name}.{ending}"))?.render(values(words))
        };
        let (plain, html) = (fill("txt")?, fill("html")?);
        // The first line of a plain text is its subject; a test holds every template to it.
        let (subject, plain) = plain.split_once("\n\n").unwrap_or(("", &plain));
        let subject = one_line(subject.strip_prefix("Subject:").unwrap_or(subject));
        Ok(Text { subject, plain: plain.to_owned(), html })
    }
}

fn template(about: &NoticeWords) -> &'static str {
    match about {
        NoticeWords::Agreement(agreement) => match agreement.event {
            AgreementEvent::Invited => "invited",
            AgreementEvent::Accepted => "accepted",
            AgreementEvent::Declined => "declined",
            AgreementEvent::Deactivated if agreement.withdrawn => "withdrawn",
            AgreementEvent::Deactivated => "deactivated",
            AgreementEvent::Renamed => "renamed",
        },
        NoticeWords::Comment(_) => "commented",
    }
}

fn values(words: &Words) -> Value {
    let about = match &words.about {
        NoticeWords::Agreement(agreement) => context! {
            agreement => agreement.name.as_str(),
            agreement_id => agreement.id.as_str(),
            page => agreement.page.as_deref(),
            public_comments => agreement.public_comments,
            tags => agreement.tags,
            custom_fields => agreement.custom_fields,
        },
        NoticeWords::Comment(comment) => context! {
            ticket => comment.ticket.as_str(),
            link => comment.link.as_deref(),
            text => comment.text.as_str(),
            paragraphs => comment.paragraphs.clone(),
            whole => comment.whole,
        },
    };
    context! {
        recipient => words.recipient.as_str(),
        account => words.account.as_str(),
        partner => words.partner.as_str(),
        partner_address => words.partner_address.as_str(),
        by => words.by.as_str(),
        at => words.at.as_str(),
        ..about
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use contracts::AccountName;
    use contracts::sync::{About, AgreementNotice, CommentNotice, Notice};
    use contracts::terms::CommentTerms;

    use super::*;
    use crate::rules::comment::LONGEST;
    use crate::rules::samples::{agreement, comment, every_kind, notice, to_admin, to_cc};

    fn text(language: &str, notice: &Notice) -> Text {
        let words = Words::of(notice, &Pages::default());
        Templates::new().unwrap().text(Some(language), &words).unwrap()
    }

    /// The plain mail and the HTML one in every language there is.
    fn bodies(notice: &Notice) -> Vec<(String, String)> {
        let both = |language: &&str| {
            let Text { plain, html, .. } = text(language, notice);
            [(format!("{language} plain"), plain), (format!("{language} html"), html)]
        };
        languages().iter().flat_map(both).collect()
    }

    fn languages() -> Vec<&'static str> {
        LANGUAGES.iter().map(|(language, _)| *language).collect()
    }

    #[test]
    fn every_kind_is_said_in_every_language() {
        for notice in every_kind() {
            let about_it: &[&str] = match &notice.about {
                About::Agreement(_) => &["Network faults", "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10"],
                About::Comment(_) => &["4711", "It works again.", "Please try.", "Greetings"],
            };
            let about_any = [
                "Globex Support",
                "(globex)",
                "Agent Gil",
                "2026-03-01 10:00 UTC",
                "acme",
                "Agent Ada",
            ];
            for (which, body) in bodies(&notice) {
                for said in about_any.iter().chain(about_it) {
                    assert!(body.contains(said), "{which} {:?} lacks {said}: {body}", notice.about);
                }
                assert!(
                    !body.contains("Subject:") && !body.contains("{{") && !body.contains("{%"),
                    "{which}: {body}"
                );
            }
            for language in languages() {
                let Text { subject, plain, html } = text(language, &notice);
                assert!(subject.contains("Globex Support"), "{language}: {subject}");
                assert!(html.contains(&format!("<html lang=\"{language}\">")), "{html}");
                assert!(html.contains(&format!("<title>{subject}</title>")), "{subject}: {html}");
                assert!(plain.lines().all(|line| line.chars().count() <= 78), "{plain}");
                assert!(
                    !plain.contains("\n\n\n") && plain.ends_with('\n') && !plain.ends_with("\n\n"),
                    "{plain}"
                );
            }
        }
    }

    #[test]
    fn every_language_and_every_kind_has_sentences_of_its_own() {
        let kinds = every_kind();
        let subjects = kinds.iter().flat_map(|notice| {
            languages().into_iter().map(|language| text(language, notice).subject)
        });
        let subjects: BTreeSet<String> = subjects.collect();
        assert_eq!(subjects.len(), kinds.len() * LANGUAGES.len(), "{subjects:#?}");
    }

    #[test]
    fn a_mail_links_the_page_that_it_speaks_of() {
        let pages = Pages::of(&[("helpdesk", "https://desk.example")]);
        let mut notice = to_admin(AgreementEvent::Invited);
        notice.account = AccountName::new("helpdesk-acme").unwrap();
        let page = "https://desk.example/sharing/agreements/0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
        for language in languages() {
            let words = Words::of(&notice, &pages);
            let Text { plain, html, .. } =
                Templates::new().unwrap().text(Some(language), &words).unwrap();
            assert!(plain.contains(page), "{plain}");
            let shown = page.replace('/', "&#x2f;");
            assert!(html.contains(&format!("<a href=\"{shown}\">{shown}</a>")), "{html}");
        }
    }

    #[test]
    fn an_invite_that_was_taken_back_is_not_told_as_an_end() {
        let withdrawn =
            AgreementNotice { withdrawn: true, ..agreement(AgreementEvent::Deactivated) };
        let notice = notice(About::Agreement(withdrawn));
        let subjects = languages().into_iter().map(|language| text(language, &notice).subject);
        assert_eq!(
            subjects.collect::<Vec<_>>(),
            [
                "Globex Support withdrew its invite to share tickets",
                "Globex Support hat die Einladung zum Teilen von Tickets zurückgezogen",
                "Globex Support ha ritirato l'invito a condividere i ticket",
            ]
        );
        for (which, body) in bodies(&notice) {
            for ended in ["deactivated", "deaktiviert", "disattivato"] {
                assert!(!body.contains(ended), "{which}: {body}");
            }
        }
    }

    #[test]
    fn an_unknown_language_is_english() {
        let invite = to_admin(AgreementEvent::Invited);
        assert_eq!(text("tlh-KX", &invite), text("en", &invite));
        assert_ne!(text("de-AT", &invite), text("en", &invite));
        assert_eq!(text("it-CH", &invite), text("it", &invite));
    }

    #[test]
    fn r_65_each_combination_of_terms_is_said_in_every_language() {
        let mut agreement = agreement(AgreementEvent::Invited);
        let mut said: Vec<BTreeSet<String>> = vec![BTreeSet::new(); LANGUAGES.len() * 2];
        for combination in 0..8 {
            agreement.terms.comments = if combination & 1 == 0 {
                CommentTerms::PublicAndPrivate
            } else {
                CommentTerms::PrivateOnly
            };
            (agreement.terms.tags, agreement.terms.custom_fields) =
                (combination & 2 == 0, combination & 4 == 0);
            let notice = notice(About::Agreement(agreement.clone()));
            for (texts, (_, body)) in said.iter_mut().zip(bodies(&notice)) {
                texts.insert(body);
            }
        }
        assert!(said.iter().all(|texts| texts.len() == 8), "no two combinations read alike");
    }

    #[test]
    fn r_65_the_terms_word_by_word() {
        let mut agreement = agreement(AgreementEvent::Invited);
        agreement.terms.comments = CommentTerms::PrivateOnly;
        (agreement.terms.tags, agreement.terms.custom_fields) = (false, true);
        let Text { plain, html, .. } = text("en", &notice(About::Agreement(agreement)));
        for said in ["Private comments only", "Tags are not shared.", "Custom fields are synced."] {
            assert!(plain.contains(said) && html.contains(said), "{said}: {plain}");
        }
        assert!(!plain.contains("Public and private"));
    }

    #[test]
    fn a_notice_without_names_reads_well() {
        let nameless = AgreementNotice { name: None, ..agreement(AgreementEvent::Deactivated) };
        let empty = CommentNotice { link: None, ..comment("") };
        let mut notices = [notice(About::Agreement(nameless)), notice(About::Comment(empty))];
        for notice in &mut notices {
            notice.by = String::new();
            notice.to[0].name = String::new();
            for (which, body) in bodies(notice) {
                assert!(
                    !body.contains("()") && !body.contains(" ,") && !body.contains("\n\n\n"),
                    "{which}: {body}"
                );
            }
        }
        let greetings = ["en", "de", "it"]
            .map(|language| text(language, &notices[0]).plain.lines().next().map(str::to_owned));
        assert_eq!(greetings.map(Option::unwrap), ["Hello,", "Guten Tag,", "Buongiorno,"]);
        let Text { plain, .. } = text("en", &notices[0]);
        assert!(
            plain.contains("Agreement:  (without a name)\n")
                && plain.contains("By:         not said\n"),
            "{plain}"
        );
        let Text { plain, subject, .. } = text("en", &notices[1]);
        assert!(
            plain.contains("\nComment:\n\n(no text)\n\n--\n") && !plain.contains("Link:"),
            "{plain}"
        );
        assert_eq!(subject, "Ticket 4711: new comment (Globex Support)");
    }

    #[test]
    fn r_76_the_mail_about_the_end_word_by_word() {
        let Text { subject, plain, .. } = text("en", &to_admin(AgreementEvent::Deactivated));
        assert_eq!(subject, "Globex Support ended the sharing agreement with you");
        assert_eq!(plain, include_str!("../../tests/golden/deactivated.txt"));
    }

    #[test]
    fn r_17_the_mail_about_a_new_address_says_it_in_every_language() {
        let mut notice = to_admin(AgreementEvent::Renamed);
        notice.partner.address = "globex-world".into();
        for (which, body) in bodies(&notice) {
            assert_eq!(
                body.matches("globex-world").count(),
                3,
                "news, partner, advice; {which}: {body}"
            );
        }
        let Text { subject, plain, .. } = text("en", &notice);
        assert_eq!(subject, "Globex Support has a new address, which ended your sharing agreement");
        assert_eq!(plain, include_str!("../../tests/golden/renamed.txt"));
    }

    #[test]
    fn r_25_the_mail_about_a_comment_word_by_word() {
        let notice = to_cc("It works again.\n\tping 10.0.0.1 & wait\n\nPlease <b>try</b>.");
        let Text { subject, plain, html } = text("en", &notice);
        assert_eq!(subject, "Ticket 4711: new comment by Agent Gil (Globex Support)");
        assert_eq!(plain, include_str!("../../tests/golden/commented.txt"));
        assert_eq!(html, include_str!("../../tests/golden/commented.html"));
    }

    #[test]
    fn r_25_every_language_links_the_ticket_and_leaves_out_what_is_no_link() {
        let link = "https://desk.acme.example/tickets/4711";
        for (which, body) in bodies(&to_cc("x")) {
            let shown =
                if which.ends_with("html") { link.replace('/', "&#x2f;") } else { link.to_owned() };
            assert!(body.contains(&shown), "{which}: {body}");
            assert!(
                which.ends_with("plain")
                    || body.contains(&format!("<a href=\"{shown}\">{shown}</a>")),
                "{body}"
            );
        }
        for link in
            [None, Some("http://desk.acme.example/tickets/4711"), Some("javascript:alert(4711)")]
        {
            let odd = CommentNotice { link: link.map(str::to_owned), ..comment("x") };
            for (which, body) in bodies(&notice(About::Comment(odd))) {
                assert!(
                    !body.contains("href") && !body.contains("tickets") && !body.contains("alert"),
                    "{which}: {body}"
                );
            }
        }
    }

    #[test]
    fn r_25_every_language_says_that_a_long_comment_goes_on() {
        let whole = bodies(&to_cc(&"x".repeat(LONGEST)));
        for ((which, cut), (_, whole)) in
            bodies(&to_cc(&"x".repeat(LONGEST + 1))).into_iter().zip(whole)
        {
            assert!(cut.contains(&format!("{}…", "x".repeat(LONGEST))), "{which}");
            assert!(
                cut.chars().count() > whole.chars().count() + "…".chars().count() + 20,
                "{which} says it"
            );
        }
    }

    #[test]
    fn markup_in_a_name_or_a_comment_stays_text() {
        let agreement = AgreementNotice {
            name: Some("\"><img src=x>".into()),
            ..agreement(AgreementEvent::Invited)
        };
        let comment = comment("<img src=x>\n<script>alert('x')</script>\n{{ by }}{% if");
        for about in [About::Agreement(agreement), About::Comment(comment)] {
            let mut notice = notice(about);
            notice.partner.display_name = "<script>alert('x')</script>".into();
            for language in languages() {
                let Text { html, subject, .. } = text(language, &notice);
                assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
                assert!(
                    html.contains("&lt;script&gt;") && html.contains("&lt;img src=x&gt;"),
                    "{html}"
                );
                assert!(subject.contains("<script>alert('x')</script>"), "{subject}");
            }
        }
    }
}
