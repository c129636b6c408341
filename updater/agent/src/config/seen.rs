//! `[metrics]` and `[report]`: what of the host is to be seen from outside (docs/seen.md). Both off by default.

use std::path::PathBuf;
use std::time::Duration;

use toml::Value;
use url::Url;

use super::{Error, Words, units};

/// The keys of both sections in one file. `None`: the file does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenFragment {
    /// Where the metrics are kept.
    pub textfile: Option<String>,
    /// Who is told what became of an update.
    pub url: Option<String>,
    /// How the host calls itself there.
    pub id: Option<String>,
    /// How long telling may take.
    pub timeout: Option<Value>,
}

/// `[metrics]`, validated and typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// The file for `node_exporter`'s textfile collector; `None`: none is written.
    pub textfile: Option<PathBuf>,
}

/// `[report]`, validated and typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Who is told; `None`: nobody.
    pub url: Option<Url>,
    /// How the host calls itself; `None`: it has no name there.
    pub id: Option<String>,
    /// How long one report may take.
    pub timeout: Duration,
}

impl SeenFragment {
    /// Reads one key; `None`: there is no such key.
    pub(super) fn set(&mut self, key: &str, value: Value) -> Option<Result<(), Words>> {
        Some(match key {
            "metrics.textfile" => units::read(&mut self.textfile, value),
            "report.url" => units::read(&mut self.url, value),
            "report.id" => units::read(&mut self.id, value),
            "report.timeout" => units::read(&mut self.timeout, value),
            _ => return None,
        })
    }

    /// The value of a key as TOML.
    pub(super) fn value(&self, key: &str) -> Option<Value> {
        match key {
            "metrics.textfile" => self.textfile.as_deref().map(Value::from),
            "report.url" => self.url.as_deref().map(Value::from),
            "report.id" => self.id.as_deref().map(Value::from),
            "report.timeout" => self.timeout.clone(),
            _ => None,
        }
    }

    /// These values, and `below` where there are none.
    pub(super) fn over(self, below: SeenFragment) -> SeenFragment {
        SeenFragment {
            textfile: self.textfile.or(below.textfile),
            url: self.url.or(below.url),
            id: self.id.or(below.id),
            timeout: self.timeout.or(below.timeout),
        }
    }

    /// The values that stand where no file has any.
    pub(super) fn defaults() -> SeenFragment {
        let timeout = format!("{}s", TIMEOUT.as_secs());
        SeenFragment { timeout: Some(timeout.into()), ..SeenFragment::default() }
    }
}

impl Metrics {
    /// What the values mean.
    pub(super) fn mean(
        values: &SeenFragment,
        reader: &mut super::settings::Reader<'_>,
    ) -> Result<Metrics, Error> {
        let textfile = reader.read("metrics.textfile", values.textfile.as_ref(), |text| file(text))?;
        Ok(Metrics { textfile })
    }
}

impl Report {
    /// What the values mean.
    pub(super) fn mean(
        values: &SeenFragment,
        reader: &mut super::settings::Reader<'_>,
    ) -> Result<Report, Error> {
        Ok(Report {
            url: reader.read("report.url", values.url.as_ref(), |text| collector(text))?,
            id: reader.read("report.id", values.id.as_ref(), |text| name(text))?,
            timeout: reader
                .read("report.timeout", values.timeout.as_ref(), units::some_time)?
                .unwrap_or(TIMEOUT),
        })
    }
}

/// A file of its own: what ends in a slash is a folder.
fn file(text: &str) -> Result<PathBuf, String> {
    let path = units::absolute(text)?;
    if path.file_name().is_some() && !text.ends_with('/') {
        Ok(path)
    } else {
        Err(format!("expected the path of a file, found {text:?}"))
    }
}

fn collector(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("expected a URL, found {text:?} ({error})"))?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err(format!("expected http or https, found {:?}", url.scheme()))
    }
}

fn name(text: &str) -> Result<String, String> {
    let is_plain = !text.is_empty() && text.len() <= NAME && !text.chars().any(char::is_control);
    if is_plain {
        Ok(text.to_owned())
    } else {
        Err(format!("expected 1 to {NAME} bytes on one line, found {text:?}"))
    }
}

const TIMEOUT: Duration = Duration::from_secs(10);
const NAME: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_are_a_file() {
        assert_eq!(file("/run/updog.prom"), Ok(PathBuf::from("/run/updog.prom")));
        for text in ["/", "/run/", "/run/..", "updog.prom", ""] {
            assert!(file(text).is_err(), "{text:?}");
        }
    }
}
