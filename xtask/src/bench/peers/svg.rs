//! Bars for people: full installs by time, updates by bytes.

use std::fmt::Write as _;

use super::row::Row;
use super::table::in_mib;
use super::{casync, floor, ostree, own, rauc, sizes, swupdate};

/// A picture of its own colours, readable on light and dark pages.
pub(super) fn svg(rows: &[Row], mib: u64) -> String {
    let find = |name: &&str| rows.iter().find(|row| row.name == **name);
    let wall = [floor::WRITE, own::FULL, swupdate::FULL, rauc::FULL];
    let wall = wall.iter().filter_map(|name| Some((*name, find(name)?.wall_s?))).collect::<Vec<_>>();
    let sent = [own::DELTA, ostree::DELTA, casync::DELTA, rauc::ADAPTIVE, sizes::WHOLE];
    let sent =
        sent.iter().filter_map(|name| Some((*name, in_mib(find(name)?.fetched_bytes?)))).collect::<Vec<_>>();
    let mut text = String::new();
    let first = panel(&mut text, 0, &format!("Full install of {mib} MiB: seconds"), &wall, 2);
    let height = panel(&mut text, first, "Update with 5 % of the files changed: MiB fetched", &sent, 1);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n{text}</svg>\n"
    )
}

/// Draws from this height on; where it ends.
fn panel(text: &mut String, top: u32, title: &str, bars: &[(&str, f64)], digits: usize) -> u32 {
    let largest = bars.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    let mut at = top + 28;
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "<text x=\"12\" y=\"{}\" font-weight=\"bold\" fill=\"#222222\">{title}</text>",
        at - 6
    );
    for (name, value) in bars {
        let colour = if name.starts_with("updog") { "#1f6feb" } else { "#9aa4b2" };
        let width = value / largest * FULL;
        let name = name.strip_prefix("size: ").unwrap_or(name);
        let _ = writeln!(
            text,
            "<text x=\"212\" y=\"{}\" text-anchor=\"end\" fill=\"#222222\">{name}</text>\
             <rect x=\"220\" y=\"{}\" width=\"{width:.1}\" height=\"16\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{}\" fill=\"#222222\">{value:.digits$}</text>",
            at + 16,
            at + 3,
            226.0 + width,
            at + 16
        );
        at += 24;
    }
    at + 12
}

const WIDTH: u32 = 720;
/// Of the longest bar.
const FULL: f64 = 420.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fills_the_room_and_missing_rows_have_none() {
        let rows = [
            Row::size(own::DELTA, "", Ok(8 << 20)),
            Row::size(casync::DELTA, "", Ok(32 << 20)),
            Row::size(ostree::DELTA, "", Err("no".to_owned())),
        ];
        let svg = svg(&rows, 1024);
        assert!(svg.contains("width=\"105.0\"") && svg.contains("width=\"420.0\""), "{svg}");
        assert!(svg.contains(">8.0</text>") && svg.contains("#1f6feb"), "{svg}");
        assert!(!svg.contains(ostree::DELTA), "{svg}");
    }
}
