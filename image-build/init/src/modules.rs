//! The kernel modules of the initramfs, in the order in which the image build has put them.

use std::ffi::CString;
use std::fs::{self, File};
use std::path::Path;

use rustix::io::Errno;
use rustix::system::finit_module;

use crate::{Error, Result};

/// Loads one after the other; `after_each` runs when one is there. One that is not for this machine (no such device) is
/// passed over; any other failure is kept in the answer, since only what needs the module can tell whether it mattered.
///
/// `line` is the kernel's command line: `NAME.PARAMETER=VALUE` on it is for a module, and who loads one passes it on.
pub(crate) fn load(folder: &Path, line: &str, mut after_each: impl FnMut()) -> Result<Vec<Error>> {
    let list = folder.join("list");
    let names = fs::read_to_string(&list).map_err(Error::file("read", &list))?;
    let mut failed = Vec::new();
    for name in names.lines().filter(|name| !name.is_empty()) {
        let loaded = File::open(folder.join(name))
            .and_then(|file| finit_module(&file, &parameters(name, line), 0).map_err(std::io::Error::from));
        match loaded {
            Ok(()) => after_each(),
            Err(error) if passed_over(&error) => {}
            Err(source) => failed.push(Error::Module { name: name.to_owned(), source }),
        }
    }
    Ok(failed)
}

/// What the command line says to a module. A dash and an underscore are one in its name, as for the kernel; words after `--` are
/// init's.
fn parameters(file: &str, line: &str) -> CString {
    let plain = |name: &str| name.replace('-', "_");
    let module = plain(file.strip_suffix(".ko").unwrap_or(file));
    let words = line.split_ascii_whitespace().take_while(|word| *word != "--");
    let own = words.filter_map(|word| {
        let (name, parameter) = word.split_once('.')?;
        (plain(name) == module).then_some(parameter)
    });
    // A line from the kernel has no NUL in it.
    CString::new(own.collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

fn passed_over(error: &std::io::Error) -> bool {
    [Errno::EXIST, Errno::NODEV].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_gets_the_words_that_are_for_it() {
        let line = "quiet softdog.soft_panic=1 nvme-core.io_timeout=30 nvme.poll_queues=2 softdog.soft_noboot -- softdog.x=1";
        let said = |file| parameters(file, line).into_string().unwrap();
        assert_eq!(said("softdog.ko"), "soft_panic=1 soft_noboot");
        assert_eq!(said("nvme_core.ko"), "io_timeout=30");
        assert_eq!(said("nvme.ko"), "poll_queues=2");
        assert_eq!(said("erofs.ko"), "");
    }
}
