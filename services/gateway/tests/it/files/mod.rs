//! Files: what goes in comes out by its link and by nothing else, and goes when it shall.

mod copies;
mod large;
mod links;
mod stored;

use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::until;

use crate::harness::{Answer, GatewayHarness};

const MIB: usize = 1024 * 1024;

/// An answer in bytes.
struct Got {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE * 4));
    config.http_status_as_error(false).allow_non_standard_methods(true).build().into()
}

async fn get(method: &str, url: &str, headers: &[(&str, &str)]) -> Got {
    let mut builder = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let getting = move || {
        let mut answer = agent().run(builder.body(()).expect("a request")).expect("an answer");
        let body = answer.body_mut().with_config().limit(100 * MIB as u64).read_to_vec();
        Got {
            status: answer.status().as_u16(),
            headers: answer
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().expect("ASCII").to_owned()))
                .collect(),
            body: body.expect("a body"),
        }
    };
    tokio::task::spawn_blocking(getting).await.expect("the request ends")
}

/// Uploads a file; its name as it stands in a query.
async fn upload(harness: &GatewayHarness, token: &str, name: &str, body: &[u8]) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "image/png")];
    harness.ask("POST", &format!("/v1/files?filename={name}"), &headers, Some(body)).await
}

/// A body of so many equal parts, of which each is told before it is read.
struct Repeated<F> {
    part: Vec<u8>,
    left: usize,
    at: usize,
    before: F,
}

impl<F: FnMut()> std::io::Read for Repeated<F> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.part.len() {
            (self.left, self.at) = (self.left - 1, 0);
        }
        if self.left == 0 {
            return Ok(0);
        }
        if self.at == 0 {
            (self.before)();
        }
        let count = into.len().min(self.part.len() - self.at);
        into[..count].copy_from_slice(&self.part[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// Uploads a file without its length.
async fn stream(harness: &GatewayHarness, token: &str, parts: usize, part: Vec<u8>) -> Value {
    stream_told(harness, token, (parts, part), || ()).await
}

/// The same; `before` is called before each part.
async fn stream_told(
    harness: &GatewayHarness,
    token: &str,
    (parts, part): (usize, Vec<u8>),
    before: impl FnMut() + Send + 'static,
) -> Value {
    let url = format!("{}/v1/files?filename=streamed", harness.url);
    let bearer = format!("Bearer {token}");
    let sending = move || {
        let mut body = Repeated { part, left: parts, at: 0, before };
        let request = agent().post(url).header("authorization", bearer);
        let mut answer = request.send(ureq::SendBody::from_reader(&mut body)).expect("an answer");
        let status = answer.status().as_u16();
        let mut said: Value = answer.body_mut().read_json().expect("JSON");
        said["status"] = json!(status);
        said
    };
    tokio::task::spawn_blocking(sending).await.expect("the request ends")
}

async fn status(url: &str) -> u16 {
    get("GET", url, &[]).await.status
}

async fn comment(harness: &GatewayHarness, token: &str, id: &str, files: &[&Answer]) {
    let files: Vec<&Value> = files.iter().map(|file| &file.body).collect();
    let comment = json!({ "id": id, "body": "See there.", "attachments": files });
    let answer = harness.json("POST", "/v1/tickets/1/comments", token, &comment).await;
    assert_eq!(answer.status, 202, "{answer:?}");
}

async fn rows(harness: &GatewayHarness) -> i64 {
    let counted = sqlx::query_scalar("select count(*) from file").fetch_one(&harness.pool);
    counted.await.expect("the database answers")
}

async fn until_rows(harness: &GatewayHarness, wanted: i64) {
    until("the rows that stay", PATIENCE, async || {
        let found = (rows(harness).await, harness.objects().await);
        let same = found.0 == wanted && i64::try_from(found.1) == Ok(wanted);
        if same { Ok(()) } else { Err(format!("rows and objects: {found:?}")) }
    })
    .await;
}
