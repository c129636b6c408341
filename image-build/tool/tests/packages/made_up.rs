//! Made-up packages: a `.deb` written byte by byte, so that it may also hold what no real one does.

use std::fs;
use std::path::{Path, PathBuf};

use release::Digest;
use tar::{EntryType, Header};
use updog_image::Arch;
use updog_image::lock::{Lock, Locked, Wanted};

/// A package in the making.
pub(crate) struct Package {
    name: String,
    version: String,
    data: tar::Builder<Vec<u8>>,
}

impl Package {
    pub(crate) fn new(name: &str, version: &str) -> Package {
        Package { name: name.to_owned(), version: version.to_owned(), data: tar::Builder::new(Vec::new()) }
    }

    pub(crate) fn file(self, path: &str, mode: u32, content: impl AsRef<[u8]>) -> Package {
        self.entry(EntryType::Regular, path, mode, content)
    }

    pub(crate) fn folder(self, path: &str, mode: u32) -> Package {
        self.entry(EntryType::Directory, path, mode, "")
    }

    pub(crate) fn link(self, path: &str, target: &str) -> Package {
        self.entry(EntryType::Symlink, path, 0o777, target)
    }

    pub(crate) fn hard_link(self, path: &str, target: &str) -> Package {
        self.entry(EntryType::Link, path, 0o644, target)
    }

    /// `content` is a file's bytes or a link's target. Paths are written as they are, also those that tar's own writer
    /// refuses.
    pub(crate) fn entry(
        mut self,
        kind: EntryType,
        path: &str,
        mode: u32,
        content: impl AsRef<[u8]>,
    ) -> Package {
        let (bytes, target) = match kind {
            EntryType::Symlink | EntryType::Link => (&[][..], content.as_ref()),
            _ => (content.as_ref(), &[][..]),
        };
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_gnu_mut().unwrap().linkname[..target.len()].copy_from_slice(target);
        header.set_mode(mode);
        header.set_size(bytes.len() as u64);
        header.set_uid(1234);
        header.set_gid(1234);
        header.set_mtime(0);
        header.set_cksum();
        self.data.append(&header, bytes).unwrap();
        self
    }

    /// Puts it into an archive's folder; returns what a lock says of it.
    pub(crate) fn publish(self, archive: &Path) -> Locked {
        let Package { name, version, data } = self;
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\n\
             Description: made up\n"
        );
        let mut controls = tar::Builder::new(Vec::new());
        let mut header = Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(control.len() as u64);
        header.set_cksum();
        controls.append_data(&mut header, "./control", control.as_bytes()).unwrap();
        let mut bytes = b"!<arch>\n".to_vec();
        for (name, content) in [
            ("debian-binary", b"2.0\n".to_vec()),
            ("control.tar", controls.into_inner().unwrap()),
            ("data.tar", data.into_inner().unwrap()),
        ] {
            bytes.extend(
                format!("{name:<16}0           0     0     100644  {:<10}`\n", content.len()).bytes(),
            );
            bytes.extend(&content);
            bytes.extend(vec![b'\n'; content.len() % 2]);
        }
        let path = format!("pool/main/{name}_{version}_all.deb");
        let at = archive.join(&path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, &bytes).unwrap();
        Locked {
            package: name,
            version,
            architecture: "all".to_owned(),
            path,
            size: bytes.len() as u64,
            sha256: Digest::of(&bytes),
        }
    }
}

/// A lock over these packages of the root.
pub(crate) fn lock(root: Vec<Locked>) -> Lock {
    let names = root.iter().map(|locked| locked.package.clone());
    let wanted = Wanted::new("trixie", "linux-image-test", names, ["perl-base".to_owned()]);
    Lock { arch: Arch::X86_64, wanted, root, kernel: Vec::new() }
}

/// A folder for an archive: `debian` in a temporary one.
pub(crate) fn archive(folder: &Path) -> PathBuf {
    let archive = folder.join("debian");
    fs::create_dir_all(&archive).unwrap();
    archive
}
