//! `OSTree` as Debian has it: files and not blocks, so what it writes goes to the machine's own file system.

use anyhow::Result;

use super::device::Before;
use super::entrant::{After, Entrant, Family};
use super::ground::Ground;
use super::pair::{NEW, OLD};
use super::row::Sample;
use crate::bench::usage::Usage;

pub(super) const DELTA: &str = "OSTree 2022.7";

pub(super) const FAMILY: Family = Family {
    name: "ostree",
    make,
    entrants: &[Entrant {
        name: DELTA,
        note: "objects of files, into a bare repository that has the old tree; no file system of its own",
        before: Before::Kept,
        after: After::Untouched,
        run: pull,
    }],
};

fn make(ground: &Ground) -> Result<()> {
    ground.once("ostree", "1", |ground| {
        ground.shell.quiet("ostree --repo=ostree/srv init --mode=archive")?;
        for version in [OLD, NEW] {
            let tree = ground.pair.tree(version);
            let line = format!("ostree --repo=ostree/srv commit -b os --tree=dir={}", tree.display());
            ground.shell.quiet(&line)?;
        }
        ground.shell.quiet("ostree --repo=ostree/srv summary -u")?;
        Ok(())
    })
}

fn pull(ground: &Ground) -> Result<Sample> {
    let url = ground.server.url_of("ostree/srv");
    ground.shell.quiet(&format!(
        "rm -rf ostree/host && ostree --repo=ostree/host init --mode=bare && \
         ostree --repo=ostree/host remote add --no-gpg-verify o {url} && \
         old=$(ostree --repo=ostree/srv rev-parse os^) && ostree --repo=ostree/host pull-local ostree/srv $old && \
         ostree --repo=ostree/host refs --create=o:os $old"
    ))?;
    let sample = ground.measure("ostree --repo=ostree/host pull o os")?;
    let usage = Usage::of_last(ground.shell.folder())?;
    Ok(Sample { written_bytes: usage.output_bytes, ..sample })
}
