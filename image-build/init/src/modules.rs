//! The kernel modules of the initramfs, in the order in which the image build has put them.

use std::fs::{self, File};
use std::path::Path;

use rustix::io::Errno;
use rustix::system::finit_module;

use crate::{Error, Result};

/// Loads one after the other; `after_each` runs when one is there. One that is not for this machine (no such device) is
/// passed over; any other failure is kept in the answer, since only what needs the module can tell whether it mattered.
pub(crate) fn load(folder: &Path, mut after_each: impl FnMut()) -> Result<Vec<Error>> {
    let list = folder.join("list");
    let names = fs::read_to_string(&list).map_err(Error::file("read", &list))?;
    let mut failed = Vec::new();
    for name in names.lines().filter(|name| !name.is_empty()) {
        let loaded = File::open(folder.join(name))
            .and_then(|file| finit_module(&file, c"", 0).map_err(std::io::Error::from));
        match loaded {
            Ok(()) => after_each(),
            Err(error) if passed_over(&error) => {}
            Err(source) => failed.push(Error::Module { name: name.to_owned(), source }),
        }
    }
    Ok(failed)
}

fn passed_over(error: &std::io::Error) -> bool {
    [Errno::EXIST, Errno::NODEV].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
