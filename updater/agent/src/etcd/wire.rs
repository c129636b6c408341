//! etcd's JSON gateway: what is sent, and what an answer says. Bytes in base64, 64-bit numbers as text, zero and false left out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use updater_core::plain;

/// One question: where, what, and how it is called in messages. Nothing prints it whole: a login has a password in it.
pub(super) struct Call {
    pub(super) path: &'static str,
    pub(super) body: Value,
    pub(super) name: &'static str,
}

/// A key with its value and the lease that keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: Vec<u8>,
    /// Its value.
    pub(crate) value: Vec<u8>,
    /// Its lease; 0: none.
    pub(crate) lease: i64,
}

/// What came of making a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Created {
    /// It was made.
    Now,
    /// It was there, kept by this lease.
    Before(i64),
}

pub(super) fn grant(secs: u64) -> Call {
    Call { path: "v3/lease/grant", body: json!({ "TTL": secs.to_string() }), name: "get a lease from etcd" }
}

pub(super) fn keep_alive(lease: i64) -> Call {
    let body = json!({ "ID": lease.to_string() });
    Call { path: "v3/lease/keepalive", body, name: "renew a lease in etcd" }
}

pub(super) fn revoke(lease: i64) -> Call {
    let body = json!({ "ID": lease.to_string() });
    Call { path: "v3/lease/revoke", body, name: "end a lease in etcd" }
}

/// All keys that begin with `prefix`, which is not empty.
pub(super) fn below(prefix: &str, limit: u32) -> Call {
    let mut end = prefix.as_bytes().to_vec();
    // Configured prefixes are ASCII, so that the last byte is not the highest.
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    let body =
        json!({ "key": encode(prefix.as_bytes()), "range_end": encode(&end), "limit": limit.to_string() });
    Call { path: "v3/kv/range", body, name: "read the group from etcd" }
}

/// Makes the key, kept by the lease, unless it is there; then reads it.
pub(super) fn create(key: &str, value: &[u8], lease: i64) -> Call {
    let key = encode(key.as_bytes());
    let body = json!({
        "compare": [{ "key": key, "target": "CREATE", "result": "EQUAL", "create_revision": "0" }],
        "success": [{ "request_put": { "key": key, "value": encode(value), "lease": lease.to_string() } }],
        "failure": [{ "request_range": { "key": key } }],
    });
    Call { path: "v3/kv/txn", body, name: "take a permit in etcd" }
}

pub(super) fn log_in(user: &str, password: &str) -> Call {
    let body = json!({ "name": user, "password": password });
    Call { path: "v3/auth/authenticate", body, name: "log in to etcd" }
}

/// What a login has come to.
pub(super) fn token(answer: &Value) -> Option<String> {
    answer.get("token").and_then(Value::as_str).filter(|token| !token.is_empty()).map(str::to_owned)
}

/// The lease that was granted; `None`: the answer names none.
pub(super) fn granted(answer: &Value) -> Option<i64> {
    number(answer.get("ID")).filter(|lease| *lease > 0)
}

/// How long a lease lives on, in seconds; 0: there is none. `None`: the answer does not say.
pub(super) fn left(answer: &Value) -> Option<u64> {
    let result = answer.get("result")?;
    number(result.get("ID"))?;
    let Some(left) = result.get("TTL") else { return Some(0) };
    number(Some(left)).map(|left| u64::try_from(left).unwrap_or(0))
}

/// Every key of an answer; `None`: it makes no sense.
pub(super) fn entries(answer: &Value) -> Option<Vec<Entry>> {
    answer.get("header")?.as_object()?;
    let Some(list) = answer.get("kvs") else { return Some(Vec::new()) };
    list.as_array()?.iter().map(entry).collect()
}

/// Whether a key was made.
pub(super) fn created(answer: &Value) -> Option<Created> {
    answer.get("header")?.as_object()?;
    if answer.get("succeeded").and_then(Value::as_bool) == Some(true) {
        return Some(Created::Now);
    }
    let range = answer.get("responses")?.get(0)?.get("response_range")?;
    entry(range.get("kvs")?.get(0)?).map(|entry| Created::Before(entry.lease))
}

