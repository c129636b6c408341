//! `firmware`: what the slot selector does to a disk on one boot, until the selector itself is here.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use partition_core::{Choice, Part, Rule, Slot, SlotSet, choose};
use partition_disk::{Access, Aligned, ChangeError, Disk, Edit};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A disk image file or a whole disk.
    disk: PathBuf,
    /// Copy the chosen slot's partitions into this folder, as a boot would load them.
    #[arg(long, value_name = "DIR")]
    load: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let choice = boot(&args.disk)?;
    let Choice { slot, rule, .. } = choice;
    println!("slot {slot} starts: {}; flags now {}", reason(rule), flags(&choice));
    if let Some(folder) = &args.load {
        load(&args.disk, slot, folder)?;
    }
    Ok(())
}

/// Chooses on a fresh read and writes the spent try before anything of the slot is loaded.
fn boot(path: &Path) -> Result<Choice> {
    let disk = Disk::open(path, Access::Write)?;
    let mut chosen = None;
    let changed = disk.change(|layout| {
        let choice = choose(&layout.slots(), SlotSet::EMPTY)
            .ok_or_else(|| anyhow!("no slot has a priority above 0"))?;
        chosen = Some(choice);
        Ok::<_, anyhow::Error>(Edit::slots(choice.after))
    });
    let choice = chosen;
    match (changed, choice) {
        (Ok(_), Some(choice)) => Ok(choice),
        (Err(ChangeError::Refused(reason)), _) => Err(reason),
        // A trial that spends no try would never end.
        (Err(error), Some(choice)) if choice.may_start_unwritten() => {
            println!(
                "warning: the try could not be written: {error}; slot {} is confirmed and starts all the same",
                choice.slot
            );
            Ok(choice)
        }
        (Err(error), _) => Err(error.into()),
        (Ok(_), None) => Err(anyhow!("the table changed without a choice")),
    }
}

const fn reason(rule: Rule) -> &'static str {
    match rule {
        Rule::TriesLeft => "highest priority with tries left, one spent",
        Rule::Turns => "no tries left, slots take turns",
        Rule::Only => "no tries left and no other slot",
    }
}

fn flags(choice: &Choice) -> String {
    let of = |slot| choice.after.get(slot).map_or_else(|| "none".to_owned(), |flags| flags.to_string());
    format!("A {}, B {}", of(Slot::A), of(Slot::B))
}

fn load(disk: &Path, slot: Slot, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))?;
    let disk = Disk::open(disk, Access::Read)?;
    for part in Part::ALL {
        let path = folder.join(format!("{part}.img"));
        let image = disk.image_for_reading(slot, part)?;
        let mut file = File::create(&path).with_context(|| format!("failed to make {}", path.display()))?;
        let mut at = 0;
        while at < image.len() {
            let length = usize::try_from(image.len() - at).unwrap_or(PIECE).min(PIECE);
            let mut piece = Aligned::zeroed(length);
            image.read_at(at, &mut piece)?;
            file.write_all(&piece).with_context(|| format!("failed to write {}", path.display()))?;
            at += u64::try_from(length)?;
        }
    }
    Ok(())
}

/// Bytes copied at once.
const PIECE: usize = 1 << 20;
