//! A mail server that delivers nothing and keeps everything: SMTP without TLS or log-in.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

use crate::error::{During, Result};

/// Longer mails are refused: the sink keeps them in memory.
const SIZE_LIMIT: usize = 8 * 1024 * 1024;

/// One mail as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The envelope's sender.
    pub sender: String,
    /// The envelope's recipients.
    pub recipients: Vec<String>,
    /// Headers and body.
    pub raw: String,
}

/// A running mail sink; dropping it ends it.
#[derive(Debug)]
pub struct MailSink {
    address: SocketAddr,
    mails: Arc<Mutex<Vec<Mail>>>,
    accepting: AbortHandle,
}

impl MailSink {
    /// Listens on `address` (port 0 takes a free one) in the current tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(address: &str) -> Result<Self> {
        Self::start_with(address, None).await
    }

    /// Does the same, and writes each mail to a numbered file in `dir`.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the folder not be made.
    pub async fn start_in(address: &str, dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).during(format!("making the folder {}", dir.display()))?;
        Self::start_with(address, Some(dir.to_owned())).await
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as a service's configuration has it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// All mails that came so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn start_with(address: &str, dir: Option<PathBuf>) -> Result<Self> {
        let what = format!("listening for mail on {address}");
        let listener = TcpListener::bind(address).await.during(what.clone())?;
        let address = listener.local_addr().during(what)?;
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = mails.clone();
        let accepting = tokio::spawn(async move {
            let mut sessions = JoinSet::new();
            loop {
                tokio::select! {
                    Ok((stream, _)) = listener.accept() => {
                        let (kept, dir) = (kept.clone(), dir.clone());
                        sessions.spawn(async move {
                            // A client that goes away in the middle has sent no mail.
                            serve(stream, |mail| keep(&kept, dir.as_deref(), mail)).await.ok();
                        });
                    }
                    Some(_) = sessions.join_next() => {}
                }
            }
        });
        Ok(Self { address, mails, accepting: accepting.abort_handle() })
    }
}

impl Drop for MailSink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Keeps a mail; says no when its file cannot be written, so that the sender tries again.
fn keep(kept: &Mutex<Vec<Mail>>, dir: Option<&Path>, mail: Mail) -> bool {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(dir) = dir {
        let count = fs::read_dir(dir).map_or(0, Iterator::count);
        let file = dir.join(format!("{:04}.eml", count + 1));
        if fs::write(file, &mail.raw).is_err() {
            return false;
        }
    }
    kept.push(mail);
    true
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    keep: impl Fn(Mail) -> bool,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut mail = empty();
    stream.write_all(b"220 mail sink\r\n").await?;
    loop {
        let Some(line) = read_line(&mut stream).await? else { return Ok(()) };
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-mail sink\r\n250-8BITMIME\r\n250 SMTPUTF8",
            "HELO" | "NOOP" => "250 ok",
            "MAIL" => {
                mail = Mail { sender: address_in(&line), ..empty() };
                "250 ok"
            }
            "RCPT" => {
                mail.recipients.push(address_in(&line));
                "250 ok"
            }
            "DATA" if mail.recipients.is_empty() => "503 no recipient",
            "DATA" => {
                stream.write_all(b"354 go on, end with a dot\r\n").await?;
                let Some(raw) = read_mail(&mut stream).await? else { return Ok(()) };
                let kept = raw.len() <= SIZE_LIMIT
                    && keep(Mail { raw, ..std::mem::replace(&mut mail, empty()) });
                if kept { "250 kept" } else { "452 not kept" }
            }
            "RSET" => {
                mail = empty();
                "250 ok"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "502 unknown command",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

fn empty() -> Mail {
    Mail { sender: String::new(), recipients: Vec::new(), raw: String::new() }
}

async fn read_line(stream: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    if stream.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()))
}

/// Reads up to the line with a single dot; of what is too long the end is thrown away.
async fn read_mail(stream: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<Option<String>> {
    let mut raw = String::new();
    loop {
        let Some(line) = read_line(stream).await? else { return Ok(None) };
        if line == "." {
            return Ok(Some(raw));
        }
        if raw.len() <= SIZE_LIMIT {
            raw.push_str(line.strip_prefix('.').unwrap_or(&line));
            raw.push_str("\r\n");
        }
    }
}

/// The address between angle brackets of a MAIL or RCPT line.
fn address_in(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or_else(String::new, |(address, _)| address.to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_mail_is_kept_with_its_recipients_and_dots() {
        let sink = MailSink::start("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(sink.address()).await.unwrap();
        let session = "EHLO test\r\nMAIL FROM:<mesh@example.org> BODY=8BITMIME\r\nRCPT \
            TO:<a@example.org>\r\n\
            RCPT TO:<b@example.org>\r\nDATA\r\nSubject: hello\r\n\r\n..dot\r\n.\r\nQUIT\r\n";
        stream.write_all(session.as_bytes()).await.unwrap();
        let mut answers = String::new();
        tokio::time::timeout(Duration::from_secs(5), stream.read_to_string(&mut answers))
            .await
            .unwrap()
            .unwrap();
        assert!(answers.ends_with("250 kept\r\n221 bye\r\n"), "{answers}");
        let kept = Mail {
            sender: "mesh@example.org".to_owned(),
            recipients: vec!["a@example.org".to_owned(), "b@example.org".to_owned()],
            raw: "Subject: hello\r\n\r\n.dot\r\n".to_owned(),
        };
        assert_eq!(sink.mails(), [kept]);
    }
}
