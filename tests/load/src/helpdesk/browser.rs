//! A browser as the help desk sees it: a page, its stream, and the page's parts again whenever the
//! stream says `changed`, as htmx asks for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};

use super::tally::Tally;

const LIMIT: Duration = Duration::from_secs(30);
/// How often a page renews itself at most: `throttle:300ms` of its frame.
const THROTTLE: Duration = Duration::from_millis(300);
const CHANGED: &[u8] = b"event: changed";

/// Somebody who is signed in, with one connection that is kept.
pub struct Visitor {
    /// Host and port.
    address: Arc<str>,
    cookie: String,
    connection: Option<TcpStream>,
}

/// An answer that is no stream.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// What a browser does about a page that it shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The stream that it opens.
    live: Option<String>,
    /// What it asks for when the stream says so.
    renews: Option<String>,
    /// The form that asks for itself then: where, and with what.
    fields: Option<(String, String)>,
}

impl Visitor {
    pub fn new(address: Arc<str>, token: &str) -> Self {
        Self { address, cookie: format!("__Host-deskmesh={token}"), connection: None }
    }

    /// The same person in another tab.
    fn again(&self) -> Self {
        Self { address: Arc::clone(&self.address), cookie: self.cookie.clone(), connection: None }
    }

    pub async fn get(&mut self, path: &str) -> Result<Answer> {
        self.ask("GET", path, "", None).await
    }

    pub async fn post(&mut self, path: &str, form: &str) -> Result<Answer> {
        self.ask("POST", path, "", Some(form)).await
    }

    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        more: &str,
        form: Option<&str>,
    ) -> Result<Answer> {
        let head = self.head(method, path, more, form);
        let answering = async {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => TcpStream::connect(&*self.address).await.context("connecting")?,
            };
            connection.set_nodelay(true).context("connecting")?;
            connection.write_all(head.as_bytes()).await.context("asking")?;
            let answer = answer(&mut connection).await?;
            self.connection = Some(connection);
            Ok(answer)
        };
        let answered = timeout(LIMIT, answering).await;
        answered.with_context(|| format!("{method} {path} has no answer in {LIMIT:?}"))?
    }

    fn head(&self, method: &str, path: &str, more: &str, form: Option<&str>) -> String {
        let (address, cookie) = (&self.address, &self.cookie);
        let body = form.unwrap_or_default();
        let sent = match form {
            Some(form) => format!(
                "content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n",
                form.len()
            ),
            None => String::new(),
        };
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\n\
             sec-fetch-site: same-origin\r\naccept-language: en\r\n{more}{sent}\r\n{body}"
        )
    }

    /// Opens a page's stream, and renews the page as often as it says so, for as long as this runs.
    ///
    /// # Errors
    /// The stream is refused or ends, or a part is refused.
    pub async fn look(&self, shown: &Shown, tally: &Tally) -> Result<()> {
        let Some(live) = &shown.live else { return Ok(()) };
        let mut stream = TcpStream::connect(&*self.address).await.context("connecting")?;
        let head = self.head("GET", live, "accept: text/html, text/event-stream\r\n", None);
        stream.write_all(head.as_bytes()).await.context("asking for a stream")?;
        let mut tab = self.again();
        let mut read = Vec::new();
        let (mut is_due, mut not_before) = (false, tokio::time::Instant::now());
        loop {
            tokio::select! {
                more = stream.read_buf(&mut read) => {
                    ensure!(more.context("reading a stream")? > 0, "a stream ended");
                    let told = take_changed(&mut read);
                    tally.told(told);
                    is_due |= told > 0;
                }
                () = sleep_until(not_before), if is_due => {
                    is_due = false;
                    not_before = tokio::time::Instant::now() + THROTTLE;
                    tab.renew(shown, tally).await?;
                }
            }
        }
    }

    async fn renew(&mut self, shown: &Shown, tally: &Tally) -> Result<()> {
        let part = "hx-request: true\r\nhx-request-type: full\r\n";
        if let Some(path) = &shown.renews {
            let asked = Instant::now();
            let answer = self.ask("GET", path, part, None).await?;
            ensure!(answer.status == 200, "renewing {path}: {}", answer.status);
            tally.renewed(asked.elapsed());
        }
        if let Some((path, form)) = &shown.fields {
            let answer = self.ask("POST", path, part, Some(form)).await?;
            ensure!([200, 204].contains(&answer.status), "renewing {path}: {}", answer.status);
        }
        Ok(())
    }
}

