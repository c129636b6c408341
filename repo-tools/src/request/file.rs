//! The layout of a request: text, then blocks of base64, then one line a signature. It says nothing of what is right.

use super::fault::Fault;

/// The first line of every request.
pub(super) const TITLE: &str = "updog signing request, format 1";

/// What lies below the text.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// The canonical JSON that each key signs.
    pub(super) signed: Vec<u8>,
    /// Roots that are only needed to follow the chain, 1 first.
    pub(super) earlier: Vec<Vec<u8>>,
    /// The roots after them, whose keys must sign.
    pub(super) signing: Vec<Vec<u8>>,
    /// The manifest that the targets name.
    pub(super) manifest: Option<Vec<u8>>,
    /// The targets that hosts see now.
    pub(super) targets_before: Option<Vec<u8>>,
    /// Their manifest.
    pub(super) manifest_before: Option<Vec<u8>>,
    /// Key id and signature.
    pub(super) signatures: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The file. The same text and parts are the same bytes.
pub(super) fn write(text: &str, parts: &Parts) -> Vec<u8> {
    let mut file = format!("{text}\n");
    file.push_str(&block(SIGNED, &parts.signed));
    for root in &parts.earlier {
        file.push_str(&block(EARLIER_ROOT, root));
    }
    for root in &parts.signing {
        file.push_str(&block(SIGNING_ROOT, root));
    }
    for (tag, bytes) in [
        (MANIFEST, &parts.manifest),
        (TARGETS_BEFORE, &parts.targets_before),
        (MANIFEST_BEFORE, &parts.manifest_before),
    ] {
        if let Some(bytes) = bytes {
            file.push_str(&block(tag, bytes));
        }
    }
    for (key, signature) in &parts.signatures {
        file.extend([SIGNATURE, &hex::encode(key), " ", &hex::encode(signature), "\n"]);
    }
    file.into_bytes()
}

/// Takes a file apart. More forgiving than [`write()`]; whoever calls it compares the file with what `write` gives.
pub(super) fn read(bytes: &[u8]) -> Result<Parts, Fault> {
    let file = std::str::from_utf8(bytes).map_err(|_| Fault::NotARequest)?;
    let title = file.lines().next().unwrap_or_default();
    if title != TITLE {
        let format = title.strip_prefix(TITLE.trim_end_matches('1'));
        return Err(format.map_or(Fault::NotARequest, |found| Fault::OtherFormat { found: found.into() }));
    }
    let mut parts = Parts::default();
    let mut lines = file.lines();
    while let Some(line) = lines.next() {
        if let Some(tag) = line.strip_prefix(BEGIN).and_then(|tag| tag.strip_suffix(DASHES)) {
            let end = format!("-----END {tag}-----");
            let mut text = format!("{line}\n");
            for line in lines.by_ref() {
                text.push_str(line);
                text.push('\n');
                if line == end {
                    break;
                }
            }
            let block = pem::parse(&text)
                .map_err(|error| Fault::Part { part: "blocks", reason: error.to_string() })?;
            parts.put(tag, block.into_contents())?;
        } else if let Some(words) = line.strip_prefix(SIGNATURE) {
            let pair = words.split_once(' ').map(|(key, sig)| (hex::decode(key), hex::decode(sig)));
            let Some((Ok(key), Ok(signature))) = pair else {
                return Err(Fault::Part { part: "signatures", reason: "expected two words in hex".into() });
            };
            parts.signatures.push((key, signature));
        }
    }
    Ok(parts)
}

impl Parts {
    fn put(&mut self, tag: &str, bytes: Vec<u8>) -> Result<(), Fault> {
        match tag {
            SIGNED => self.signed = bytes,
            EARLIER_ROOT => self.earlier.push(bytes),
            SIGNING_ROOT => self.signing.push(bytes),
            MANIFEST => self.manifest = Some(bytes),
            TARGETS_BEFORE => self.targets_before = Some(bytes),
            MANIFEST_BEFORE => self.manifest_before = Some(bytes),
            _ => return Err(Fault::Part { part: "blocks", reason: "expected a known name".into() }),
        }
        Ok(())
    }
}

fn block(tag: &str, bytes: &[u8]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(tag, bytes), config)
}

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";
const SIGNATURE: &str = "signature ";
const SIGNED: &str = "BYTES TO BE SIGNED";
const EARLIER_ROOT: &str = "EARLIER ROOT";
const SIGNING_ROOT: &str = "SIGNING ROOT";
const MANIFEST: &str = "MANIFEST";
const TARGETS_BEFORE: &str = "TARGETS BEFORE";
const MANIFEST_BEFORE: &str = "MANIFEST BEFORE";
