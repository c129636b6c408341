//! What the kernel and the image say about this boot.

use std::fs;

/// A file of the kernel or the image, without the end of its line; empty where it cannot be read.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// The value of a word on the command line; of one said twice, the last.
pub(crate) fn word(cmdline: &str, key: &str) -> Option<String> {
    let value = |word: &str| word.strip_prefix(key)?.strip_prefix('=').map(str::to_owned);
    cmdline.split_ascii_whitespace().filter_map(value).next_back()
}

/// The value of a key of os-release.
pub(crate) fn field(os_release: &str, key: &str) -> Option<String> {
    let value = os_release.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_fields_are_found() {
        assert_eq!(word("a=1 b=2 a=3 ab=4", "a").as_deref(), Some("3"));
        assert_eq!(word("ab=4", "a"), None);
        assert_eq!(field("ID=x\nVERSION_ID=\"1.2.0\"\n", "VERSION_ID").as_deref(), Some("1.2.0"));
        assert_eq!(field("", "VERSION_ID"), None);
    }
}
