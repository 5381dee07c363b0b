//! A browser that goes to a provider and comes back: keeps all its cookies, and follows as it is
//! told.

use std::collections::BTreeMap;

use crate::browser::text;
use crate::harness::{Answer, GatewayHarness, request};

#[derive(Clone, Debug, Default)]
pub struct Visit {
    cookies: BTreeMap<String, String>,
    language: String,
    /// What was set last, as it came.
    pub set: String,
}

impl Visit {
    pub fn in_language(language: &str) -> Self {
        Self { language: language.to_owned(), ..Self::default() }
    }

    pub async fn get(&mut self, gateway: &GatewayHarness, path: &str) -> Answer {
        self.ask(gateway, "GET", path).await
    }

    async fn ask(&mut self, gateway: &GatewayHarness, method: &str, path: &str) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![
            ("cookie", cookies.as_str()),
            ("accept-language", &self.language),
            ("sec-fetch-site", if method == "GET" { "cross-site" } else { "same-origin" }),
        ];
        let is_form = method == "POST";
        if is_form {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let answer = gateway.ask(method, path, &headers, is_form.then_some(b"")).await;
        let set = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
        for (_, cookie) in set {
            cookie.clone_into(&mut self.set);
            let pair = cookie.split(';').next().unwrap_or_default().split_once('=');
            let (name, value) = pair.expect("a name and a value");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// Where a path leads on.
    pub async fn goes(&mut self, gateway: &GatewayHarness, path: &str) -> String {
        let answer = self.get(gateway, path).await;
        assert_eq!(answer.status, 303, "{path}: {answer:?}");
        answer.header("location").to_owned()
    }

    /// Where a form without fields leads.
    pub async fn posts(&mut self, gateway: &GatewayHarness, path: &str) -> String {
        let answer = self.ask(gateway, "POST", path).await;
        assert_eq!(answer.status, 303, "{path}: {answer:?}");
        answer.header("location").to_owned()
    }

    pub async fn page(&mut self, gateway: &GatewayHarness, path: &str) -> String {
        let answer = self.get(gateway, path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        text(&answer)
    }

    /// Goes to the provider and is sent back: the path, with what the provider says.
    pub async fn at_provider(&self, to: &str) -> String {
        let to = to.to_owned();
        let asked = tokio::task::spawn_blocking(move || request("GET", &to, &[], None));
        let answer = asked.await.expect("it ends");
        assert_eq!(answer.status, 303, "the provider sends back: {answer:?}");
        let back = url::Url::parse(answer.header("location")).expect("an address");
        format!("{}?{}", back.path(), back.query().unwrap_or_default())
    }

    /// The whole way: where it leads in the end, or the page that says why not.
    pub async fn signs_in(
        &mut self,
        gateway: &GatewayHarness,
        address: &str,
    ) -> Result<String, String> {
        let answer = self.tries(gateway, address).await;
        if answer.status == 303 {
            return Ok(answer.header("location").to_owned());
        }
        assert!(!self.cookies.contains_key("__Host-deskmesh"), "nobody is signed in");
        Err(text(&answer))
    }

    /// The whole way, and the last answer.
    pub async fn tries(&mut self, gateway: &GatewayHarness, address: &str) -> Answer {
        let path = format!("/sign-in/organisation/go?account={address}");
        let answer = self.get(gateway, &path).await;
        if answer.status != 303 {
            return answer;
        }
        let back = self.at_provider(answer.header("location")).await;
        self.get(gateway, &back).await
    }
}
