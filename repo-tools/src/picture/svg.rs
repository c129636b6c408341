//! From a chart to SVG text.

use std::fmt::Write as _;

use super::axis::{place, times};
use super::chart::{Chart, Line, Mark, Shape};
use super::colours::{CHART, COLOURS};
use super::text::escaped;

/// Units of the drawing; it scales to the width it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 360 by 190, for cards and phones.
    Small,
    /// 760 by 340, for a file of its own.
    Large,
}

/// For a page that has [`COLOURS`] and [`Chart::style`] in its own style sheet.
pub fn drawing(chart: &Chart, size: Size) -> String {
    svg(chart, size, "")
}

/// A file of its own: with its colours in it, light and dark.
pub fn standalone(chart: &Chart) -> String {
    let style = format!("<style>{COLOURS}{CHART}svg{{background:var(--ground)}}</style>");
    format!("{}\n", svg(chart, Size::Large, &style))
}

/// Several charts below each other in one file.
pub fn stacked(charts: &[Chart]) -> String {
    let (width, height) = Size::Large.units();
    let count = u32::try_from(charts.len()).unwrap_or(u32::MAX);
    let whole = height.saturating_mul(count);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {whole}\">\
         <style>{COLOURS}{CHART}svg{{background:var(--ground)}}</style>"
    );
    for (number, chart) in (0..).zip(charts) {
        let y = height * number;
        let inner = svg(chart, Size::Large, "");
        let placed = format!("<svg y=\"{y}\" width=\"{width}\" height=\"{height}\" ");
        text.push_str(&inner.replacen("<svg ", &placed, 1));
    }
    text.push_str("</svg>\n");
    text
}

impl Chart {
    /// The style sheet of all charts of a page.
    pub fn style() -> &'static str {
        CHART
    }
}

fn svg(chart: &Chart, size: Size, style: &str) -> String {
    let plot = Plot::new(chart, size);
    let mut text = String::new();
    let (width, height) = size.units();
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 {width} {height}\" role=\"img\">\
         <title>{}</title><desc>{}</desc>{style}",
        escaped(&chart.title),
        escaped(&chart.description)
    );
    if size == Size::Large {
        let _ = write!(
            text,
            "<text class=\"name\" x=\"{:.0}\" y=\"24\">{}</text>",
            plot.left,
            escaped(&chart.title)
        );
    }
    plot.grid(&mut text);
    for line in &chart.lines {
        plot.line(&mut text, line);
    }
    if chart.lines.len() > 1 {
        plot.legend(&mut text);
    }
    for mark in &chart.marks {
        plot.mark(&mut text, mark);
    }
    text.push_str("</svg>");
    text
}

impl Size {
    const fn units(self) -> (u32, u32) {
        match self {
            Self::Small => (360, 190),
            Self::Large => (760, 340),
        }
    }
}

/// The area between the axes, in units.
struct Plot<'a> {
    chart: &'a Chart,
    size: Size,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl<'a> Plot<'a> {
    fn new(chart: &'a Chart, size: Size) -> Self {
        let (width, height) = size.units();
        let top = if size == Size::Large { 62.0 } else { 24.0 };
        let (right, bottom) = (f64::from(width) - 14.0, f64::from(height) - 24.0);
        Self { chart, size, left: 48.0, right, top, bottom }
    }

    fn x(&self, at: chrono::DateTime<chrono::Utc>) -> f64 {
        self.left + place(at, self.chart.from, self.chart.until) * (self.right - self.left)
    }

    fn y(&self, value: f64) -> f64 {
        let part = if self.chart.top > 0.0 { (value / self.chart.top).clamp(0.0, 1.0) } else { 0.0 };
        self.bottom - part * (self.bottom - self.top)
    }

    fn grid(&self, text: &mut String) {
        for quarter in 0..=4_u8 {
            let value = self.chart.top * f64::from(quarter) / 4.0;
            let (y, label) = (self.y(value), (self.chart.value)(value));
            let _ = write!(
                text,
                "<path class=\"grid\" d=\"M{:.1} {y:.1}H{:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                self.left,
                self.right,
                self.left - 7.0,
                y + 4.0,
                escaped(&label)
            );
        }
        let most = if self.size == Size::Large { 8 } else { 4 };
        for tick in times(self.chart.from, self.chart.until, most) {
            let x = self.x(tick.at);
            // Labels at the ends are kept inside.
            let anchor = if x < self.left + 16.0 {
                "start"
            } else if x > self.right - 16.0 {
                "end"
            } else {
                "middle"
            };
            let _ = write!(
                text,
                "<path class=\"grid\" d=\"M{x:.1} {:.1}v4\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                self.bottom,
                self.bottom + 17.0,
                escaped(&tick.label)
            );
        }
    }

    fn line(&self, text: &mut String, line: &Line) {
        let mut path = String::new();
        let mut before: Option<f64> = None;
        for (at, value) in &line.points {
            let (x, y) = (self.x(*at), self.y(*value));
            if line.shape == Shape::Steps
                && let Some(before) = before
            {
                let _ = write!(path, "L{x:.1} {before:.1}");
            }
            let _ = write!(path, "{}{x:.1} {y:.1}", if before.is_none() { 'M' } else { 'L' });
            before = Some(y);
        }
        let ends = line.points.first().zip(line.points.last());
        let Some((first, last)) = ends else { return };
        if line.shape == Shape::Area {
            let (first, last) = (self.x(first.0), self.x(last.0));
            let _ = write!(
                text,
                "<path class=\"area\" d=\"{path}L{last:.1} {0:.1}L{first:.1} {0:.1}Z\"/>",
                self.bottom
            );
        }
        let class = if line.shape == Shape::Thin { "thin" } else { "line" };
        let _ = write!(text, "<path class=\"{class}\" d=\"{path}\"/>");
    }

    /// The names of the lines, from the right, above the picture.
    fn legend(&self, text: &mut String) {
        let y = self.top - 12.0;
        let mut x = self.right;
        for line in self.chart.lines.iter().rev() {
            let class = if line.shape == Shape::Thin { "thin" } else { "line" };
            let length = u32::try_from(line.name.chars().count()).unwrap_or(u32::MAX);
            let width = 7.0 * f64::from(length);
            let _ = write!(
                text,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text><path class=\"{class}\" d=\"M{:.1} {:.1}h16\"/>",
                escaped(&line.name),
                x - width - 22.0,
                y - 4.0
            );
            x -= width + 40.0;
        }
    }

    fn mark(&self, text: &mut String, mark: &Mark) {
        let x = self.x(mark.at);
        let _ = write!(text, "<path class=\"mark\" d=\"M{x:.1} {:.1}V{:.1}\"/>", self.top - 4.0, self.bottom);
        if let Some(value) = mark.value {
            let _ =
                write!(text, "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"4.5\"/>", self.y(value));
        }
        let middle = f64::midpoint(self.left, self.right);
        let (anchor, shift) = if x > middle { ("end", 4.0) } else { ("start", -4.0) };
        let _ = write!(
            text,
            "<text class=\"said\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            x + shift,
            self.top - 9.0,
            escaped(&mark.label)
        );
    }
}
