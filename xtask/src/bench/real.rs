//! `bench real`: a Debian 12 root without and with its security updates, as three kinds of image: what each way needs on the wire.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use release::{Image, Version};

use super::peers::row::Row;
use super::peers::table;
use super::{usage, weigh};
use crate::release_folder;
use crate::shell::Shell;
use crate::workspace::Workspace;
use crate::{process, setup};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// zstd's level for frames and records.
    #[arg(long, default_value_t = 9)]
    level: i32,
    /// Fetch the packages anew, as they are today.
    #[arg(long)]
    again: bool,
}

/// One way to pack a tree.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    /// Makes `IMAGE` of `TREE`.
    line: &'static str,
}

const KINDS: [Kind; 3] = [
    Kind {
        name: "ext4",
        line: "truncate -s 1G IMAGE && E2FSPROGS_FAKE_TIME=1600000000 mke2fs -q -t ext4 -d TREE -U 11111111-2222-3333-4444-555555555555 \
               -E hash_seed=11111111-2222-3333-4444-555555555555,lazy_itable_init=0 -m 0 -O ^has_journal,^metadata_csum IMAGE",
    },
    Kind {
        name: "erofs",
        line: "mkfs.erofs -T1600000000 -U 11111111-2222-3333-4444-555555555555 --all-root IMAGE TREE",
    },
    Kind {
        name: "erofs, lz4hc",
        line: "mkfs.erofs -zlz4hc -T1600000000 -U 11111111-2222-3333-4444-555555555555 --all-root IMAGE TREE",
    },
];

const PACKAGES: &str = "base-files,base-passwd,libc-bin,coreutils,util-linux,bash,systemd,udev,dbus,openssl,openssh-server,curl,\
    python3,containerd,ca-certificates,linux-image-amd64";

pub(super) fn run(args: &Args) -> Result<()> {
    setup::ensure(&[setup::Use::Bench])?;
    let programs = usage::programs()?;
    let started = Instant::now();
    let target = Workspace::load()?.target_directory.join("bench");
    let shell = usage::shell(&target.join("real"), &programs)?;
    trees(&shell, args.again)?;
    let mut rows = Vec::new();
    for kind in &KINDS {
        rows.extend(kind.rows(&shell, args.level)?);
    }
    print!("\n{}", table::table(&rows));
    fs::write(target.join("real.json"), format!("{}\n", serde_json::to_string_pretty(&rows)?))?;
    println!("# {} s; in {}: real.json.", started.elapsed().as_secs(), process::shown(&target));
    Ok(())
}

/// The same packages twice, from the release alone and with all updates.
fn trees(shell: &Shell, again: bool) -> Result<()> {
    let marker = shell.folder().join("made");
    if !again && fs::read_to_string(&marker).is_ok_and(|made| made == PACKAGES) {
        println!("# The packages are those of an earlier run; --again takes today's.");
        return Ok(());
    }
    println!("# Fetching a Debian 12 without and with its security updates.");
    let without = "--setup-hook='sed -i /security/d \"$1/etc/apt/sources.list\"'";
    for (name, hook) in [("old", without), ("new", "")] {
        let make = format!(
            "mmdebstrap --quiet --mode=chrootless --variant=extract --include={PACKAGES} {hook} bookworm {name}.tar"
        );
        let unpack = format!(
            "rm -rf {name} && mkdir {name} && tar -xf {name}.tar -C {name} --exclude=./dev --exclude=./var/cache \
             --exclude=./var/lib/apt --no-same-owner"
        );
        let date = format!("find {name} -exec touch -h -d @1600000000 {{}} +");
        shell.quiet(&format!("{make} && {unpack} && rm {name}.tar && {date}"))?;
    }
    let differ = shell.quiet("diff --recursive --brief --no-dereference old new | wc -l")?.out;
    println!("  {} files differ or are in one of them only", differ.trim());
    Ok(fs::write(marker, PACKAGES)?)
}

impl Kind {
    fn rows(&self, shell: &Shell, level: i32) -> Result<Vec<Row>> {
        let folder = self.name.replace(", ", "-");
        shell.quiet(&format!("rm -rf {folder} && mkdir {folder}"))?;
        let images: Vec<PathBuf> = ["old", "new"]
            .iter()
            .map(|tree| shell.folder().join(&folder).join(format!("{tree}.img")))
            .collect();
        let repo = format!("cd {folder} && updog-repo --repo repo");
        shell.quiet(&format!("{repo} init"))?;
        for (minor, (tree, image)) in ["old", "new"].iter().zip(&images).enumerate() {
            let (path, version) = (image.display().to_string(), Version::new(1, minor.try_into()?, 0));
            shell.quiet(&self.line.replace("IMAGE", &path).replace("TREE", tree))?;
            release_folder::write(&shell.folder().join(&folder).join("release"), &version, |part, path| {
                match part {
                    Image::Root => Ok(fs::hard_link(image, path)?),
                    _ => release_folder::small(part, &version, path),
                }
            })?;
            shell.quiet(&format!("{repo} release add release --level {level} --delta-from 1"))?;
        }
        let [old, new] = [&images[0], &images[1]].map(|path| path.display().to_string());
        shell.quiet(&format!("zstd -q -9 -T2 {new} -o {folder}/whole.zst"))?;
        shell.quiet(&format!("zstd -q -3 --long=31 --patch-from={old} {new} -o {folder}/patch.zst"))?;
        let own =
            |name: &str| -> Result<u64> { Ok(fs::metadata(shell.folder().join(&folder).join(name))?.len()) };
        let row = |what: &str, bytes: Result<u64>| {
            Row::size(&format!("{}: {what}", self.name), "", bytes.map_err(|error| format!("{error:#}")))
        };
        let blobs = shell.folder().join(&folder).join("repo/blobs");
        let rows = vec![
            row("raw image", own("new.img")),
            row("zstd -9, whole", own("whole.zst")),
            row("updog full", weigh::files(&blobs, &["-1.1.0-root.img.zst", "-1.1.0-root.idx"])),
            row("zstd --patch-from --long=31", own("patch.zst")),
            row("updog delta", weigh::root_delta(shell, &format!("{folder}/repo"))),
        ];
        shell.quiet(&format!("rm -rf {folder}"))?;
        Ok(rows)
    }
}
