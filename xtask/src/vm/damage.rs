//! What happens to disks: done to the file while the machine is off.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use partition_core::{Condition, Entry, Flags, Slots, Table};
use partition_disk::{Access, Disk, Edit};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};

use super::scenario::{Copy, Signer, Step};
use super::yard::{Yard, quietly};
use crate::process;

/// Does a step of damage; steps of other kinds are not done here.
pub(super) fn done(disk: &Path, yard: &Yard, step: &Step) -> Result<()> {
    match step {
        Step::Zero { partition, at, length } => {
            let start = partition_start(disk, partition)?;
            file(disk)?.write_all_at(&vec![0; usize::try_from(*length)?], start + at)?;
        }
        Step::Flip { partition, at } => flip(disk, partition_start(disk, partition)? + at)?,
        Step::FlipFile { partition, version, file } => {
            let root = yard.at(version).join("release/root.img");
            flip(disk, partition_start(disk, partition)? + middle_of(&root, file)?)?;
        }
        Step::Spoil { partition, file } => rewrite(disk, partition, file, |bytes| spoilt(bytes, file))?,
        Step::Sign { partition, by } => rewrite(disk, partition, MANIFEST, |bytes| signed(&bytes, *by))?,
        Step::Touch { partition, file } => {
            let place = format!("{}?offset={}", disk.display(), partition_start(disk, partition)?);
            let command = format!("write /dev/null {file}");
            quietly(process::program("debugfs", &["-w", "-R", &command]).arg(place))?;
        }
        Step::Window { opens_in_minutes } => {
            let opens = chrono::Utc::now() + chrono::TimeDelta::minutes(*opens_in_minutes);
            let closes = opens + chrono::TimeDelta::hours(20);
            let text = format!(
                "[[windows]]\nstart = \"{}\"\nend = \"{}\"\n",
                opens.format("%H:%M"),
                closes.format("%H:%M")
            );
            let (file, commands) = (yard.at("window.toml"), yard.at("window.debugfs"));
            std::fs::write(&file, text)?;
            // The state folder, which hosts find at /var/lib/updog.
            std::fs::write(
                &commands,
                format!("mkdir updog\ncd updog\nwrite {} updog.toml\n", file.display()),
            )?;
            let place = format!("{}?offset={}", disk.display(), partition_start(disk, "PRIVATE")?);
            quietly(process::program("debugfs", &["-w", "-f"]).arg(commands).arg(place))?;
        }
        Step::Selector { version } => {
            let other = yard.at(version).join("disk.img");
            let mut bytes = vec![0; usize::try_from(partition_length(&other, "ESP")?)?];
            file(&other)?.read_exact_at(&mut bytes, partition_start(&other, "ESP")?)?;
            file(disk)?.write_all_at(&bytes, partition_start(disk, "ESP")?)?;
        }
        Step::DestroyTable(copy) => {
            let length = disk.metadata()?.len();
            // Header and entries; the protective MBR before a primary copy stays.
            let at = match copy {
                Copy::Primary => 512,
                Copy::Backup => length - 33 * 512,
            };
            file(disk)?.write_all_at(&vec![0xa5; 33 * 512], at)?;
            // What mends it is to have seen it damaged.
            let found = Disk::open(disk, Access::Read)?.table()?.condition();
            let damaged = match copy {
                Copy::Primary => matches!(found, Condition::PrimaryDamaged(_)),
                Copy::Backup => matches!(found, Condition::BackupDamaged(_)),
            };
            ensure!(damaged, "expected the {copy:?} table to be damaged, found {found:?}");
        }
        Step::Flags { a, b } => set_flags(disk, a, b)?,
        Step::Grow(mib) => {
            let more = format!("+{mib}M");
            quietly(process::program("qemu-img", &["resize", "-q", "-f", "raw"]).arg(disk).arg(more))?;
        }
        Step::See(_)
        | Step::SeeLater { .. }
        | Step::Publish { .. }
        | Step::Type(_)
        | Step::Run(_)
        | Step::Garbage(_)
        | Step::Off => {
            bail!("{step:?} is no damage")
        }
    }
    Ok(())
}

fn file(disk: &Path) -> Result<File> {
    OpenOptions::new().read(true).write(true).open(disk).context("failed to open the disk")
}

fn partition_start(disk: &Path, name: &str) -> Result<u64> {
    in_bytes(disk, name, |entry| entry.first_lba)
}

fn partition_length(disk: &Path, name: &str) -> Result<u64> {
    in_bytes(disk, name, Entry::sectors)
}

