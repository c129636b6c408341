//! Packages → tree. Data only: nothing that a package brings is run.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tar::{Archive, Entry, EntryType};

use super::place::{FACTORY, MERGED, place};
use super::{Deb, Error, Owners, certificates};
use crate::Tool;

/// Unpacks the packages into `tree`, in the order given.
///
/// `leave_out` is asked with each file's path in the root, without a leading slash. Permission bits are the package's,
/// whatever the umask; set-user-ID and set-group-ID are dropped, since an image has no user to whom they could give
/// anything. Owners are left to whoever packs the tree. No two packages may bring the same file.
///
/// What maintainer scripts would have made and an image needs is made here: the links of a merged `/usr` and the bundle
/// of CA certificates.
pub fn unpack(
    debs: &[Deb],
    tree: &Path,
    leave_out: &dyn Fn(&str) -> bool,
    say: &dyn Fn(&str),
) -> Result<Owners, Error> {
    let mut unpacking = Unpacking { tree, leave_out, folders: BTreeSet::new(), owners: Owners::default() };
    if !debs.is_empty() {
        say(&format!("unpack {} packages", debs.len()));
        for deb in debs {
            unpacking.package(deb)?;
        }
        unpacking.merge()?;
        unpacking.certificates()?;
    }
    Ok(unpacking.owners)
}

struct Unpacking<'a> {
    tree: &'a Path,
    leave_out: &'a dyn Fn(&str) -> bool,
    /// Folders that are there; none of them is a link, so nothing is written through one.
    folders: BTreeSet<String>,
    owners: Owners,
}

