//! Playing a scenario.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::damage;
use super::firmware::{Firmware, Kind};
use super::machine::{Attach, Machine, Setup};
use super::scenario::{End, Scenario, Step};
use super::yard::{Yard, copy};

/// Plays it on a copy of its disk; the console is kept in `folder`.
pub(super) fn play(scenario: &Scenario, yard: &Yard, port: u16, folder: &Path) -> Result<()> {
    let from = yard.disk(&scenario.from, port).context("failed to make the disk to start with")?;
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    let disk = folder.join("disk.img");
    copy(&from, &disk)?;
    let firmware = Firmware::new(scenario.machine, folder.join("vars.fd"), yard.variables().as_deref())?;
    let stage = Stage { scenario, yard, port, disk, firmware, machine: None, console: String::new() };
    let (console, played) = stage.play();
    std::fs::write(folder.join("serial.log"), &console)?;
    played?;
    judge(scenario, &console)?;
    // The disk is large, and nothing of it is left to tell.
    Ok(std::fs::remove_file(folder.join("disk.img"))?)
}

struct Stage<'a> {
    scenario: &'a Scenario,
    yard: &'a Yard,
    port: u16,
    disk: PathBuf,
    firmware: Firmware,
    machine: Option<Machine>,
    /// Of machines that have ended.
    console: String,
}

impl Stage<'_> {
    /// All that was seen, and how it went.
    fn play(mut self) -> (String, Result<()>) {
        let scenario = self.scenario;
        let mut played = scenario.steps.iter().try_for_each(|step| self.step(step));
        if let (Ok(()), Some(end)) = (&played, &scenario.end) {
            played = self.end(end);
        }
        if let (Ok(()), false, Some(machine)) = (&played, scenario.never.is_empty(), &mut self.machine) {
            machine.listen(AND_AFTER);
        }
        if let Some(machine) = &self.machine {
            self.console.push_str(machine.console());
        }
        (self.console, played)
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::See(words) => self.machine()?.wait_for(words).map(drop),
            Step::SeeLater { words, seconds } => {
                self.machine()?.wait_at_least(Duration::from_secs(*seconds), words)
            }
            Step::Type(command) => self.machine()?.say(command),
            Step::Run(words) => self.machine()?.run(words).map(drop),
            Step::Garbage(paths) => paths.iter().try_for_each(|path| {
                let machine = self.machine()?;
                machine.say(&format!("write {path} {{]"))?;
                machine.wait_for("TINY exit=0").map(drop)
            }),
            Step::Publish { version, opens_in } => self.yard.publish_later(version, *opens_in),
            Step::Off => {
                let machine = self.machine.take().context("the machine is off")?;
                self.console.push_str(&machine.ended()?);
                Ok(())
            }
            damage => {
                ensure!(
                    self.machine.is_none(),
                    "a disk is damaged while the machine is off: expected \"off\" before"
                );
                damage::done(&self.disk, self.yard, damage)
            }
        }
    }

    fn machine(&mut self) -> Result<&mut Machine> {
        if self.machine.is_none() {
            self.machine = Some(Machine::start(&Setup {
                disk: &self.disk,
                attach: Attach::Plain,
                firmware: &self.firmware,
                memory: self.scenario.machine.memory(),
                port: Some(self.port),
                limit: Duration::from_secs(self.scenario.limit),
            })?);
        }
        self.machine.as_mut().context("the machine is off")
    }

    /// What the machine says of itself, to whoever asks.
    fn end(&mut self, end: &End) -> Result<()> {
        let said = self.machine()?.run("updog status --json")?;
        // Notes come as lines of JSON too; the answer is the one with data.
        let answers =
            said.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("TINY | ")?).ok());
        let status: Value = answers
            .into_iter()
            .find(|answer: &Value| answer["data"].is_object())
            .context("status said nothing")?;
        let data = &status["data"];
        expect("slot", &end.slot, data["running"].as_str())?;
        for (slot, wanted) in [("A", &end.a), ("B", &end.b)] {
            let flags = &data["slots"][slot];
            let number = |key: &str| flags[key].as_u64().unwrap_or_default();
            let successful = u8::from(flags["successful"] == true);
            let found = format!("{}/{}/{successful}", number("priority"), number("tries"));
            expect(&format!("flags of {slot}"), wanted, Some(&found))?;
        }
        // Whatever was done to the table, it is mended by now.
        expect("table", "good", data["table"].as_str())?;
        let last = &data["last"];
        if let Some(wanted) = &end.outcome {
            expect("outcome", wanted, last["outcome"].as_str())?;
        }
        if let Some(wanted) = &end.cause {
            expect("cause", wanted, last["cause"].as_str())?;
        }
        if let Some(wanted) = &end.detail {
            expect("detail", wanted, last["detail"].as_str())?;
        }
        if let Some(version) = &end.failed {
            let machine = self.machine()?;
            machine.say(&format!("run updog check --to {version}"))?;
            machine.wait_for(&format!("{version} was rolled back"))?;
        }
        Ok(())
    }
}

