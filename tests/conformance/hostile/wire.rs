//! AMQP 0-9-1 frame by frame: what no client library lets a program send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use url::Url;

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const END: u8 = 0xce;

/// How long the broker may think.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connection with one channel in confirm mode.
pub struct Wire(TcpStream);

/// What the broker says of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// It took it.
    Confirmed,
    /// It closed the channel or the connection, by this code; 0 when it hung up without one.
    Closed(u16),
}

/// The properties of a message as bytes; an absent one is not sent.
#[derive(Default)]
pub struct Properties<'a> {
    pub content_type: Option<&'a [u8]>,
    /// A whole field table, its length in front.
    pub headers: Option<&'a [u8]>,
    pub message_id: Option<&'a [u8]>,
    pub message_type: Option<&'a [u8]>,
    pub user_id: Option<&'a [u8]>,
}

impl Wire {
    /// Logs in with the user and the virtual host of an address.
    pub fn log_in(address: &str) -> Self {
        let url = Url::parse(address).expect("an address");
        let server = (url.host_str().expect("a host"), url.port().expect("a port"));
        let stream = TcpStream::connect(server).expect("the broker listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket takes a limit");
        let mut wire = Self(stream);
        let login = format!("\0{}\0{}", url.username(), url.password().unwrap_or_default());
        let vhost = url.path().trim_start_matches('/');
        wire.0.write_all(b"AMQP\x00\x00\x09\x01").expect("the broker reads");
        wire.expect(10, 10);
        wire.method(
            0,
            10,
            11,
            &[&0_u32.to_be_bytes(), &short(b"PLAIN"), &long(login.as_bytes()), &short(b"en_US")],
        );
        let tune = wire.expect(10, 30);
        wire.method(0, 10, 31, &[&tune[4..12]]);
        wire.method(0, 10, 40, &[&short(vhost.as_bytes()), &[0, 0]]);
        wire.expect(10, 41);
        wire.method(1, 20, 10, &[&[0]]);
        wire.expect(20, 11);
        wire.method(1, 85, 10, &[&[0]]);
        wire.expect(85, 11);
        wire
    }

    /// Publishes on `share` and waits for what the broker says.
    pub fn publish(&mut self, key: &[u8], properties: &Properties<'_>, body: &[u8]) -> Said {
        self.method(1, 60, 40, &[&[0, 0], &short(b"share"), &short(key), &[0]]);
        let mut header =
            [&60_u16.to_be_bytes()[..], &[0, 0], &(body.len() as u64).to_be_bytes()].concat();
        header.extend(properties.written());
        self.frame(HEADER, 1, &header);
        self.frame(BODY, 1, body);
        loop {
            let Some((kind, payload)) = self.read() else { return Said::Closed(0) };
            match (kind, method_of(&payload)) {
                (METHOD, (60, 80)) => return Said::Confirmed,
                (METHOD, (20, 40) | (10, 50)) => {
                    return Said::Closed(u16::from_be_bytes([payload[4], payload[5]]));
                }
                _ => {}
            }
        }
    }

    fn expect(&mut self, class: u16, method: u16) -> Vec<u8> {
        let (_, payload) = self.read().expect("the broker goes on");
        assert_eq!(method_of(&payload), (class, method), "{}", String::from_utf8_lossy(&payload));
        payload
    }

    fn method(&mut self, channel: u16, class: u16, method: u16, arguments: &[&[u8]]) {
        let payload =
            [&class.to_be_bytes()[..], &method.to_be_bytes(), &arguments.concat()].concat();
        self.frame(METHOD, channel, &payload);
    }

    /// A broker that has closed already takes no more; then what it said is still to be read.
    fn frame(&mut self, kind: u8, channel: u16, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("a frame is small").to_be_bytes();
        let frame = [&[kind][..], &channel.to_be_bytes(), &length, payload, &[END]].concat();
        self.0.write_all(&frame).ok();
    }

    /// The next frame but for heartbeats; nothing when the broker hung up.
    fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            let mut head = [0; 7];
            self.0.read_exact(&mut head).ok()?;
            let length = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
            let mut payload = vec![0; length + 1];
            self.0.read_exact(&mut payload).ok()?;
            payload.pop();
            if head[0] != 8 {
                return Some((head[0], payload));
            }
        }
    }
}

impl Properties<'_> {
    fn written(&self) -> Vec<u8> {
        let given = [
            (15, self.content_type.map(short)),
            (13, self.headers.map(<[u8]>::to_vec)),
            (12, Some(vec![2])),
            (7, self.message_id.map(short)),
            (5, self.message_type.map(short)),
            (4, self.user_id.map(short)),
        ];
        let (mut flags, mut values) = (0_u16, Vec::new());
        for (bit, value) in given {
            if let Some(value) = value {
                flags |= 1 << bit;
                values.extend(value);
            }
        }
        [&flags.to_be_bytes()[..], &values].concat()
    }
}

/// A short string: at most 255 bytes, of whatever kind.
pub fn short(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).expect("at most 255 bytes")][..], bytes].concat()
}

/// Bytes with their length in front, as long strings and tables have it.
pub fn long(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).expect("not that long").to_be_bytes()[..], bytes].concat()
}

fn method_of(payload: &[u8]) -> (u16, u16) {
    match payload {
        [a, b, c, d, ..] => (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])),
        _ => (0, 0),
    }
}
