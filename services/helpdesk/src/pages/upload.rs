//! A form with files: each is kept as it arrives, a part at a time.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use contracts::limits;
use files::rules::capability::Capability;
use files::rules::name;
use files::{Files, KeepError, StoredFile, Upload};
use messaging::cause;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use web::{Failure, Reader, Viewer};

use super::Pages;
use super::form::Sent;

/// Bytes of all that is no file, of an agent's form.
const TEXT_BYTES: usize = 2 * 1024 * 1024;
/// Of what an account's files may take, what those of visitors take that nothing names yet: one
/// part in so many. Nobody who has signed in finds no room because of them.
const OF_VISITORS: u64 = 10;
/// Parts of a file between the browser and the disk.
const PARTS: usize = 4;

/// What a form sends.
#[derive(Debug, Default)]
pub(super) struct Submitted {
    /// Its fields.
    pub sent: Sent,
    /// Its files, each as the contract's `Attachment`; those that an earlier try had kept come
    /// first.
    pub files: Vec<Value>,
}

/// A file of a form that was not saved, for the form to be shown with it again.
pub(super) struct KeptFile {
    pub url: String,
    pub name: String,
}

impl KeptFile {
    /// Of files as a form's.
    pub fn of(files: &[Value]) -> Vec<Self> {
        let text = |file: &Value, name: &str| file[name].as_str().unwrap_or_default().to_owned();
        files
            .iter()
            .map(|file| Self { url: text(file, "url"), name: text(file, "filename") })
            .collect()
    }
}

/// Whose form it is, and what it may hold.
struct Bounds<'a> {
    account: &'a str,
    reader: &'a Reader,
    text_bytes: usize,
    /// Whether there is room for files.
    takes_files: bool,
}

/// Reads an agent's form, with or without files.
pub(super) async fn read(
    pages: &Pages,
    viewer: &Viewer,
    request: Request,
) -> Result<Submitted, Failure> {
    let account = viewer.account.as_str();
    let bounds = Bounds { account, reader: viewer, text_bytes: TEXT_BYTES, takes_files: true };
    read_within(pages, &bounds, request).await
}

/// Reads the form of somebody who has not signed in.
pub(super) async fn read_of_visitor(
    pages: &Pages,
    (account, reader): (&str, &Reader),
    text_bytes: usize,
    request: Request,
) -> Result<Submitted, Failure> {
    let unlinked = files::store::unlinked(pages.pool(), account).await?;
    let room = pages.files.settings().account_bytes / OF_VISITORS;
    let takes_files = u64::try_from(unlinked).is_ok_and(|bytes| bytes < room);
    let bounds = Bounds { account, reader, text_bytes, takes_files };
    read_within(pages, &bounds, request).await
}

async fn read_within(
    pages: &Pages,
    bounds: &Bounds<'_>,
    request: Request,
) -> Result<Submitted, Failure> {
    let Bounds { account, reader, text_bytes, takes_files } = *bounds;
    let content_type = request.headers().get(CONTENT_TYPE).map(|it| it.as_bytes().to_vec());
    let is_multipart = content_type.is_some_and(|it| it.starts_with(b"multipart/form-data"));
    if !is_multipart {
        let bytes = to_bytes(request.into_body(), text_bytes).await;
        let bytes = bytes.map_err(|_| said(reader, "files.broke_off"))?;
        let fields = url::form_urlencoded::parse(&bytes).into_owned().collect();
        let sent = Sent::of(fields).ok_or_else(|| Failure::Invalid(String::new()))?;
        let files = earlier(pages, account, &sent).await?;
        return Ok(Submitted { sent, files });
    }
    let broke_off = || said(reader, "files.broke_off");
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|_| broke_off())?;
    let (mut fields, mut files, mut room) = (Vec::new(), Vec::new(), text_bytes);
    while let Some(field) = form.next_field().await.map_err(|_| broke_off())? {
        let named = field.name().unwrap_or_default().to_owned();
        match field.file_name().map(str::to_owned) {
            // No file was chosen.
            Some(filename) if filename.is_empty() => {}
            Some(filename) => {
                if files.len() >= limits::ATTACHMENTS {
                    return Err(said(reader, "files.many"));
                }
                if !takes_files {
                    return Err(said(reader, "files.no_room"));
                }
                let kept = keep(&pages.files, account, &filename, field).await;
                files.push(attachment(&kept.map_err(|error| refused(pages, reader, &error))?));
            }
            None => {
                let value = text(field, &mut room).await.map_err(|()| broke_off())?;
                fields.push((named, value));
            }
        }
    }
    let sent = Sent::of(fields).ok_or_else(|| Failure::Invalid(String::new()))?;
    let mut all = earlier(pages, account, &sent).await?;
    all.append(&mut files);
    if all.len() > limits::ATTACHMENTS {
        return Err(said(reader, "files.many"));
    }
    Ok(Submitted { sent, files: all })
}

