//! Tables that stay tables for those who hear them, also where a phone stacks their cells.

use std::fmt::Write as _;

use crate::picture::escaped;

/// A column's heading and how its cells stand.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    Text(&'static str),
    Number(&'static str),
}

impl Column {
    fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::Text(name) => (name, ""),
            Self::Number(name) => (name, " class=\"number\""),
        }
    }
}

/// The first cell of a row is its heading. Cells are HTML: whoever fills them has escaped what is foreign.
pub(super) fn table(caption: &str, columns: &[Column], rows: &[Vec<String>]) -> String {
    let mut text = format!(
        "<table role=\"table\"><caption>{}</caption><thead role=\"rowgroup\"><tr role=\"row\">",
        escaped(caption)
    );
    // Writing to a String cannot fail.
    for column in columns {
        let (name, class) = column.parts();
        let _ = write!(text, "<th role=\"columnheader\" scope=\"col\"{class}>{name}</th>");
    }
    text.push_str("</tr></thead><tbody role=\"rowgroup\">");
    for row in rows {
        text.push_str("<tr role=\"row\">");
        for (number, (cell, column)) in row.iter().zip(columns).enumerate() {
            let (name, class) = column.parts();
            let (tag, role) = if number == 0 { ("th", "rowheader\" scope=\"row") } else { ("td", "cell") };
            let _ = write!(
                text,
                "<{tag} role=\"{role}\" data-label=\"{name}\"{class}><span>{cell}</span></{tag}>"
            );
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table>\n");
    text
}
