//! A target, streamed and checked on the way: bounded memory whatever its length.

use release::Hasher;
use trust_core::Target;

use crate::error::{Error, Result};
use crate::source::{Sink, Source, Streamed};

/// What is wrong with the bytes of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There is no such file.
    Missing,
    /// The server says no more than that it gives none, so that it may be missing.
    Denied(String),
    /// Its bytes are not the signed ones.
    Differs(String),
}

impl Fault {
    /// For those who can do nothing with a wrong one.
    pub(crate) fn of(self, target: &Target) -> Error {
        let reason = match self {
            Self::Missing => "the file is missing".to_owned(),
            Self::Denied(reason) | Self::Differs(reason) => reason,
        };
        Error::HostTarget { name: target.name.clone(), reason }
    }
}

/// Streams a target into `sink` and says whether its length and digest are the signed ones. `sink` has had everything by
/// then, so whoever keeps the bytes must not give them a name before.
pub(crate) fn stream(
    source: &dyn Source,
    target: &Target,
    sink: &mut Sink<'_>,
) -> Result<std::result::Result<(), Fault>> {
    let (mut hasher, mut length) = (Hasher::new(), 0_u64);
    let streamed = source.target(&target.path, target.length, &mut |part| {
        hasher.update(part);
        length = length.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
        // What is too long is wrong already, and may be without end.
        if length > target.length { Ok(()) } else { sink(part) }
    })?;
    let expected = target.length;
    let differs = |what: String| Ok(Err(Fault::Differs(what)));
    match streamed {
        Streamed::Missing => Ok(Err(Fault::Missing)),
        Streamed::Refused(reason) => differs(reason),
        Streamed::Whole if length > expected => differs(format!("expected {expected} bytes, found more")),
        Streamed::Whole if length < expected => differs(format!("expected {expected} bytes, found {length}")),
        Streamed::Whole => match (target.sha256(), hasher.finish()) {
            (None, _) => differs("no SHA-256 is signed".into()),
            (Some(signed), found) if signed != *found.bytes() => {
                differs(format!("expected SHA-256 {}, found {found}", hex::encode(signed)))
            }
            (Some(_), _) => Ok(Ok(())),
        },
    }
}

/// [`stream`] for those who can do nothing with a wrong one.
pub(crate) fn stream_right(source: &dyn Source, target: &Target, sink: &mut Sink<'_>) -> Result<()> {
    stream(source, target, sink)?.map_err(|fault| fault.of(target))
}