/// How many events stand in what was read of a stream; what cannot be one any more is let go.
fn take_changed(read: &mut Vec<u8>) -> usize {
    let mut told = 0;
    while let Some(at) = read.windows(CHANGED.len()).position(|part| part == CHANGED) {
        read.drain(..at + CHANGED.len());
        told += 1;
    }
    let rest = read.len().saturating_sub(CHANGED.len());
    read.drain(..rest);
    told
}

async fn answer(connection: &mut TcpStream) -> Result<Answer> {
    let mut read = Vec::with_capacity(64 * 1024);
    let end = loop {
        if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        let more = connection.read_buf(&mut read).await.context("reading an answer")?;
        ensure!(more > 0, "the help desk closed a connection");
    };
    let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status: u16 = status.with_context(|| format!("no status in {head:?}"))?;
    let length = between(&head, "content-length: ", "\r\n").map(str::parse).transpose()?;
    let length: usize = match length {
        Some(length) => length,
        None if status == 204 => 0,
        None => bail!("an answer without its length: {head}"),
    };
    while read.len() < end + length {
        let more = connection.read_buf(&mut read).await.context("reading an answer")?;
        ensure!(more > 0, "the help desk closed a connection within an answer");
    }
    let body = String::from_utf8_lossy(&read[end..end + length]).into_owned();
    Ok(Answer { status, body })
}

impl Shown {
    /// What a page's markup says.
    #[must_use]
    pub fn of(page: &str) -> Self {
        let attribute = |name: &str| between(page, &format!("{name}=\""), "\"").map(plain);
        let form = between(page, "<form id=\"fields\"", "</form>");
        let fields =
            form.and_then(|form| Some((plain(between(form, "hx-post=\"", "\"")?), typed(form))));
        Self { live: attribute("hx-sse:connect"), renews: attribute("hx-get"), fields }
    }
}

/// The form as a browser sends it where nobody touched it: each field has what it was shown with.
fn typed(form: &str) -> String {
    let mut sent = url::form_urlencoded::Serializer::new(String::new());
    for input in form.split("name=\"").skip(1) {
        let (Some((name, rest)), Some(value)) =
            (input.split_once('"'), between(input, "value=\"", "\""))
        else {
            continue;
        };
        if !rest.starts_with(" value=\"") {
            continue;
        }
        sent.append_pair(name, &plain(value));
        if let Some(field) = name.strip_prefix("was:").filter(|name| *name != "beside") {
            sent.append_pair(field, &plain(value));
        }
    }
    sent.finish()
}

/// What stands between two texts.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

/// An attribute's value without its escapes.
pub fn plain(value: &str) -> String {
    [("&#38;", "&"), ("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">")]
        .into_iter()
        .chain([("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")])
        .fold(value.to_owned(), |text, (escape, letter)| text.replace(escape, letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_does_stands_in_the_page() {
        let page = r#"<form id="fields" hx-post="/tickets/5/fields"><input type="hidden"
            name="key" value="k"><input type="hidden" name="was:beside" value="0 0 "><input
            type="hidden" name="was:status" value="open"><select id="st" name="status"><option
            value="new">New</option></select></form><div id="live"
            hx-sse:connect="/tickets/live?ticket=5&#38;after=7"></div><div
            hx-get="/tickets/5"></div>"#;
        let shown = Shown::of(page);
        assert_eq!(shown.live.as_deref(), Some("/tickets/live?ticket=5&after=7"));
        assert_eq!(shown.renews.as_deref(), Some("/tickets/5"));
        let form = "key=k&was%3Abeside=0+0+&was%3Astatus=open&status=open".to_owned();
        assert_eq!(shown.fields, Some(("/tickets/5/fields".to_owned(), form)));
    }

    #[test]
    fn an_event_that_comes_in_two_parts_is_one() {
        let mut read = b": here\n\nevent: chan".to_vec();
        assert_eq!(take_changed(&mut read), 0);
        read.extend(b"ged\ndata:\n\nevent: changed\ndata:\n\n");
        assert_eq!(take_changed(&mut read), 2);
    }
}
