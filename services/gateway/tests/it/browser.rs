//! Somebody at the pages: keeps their cookie, sends forms as a browser does.

use crate::harness::{Answer, GatewayHarness};
use web::StaffRole;
use web::people::{self, NewPerson};

pub const PASSWORD: &str = "three quiet pumps";

/// A browser of one person.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    cookie: String,
    pub language: String,
}

impl Browser {
    /// A person of an account who signed in by their first link.
    pub async fn of(gateway: &GatewayHarness, account: &str, email: &str, role: StaffRole) -> Self {
        let link = link(gateway, account, email, role).await;
        let mut browser = Self::default();
        let answer =
            browser.post(gateway, &link, &[("password", PASSWORD), ("again", PASSWORD)]).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/"), "{answer:?}");
        browser
    }

    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    pub async fn get(&self, gateway: &GatewayHarness, path: &str) -> Answer {
        let headers = [("cookie", self.cookie.as_str()), ("accept-language", &self.language)];
        gateway.ask("GET", path, &headers, None).await
    }

    /// A form, sent from a page of ours.
    pub async fn post(
        &mut self,
        gateway: &GatewayHarness,
        path: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let headers = [("sec-fetch-site", "same-origin")];
        self.post_with(gateway, path, form, &headers).await
    }

    /// A form with other headers.
    pub async fn post_with(
        &mut self,
        gateway: &GatewayHarness,
        path: &str,
        form: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let cookie = self.cookie.clone();
        let mut all = vec![
            ("cookie", cookie.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        all.extend(headers);
        let answer = gateway.ask("POST", path, &all, Some(body.as_bytes())).await;
        let set = answer.header("set-cookie");
        if !set.is_empty() {
            set.split(';').next().unwrap_or_default().clone_into(&mut self.cookie);
        }
        answer
    }

    /// Where a form leads that was taken.
    pub async fn done(
        &mut self,
        gateway: &GatewayHarness,
        path: &str,
        form: &[(&str, &str)],
    ) -> String {
        let answer = self.post(gateway, path, form).await;
        assert_eq!(answer.status, 303, "{path}: {answer:?}");
        answer.header("location").to_owned()
    }

    /// A page as text, which must be one.
    pub async fn page(&self, gateway: &GatewayHarness, path: &str) -> String {
        let answer = self.get(gateway, path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        text(&answer)
    }
}

/// The path of a first link for a new person.
pub async fn link(gateway: &GatewayHarness, account: &str, email: &str, role: StaffRole) -> String {
    let new = NewPerson { account, email, name: "Sam Rivers", role };
    let person = people::add(&gateway.pool, new).await.expect("it is kept").expect("it is new");
    people::make_link(&gateway.pool, person).await.expect("a link")
}

pub fn text(answer: &Answer) -> String {
    assert!(answer.header("content-type").starts_with("text/html"), "{answer:?}");
    answer.body.as_str().expect("a page").to_owned()
}

/// The value of the hidden field `key` of a page.
pub fn key(page: &str) -> String {
    let after = page.split("name=\"key\" value=\"").nth(1).expect("a form with a key");
    after.split('"').next().expect("its end").to_owned()
}
