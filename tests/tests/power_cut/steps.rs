//! The steps that are cut.

use std::sync::LazyLock;

use fixtures::crash::Release;
use partition_core::verbs::{self, ArmedBy, Refusal, Standing};
use partition_core::{Layout, Part, Rule, SlotSet, Slots, Tries, bootable, choose};
use partition_disk::{Aligned, ChangeError, Disk, Edit};

use crate::scene::{Damage, Scene, release};

/// One step of an update, of recovery or of the firmware.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// The tables it is cut on.
    pub(crate) damage: &'static [Damage],
    /// Whether it does anything in this scene.
    pub(crate) fits: fn(&Scene) -> bool,
    pub(crate) run: fn(&Scene, &Disk) -> Result<(), String>,
    /// A firmware step happens once more when it is repeated.
    pub(crate) once: bool,
}

pub(crate) const ALL: [Step; 12] = [
    step(
        "retire",
        |scene| retired(scene, &scene.slots).is_ok(),
        |scene, disk| flags(disk, |layout| retired(scene, &layout.slots())),
    ),
    step(
        "arm",
        |scene| scene.flags().1.priority() > 0 && armed(scene, &scene.slots).is_ok(),
        |scene, disk| flags(disk, |layout| armed(scene, &layout.slots())),
    ),
    step("confirm", |scene| verbs::confirm(&scene.slots, scene.running, tries()).is_ok(), confirm),
    step(
        "cancel",
        |scene| verbs::cancel(&scene.slots, scene.running, ArmedBy::Arm).is_ok(),
        |scene, disk| flags(disk, |layout| verbs::cancel(&layout.slots(), scene.running, ArmedBy::Arm)),
    ),
    step(
        "rollback",
        |scene| verbs::rollback(&scene.slots, scene.running, tries()).is_ok(),
        |scene, disk| flags(disk, |layout| verbs::rollback(&layout.slots(), scene.running, tries())),
    ),
    step(
        "trial-over",
        |scene| matches!(trial_over(scene, &scene.slots), Ok(Some(_))),
        |scene, disk| flags(disk, |layout| Ok(trial_over(scene, &layout.slots())?.unwrap_or(layout.slots()))),
    ),
    Step { damage: &DAMAGED, ..step("table-repair", |_| true, rewrite) },
    Step { damage: &GROWN, ..step("backup-move", |_| true, rewrite) },
    Step { once: true, ..step("selector-spend", |scene| rule(scene) == Rule::TriesLeft, select) },
    Step { once: true, ..step("selector-refill", |scene| rule(scene) == Rule::Turns, select) },
    step("update", updates, |scene, disk| update(scene, disk, Order::VerifyThenArm)),
    step("update-again", updates_again, |scene, disk| update(scene, disk, Order::VerifyThenArm)),
];

const fn step(
    name: &'static str,
    fits: fn(&Scene) -> bool,
    run: fn(&Scene, &Disk) -> Result<(), String>,
) -> Step {
    Step { name, damage: &Damage::ALL, fits, run, once: false }
}

/// Whether an update arms what it has read back, or hopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    VerifyThenArm,
    ArmThenVerify,
}

/// An update in miniature: retire, write and flush, read back, arm. The engine's own is swept in its crate.
pub(crate) fn update(scene: &Scene, disk: &Disk, order: Order) -> Result<(), String> {
    flags(disk, |layout| retired(scene, &layout.slots()))?;
    let images = Part::ALL.map(|part| (part, disk.image(scene.running.other(), part)));
    let new = &*NEW;
    let mut page = Aligned::zeroed(Aligned::ALIGN);
    for (part, image) in &images {
        let image = image.as_ref().map_err(ToString::to_string)?;
        for (at, bytes) in (0..).step_by(Aligned::ALIGN).zip(new.part(*part).chunks(Aligned::ALIGN)) {
            page.copy_from_slice(bytes);
            image.write_at(at, &page).map_err(|error| error.to_string())?;
        }
        image.flush().map_err(|error| error.to_string())?;
    }
    if order == Order::ArmThenVerify {
        flags(disk, |layout| armed(scene, &layout.slots()))?;
    }
    for (part, image) in &images {
        let image = image.as_ref().map_err(ToString::to_string)?;
        for (at, bytes) in (0..).step_by(Aligned::ALIGN).zip(new.part(*part).chunks(Aligned::ALIGN)) {
            image.read_at(at, &mut page).map_err(|error| error.to_string())?;
            if *page != *bytes {
                return Err(format!("{part} differs at {at}"));
            }
        }
    }
    flags(disk, |layout| armed(scene, &layout.slots()))
}

/// From a confirmed slot over an older release, or over a half-written one.
pub(crate) fn updates(scene: &Scene) -> bool {
    let (running, other) = scene.flags();
    running.successful() && (other.successful() || other.priority() == 0)
}

/// Over a slot that is armed already.
fn updates_again(scene: &Scene) -> bool {
    let (running, other) = scene.flags();
    running.successful() && other.priority() == 2 && !other.successful()
}

fn flags(disk: &Disk, verb: impl FnOnce(&Layout) -> Result<Slots, Refusal>) -> Result<(), String> {
    match disk.change(|layout| verb(layout).map(Edit::slots)) {
        // What was done before the cut is not there to be done again.
        Ok(_) | Err(ChangeError::Refused(Refusal::NothingArmed)) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn confirm(scene: &Scene, disk: &Disk) -> Result<(), String> {
    let edit = |layout: &Layout| {
        let slots = verbs::confirm(&layout.slots(), scene.running, tries())?;
        Ok::<_, Refusal>(Edit { slots, boot_ever_succeeded: true })
    };
    disk.change(edit).map(drop).map_err(|error| error.to_string())
}

fn rewrite(_: &Scene, disk: &Disk) -> Result<(), String> {
    disk.rewrite().map(drop).map_err(|error| error.to_string())
}

/// What the firmware does before it loads anything.
fn select(_: &Scene, disk: &Disk) -> Result<(), String> {
    let edit =
        |layout: &Layout| choose(&layout.slots(), SlotSet::EMPTY).map(|c| Edit::slots(c.after)).ok_or("none");
    disk.change(edit).map(drop).map_err(|error| error.to_string())
}

fn rule(scene: &Scene) -> Rule {
    choose(&scene.slots, SlotSet::EMPTY).map_or(Rule::Only, |choice| choice.rule)
}

fn retired(scene: &Scene, slots: &Slots) -> Result<Slots, Refusal> {
    verbs::retire(slots, scene.running, Standing::ConfirmedThisBoot)
}

fn armed(scene: &Scene, slots: &Slots) -> Result<Slots, Refusal> {
    verbs::arm(slots, scene.running, Standing::ConfirmedThisBoot, tries())
}

fn trial_over(scene: &Scene, slots: &Slots) -> Result<Option<Slots>, Refusal> {
    debug_assert!(!bootable(slots).is_empty());
    verbs::trial_over(slots, scene.running, tries())
}

fn tries() -> Tries {
    Tries::default()
}

const DAMAGED: [Damage; 5] = [
    Damage::PrimaryHeader,
    Damage::PrimaryEntries,
    Damage::BackupHeader,
    Damage::BackupEntries,
    Damage::Differ,
];
const GROWN: [Damage; 3] = [Damage::Grown(1), Damage::Grown(33), Damage::Grown(100)];

/// What an update writes.
static NEW: LazyLock<Release> = LazyLock::new(|| release(3));
