//! apt's source files, as far as they say where Debian's archive is.

/// One source of packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) uri: String,
    pub(super) suite: String,
}

/// The sources of one `.list` file: `deb [options] URI SUITE COMPONENT…`.
pub(super) fn one_line(text: &str) -> Vec<Source> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    lines.filter_map(one_source).collect()
}

fn one_source(line: &str) -> Option<Source> {
    let rest = line.trim().strip_prefix("deb")?;
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(options) => options.split_once(']')?.1,
        None => rest,
    };
    let mut words = rest.split_whitespace();
    Some(Source { uri: words.next()?.to_owned(), suite: words.next()?.to_owned() })
}

/// The sources of one `.sources` file: stanzas with `Types`, `URIs` and `Suites` (sources.list(5), deb822).
pub(super) fn deb822(text: &str) -> Vec<Source> {
    text.split("\n\n").flat_map(stanza).collect()
}

fn stanza(text: &str) -> Vec<Source> {
    let words = |name: &str| field(text, name).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let off = field(text, "Enabled").trim().eq_ignore_ascii_case("no");
    if off || !words("Types").iter().any(|word| word == "deb") {
        return Vec::new();
    }
    let suites = words("Suites");
    let pair = |uri: String| {
        suites.iter().map(move |suite| Source { uri: uri.clone(), suite: suite.clone() }).collect::<Vec<_>>()
    };
    words("URIs").into_iter().flat_map(pair).collect()
}

/// A field's value, its continuation lines included.
fn field(stanza: &str, name: &str) -> String {
    let mut value = String::new();
    let mut inside = false;
    for line in stanza.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with([' ', '\t']) {
            if inside {
                value.push_str(line);
            }
            continue;
        }
        let (key, rest) = line.split_once(':').unwrap_or((line, ""));
        inside = key.trim().eq_ignore_ascii_case(name);
        if inside {
            value.push_str(rest);
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(uri: &str, suite: &str) -> Source {
        Source { uri: uri.to_owned(), suite: suite.to_owned() }
    }

    #[test]
    fn one_line_style() {
        let text = "# deb http://no/ no main\ndeb-src http://no/ no main\n\
                    deb [ arch=amd64 signed-by=/k ] http://a/debian trixie main # why\n  deb http://b/x y z\n";
        assert_eq!(one_line(text), [source("http://a/debian", "trixie"), source("http://b/x", "y")]);
        assert_eq!(one_line("deb\ndeb http://a\ndebug http://a b c\ndeb [x http://a b"), []);
    }

    #[test]
    fn stanzas() {
        let text = "Types: deb deb-src\n# a word\nURIs: http://a/debian\nSuites: trixie\n trixie-updates\n\n\
                    Types: deb\nEnabled: no\nURIs: http://off\nSuites: x\n\n\
                    Types: deb-src\nURIs: http://src\nSuites: x\n\ntypes: deb\nuris: http://b\nsuites: c\n";
        let expected = [
            source("http://a/debian", "trixie"),
            source("http://a/debian", "trixie-updates"),
            source("http://b", "c"),
        ];
        assert_eq!(deb822(text), expected);
    }
}