/// The code and the words of an answer that is an error. A stream wraps them once more.
pub(super) fn refusal(answer: &Value) -> Option<(i64, String)> {
    let error = answer.get("error")?;
    let of = if error.is_object() { error } else { answer };
    let code = of.get("code").or_else(|| of.get("grpc_code")).and_then(Value::as_i64)?;
    let said = of.get("message").or_else(|| of.get("error")).and_then(Value::as_str).unwrap_or_default();
    Some((code, plain(said, 200)))
}

fn entry(value: &Value) -> Option<Entry> {
    let bytes = |key| match value.get(key) {
        Some(text) => STANDARD.decode(text.as_str()?).ok(),
        None => Some(Vec::new()),
    };
    let lease = match value.get("lease") {
        Some(lease) => number(Some(lease))?,
        None => 0,
    };
    Some(Entry { key: bytes("key")?, value: bytes("value")?, lease })
}

/// A 64-bit number, as text or not.
fn number(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    }
}

fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    /// As etcd 3.4 has printed them.
    #[test]
    fn answers_are_read() {
        let lease = r#"{"header":{"revision":"1"},"ID":"4390624970280998149","TTL":"2"}"#;
        assert_eq!(granted(&json(lease)), Some(4_390_624_970_280_998_149));
        let gone = r#"{"result":{"header":{"revision":"1"},"ID":"123"}}"#;
        assert_eq!(left(&json(gone)), Some(0));
        assert_eq!(left(&json(r#"{"result":{"ID":"123","TTL":"30"}}"#)), Some(30));
        assert_eq!(entries(&json(r#"{"header":{"revision":"1"}}"#)), Some(vec![]));
        let made =
            r#"{"header":{},"succeeded":true,"responses":[{"response_put":{"header":{"revision":"2"}}}]}"#;
        assert_eq!(created(&json(made)), Some(Created::Now));
        let there = r#"{"header":{},"responses":[{"response_range":{"header":{},"kvs":[{"key":"YQ==","create_revision":"2",
            "mod_revision":"2","version":"1","value":"Yg==","lease":"7"}],"count":"1"}}]}"#;
        assert_eq!(created(&json(there)), Some(Created::Before(7)));
        let range = &json(there)["responses"][0]["response_range"];
        let entry = Entry { key: b"a".to_vec(), value: b"b".to_vec(), lease: 7 };
        assert_eq!(entries(range), Some(vec![entry]));
        let full = r#"{"error":"etcdserver: mvcc: database space exceeded","message":"etcdserver: mvcc: database space exceeded","code":8}"#;
        assert_eq!(refusal(&json(full)), Some((8, "etcdserver: mvcc: database space exceeded".to_owned())));
        let stream = r#"{"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}}"#;
        assert_eq!(refusal(&json(stream)), Some((14, "etcdserver: no leader".to_owned())));
        assert_eq!(refusal(&json(made)), None);
    }

    #[test]
    fn nonsense_is_no_answer() {
        for text in [
            "{}",
            "[]",
            "null",
            "7",
            r#"{"ID":"x","kvs":7,"result":7,"responses":{}}"#,
            r#"{"header":{},"kvs":[{"key":7}]}"#,
            r#"{"header":{},"responses":[{}]}"#,
            r#"{"ID":"0"}"#,
            r#"{"ID":"-5"}"#,
        ] {
            let answer = json(text);
            assert_eq!((granted(&answer), left(&answer), created(&answer)), (None, None, None), "{text}");
            // Without `kvs` it is the answer to a question about keys that are not there.
            assert_eq!(entries(&answer), (text.contains("responses\":[{}]")).then(Vec::new), "{text}");
            assert_eq!(refusal(&answer), None, "{text}");
        }
    }

    #[test]
    fn a_range_ends_after_its_prefix() {
        let call = below("/a/", 9);
        assert_eq!((&call.body["key"], &call.body["range_end"]), (&json!("L2Ev"), &json!("L2Ew")));
    }
}