fn said(reader: &Reader, key: &str) -> Failure {
    Failure::Invalid(reader.say(key).into_owned())
}

async fn text(mut field: Field<'_>, room: &mut usize) -> Result<String, ()> {
    let mut bytes = Vec::new();
    while let Some(part) = field.chunk().await.map_err(drop)? {
        *room = room.checked_sub(part.len()).ok_or(())?;
        bytes.extend_from_slice(&part);
    }
    String::from_utf8(bytes).map_err(drop)
}

/// Passes a file on to where it is kept, while it arrives.
async fn keep(
    files: &Files,
    account: &str,
    filename: &str,
    mut field: Field<'_>,
) -> Result<StoredFile, KeepError> {
    let (sender, receiver) = mpsc::channel::<std::io::Result<Bytes>>(PARTS);
    let parts = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let part = receiver.recv().await?;
        Some((part, receiver))
    });
    let upload = Upload {
        account: account.to_owned(),
        filename: name::cleaned(filename),
        content_type: name::content_type(field.content_type().map(str::as_bytes)),
        announced: None,
        body: Body::from_stream(parts),
    };
    let passing = async move {
        loop {
            let part = match field.chunk().await {
                Ok(Some(part)) => Ok(part),
                Ok(None) => break,
                Err(_) => Err(std::io::Error::other("the form broke off")),
            };
            let is_last = part.is_err();
            if sender.send(part).await.is_err() || is_last {
                break;
            }
        }
    };
    let (kept, ()) = tokio::join!(files.keep(upload), passing);
    kept
}

fn attachment(kept: &StoredFile) -> Value {
    json!({ "id": kept.file.id, "filename": kept.file.filename, "url": kept.url,
        "content_type": kept.file.content_type, "size": kept.size })
}

/// Files of the account that an earlier try had kept, by their links. Another account's are not its
/// to give away.
async fn earlier(pages: &Pages, account: &str, sent: &Sent) -> Result<Vec<Value>, Failure> {
    let origin = &pages.files.settings().origin;
    let linked = sent.all("kept").into_iter().take(limits::ATTACHMENTS).filter_map(|url| {
        let hash = Capability::of_url(&url, origin)?.hash().to_vec();
        Some((hash, url))
    });
    let linked: Vec<(Vec<u8>, String)> = linked.collect();
    if linked.is_empty() {
        return Ok(Vec::new());
    }
    let hashes: Vec<Vec<u8>> = linked.iter().map(|(hash, _)| hash.clone()).collect();
    let own = files::store::own_of_capabilities(pages.pool(), account, &hashes).await?;
    let file = |(hash, url): (Vec<u8>, String)| {
        let (_, row) = own.iter().find(|(known, _)| *known == hash)?;
        Some(json!({ "id": row.id, "filename": row.filename, "url": url,
            "content_type": row.content_type, "size": row.size }))
    };
    Ok(linked.into_iter().filter_map(file).collect())
}

fn refused(pages: &Pages, reader: &Reader, error: &KeepError) -> Failure {
    match error {
        KeepError::TooLarge => {
            let mib = pages.files.settings().file_bytes / (1024 * 1024);
            Failure::Invalid(reader.say_with("files.large", &[("mib", &mib)]).into_owned())
        }
        KeepError::Quota => said(reader, "files.quota"),
        KeepError::BrokeOff => said(reader, "files.broke_off"),
        KeepError::Busy | KeepError::Chance | KeepError::Store(_) | KeepError::Database(_) => {
            tracing::warn!(cause = cause(error), "a file was not kept");
            Failure::Unavailable
        }
    }
}
