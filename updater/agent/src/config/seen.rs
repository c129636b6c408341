//! `[metrics]` and `[report]`: what of the host is to be seen from outside (docs/seen.md). Both off by default.

use std::path::PathBuf;
use std::time::Duration;

use toml::Value;
use url::Url;

use super::reader::{Reader, seconds};
use super::{Error, units};

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

impl Metrics {
    /// What the values mean.
    pub(super) fn mean(reader: &mut Reader<'_>) -> Result<Metrics, Error> {
        let textfile = reader.text("metrics.textfile", file)?;
        Ok(Metrics { textfile })
    }
}

impl Report {
    /// The values that stand where no file has any.
    pub(super) fn defaults() -> [(&'static str, Value); 1] {
        [("report.timeout", seconds(TIMEOUT))]
    }

    /// What the values mean.
    pub(super) fn mean(reader: &mut Reader<'_>) -> Result<Report, Error> {
        Ok(Report {
            url: reader.text("report.url", collector)?,
            id: reader.text("report.id", name)?,
            timeout: reader
                .measure("report.timeout", |span| units::within(span, ANSWER, "1s to 60s"))?
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
/// In seconds: a turn may have sixteen of them to tell.
const ANSWER: (u64, u64) = (1, 60);
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
