//! Values become what they mean, one by one.

use std::time::Duration;

use serde::de::DeserializeOwned;
use toml::Value;
use trust_client::Location;

use super::{Error, Merged, Strictness};

/// Reads values one by one; lenient: collects what makes no sense.
pub(super) struct Reader<'a> {
    merged: &'a Merged,
    strictness: Strictness,
    pub(super) problems: Vec<Error>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(merged: &'a Merged, strictness: Strictness) -> Reader<'a> {
        Reader { merged, strictness, problems: Vec::new() }
    }

    /// What a text means; `None`, here and below: there is no such value, or it was left out.
    pub(super) fn text<T>(
        &mut self,
        key: &'static str,
        mean: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Error> {
        self.typed(key, |text: String| mean(&text))
    }

    /// A value that means itself.
    pub(super) fn plain<T: DeserializeOwned>(&mut self, key: &'static str) -> Result<Option<T>, Error> {
        self.typed(key, Ok)
    }

    /// What a value means that is a text or a number.
    pub(super) fn measure<T>(
        &mut self,
        key: &'static str,
        mean: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Result<Option<T>, Error> {
        self.typed(key, |value: Value| mean(&value))
    }

    /// What a value of this type means.
    pub(super) fn typed<V: DeserializeOwned, T>(
        &mut self,
        key: &'static str,
        mean: impl FnOnce(V) -> Result<T, String>,
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.merged.value(key) else { return Ok(None) };
        let typed = value.clone().try_into::<V>().map_err(|error| error.message().to_owned());
        self.judge(key, typed.and_then(mean))
    }

    /// What was found to be meant by the value of a key.
    pub(super) fn judge<T>(
        &mut self,
        key: &'static str,
        meant: Result<T, String>,
    ) -> Result<Option<T>, Error> {
        match meant {
            Ok(meant) => Ok(Some(meant)),
            Err(detail) => {
                // It may repeat what was typed.
                let detail = Location::cleaned(&detail);
                let error = Error::Value { key, origin: self.merged.origin(key), detail };
                if self.strictness != Strictness::Lenient {
                    return Err(error);
                }
                self.problems.push(error);
                Ok(None)
            }
        }
    }
}

/// A span of time as it is typed.
pub(super) fn seconds(span: Duration) -> Value {
    format!("{}s", span.as_secs()).into()
}
