//! Where a packaged path goes in the root.

/// A packaged path as a path of the root, without a leading slash: `/usr` is merged and `/etc` is its factory copy, which
/// init fills the real one from. `None` is the root itself.
///
/// # Errors
/// What is wrong with a path that leads out of the root, or that no format of ours could name.
pub(super) fn place(packaged: &[u8]) -> Result<Option<String>, String> {
    let text = std::str::from_utf8(packaged)
        .map_err(|_| format!("expected paths in UTF-8, found {}", packaged.escape_ascii()))?;
    let mut parts = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(format!("expected paths inside the root, found {text:?}")),
            part if part.contains(|it: char| it.is_ascii_control()) => {
                return Err(format!("expected printable paths, found {text:?}"));
            }
            part => parts.push(part),
        }
    }
    let Some((first, rest)) = parts.split_first() else { return Ok(None) };
    let first = match *first {
        "etc" => FACTORY.to_owned(),
        first if MERGED.contains(&first) => format!("usr/{first}"),
        first => first.to_owned(),
    };
    Ok(Some([&*first].into_iter().chain(rest.iter().copied()).collect::<Vec<_>>().join("/")))
}

/// Folders that are links into `/usr`.
pub(super) const MERGED: &[&str] = &["bin", "lib", "lib64", "sbin"];
/// Where `/etc` comes from on each boot.
pub(super) const FACTORY: &str = "usr/share/factory/etc";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_land_where_the_root_has_them() {
        for (packaged, placed) in [
            ("./", None),
            ("./usr/bin/a", Some("usr/bin/a")),
            ("./bin/a", Some("usr/bin/a")),
            ("/lib64/ld.so", Some("usr/lib64/ld.so")),
            ("./libexec/a", Some("libexec/a")),
            ("./etc/", Some("usr/share/factory/etc")),
            ("etc//ssl/./a", Some("usr/share/factory/etc/ssl/a")),
        ] {
            assert_eq!(place(packaged.as_bytes()).unwrap().as_deref(), placed, "{packaged}");
        }
    }

    #[test]
    fn paths_that_lead_out_are_refused() {
        for packaged in [&b"../a"[..], b"./usr/../../a", b"usr/..", b"a\nb", b"\xff"] {
            assert!(place(packaged).is_err(), "{packaged:?}");
        }
    }
}