fn in_bytes(disk: &Path, name: &str, of: impl Fn(&Entry) -> u64) -> Result<u64> {
    let table: Table = Disk::open(disk, Access::Read)?.table()?;
    let entry = table.entries().find(|entry| entry.name == name);
    let entry = entry.with_context(|| format!("the disk has no partition {name}"))?;
    Ok(of(&entry) * u64::from(table.geometry().sector_size))
}

fn flip(disk: &Path, at: u64) -> Result<()> {
    let file = file(disk)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    Ok(file.write_all_at(&[!byte[0]], at)?)
}

/// Where the bytes of a file lie in a root image: the middle of its first run.
fn middle_of(root: &Path, file: &str) -> Result<u64> {
    let path = format!("--path={file}");
    let said = process::output(process::program("dump.erofs", &["-e", &path]).arg(root))?;
    // `0:  0..  65536 |  65536 :  5443584..  5509120 |  65536`
    let run = said.lines().find_map(|line| {
        let (_, physical) = line.trim_start().strip_prefix("0:")?.split_once(':')?;
        let (from, to) = physical.split('|').next()?.split_once("..")?;
        Some((from.trim().parse::<u64>().ok()?, to.trim().parse::<u64>().ok()?))
    });
    let (from, to) = run.with_context(|| format!("{} has no run of bytes in {}", file, root.display()))?;
    Ok(from.midpoint(to))
}

/// Puts another file into a FAT in the place of one that is there.
fn rewrite(
    disk: &Path,
    partition: &str,
    name: &str,
    change: impl FnOnce(Vec<u8>) -> Result<Vec<u8>>,
) -> Result<()> {
    let start = partition_start(disk, partition)?;
    let image = format!("{}@@{start}", disk.display());
    let (copy, inside) = (disk.with_extension("spoilt"), format!("::{name}"));
    quietly(process::program("mcopy", &["-n", "-i", &image, &inside]).arg(&copy))?;
    std::fs::write(&copy, change(std::fs::read(&copy)?)?)?;
    quietly(process::program("mcopy", &["-o", "-i", &image]).arg(&copy).arg(&inside))?;
    Ok(std::fs::remove_file(copy)?)
}

/// Of the same length, so that only what it says is wrong.
fn spoilt(mut bytes: Vec<u8>, name: &str) -> Result<Vec<u8>> {
    let wrong = if name == MANIFEST {
        // Another digit of the signature: well formed, and wrong.
        bytes.iter_mut().rev().find(|byte| byte.is_ascii_hexdigit())
    } else {
        let middle = bytes.len() / 2;
        bytes.get_mut(middle)
    };
    let wrong = wrong.with_context(|| format!("{name} is empty"))?;
    *wrong = if *wrong == b'0' { b'1' } else { b'0' };
    Ok(bytes)
}

/// The same manifest, as docs/formats/boot-manifest.md has it, without the signatures it came with.
fn signed(manifest: &[u8], by: Signer) -> Result<Vec<u8>> {
    let text = std::str::from_utf8(manifest).context("the boot manifest is not UTF-8")?;
    let (body, _) = text.split_once("sig=").context("the boot manifest is not signed")?;
    let mut bytes = body.as_bytes().to_vec();
    if by == Signer::Stranger {
        let failed = |_| anyhow!("failed to sign");
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(failed)?;
        let key =
            Ed25519KeyPair::from_pkcs8(key.as_ref()).map_err(|error| anyhow!("failed to sign: {error}"))?;
        let id = digest(&SHA256, key.public_key().as_ref());
        let id = id.as_ref().first_chunk::<8>().context("a digest is shorter than 8 bytes")?;
        let line = format!("sig={} {}\n", hex::encode(id), hex::encode(key.sign(body.as_bytes())));
        bytes.extend_from_slice(line.as_bytes());
    }
    Ok(bytes)
}

/// The signed text of a BOOT file system.
const MANIFEST: &str = "boot.manifest";

fn set_flags(disk: &Path, a: &str, b: &str) -> Result<()> {
    let slots = Slots::new(Some(flags(a)?), Some(flags(b)?));
    let disk = Disk::open(disk, Access::Write)?;
    let edit = Edit { slots, boot_ever_succeeded: true };
    disk.change(|_| Ok::<_, std::convert::Infallible>(edit)).map(drop).context("failed to set the flags")
}

fn flags(text: &str) -> Result<Flags> {
    let numbers: Vec<u8> = text.split('/').map(str::parse).collect::<Result<_, _>>()?;
    let &[priority, tries, successful] = &*numbers else {
        bail!("expected priority/tries/successful, found {text:?}")
    };
    ensure!(priority < 16 && tries < 16 && successful < 2, "{text:?} does not fit into flags");
    Ok(Flags::of(priority, tries, successful == 1))
}
