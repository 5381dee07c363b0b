//! Servers on loopback that answer by script, and names that change.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use egress::{Addresses, Egress, EgressSettings, IpNet, Lookup, Ports};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What a server does with a request.
pub enum Script {
    /// Answers, and waits for the next one.
    Say(String),
    /// Answers and closes.
    Close(String),
    /// Answers, and is silent for ever.
    Hang(String),
    /// Answers, and then sends the part again and again, as fast as it is taken or with a pause.
    Repeat { first: String, part: Vec<u8>, pause: Duration },
}

/// A whole answer with a body.
pub fn ok(body: &str) -> Script {
    Script::Say(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}

/// A redirect.
pub fn moved(status: u16, location: &str) -> Script {
    Script::Say(format!(
        "HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
    ))
}

/// A server, and what it was asked.
pub struct Server {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

type Handler = Arc<dyn Fn(&str) -> Script + Send + Sync>;

impl Server {
    pub async fn plain(script: impl Fn(&str) -> Script + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(script), None, Ipv4Addr::LOCALHOST).await
    }

    /// At another address of loopback.
    pub async fn at(
        address: Ipv4Addr,
        script: impl Fn(&str) -> Script + Send + Sync + 'static,
    ) -> Self {
        Self::start(Arc::new(script), None, address).await
    }

    pub async fn tls(
        config: rustls::ServerConfig,
        script: impl Fn(&str) -> Script + Send + Sync + 'static,
    ) -> Self {
        Self::start(Arc::new(script), Some(config), Ipv4Addr::LOCALHOST).await
    }

    async fn start(script: Handler, tls: Option<rustls::ServerConfig>, address: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((address, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server = Self { address, asked: Arc::default(), connections: Arc::default() };
        let asked = Arc::clone(&server.asked);
        let connections = Arc::clone(&server.connections);
        let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *connections.lock().expect("not poisoned") += 1;
                let (script, asked, tls) = (Arc::clone(&script), Arc::clone(&asked), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, script, asked).await,
                        Some(tls) => serve(tls.accept(stream).await?, script, asked).await,
                    }
                });
            }
        });
        server
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Each request, head and body.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("not poisoned").clone()
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().expect("not poisoned")
    }
}

async fn serve(
    mut io: impl AsyncRead + AsyncWrite + Unpin,
    script: Handler,
    asked: Arc<Mutex<Vec<String>>>,
) -> io::Result<()> {
    loop {
        let Some(request) = read(&mut io).await? else { return Ok(()) };
        let script = script(&request);
        asked.lock().expect("not poisoned").push(request);
        match script {
            Script::Say(answer) => io.write_all(answer.as_bytes()).await?,
            Script::Close(answer) => {
                io.write_all(answer.as_bytes()).await?;
                return io.shutdown().await;
            }
            Script::Hang(answer) => {
                io.write_all(answer.as_bytes()).await?;
                io.flush().await?;
                // until the other side is gone
                return io.read_to_end(&mut Vec::new()).await.map(|_| ());
            }
            Script::Repeat { first, part, pause } => {
                io.write_all(first.as_bytes()).await?;
                loop {
                    io.write_all(&part).await?;
                    io.flush().await?;
                    tokio::time::sleep(pause).await;
                }
            }
        }
        io.flush().await?;
    }
}

/// A request with its body, which is announced or chunked.
async fn read(io: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<String>> {
    let mut all = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&all).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse::<usize>().expect("a length"));
            let is_whole = if head.contains("transfer-encoding: chunked") {
                body.ends_with("0\r\n\r\n")
            } else {
                body.len() >= length
            };
            if is_whole {
                return Ok(Some(text));
            }
        }
        if io.read_buf(&mut all).await? == 0 {
            return Ok(None);
        }
    }
}

/// Names with what each lookup in turn says of them; the last answer stays. A name that is not
/// there hangs if it is `hangs.test`.
#[derive(Clone, Default)]
pub struct Names(Arc<Mutex<HashMap<String, Vec<Vec<IpAddr>>>>>);

impl Names {
    pub fn with(self, name: &str, answers: &[&[&str]]) -> Self {
        let read =
            |answer: &&[&str]| answer.iter().map(|it| it.parse().expect("an address")).collect();
        self.0
            .lock()
            .expect("not poisoned")
            .insert(name.to_owned(), answers.iter().map(read).collect());
        self
    }
}

impl Lookup for Names {
    fn lookup<'a>(&'a self, name: &'a str) -> Addresses<'a> {
        Box::pin(async move {
            if name == "hangs.test" {
                return std::future::pending().await;
            }
            let mut names = self.0.lock().expect("not poisoned");
            let answers = names.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
            Ok(if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() })
        })
    }
}

/// How long a server may be silent under `settings`.
pub const SILENCE: Duration = Duration::from_millis(300);

/// Loopback is allowed, all ports are, times are short.
pub fn settings() -> EgressSettings {
    let loopback: Vec<IpNet> = vec!["127.0.0.0/8".parse().expect("a network")];
    EgressSettings {
        allow: loopback.clone(),
        plain_http: loopback,
        ports: vec![Ports::all()],
        lookup_timeout_ms: 300,
        connect_timeout_ms: 300,
        head_timeout_ms: 300,
        idle_timeout_ms: 300,
        total_timeout_ms: 20_000,
        ..EgressSettings::default()
    }
}

/// A client with these settings and names.
pub fn client(settings: EgressSettings, names: Names) -> Egress {
    Egress::with_lookup(settings, names).expect("a client")
}

/// A client with short times that reaches loopback.
pub fn local() -> Egress {
    client(settings(), Names::default())
}
