//! [`Lock`] → TOML. The text is the lock's identity, so it has one spelling and one order.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use super::{Error, Lock, Locked};

impl Lock {
    /// Writes the lock; it is never seen half-written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let failed = |source| Error::Write { path: path.to_owned(), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut partial = tempfile::Builder::new()
            .prefix(".lock-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(folder)
            .map_err(failed)?;
        partial.write_all(self.to_text().as_bytes()).map_err(failed)?;
        partial.as_file().sync_all().map_err(failed)?;
        partial.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// The lock as it is written.
    pub fn to_text(&self) -> String {
        let mut text = String::from(HEAD);
        let Lock { arch, wanted, .. } = self;
        // Writing to a String cannot fail.
        let _ = write!(text, "format = 1\narch = \"{arch}\"\n\n[wanted]\nsuite = {:?}\n", wanted.suite);
        let _ = writeln!(text, "kernel = {:?}", wanted.kernel);
        names(&mut text, "packages", &wanted.packages);
        names(&mut text, "without", &wanted.without);
        packages(&mut text, "kernel", &self.kernel);
        packages(&mut text, "root", &self.root);
        text
    }
}

fn names(text: &mut String, key: &str, names: &[String]) {
    if names.is_empty() {
        let _ = writeln!(text, "{key} = []");
        return;
    }
    let _ = writeln!(text, "{key} = [");
    for name in names {
        let _ = writeln!(text, "    {name:?},");
    }
    text.push_str("]\n");
}

fn packages(text: &mut String, table: &str, packages: &[Locked]) {
    for Locked { package, version, architecture, path, size, sha256 } in packages {
        let _ = write!(text, "\n[[{table}]]\npackage = {package:?}\nversion = {version:?}\n");
        let _ = write!(text, "architecture = {architecture:?}\npath = {path:?}\n");
        let _ = write!(text, "size = {size}\nsha256 = \"{sha256}\"\n");
    }
}

const HEAD: &str = "# Written by updog-image build --update-lock. Do not edit.\n";