impl Unpacking<'_> {
    fn package(&mut self, deb: &Deb) -> Result<(), Error> {
        let package = &deb.locked.package;
        let failed = |source| Error::Run { program: "dpkg-deb", source };
        let mut child = Tool::DPKG_DEB
            .command(0)
            .arg("--fsys-tarfile")
            .arg(&deb.file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let outcome = match child.stdout.take() {
            Some(stdout) => self.entries(stdout, package),
            None => Ok(()),
        };
        let ended = child.wait_with_output().map_err(failed)?;
        // A damaged package shows in both; what dpkg-deb says of it is clearer than a short archive.
        match outcome {
            Err(Error::Unpack { .. }) | Ok(()) if !ended.status.success() => {
                let said = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
                let problem = if said.is_empty() {
                    outcome.map_or_else(|it| it.to_string(), |()| String::new())
                } else {
                    said
                };
                Err(Error::Unpack { package: package.clone(), problem })
            }
            outcome => outcome,
        }
    }

    fn entries(&mut self, stream: impl Read, package: &str) -> Result<(), Error> {
        let unreadable = |source: io::Error| unpack_error(package, source.to_string());
        let mut archive = Archive::new(stream);
        for entry in archive.entries().map_err(unreadable)? {
            self.entry(entry.map_err(unreadable)?, package)?;
        }
        // What follows the archive's end is read, or dpkg-deb would die of a closed pipe.
        io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(unreadable)?;
        Ok(())
    }

    fn entry(&mut self, mut entry: Entry<'_, impl Read>, package: &str) -> Result<(), Error> {
        let problem = |problem| unpack_error(package, problem);
        let Some(path) = place(&entry.path_bytes()).map_err(problem)? else { return Ok(()) };
        let kind = entry.header().entry_type();
        let root_link = kind == EntryType::Symlink && MERGED.iter().any(|name| path == format!("usr/{name}"));
        if root_link || (self.leave_out)(&path) {
            return Ok(());
        }
        let mode =
            entry.header().mode().map_err(|source| unpack_error(package, source.to_string()))? & 0o1777;
        match kind {
            EntryType::Directory => return self.folder(&path, mode, package),
            EntryType::Regular | EntryType::Continuous | EntryType::Symlink | EntryType::Link => {}
            kind => {
                return Err(unpack_error(
                    package,
                    format!("expected files, folders and links, found {kind:?}"),
                ));
            }
        }
        self.make_way(&path, package)?;
        let at = self.tree.join(&path);
        let write = |source| Error::Write { path: at.clone(), source };
        match kind {
            EntryType::Symlink => symlink(link(&entry, package)?, &at).map_err(write)?,
            EntryType::Link => {
                let named = link(&entry, package)?;
                let to = place(named.as_os_str().as_encoded_bytes()).map_err(problem)?.unwrap_or_default();
                // Only within the package: another's file may look otherwise tomorrow.
                if self.owners.of(&to) != Some(package) {
                    return Err(unpack_error(
                        package,
                        format!("/{path} is a link to /{to}, which is not there"),
                    ));
                }
                fs::hard_link(self.tree.join(to), &at).map_err(write)?;
            }
            _ => {
                self.file(&path, mode, &mut entry)?;
            }
        }
        self.owners.add(path, package);
        Ok(())
    }

    /// Refuses a second owner, and makes the folders above.
    fn make_way(&mut self, path: &str, package: &str) -> Result<(), Error> {
        if let Some(other) = self.owners.of(path) {
            let (package, other) = (package.to_owned(), other.to_owned());
            return Err(Error::Overlap { package, other, path: path.to_owned() });
        }
        if self.folders.contains(path) {
            return Err(unpack_error(package, format!("/{path} is a folder of another package")));
        }
        match path.rsplit_once('/') {
            Some((above, _)) if !self.folders.contains(above) => self.folder(above, 0o755, package),
            _ => Ok(()),
        }
    }

    /// Makes a folder and those above it. One that is there keeps its bits: the first package to name it decides.
    fn folder(&mut self, path: &str, mode: u32, package: &str) -> Result<(), Error> {
        if self.folders.contains(path) {
            return Ok(());
        }
        self.make_way(path, package)?;
        let at = self.tree.join(path);
        let write = |source| Error::Write { path: at.clone(), source };
        match fs::symlink_metadata(&at) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(unpack_error(package, format!("/{path} is no folder"))),
            Err(_) => {
                fs::create_dir(&at).map_err(write)?;
                fs::set_permissions(&at, Permissions::from_mode(mode)).map_err(write)?;
            }
        }
        self.folders.insert(path.to_owned());
        Ok(())
    }

    fn file(&self, path: &str, mode: u32, content: &mut impl Read) -> Result<(), Error> {
        let at = self.tree.join(path);
        let write = |source| Error::Write { path: at.clone(), source };
        let mut file = File::create_new(&at).map_err(write)?;
        io::copy(content, &mut file).map_err(write)?;
        file.set_permissions(Permissions::from_mode(mode)).map_err(write)
    }

    /// The file in which TLS libraries look for authorities.
    fn certificates(&mut self) -> Result<(), Error> {
        let Some(text) = certificates::joined(self.tree)? else { return Ok(()) };
        let path = format!("{FACTORY}/ssl/certs/ca-certificates.crt");
        self.make_way(&path, CERTIFICATES)?;
        self.file(&path, 0o644, &mut text.as_slice())?;
        self.owners.add(path, CERTIFICATES);
        Ok(())
    }

    /// The links of a merged `/usr`, for those of its folders that are there.
    fn merge(&mut self) -> Result<(), Error> {
        for name in MERGED {
            let path = self.tree.join(name);
            if self.tree.join("usr").join(name).is_dir() && fs::symlink_metadata(&path).is_err() {
                symlink(format!("usr/{name}"), &path).map_err(|source| Error::Write { path, source })?;
            }
        }
        Ok(())
    }
}

fn link(entry: &Entry<'_, impl Read>, package: &str) -> Result<PathBuf, Error> {
    let target = entry.link_name().map_err(|source| unpack_error(package, source.to_string()))?;
    target
        .map(std::borrow::Cow::into_owned)
        .ok_or_else(|| unpack_error(package, "a link without a target".to_owned()))
}

fn unpack_error(package: &str, problem: String) -> Error {
    Error::Unpack { package: package.to_owned(), problem }
}

/// The package whose script would have joined the certificates.
const CERTIFICATES: &str = "ca-certificates";
