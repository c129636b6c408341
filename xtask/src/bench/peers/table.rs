//! The rows as text.

use std::fmt::Write as _;

use super::row::Row;

/// A line a row; what could not run says why.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<36} {:>8} {:>7} {:>8} {:>10} {:>10} {:>5}  {}\n",
        "", "wall s", "CPU s", "RSS MiB", "fetched", "written", "req", ""
    );
    for row in rows {
        // Writing to a String cannot fail.
        let _ = match &row.error {
            Some(error) => {
                writeln!(text, "{:<36} did not run: {}", row.name, error.lines().next().unwrap_or_default())
            }
            None => writeln!(
                text,
                "{:<36} {:>8} {:>7} {:>8} {:>10} {:>10} {:>5}  {}",
                row.name,
                seconds(row.wall_s),
                seconds(row.cpu_s),
                mib(row.rss_kib.map(|kib| kib * 1024)),
                bytes(row.fetched_bytes),
                bytes(row.written_bytes),
                row.requests.map_or(NONE.to_owned(), |requests| requests.to_string()),
                row.note
            ),
        };
    }
    text
}

const NONE: &str = "-";

fn seconds(seconds: Option<f64>) -> String {
    seconds.map_or(NONE.to_owned(), |seconds| format!("{seconds:.2}"))
}

fn mib(bytes: Option<u64>) -> String {
    bytes.map_or(NONE.to_owned(), |bytes| format!("{:.1}", in_mib(bytes)))
}

/// MiB where there are some.
fn bytes(bytes: Option<u64>) -> String {
    match bytes {
        Some(few) if few < 1 << 16 => format!("{few} B"),
        Some(bytes) => format!("{:.1} M", in_mib(bytes)),
        None => NONE.to_owned(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes of images fit")]
pub(super) fn in_mib(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

#[cfg(test)]
mod tests {
    use super::super::row::Sample;
    use super::*;

    #[test]
    fn a_row_is_a_line() {
        let sample = Sample {
            wall_s: 4.056,
            cpu_s: 2.9,
            rss_kib: 8712,
            fetched_bytes: 259 << 20,
            written_bytes: 512,
            requests: Some(4),
            payload_bytes: 0,
        };
        let rows = [
            Row::of("updog full", "read back", &[Ok(sample)]),
            Row::of("x", "", &[Err("no\nmore".to_owned())]),
        ];
        let table = table(&rows);
        let lines: Vec<Vec<&str>> =
            table.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines[0],
            ["updog", "full", "4.06", "2.90", "8.5", "259.0", "M", "512", "B", "4", "read", "back"]
        );
        assert_eq!(lines[1], ["x", "did", "not", "run:", "no"]);
    }
}
