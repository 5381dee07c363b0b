//! What an admin may enter of their provider.

use super::entry::NewPeople;
use crate::role::StaffRole;

const LONGEST: usize = 500;
/// A client's secret may be a token.
const LONGEST_SECRET: usize = 4_000;
const MOST_DOMAINS: usize = 20;

/// What was entered.
#[derive(Clone, Debug, Default)]
pub(in crate::oidc) struct GivenSettings {
    pub issuer: String,
    pub client_id: String,
    /// Nothing: the one that is kept.
    pub client_secret: String,
    pub is_required: bool,
    /// Nothing: only who is known.
    pub new_role: String,
    pub domains: String,
}

/// What is known of the account meanwhile.
#[derive(Clone, Copy, Debug)]
pub(in crate::oidc) struct KeptSettings<'a> {
    /// The issuer that a secret is kept for.
    pub issuer: Option<&'a str>,
    /// Whether an admin has signed in by the issuer that was entered.
    pub is_tried: bool,
}

/// What is wrong, by the input that it is wrong at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::oidc) enum WrongSetting {
    Issuer,
    ClientId,
    /// It is missing. For another issuer the one that is kept is not taken: whoever runs that one
    /// would be told it.
    Secret,
    Role,
    Domains,
    /// Nobody could sign in if it did not work.
    Untried,
}

impl WrongSetting {
    /// The input, and the end of its text's key.
    pub fn input(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::ClientId => "client_id",
            Self::Secret => "client_secret",
            Self::Role => "new_role",
            Self::Domains => "domains",
            Self::Untried => "is_required",
        }
    }
}

/// Whom the provider may bring, if what was entered can be used.
pub(in crate::oidc) fn settings(
    given: &GivenSettings,
    kept: KeptSettings<'_>,
) -> Result<NewPeople, WrongSetting> {
    let is_text = |text: &str, longest| {
        !text.is_empty() && text.len() <= longest && !text.contains(char::is_control)
    };
    let is_plain = !given.issuer.contains(['?', '#']) && given.issuer.contains("://");
    if !is_text(&given.issuer, LONGEST) || !is_plain {
        return Err(WrongSetting::Issuer);
    }
    if !is_text(&given.client_id, LONGEST) {
        return Err(WrongSetting::ClientId);
    }
    let keeps = given.client_secret.is_empty() && kept.issuer == Some(given.issuer.as_str());
    if !keeps && !is_text(&given.client_secret, LONGEST_SECRET) {
        return Err(WrongSetting::Secret);
    }
    let role = match given.new_role.as_str() {
        "" => None,
        word => Some(
            StaffRole::of_word(word)
                .filter(|it| *it < StaffRole::Admin)
                .ok_or(WrongSetting::Role)?,
        ),
    };
    let domains = given.domains.split([',', ' ', '\r', '\n']).map(|it| it.trim_start_matches('@'));
    let domains: Vec<String> = domains.filter(|it| !it.is_empty()).map(str::to_lowercase).collect();
    let is_domain = |text: &String| {
        let allowed = |it: char| it.is_alphanumeric() || it == '-' || it == '.';
        text.len() <= 253 && text.contains('.') && text.chars().all(allowed)
    };
    let is_open = role.is_some() && domains.is_empty();
    if is_open || domains.len() > MOST_DOMAINS || !domains.iter().all(is_domain) {
        return Err(WrongSetting::Domains);
    }
    if given.is_required && !kept.is_tried {
        return Err(WrongSetting::Untried);
    }
    Ok(NewPeople { role, domains })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://login.acme.example";

    fn given() -> GivenSettings {
        GivenSettings {
            issuer: ISSUER.to_owned(),
            client_id: "deskmesh".to_owned(),
            client_secret: "hush".to_owned(),
            ..GivenSettings::default()
        }
    }

    #[test]
    fn what_cannot_work_is_said_at_its_input() {
        let kept = KeptSettings { issuer: Some(ISSUER), is_tried: false };
        let text = |text: &str| text.to_owned();
        for (given, why) in [
            (GivenSettings { issuer: text(""), ..given() }, WrongSetting::Issuer),
            (GivenSettings { issuer: text("login.acme.example"), ..given() }, WrongSetting::Issuer),
            (
                GivenSettings { issuer: text("https://a.example/?x"), ..given() },
                WrongSetting::Issuer,
            ),
            (GivenSettings { client_id: text(""), ..given() }, WrongSetting::ClientId),
            (GivenSettings { client_id: text("a\0"), ..given() }, WrongSetting::ClientId),
            (GivenSettings { client_secret: "x".repeat(4_001), ..given() }, WrongSetting::Secret),
            (
                GivenSettings {
                    issuer: text("https://other.example"),
                    client_secret: text(""),
                    ..given()
                },
                WrongSetting::Secret,
            ),
            (
                GivenSettings { new_role: text("admin"), domains: text("a.example"), ..given() },
                WrongSetting::Role,
            ),
            (GivenSettings { new_role: text("owner"), ..given() }, WrongSetting::Role),
            (GivenSettings { new_role: text("agent"), ..given() }, WrongSetting::Domains),
            (
                GivenSettings { new_role: text("agent"), domains: text("acme"), ..given() },
                WrongSetting::Domains,
            ),
            (GivenSettings { domains: text("a/b.example"), ..given() }, WrongSetting::Domains),
            (GivenSettings { is_required: true, ..given() }, WrongSetting::Untried),
        ] {
            assert_eq!(settings(&given, kept), Err(why), "{given:?}");
        }
    }

    #[test]
    fn a_kept_secret_stays_and_new_people_come_from_domains() {
        let kept = KeptSettings { issuer: Some(ISSUER), is_tried: true };
        let again = GivenSettings { client_secret: String::new(), is_required: true, ..given() };
        assert_eq!(settings(&again, kept), Ok(NewPeople::default()));
        let open = GivenSettings {
            new_role: "light_agent".to_owned(),
            domains: "@Acme.example, sub.acme.example".to_owned(),
            ..given()
        };
        let domains = vec!["acme.example".to_owned(), "sub.acme.example".to_owned()];
        let role = Some(StaffRole::LightAgent);
        assert_eq!(settings(&open, kept), Ok(NewPeople { role, domains }));
    }
}
