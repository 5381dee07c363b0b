//! A mail server for tests: answers as it is told to, and keeps what it takes.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What is answered at each stage, one after the other; the last one for ever after. An empty
/// answer is silence.
pub(crate) struct Answers {
    pub greeting: Vec<&'static str>,
    pub mail: Vec<&'static str>,
    pub rcpt: Vec<&'static str>,
    pub data_end: Vec<&'static str>,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            greeting: vec!["220 test"],
            mail: vec!["250 ok"],
            rcpt: vec!["250 ok"],
            data_end: vec!["250 taken"],
        }
    }
}

struct Script {
    greeting: VecDeque<&'static str>,
    mail: VecDeque<&'static str>,
    rcpt: VecDeque<&'static str>,
    data_end: VecDeque<&'static str>,
    mails: Vec<String>,
    sessions: usize,
}

fn next(answers: &mut VecDeque<&'static str>) -> &'static str {
    if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0] }
}

/// A running mail server; dropping it ends it.
pub(crate) struct Responder {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    _running: JoinSet<()>,
}

impl Responder {
    pub(crate) async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let Answers { greeting, mail, rcpt, data_end } = answers;
        let script = Script {
            greeting: greeting.into(),
            mail: mail.into(),
            rcpt: rcpt.into(),
            data_end: data_end.into(),
            mails: Vec::new(),
            sessions: 0,
        };
        let script = Arc::new(Mutex::new(script));
        let shared = script.clone();
        let mut running = JoinSet::new();
        running.spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().sessions += 1;
                let script = shared.clone();
                // A client that goes away in the middle is not the test's concern.
                sessions.spawn(async move { drop(serve(stream, &script).await) });
            }
        });
        Self { address, script, _running: running }
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    pub(crate) fn mails(&self) -> Vec<String> {
        self.script.lock().unwrap().mails.clone()
    }

    pub(crate) fn sessions(&self) -> usize {
        self.script.lock().unwrap().sessions
    }
}

async fn serve(stream: TcpStream, script: &Mutex<Script>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let greeting = next(&mut script.lock().unwrap().greeting);
    answer(&mut stream, greeting).await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let said = match line.split([' ', ':', '\r']).next().unwrap_or_default() {
            "EHLO" => "250-test\r\n250 8BITMIME",
            "MAIL" => next(&mut script.lock().unwrap().mail),
            "RCPT" => next(&mut script.lock().unwrap().rcpt),
            "DATA" => {
                answer(&mut stream, "354 go on").await?;
                let mail = read_mail(&mut stream).await?;
                let mut script = script.lock().unwrap();
                let said = next(&mut script.data_end);
                if said.starts_with('2') {
                    script.mails.push(mail);
                }
                said
            }
            "QUIT" => return answer(&mut stream, "221 bye").await,
            _ => "502 unknown",
        };
        answer(&mut stream, said).await?;
    }
}

async fn answer(stream: &mut BufReader<TcpStream>, said: &str) -> std::io::Result<()> {
    if said.is_empty() {
        return std::future::pending().await;
    }
    stream.write_all(format!("{said}\r\n").as_bytes()).await
}

async fn read_mail(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut mail = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(mail);
        }
        mail.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
