//! The help desk from outside: what browsers send and get, and what mailboxes receive.

use std::io::{BufRead, BufReader};
use std::sync::atomic::Ordering;

use testkit::desk::PATIENCE;
use testkit::until;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::HelpdeskHarness;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub location: String,
    pub cookies: Vec<String>,
    pub body: String,
}

impl Answer {
    /// Whether the page has this in it, else the page.
    #[track_caller]
    pub fn has(&self, text: &str) -> &Self {
        assert!(self.body.contains(text), "{text:?} is not in {}", self.body);
        self
    }

    #[track_caller]
    pub fn lacks(&self, text: &str) -> &Self {
        assert!(!self.body.contains(text), "{text:?} is in {}", self.body);
        self
    }

    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// What stands between two texts.
    #[track_caller]
    pub fn between(&self, before: &str, after: &str) -> String {
        let rest = self.body.split_once(before).unwrap_or_else(|| panic!("{before:?}: {self:?}")).1;
        rest.split_once(after).unwrap_or_else(|| panic!("{after:?}: {self:?}")).0.to_owned()
    }
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Somebody {
    pub id: Uuid,
    pub(super) cookie: String,
}

impl Somebody {
    pub fn cookie(&self) -> &str {
        &self.cookie
    }
}

impl HelpdeskHarness {
    pub async fn get(&self, who: &Somebody, path: &str) -> Answer {
        self.ask("GET", path, Some(who), None).await
    }

    pub async fn post(&self, who: &Somebody, path: &str, form: &[(&str, &str)]) -> Answer {
        self.ask("POST", path, Some(who), Some(form)).await
    }

    /// A request, with a form where there is one.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        who: Option<&Somebody>,
        form: Option<&[(&str, &str)]>,
    ) -> Answer {
        let (method, url) = (method.to_owned(), format!("{}{path}", self.url));
        let (origin, cookie) = (self.url.clone(), who.map(|who| who.cookie.clone()));
        let form = form.map(|form| {
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
        });
        let form =
            form.map(|form| ("application/x-www-form-urlencoded".to_owned(), form.into_bytes()));
        tokio::task::spawn_blocking(move || request(&method, &url, &origin, cookie, form))
            .await
            .expect("the request ends")
    }

    /// Sends a form with files: their names and bytes.
    pub async fn upload(
        &self,
        who: &Somebody,
        path: &str,
        form: &[(&str, &str)],
        files: &[(&str, &[u8])],
    ) -> Answer {
        self.send_files(Some(who), path, form, files).await
    }