fn expect(what: &str, wanted: &str, found: Option<&str>) -> Result<()> {
    match found {
        Some(found) if found == wanted => Ok(()),
        _ => bail!("expected {what} {wanted:?}, found {found:?}"),
    }
}

/// What must not be seen: in any scenario, and in this one.
fn judge(scenario: &Scenario, console: &str) -> Result<()> {
    let bad = |line: &&str| {
        line.contains("this is a bug in updog")
            || line.contains("panicked at")
            || (!scenario.volatile && line.contains("TINY volatile"))
            || scenario.never.iter().any(|words| line.contains(words))
    };
    if let Some(line) = console.lines().find(bad) {
        bail!("{line:?} was seen");
    }
    ensure!(
        scenario.machine != Kind::SecureBoot || starts(console).is_empty() || console.contains(SECURE_BOOT),
        "expected the selector to say {SECURE_BOOT:?}"
    );
    let Some(wanted) = &scenario.starts else { return Ok(()) };
    let found = starts(console);
    ensure!(found == *wanted, "expected these slots to start: {wanted}, found {found}");
    Ok(())
}

/// The slots that the selector has started, in order.
fn starts(console: &str) -> String {
    let started =
        console.lines().filter_map(|line| line.split_once("updog-boot: slot ")?.1.split_once(" starts: "));
    started.map(|(slot, _)| slot).collect()
}

/// How long what must never be seen is listened for once all else is done: longer than firmware goes from one boot program to the
/// next.
const AND_AFTER: Duration = Duration::from_secs(10);
/// What the selector says under firmware that checks signatures.
const SECURE_BOOT: &str = "updog-boot: Secure Boot is on";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_not_be_seen_is_a_failure() {
        let text = "what = \"x\"\nfrom = \"fresh\"\nlimit = 1\nnever = [\"updog-boot: \"]\nsteps = [{ see = \"x\" }]";
        let strict = Scenario::parse(text).unwrap();
        let lax = Scenario::parse(&text.replace("[\"updog-boot: \"]", "[]\nvolatile = true")).unwrap();
        for line in
            ["updog-boot: this is a bug in updog-boot: x (y:1)", "[2JTINY volatile var", "updog-boot: x"]
        {
            judge(&strict, &format!("TINY ready\n{line}\n")).expect_err(line);
        }
        judge(&lax, "TINY volatile var\nupdog-boot: x\n").unwrap();
        judge(&lax, "error: this is a bug in updog: x").expect_err("a bug");
        judge(&lax, "thread 'main' panicked at src/main.rs:1:1").expect_err("a panic");
    }

    #[test]
    fn secure_boot_that_is_off_is_a_failure() {
        let text =
            "what = \"x\"\nmachine = \"secure_boot\"\nfrom = \"fresh\"\nlimit = 1\nsteps = [{ see = \"x\" }]";
        let scenario = Scenario::parse(text).unwrap();
        let started = "updog-boot: slot A starts: highest priority\n";
        judge(&scenario, started).expect_err("off");
        judge(&scenario, &format!("updog-boot: Secure Boot is on\n{started}")).unwrap();
        judge(&scenario, "BdsDxe: failed to load Boot0001: Access Denied\n").unwrap();
    }

    #[test]
    fn no_start_goes_unseen() {
        let text = "what = \"x\"\nfrom = \"fresh\"\nlimit = 1\nstarts = \"BA\"\nsteps = [{ see = \"x\" }]";
        let scenario = Scenario::parse(text).unwrap();
        let line = |slot| format!("\u{1b}[2Jupdog-boot: slot {slot} starts: highest priority\n");
        judge(&scenario, &[line("B"), "x\n".to_owned(), line("A")].concat()).unwrap();
        for other in [[line("B"), line("B"), line("A")].concat(), line("B"), [line("A"), line("B")].concat()]
        {
            judge(&scenario, &other).expect_err(&other);
        }
    }
}
