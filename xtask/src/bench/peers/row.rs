//! What a run took, and the median of several.

use serde::Serialize;

use crate::bench::median;

/// One run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sample {
    pub(crate) wall_s: f64,
    /// User and system, of the program and those it started; not of the kernel's own threads.
    pub(crate) cpu_s: f64,
    /// Of the largest process.
    pub(crate) rss_kib: u64,
    pub(crate) fetched_bytes: u64,
    pub(crate) written_bytes: u64,
    /// `None`: nothing was asked for over HTTP.
    pub(crate) requests: Option<u64>,
    /// Of what was fetched, targets but the manifest: indexes, deltas, frames.
    pub(crate) payload_bytes: u64,
}

/// The median of each figure over the runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) wall_s: Option<f64>,
    pub(crate) cpu_s: Option<f64>,
    pub(crate) rss_kib: Option<u64>,
    pub(crate) fetched_bytes: Option<u64>,
    pub(crate) written_bytes: Option<u64>,
    pub(crate) requests: Option<u64>,
    #[serde(skip)]
    pub(crate) payload_bytes: Option<u64>,
    /// What the reader must know of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) note: String,
    /// Why there are no figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

impl Row {
    /// Of runs that all went well, else of the first that did not.
    pub(crate) fn of(name: &str, note: &str, runs: &[Result<Sample, String>]) -> Row {
        let samples: Result<Vec<Sample>, String> = runs.iter().cloned().collect();
        let (samples, error) = match samples {
            Ok(samples) if samples.is_empty() => (samples, Some("was not run".to_owned())),
            Ok(samples) => (samples, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let number = |of: fn(&Sample) -> f64| median(samples.iter().map(of).collect());
        let count = |of: fn(&Sample) -> u64| median(samples.iter().map(of).collect());
        Row {
            name: name.to_owned(),
            wall_s: number(|sample| sample.wall_s),
            cpu_s: number(|sample| sample.cpu_s),
            rss_kib: count(|sample| sample.rss_kib),
            fetched_bytes: count(|sample| sample.fetched_bytes),
            written_bytes: count(|sample| sample.written_bytes),
            requests: median(samples.iter().filter_map(|sample| sample.requests).collect()),
            payload_bytes: count(|sample| sample.payload_bytes),
            note: note.to_owned(),
            error,
        }
    }

    /// A size that was computed or weighed and not run.
    pub(crate) fn size(name: &str, note: &str, bytes: Result<u64, String>) -> Row {
        let (fetched_bytes, error) = match bytes {
            Ok(bytes) => (Some(bytes), None),
            Err(error) => (None, Some(error)),
        };
        Row { fetched_bytes, error, ..Row::of(name, note, &[Ok(Sample::default())]).blank() }
    }

    fn blank(self) -> Row {
        Row {
            wall_s: None,
            cpu_s: None,
            rss_kib: None,
            fetched_bytes: None,
            written_bytes: None,
            requests: None,
            payload_bytes: None,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(wall_s: f64, rss_kib: u64) -> Sample {
        Sample { wall_s, rss_kib, ..Sample::default() }
    }

    #[test]
    fn each_figure_has_its_own_median() {
        let row = Row::of("x", "", &[Ok(sample(3.0, 1)), Ok(sample(1.0, 9)), Ok(sample(2.0, 5))]);
        assert_eq!((row.wall_s, row.rss_kib, row.requests, row.error), (Some(2.0), Some(5), None, None));
    }

    #[test]
    fn one_run_that_fails_leaves_no_figures() {
        let row = Row::of("x", "", &[Ok(sample(3.0, 1)), Err("no such program".to_owned())]);
        assert_eq!((row.wall_s, row.error.as_deref()), (None, Some("no such program")));
        assert!(Row::of("x", "", &[]).error.is_some());
    }

    #[test]
    fn a_row_is_one_object() {
        let sample = Sample {
            wall_s: 1.5,
            cpu_s: 0.5,
            rss_kib: 7,
            fetched_bytes: 8,
            written_bytes: 9,
            requests: Some(2),
            payload_bytes: 4,
        };
        let row = Row::of("x", "", &[Ok(sample)]);
        assert_eq!(
            serde_json::to_string(&row).unwrap(),
            r#"{"name":"x","wall_s":1.5,"cpu_s":0.5,"rss_kib":7,"fetched_bytes":8,"written_bytes":9,"requests":2}"#
        );
        assert_eq!(
            serde_json::to_string(&Row::size("y", "", Ok(3))).unwrap(),
            r#"{"name":"y","wall_s":null,"cpu_s":null,"rss_kib":null,"fetched_bytes":3,"written_bytes":null,"requests":null}"#
        );
    }
}
