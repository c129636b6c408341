//! Files that a verb writes where it is told to: what lies there already is replaced only when we wrote it.

use std::fs::{self, File, FileType};
use std::io::{self, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use crate::error::{Error, Result};

/// What a verb writes into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// A copy in one file.
    Bundle,
    /// Curves.
    Picture,
    /// A page about a repository.
    Page,
}

/// What lies under a name, and why it may not be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lying {
    /// Nothing, or a file with nothing in it.
    Nothing,
    /// A file of the same kind that we wrote.
    Ours,
    /// Something that is not to be replaced.
    Other(&'static str),
}

impl Output {
    /// Looks at `path` and refuses to write over what is not ours. A link, a device, a FIFO or a folder would be renamed
    /// over, and nobody who names one means that.
    ///
    /// # Errors
    /// When something else lies there, or it cannot be looked at.
    pub fn admit(self, path: &Path) -> Result<()> {
        let read = |source| Error::ReadFile { path: path.to_owned(), source };
        match self.lying(path).map_err(read)? {
            Lying::Nothing | Lying::Ours => Ok(()),
            Lying::Other(found) => {
                Err(Error::OutputThere { path: path.to_owned(), expected: self.called(), found })
            }
        }
    }

    fn lying(self, path: &Path) -> io::Result<Lying> {
        let metadata = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Lying::Nothing),
            other => other?,
        };
        if !metadata.is_file() {
            return Ok(Lying::Other(no_file(metadata.file_type())));
        }
        let mut head = Vec::new();
        File::open(path)?.take(HEAD).read_to_end(&mut head)?;
        Ok(self.judge(&head))
    }

    /// By the beginning of a file. Pure.
    pub fn judge(self, head: &[u8]) -> Lying {
        let holds = |mark: &[u8]| head.windows(mark.len()).any(|window| window == mark);
        let ours = match self {
            // The name of its first member, and the NUL behind it.
            Self::Bundle => head.starts_with(b"updog-bundle\0"),
            Self::Picture => {
                head.starts_with(b"<svg xmlns=\"http://www.w3.org/2000/svg\" ")
                    && holds(b"svg{background:var(--ground)}</style>")
            }
            Self::Page => head.starts_with(b"<!doctype html>\n") && holds(b"<title>Updates in "),
        };
        match head {
            [] => Lying::Nothing,
            _ if ours => Lying::Ours,
            _ => Lying::Other("another file"),
        }
    }

    fn called(self) -> &'static str {
        match self {
            Self::Bundle => "a bundle",
            Self::Picture => "a picture that updog-repo drew",
            Self::Page => "a page that updog-repo wrote",
        }
    }
}

fn no_file(kind: FileType) -> &'static str {
    if kind.is_symlink() {
        "a link"
    } else if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a FIFO"
    } else {
        "a device or a socket"
    }
}

/// Where our marks stand, with room for longer style sheets.
const HEAD: u64 = 64 << 10;
