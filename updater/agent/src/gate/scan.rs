//! The whole root, read once through verity: a block that nobody has needed yet is found now, while there is a way back.

use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use partition_disk::{Aligned, discover};
use rustix::fs::OFlags;
use updater_core::health::{Failing, Fault};

use crate::report::{Event, Step};
use crate::{Context, Result, evidence};

/// Reads the device below `/`; what is wrong with it, if anything. A damaged block restarts the machine at once where verity
/// is told so; elsewhere it is an error here.
pub(super) fn root(ctx: &Context<'_>) -> Result<Option<Failing>> {
    let Some((sys, dev, root)) = place(ctx) else { return Ok(None) };
    let number = match root.metadata() {
        Ok(metadata) => metadata.dev(),
        Err(error) => return Ok(Some(super::of_root(format!("/ cannot be looked at: {error}")))),
    };
    let number = (rustix::fs::major(number), rustix::fs::minor(number));
    let Some(node) = discover::mapped(&sys, &dev, number) else {
        if evidence::root_is_to_be_checked(ctx) {
            return Ok(Some(super::of_root(
                "expected / on a device mapper device, as updog.root_hash asks for, found none".to_owned(),
            )));
        }
        ctx.note("/ does not lie on a device mapper device, so it is not read through verity");
        return Ok(None);
    };
    let message = format!("reading {} through verity", node.display());
    ctx.reporter.event(&Event::Step { step: Step::Scan, message });
    let read = read_to_end(&node, |done, total| {
        ctx.reporter.event(&Event::Progress { step: Step::Scan, done, total, fetched: 0 });
        ctx.interrupt.raised()
    });
    ctx.interrupt.check()?;
    Ok(read.err().map(|failed| Failing {
        fault: Fault::Verity,
        detail: format!("failed to read {} at byte {}: {}", node.display(), failed.at, failed.source),
    }))
}

fn place(ctx: &Context<'_>) -> Option<(std::path::PathBuf, std::path::PathBuf, std::path::PathBuf)> {
    Some((ctx.machine.file("sys")?, ctx.machine.file("dev")?, ctx.machine.file("")?))
}

/// A read that failed.
#[derive(Debug)]
pub struct Failed {
    /// From which byte on.
    pub at: u64,
    /// Why.
    pub source: io::Error,
}

/// Reads a device to its end, past the page cache: every block comes from the disk and through verity once more. `tell` is
/// told how far it is and answers whether to stop.
pub fn read_to_end(node: &Path, mut tell: impl FnMut(u64, u64) -> bool) -> Result<(), Failed> {
    let fail = |at| move |source| Failed { at, source };
    let direct = OFlags::DIRECT.bits().cast_signed();
    let opened = OpenOptions::new().read(true).custom_flags(direct).open(node);
    // A file system without direct reads holds an image file, not a root.
    let mut file = opened.or_else(|_| OpenOptions::new().read(true).open(node)).map_err(fail(0))?;
    let total = file.seek(SeekFrom::End(0)).map_err(fail(0))?;
    let mut buffer = Aligned::zeroed(PIECE);
    let mut done = 0;
    while done < total {
        let length = match file.read_at(&mut buffer, done) {
            Ok(0) => return Err(fail(done)(io::ErrorKind::UnexpectedEof.into())),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(fail(done)(error)),
        };
        done = done.saturating_add(length as u64).min(total);
        if tell(done, total) {
            return Ok(());
        }
    }
    Ok(())
}

/// One read; verity checks 256 blocks of it at a time.
const PIECE: usize = 1 << 20;
