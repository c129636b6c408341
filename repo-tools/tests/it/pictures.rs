//! Pictures are well-formed, hold nothing foreign, and say what the waves say.

use chrono::TimeDelta;
use updog_repo::picture::{Size, adoption, drawing, standalone};

use crate::common::{day, start};

/// The least of an XML reader: every tag is closed in order, every `&` begins an entity.
pub(crate) fn well_formed(xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    for (at, _) in xml.match_indices('<') {
        let tag = &xml[at + 1..at + xml[at..].find('>').unwrap()];
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "…{}", &xml[at.saturating_sub(80)..at]);
        } else if !tag.ends_with('/') && !tag.starts_with('!') && !["meta", "link", "br"].contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    for (at, _) in xml.match_indices('&') {
        let end = xml[at..].find(';').unwrap_or(99);
        assert!(end < 8, "{}", &xml[at..(at + 20).min(xml.len())]);
    }
}

#[test]
fn an_adoption_curve_with_now_in_it() {
    let rollout = waves::sample("normal").unwrap().schedule(start()).unwrap();
    let span = (start(), start() + TimeDelta::days(8));
    let chart = adoption("tiny x86_64 1.1.0 </svg><script>alert(1)</script>", &rollout, span, day(3));
    for svg in [drawing(&chart, Size::Small), standalone(&chart)] {
        well_formed(&svg);
        assert!(!svg.contains("<script"), "{svg}");
        assert!(!svg.replace("http://www.w3.org/2000/svg", "").contains("://"), "{svg}");
        assert!(svg.contains("now 28 %") && svg.contains("1 % from 1 Nov 2026 04:00."), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
    // Outside the picture there is no now.
    assert!(adoption("x", &rollout, span, day(30)).marks.is_empty());
}

#[test]
fn a_span_without_length_is_drawn_too() {
    let rollout = waves::Rollout::empty();
    let svg = drawing(&adoption("x", &rollout, (start(), start()), start()), Size::Small);
    well_formed(&svg);
    assert!(!svg.contains("NaN"), "{svg}");
}
