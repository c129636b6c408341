//! Pictures: curves over time as SVG text. Pure: data in, text out; nothing in them is fetched from elsewhere.

mod axis;
mod chart;
mod colours;
mod svg;
mod text;

pub use axis::round_top;
pub use chart::{Chart, Line, Mark, Shape, adoption};
pub use colours::COLOURS;
pub use svg::{Size, drawing, stacked, standalone};
pub use text::{escaped, grouped, share, short_time, size};
