//! Both slots at a glance.

use std::fmt;

use partition_core::{Condition, Flags, Layout, Part, Slot, SlotSet, choose};
use partition_disk::{Disk, Result};
use serde_json::{Value, json};

/// What `status` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    disk: String,
    sets: Vec<Set>,
    active: Option<Slot>,
    next: Option<Slot>,
    condition: Condition,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Set {
    slot: Slot,
    /// The partitions' nodes, boot, root and hash.
    nodes: [String; 3],
    flags: Flags,
}

impl Status {
    pub(crate) fn of(disk: &Disk, active: Option<Slot>) -> Result<Status> {
        let table = disk.table()?;
        let layout = disk.layout()?;
        let sets = Slot::ALL.into_iter().filter_map(|slot| {
            // Each set shows its own partitions, whichever slot is active.
            let set = layout.set(slot)?;
            let nodes = Part::ALL.map(|part| disk.partition_name(set.part(part)));
            Some(Set { slot, nodes, flags: Flags::from_bits(set.boot.attributes) })
        });
        Ok(Status {
            disk: disk.path().display().to_string(),
            sets: sets.collect(),
            active,
            next: next(&layout),
            condition: table.condition(),
        })
    }

    pub(crate) fn to_json(&self) -> Value {
        let sets: serde_json::Map<String, Value> = self
            .sets
            .iter()
            .map(|set| {
                let [boot, root, hash] = &set.nodes;
                let flags = flags_json(Some(set.flags));
                (set.slot.to_string(), json!({ "boot": boot, "root": root, "hash": hash, "flags": flags }))
            })
            .collect();
        let slot = |slot: Option<Slot>| slot.map(|slot| slot.to_string());
        json!({
            "os_disk": self.disk, "sets": sets, "active": slot(self.active), "next": slot(self.next),
            "table": describe(self.condition),
        })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "OS disk: {}", self.disk)?;
        for Set { slot, nodes: [boot, root, hash], flags } in &self.sets {
            writeln!(
                f,
                "Set {slot}:   boot={boot} root={root} hash={hash} priority={} tries_left={} successful={}",
                flags.priority(),
                flags.tries(),
                flags.successful()
            )?;
        }
        let set = |slot: Option<Slot>, none: &str| slot.map_or(none.to_owned(), |slot| format!("Set {slot}"));
        writeln!(f, "Active:  {}", set(self.active, "unknown"))?;
        write!(f, "Next:    {}", set(self.next, "None"))?;
        // A sixth line only where there is something to say.
        if self.condition != Condition::Good {
            write!(f, "\nTable:   {}", describe(self.condition))?;
        }
        Ok(())
    }
}

/// Flags by name; `null` for a slot that the disk lacks.
pub(crate) fn flags_json(flags: Option<Flags>) -> Value {
    flags.map_or(Value::Null, |flags| {
        json!({ "priority": flags.priority(), "tries_left": flags.tries(), "successful": flags.successful() })
    })
}

fn next(layout: &Layout) -> Option<Slot> {
    choose(&layout.slots(), SlotSet::EMPTY).map(|choice| choice.slot)
}

fn describe(condition: Condition) -> String {
    match condition {
        Condition::Good => "good".to_owned(),
        Condition::PrimaryDamaged(error) => format!("primary copy damaged ({error}), backup counts"),
        Condition::BackupDamaged(error) => format!("backup copy damaged ({error})"),
        Condition::Differ => "copies differ, primary counts".to_owned(),
        Condition::DiskGrown => "disk has grown, backup copy is not at its end".to_owned(),
    }
}
