//! Files that must come out byte for byte.

use std::path::PathBuf;

/// Compares with `fixtures/golden/<name>`.
macro_rules! golden {
    ($name:literal, $found:expr) => {
        $crate::golden::check(
            $name,
            include_bytes!(concat!("../../../fixtures/golden/", $name)).as_slice(),
            $found.as_slice(),
        )
    };
}
pub(crate) use golden;

/// Says where the two differ, leaves what was found beside the build, and says how to accept it.
#[expect(clippy::disallowed_methods, reason = "the only way to show bytes is a file")]
pub(crate) fn check(name: &str, expected: &[u8], found: &[u8]) {
    if expected == found {
        return;
    }
    let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name.replace('/', "-"));
    std::fs::write(&kept, found)
        .unwrap_or_else(|error| panic!("failed to write {}: {error}", kept.display()));
    panic!(
        "fixtures/golden/{name} differs: {}\nIf the new bytes are meant (published files would change), accept them:\n\
         cp {} {}/../fixtures/golden/{name}",
        difference(expected, found),
        kept.display(),
        env!("CARGO_MANIFEST_DIR"),
    );
}

fn difference(expected: &[u8], found: &[u8]) -> String {
    if let (Ok(expected), Ok(found)) = (str::from_utf8(expected), str::from_utf8(found)) {
        let mut lines = (1..).zip(expected.lines().zip(found.lines()));
        if let Some((number, (expected, found))) = lines.find(|(_, (expected, found))| expected != found) {
            return format!("line {number}\n-{expected}\n+{found}");
        }
        return format!("{} lines expected, {} found", expected.lines().count(), found.lines().count());
    }
    let at = expected.iter().zip(found).position(|(expected, found)| expected != found);
    match at {
        Some(at) => format!("byte {at}: expected {:#04x}, found {:#04x}", expected[at], found[at]),
        None => format!("{} bytes expected, {} found", expected.len(), found.len()),
    }
}
