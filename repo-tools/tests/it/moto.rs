//! moto, a server of the protocols of S3 and KMS, and a server that gives one answer to everything.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use updog_repo::Error;
use updog_repo::store::{Part, Patience, S3};

/// The one server of this run. It ends with us: it reads a pipe that we hold.
pub(crate) struct Moto {
    port: u16,
    _child: Child,
}

/// A bucket of its own for one test.
pub(crate) struct Bucket {
    pub(crate) name: String,
    port: u16,
}

impl Moto {
    pub(crate) fn running() -> &'static Self {
        static MOTO: OnceLock<Moto> = OnceLock::new();
        MOTO.get_or_init(|| {
            let mut child = Command::new(python())
                .args(["-c", SERVER])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            let port = line.trim().parse().expect("moto did not start: run `cargo xtask setup test`");
            Self { port, _child: child }
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// One call of the key service, as an administrator's tool makes it.
    pub(crate) fn kms(&self, action: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let body = body.to_string();
        // moto reads the region and the service there.
        let scope = "Credential=an-access-key/20260101/us-east-1/kms/aws4_request";
        let head = format!(
            "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Amz-Target: TrentService.{action}\r\n\
             Content-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\nConnection: close\r\n\
             Authorization: AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{action}: {answer}");
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap() }
    }

    /// One that is not there.
    pub(crate) fn no_bucket(&self) -> Bucket {
        Bucket { name: "nowhere".into(), port: self.port }
    }

    pub(crate) fn bucket(&self) -> Bucket {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("updates-{}", COUNT.fetch_add(1, Ordering::SeqCst));
        let bucket = Bucket { name, port: self.port };
        assert_eq!(bucket.request("PUT", "", b"").0, 200);
        // Hosts read without credentials.
        let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": format!("arn:aws:s3:::{}/*", bucket.name),
        }] });
        let (status, _, _) = bucket.request("PUT", "?policy", policy.to_string().as_bytes());
        assert!(status < 300, "{status}");
        bucket
    }
}

impl Bucket {
    pub(crate) fn store(&self, prefix: &str) -> S3 {
        open(self.port, &self.name, prefix).unwrap()
    }

    /// What the program is to be started with.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        variables(self.port)
    }

    /// Puts a file there as any other program would.
    pub(crate) fn plant(&self, prefix: &str, part: Part, name: &str, bytes: &[u8]) {
        assert_eq!(self.request("PUT", &format!("{prefix}/{}/{name}", part.name()), bytes).0, 200);
    }

    /// Status, headers and body.
    pub(crate) fn request(&self, method: &str, key: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "{method} /{}/{key} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.name,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_ascii_lowercase(), answer[end + 4..].to_vec())
    }
}

/// A server that says the same to everything.
pub(crate) struct Parrot {
    pub(crate) port: u16,
    /// How often it was asked.
    pub(crate) asked: Arc<AtomicUsize>,
}

impl Parrot {
    /// `answer` is a status line and a body; `None`: it takes the request and says nothing.
    pub(crate) fn saying(answer: Option<(&'static str, &'static str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || say(stream.unwrap(), answer));
            }
        });
        Self { port, asked }
    }

    /// Nothing of ours listens there.
    pub(crate) fn at(port: u16) -> Self {
        Self { port, asked: Arc::default() }
    }

    pub(crate) fn store(&self) -> Result<S3, Error> {
        open(self.port, "updates", "")
    }
}

fn say(mut stream: TcpStream, answer: Option<(&'static str, &'static str)>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
        line.clear();
    }
    match answer {
        Some((status, body)) => {
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
        None => thread::sleep(Duration::from_mins(1)),
    }
}

/// Tests do not wait as long as people do.
fn open(port: u16, bucket: &str, prefix: &str) -> Result<S3, Error> {
    let patience = Patience {
        retries: 2,
        answer: if bucket == "updates" { Duration::from_millis(300) } else { Duration::from_secs(30) },
        in_all: Duration::from_mins(1),
        ..Patience::default()
    };
    S3::from_variables(variables(port), (bucket, prefix), patience)
}

pub(crate) fn variables(port: u16) -> Vec<(String, String)> {
    [
        ("AWS_ACCESS_KEY_ID", "an-access-key".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// `UPDOG_MOTO`, or the one that `cargo xtask setup` makes below the target folder.
fn python() -> PathBuf {
    let made = || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("moto").join("bin/python");
    let python = std::env::var_os("UPDOG_MOTO").map_or_else(made, PathBuf::from);
    assert!(python.exists(), "{} is missing: run `cargo xtask setup test`", python.display());
    python
}

/// What no message may show.
pub(crate) const SECRET: &str = "a-secret-access-key-that-nobody-may-see";

/// moto's keys take a digest for a message, and the longest salt that fits. Those of AWS sign a digest as what it is,
/// with a salt of its length, and so do these.
const SERVER: &str = "
import sys, threading
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from moto.kms import responses, utils
from moto.server import ThreadedMotoServer
asked = threading.local()
whole = responses.KmsResponse.sign
def sign(self):
    asked.digest = self._get_param('MessageType') == 'DIGEST'
    return whole(self)
def hashed(self, algorithm):
    return Prehashed(SHA256()) if asked.digest else SHA256()
def padded(self, algorithm):
    assert algorithm == 'RSASSA_PSS_SHA_256', algorithm
    return padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32), hashed(self, algorithm)
responses.KmsResponse.sign = sign
assert callable(utils.ECDSAPrivateKey._ECDSAPrivateKey__hash_algorithm)
assert callable(utils.RSAPrivateKey._RSAPrivateKey__padding_and_hash_algorithm)
utils.ECDSAPrivateKey._ECDSAPrivateKey__hash_algorithm = hashed
utils.RSAPrivateKey._RSAPrivateKey__padding_and_hash_algorithm = padded
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
";