    /// The same of somebody who may not be signed in, as a browser does it.
    pub async fn send_files(
        &self,
        who: Option<&Somebody>,
        path: &str,
        form: &[(&str, &str)],
        files: &[(&str, &[u8])],
    ) -> Answer {
        let boundary = "xXxBOUNDARYxXx";
        let mut body = Vec::new();
        for (name, value) in form {
            let head = format!("content-disposition: form-data; name=\"{name}\"");
            body.extend(format!("--{boundary}\r\n{head}\r\n\r\n{value}\r\n").into_bytes());
        }
        for (name, bytes) in files {
            let head =
                format!("content-disposition: form-data; name=\"file\"; filename=\"{name}\"");
            let kind = "content-type: text/html";
            body.extend(format!("--{boundary}\r\n{head}\r\n{kind}\r\n\r\n").into_bytes());
            body.extend_from_slice(bytes);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").into_bytes());
        let (url, origin) = (format!("{}{path}", self.url), self.url.clone());
        let cookie = who.map(|who| who.cookie.clone());
        let kind = format!("multipart/form-data; boundary={boundary}");
        tokio::task::spawn_blocking(move || {
            request("POST", &url, &origin, cookie, Some((kind, body)))
        })
        .await
        .expect("the request ends")
    }

    /// Sends no mail for now.
    pub fn hold_mails(&self) {
        self.holds.store(true, Ordering::Relaxed);
    }

    pub fn let_mails_go(&self) {
        self.holds.store(false, Ordering::Relaxed);
    }

    /// The mails that went to an address, as their readers see them, once there are as many.
    pub async fn mails_to(&self, address: &str, count: usize) -> Vec<String> {
        until(&format!("{count} mails to {address}"), PATIENCE, async || {
            let mails = self.sink.mails();
            let to = mails.iter().filter(|mail| mail.recipients == [address]);
            let read: Vec<String> = to.map(|mail| readable(&mail.raw)).collect();
            if read.len() >= count { Ok(read) } else { Err(format!("{mails:?}")) }
        })
        .await
    }

    /// How many mails to an address are kept, sent or not.
    pub async fn mailed(&self, address: &str) -> i64 {
        sqlx::query_scalar("select count(*) from mail where lower(recipient) = lower($1)")
            .bind(address)
            .fetch_one(&self.pool)
            .await
            .expect("the database answers")
    }

    pub async fn all_mailed(&self) -> i64 {
        sqlx::query_scalar("select count(*) from mail")
            .fetch_one(&self.pool)
            .await
            .expect("the database answers")
    }

    /// Waits until the one mail to an address is in this state.
    pub async fn mail_is(&self, address: &str, state: &str) {
        until(&format!("the mail is {state}"), PATIENCE, async || {
            let found: Vec<String> =
                sqlx::query_scalar("select state from mail where recipient = $1")
                    .bind(address)
                    .fetch_all(&self.pool)
                    .await
                    .expect("the database answers");
            if found == [state] { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await;
    }

    /// Waits until so many mails are sent.
    pub async fn mail_is_sent(&self, count: i64) {
        until(&format!("{count} mails are sent"), PATIENCE, async || {
            let sent: i64 = sqlx::query_scalar("select count(*) from mail where state = 'sent'")
                .fetch_one(&self.pool)
                .await
                .expect("the database answers");
            if sent == count { Ok(()) } else { Err(sent.to_string()) }
        })
        .await;
    }

    /// The path of the link in a mail.
    #[track_caller]
    pub fn link_in(&self, mail: &str) -> String {
        let rest = mail.split_once(&self.url).unwrap_or_else(|| panic!("no link: {mail}")).1;
        rest.split_whitespace().next().unwrap_or_default().to_owned()
    }

    /// Waits until a page has this in it.
    pub async fn shows(&self, who: &Somebody, path: &str, text: &str) -> Answer {
        until(&format!("{text:?} on {path}"), PATIENCE, async || {
            let answer = self.get(who, path).await;
            if answer.body.contains(text) { Ok(answer) } else { Err(answer.body) }
        })
        .await
    }

    /// Looks at a stream until it says this, and not longer than for a while.
    pub fn hears(&self, who: &Somebody, path: &str, line: &str) -> JoinHandle<()> {
        let (url, cookie) = (format!("{}{path}", self.url), who.cookie.clone());
        let line = line.to_owned();
        tokio::task::spawn_blocking(move || {
            let agent = ureq::Agent::new_with_defaults();
            let mut response = agent.get(url).header("cookie", cookie).call().expect("an answer");
            assert_eq!(response.headers()["content-type"], "text/event-stream");
            let lines = BufReader::new(response.body_mut().as_reader()).lines();
            let heard = lines.map_while(Result::ok).any(|heard| heard == line);
            assert!(heard, "the stream ended before {line:?}");
        })
    }
}

fn request(
    method: &str,
    url: &str,
    origin: &str,
    cookie: Option<String>,
    form: Option<(String, Vec<u8>)>,
) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into();
    let mut builder = ureq::http::Request::builder()
        .method(method)
        .uri(url)
        .header("origin", origin)
        .header("accept-language", "en");
    if let Some(cookie) = cookie {
        builder = builder.header("cookie", cookie);
    }
    let mut response = match form {
        Some((kind, form)) => {
            let builder = builder.header("content-type", kind);
            agent.run(builder.body(form).expect("a request"))
        }
        None => agent.run(builder.body(()).expect("a request")),
    }
    .expect("the help desk answers");
    let header = |name: &str| -> Vec<String> {
        let values = response.headers().get_all(name).iter();
        values.map(|value| value.to_str().unwrap_or_default().to_owned()).collect()
    };
    let (location, cookies) = (header("location").concat(), header("set-cookie"));
    let status = response.status().as_u16();
    let body = response.body_mut().read_to_string().expect("a body of text");
    Answer { status, location, cookies, body }
}

/// A mail with its encoding taken away (RFC 2045, quoted-printable).
fn readable(raw: &str) -> String {
    if !raw.contains("quoted-printable") {
        return raw.to_owned();
    }
    let joined = raw.replace("=\r\n", "");
    let (mut bytes, mut rest) = (Vec::new(), joined.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'=').then(|| after.get(..2)).flatten();
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
