//! The colours of pictures and pages, in both schemes. Text on ground is at least 4.5:1 (WCAG AA), a test says so.

/// CSS variables: light, and dark where the reader's system is.
pub const COLOURS: &str = "\
:root{color-scheme:light dark;--ground:#ffffff;--card:#f6f7f8;--ink:#1a1f24;--soft:#59636e;--rule:#d8dde2;\
--accent:#0b6e63;--alert:#a8321f}\
@media (prefers-color-scheme:dark){:root{--ground:#14181c;--card:#1c2227;--ink:#e6eaed;--soft:#9aa5af;\
--rule:#333b43;--accent:#4fc3b0;--alert:#f0907f}}";

/// How the parts of a chart look.
pub(super) const CHART: &str = "\
.chart text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;fill:var(--soft);\
font-variant-numeric:tabular-nums}\
.chart .grid{stroke:var(--rule);stroke-width:1}\
.chart .area{fill:var(--accent);opacity:.14}\
.chart .line{fill:none;stroke:var(--accent);stroke-width:2;stroke-linejoin:round}\
.chart .thin{fill:none;stroke:var(--soft);stroke-width:1.5;stroke-dasharray:4 3}\
.chart .mark{stroke:var(--ink);stroke-width:1;stroke-dasharray:3 3}\
.chart .dot{fill:var(--accent);stroke:var(--ground);stroke-width:2}\
.chart .said{fill:var(--ink);font-weight:600}\
.chart .name{fill:var(--ink);font-weight:600;font-size:14px}";

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance as WCAG 2.2 says.
    fn luminance(hex: &str) -> f64 {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    #[test]
    fn every_text_can_be_read_on_every_ground() {
        for scheme in COLOURS.split("@media") {
            let value = |name: &str| {
                let at = scheme.find(&format!("--{name}:")).unwrap() + name.len() + 3;
                luminance(&scheme[at..at + 7])
            };
            for ground in ["ground", "card"] {
                for text in ["ink", "soft", "accent", "alert"] {
                    let (a, b) = (value(ground), value(text));
                    let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                    assert!(contrast >= 4.5, "{text} on {ground}: {contrast:.2}");
                }
            }
        }
    }
}
