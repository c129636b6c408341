//! One emulated machine whose console is listened and spoken to. Silence is failure.

use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::ending::{Control, Ending};
use super::firmware::Firmware;
use crate::process;

/// How the disk is attached.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attach<'a> {
    /// Every write goes to the disk.
    Plain,
    /// What the guest writes is thrown away.
    Snapshot,
    /// Every write goes to the disk, and to a log at this path.
    Logged(&'a Path),
}

/// What there is to start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup<'a> {
    /// The raw disk.
    pub(crate) disk: &'a Path,
    pub(crate) attach: Attach<'a>,
    pub(crate) firmware: &'a Firmware,
    /// MiB of memory.
    pub(crate) memory: u32,
    /// The port of a server on this machine that the guest sees at [`SERVER`]; nothing else is in its reach.
    pub(crate) port: Option<u16>,
    /// All that is waited for must be seen within this time.
    pub(crate) limit: Duration,
}

/// A machine that runs; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Machine {
    qemu: Qemu,
    program: &'static str,
    words: Vec<String>,
    /// Whether a restart of the machine is a new QEMU.
    anew: bool,
    console: String,
    until: Instant,
    spoke: Instant,
}

/// One process of it.
#[derive(Debug)]
struct Qemu {
    child: Child,
    keyboard: ChildStdin,
    lines: Receiver<String>,
    control: Control,
}

/// What is heard next.
enum Heard {
    Line(String),
    Silence,
    Off,
}

impl Machine {
    pub(crate) fn start(setup: &Setup<'_>) -> Result<Machine> {
        // tcg by name: where /dev/kvm is there and does not work, QEMU would hang.
        let machine = "-accel tcg -nodefaults -no-user-config -display none -serial stdio";
        let mut words: Vec<String> = machine.split(' ').map(str::to_owned).collect();
        words.extend(setup.firmware.words()?);
        let mut add = |more: &[&str]| words.extend(more.iter().map(|word| (*word).to_owned()));
        // One processor: with more, the emulator now and then trips over a kernel that patches its own text.
        add(&["-m", &setup.memory.to_string(), "-smp", "1"]);
        add(&["-device", "i6300esb", "-action", "watchdog=reset", "-device", "virtio-rng-pci"]);
        add(&["-netdev", &network(setup.port)?, "-device", "virtio-net-pci,netdev=net,romfile="]);
        // What the emulator has translated for a page of memory outlives the machine's restart. Where enough of it lies on the
        // firmware's stack, each write there takes so long that the firmware does not get beyond its clock's interrupts.
        // Where writes are logged or thrown away, another QEMU would begin another log, or with the old disk.
        let anew = matches!(setup.attach, Attach::Plain);
        if anew {
            add(&["-action", "reboot=shutdown"]);
        }
        words.extend(disk_words(setup.disk, &setup.attach)?);
        words.extend(["-device", "virtio-blk-pci,drive=disk,bootindex=1"].map(str::to_owned));
        let program = setup.firmware.program();
        let qemu = Qemu::start(program, &words)?;
        let now = Instant::now();
        let until = now + setup.limit;
        Ok(Machine { qemu, program, words, anew, console: String::new(), until, spoke: now })
    }

    /// Waits for a line with these words in it and returns it.
    pub(crate) fn wait_for(&mut self, words: &str) -> Result<String> {
        loop {
            let heard = self.line();
            let line = heard.with_context(|| format!("waited in vain for {words:?}{}", self.tail()))?;
            if line.contains(words) {
                return Ok(line);
            }
        }
    }

    /// Waits as [`Machine::wait_for`]; the line must not come sooner than this after the last one that was heard before.
    pub(crate) fn wait_at_least(&mut self, least: Duration, words: &str) -> Result<()> {
        let before = self.spoke;
        self.wait_for(words)?;
        let took = before.elapsed();
        ensure!(took >= least, "{words:?} came after {took:?}, sooner than {least:?}");
        Ok(())
    }

    /// The next line.
    fn line(&mut self) -> Result<String> {
        let left = self.until.saturating_duration_since(Instant::now());
        match self.hear(left.min(SILENCE))? {
            Heard::Line(line) => Ok(line),
            Heard::Silence if left > SILENCE => bail!("{} s of silence", SILENCE.as_secs()),
            Heard::Silence => bail!("the time is up"),
            Heard::Off => bail!("the machine has switched itself off"),
        }
    }

    /// What comes within this time; a restart of the machine is part of it.
    fn hear(&mut self, time: Duration) -> Result<Heard> {
        let until = Instant::now() + time;
        loop {
            match self.qemu.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.console.push_str(&line);
                    self.console.push('\n');
                    self.spoke = Instant::now();
                    return Ok(Heard::Line(line));
                }
                Err(RecvTimeoutError::Timeout) => return Ok(Heard::Silence),
                Err(RecvTimeoutError::Disconnected) => {}
            }
            let ended = self.qemu.ended(self.until)?;
            match self.qemu.control.ending() {
                Ending::Restart if self.anew => self.qemu = Qemu::start(self.program, &self.words)?,
                Ending::Off => return Ok(Heard::Off),
                Ending::Restart | Ending::Unknown => bail!("QEMU ended with {ended}"),
            }
        }
    }

    /// Listens on for this long, to whatever comes.
    pub(crate) fn listen(&mut self, time: Duration) {
        let until = Instant::now() + time;
        let left = || until.saturating_duration_since(Instant::now());
        while let Ok(Heard::Line(_)) = self.hear(left()) {}
    }

    /// Types a command.
    pub(crate) fn say(&mut self, command: &str) -> Result<()> {
        writeln!(self.qemu.keyboard, "{command}").with_context(|| format!("failed to type {command:?}"))
    }

    /// Runs a program in the test image, which must succeed; what it said.
    pub(crate) fn run(&mut self, words: &str) -> Result<String> {
        let before = self.console.len();
        self.say(&format!("run {words}"))?;
        let exit = self.wait_for("TINY exit=")?;
        let said = self.console.get(before..).unwrap_or_default().to_owned();
        ensure!(exit.ends_with("exit=0"), "{words:?} ended with {exit:?}:\n{said}");
        Ok(said)
    }

    /// Waits for the machine to switch itself off, so that QEMU closes its files; all that was seen.
    pub(crate) fn ended(mut self) -> Result<String> {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            match self.hear(left)? {
                Heard::Line(_) => {}
                Heard::Silence => bail!("the machine does not switch itself off{}", self.tail()),
                Heard::Off => return Ok(std::mem::take(&mut self.console)),
            }
        }
    }

    /// All that was seen up to the last line waited for.
    pub(crate) fn console(&self) -> &str {
        &self.console
    }

    fn tail(&self) -> String {
        let lines: Vec<&str> = self.console.lines().collect();
        let from = lines.len().saturating_sub(TAIL);
        format!("; the console's last lines:\n{}", lines.get(from..).unwrap_or_default().join("\n"))
    }
}

impl Qemu {
    fn start(program: &str, words: &[String]) -> Result<Qemu> {
        let control = Control::listen()?;
        let mut qemu = Command::new(program);
        qemu.args(words).args(control.words()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = qemu.spawn().with_context(|| format!("failed to start {program}"))?;
        let (keyboard, screen) =
            child.stdin.take().zip(child.stdout.take()).context("QEMU has no console")?;
        let (send, lines) = channel();
        std::thread::spawn(move || {
            let mut screen = BufReader::new(screen);
            let mut line = Vec::new();
            // What firmware prints is not always UTF-8.
            while screen.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                if send.send(text).is_err() {
                    return;
                }
            }
        });
        Ok(Qemu { child, keyboard, lines, control })
    }

    /// Waits until it has closed its files, once its console is closed.
    fn ended(&mut self, until: Instant) -> Result<ExitStatus> {
        loop {
            if let Some(ended) = self.child.try_wait().context("failed to wait for QEMU")? {
                return Ok(ended);
            }
            ensure!(Instant::now() < until, "QEMU has closed its console and does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn network(port: Option<u16>) -> Result<String> {
    let Some(port) = port else { return Ok("user,id=net,restrict=on".to_owned()) };
    let own = std::env::current_exe().context("failed to find our own program")?;
    // A process for each connection: QEMU forwards to one at a time only when it connects by itself.
    Ok(format!("user,id=net,restrict=on,guestfwd=tcp:{SERVER}:80-cmd:{} pipe {port}", quoted(&own)?))
}

fn disk_words(disk: &Path, attach: &Attach<'_>) -> Result<Vec<String>> {
    let disk = quoted(disk)?;
    let drive =
        |more: &str| vec!["-drive".to_owned(), format!("if=none,id=disk,format=raw{more},file={disk}")];
    Ok(match attach {
        // Nobody cuts the host's power, so nothing has to reach its disk.
        Attach::Plain => drive(",cache=unsafe"),
        Attach::Snapshot => drive(",snapshot=on"),
        Attach::Logged(log) => [
            format!("driver=file,node-name=under,filename={disk}"),
            format!("driver=file,node-name=log,filename={}", quoted(log)?),
            "driver=blklogwrites,node-name=disk,file=under,log=log,log-sector-size=512".to_owned(),
        ]
        .into_iter()
        .flat_map(|words| ["-blockdev".to_owned(), words])
        .collect(),
    })
}

/// In QEMU's options a comma ends a value unless it is doubled.
pub(super) fn quoted(path: &Path) -> Result<String> {
    let path: PathBuf = std::path::absolute(path)?;
    let text = path.to_str().with_context(|| format!("{} is not UTF-8", process::shown(&path)))?;
    Ok(text.replace(',', ",,"))
}

/// The server's address as the guest sees it.
pub(crate) const SERVER: &str = "10.0.2.100";
/// A machine that says nothing for so long is stuck: more than the 120 s that the watchdog gives a restart that hangs
/// before the machine is reset; after that nothing ends it.
const SILENCE: Duration = Duration::from_secs(150);
/// Lines of the console in an error.
const TAIL: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell in QEMU's place, which must be done within this time.
    fn machine(script: &str, limit: Duration) -> Machine {
        let words = ["-c", script].map(str::to_owned).to_vec();
        let (qemu, now) = (Qemu::start("sh", &words).unwrap(), Instant::now());
        Machine {
            qemu,
            program: "sh",
            words,
            anew: true,
            console: String::new(),
            until: now + limit,
            spoke: now,
        }
    }

    #[test]
    fn one_that_closes_its_console_and_stays_is_not_waited_for_beyond_the_limit() {
        let mut machine = machine("exec sleep 600 >&-", Duration::from_millis(200));
        let error = machine.wait_for("anything").unwrap_err();
        assert!(format!("{error:#}").contains("does not end"), "{error:#}");
    }

    #[test]
    fn one_that_ends_and_says_nothing_of_it_has_failed() {
        let mut machine = machine("echo up; exit 3", Duration::from_mins(5));
        assert_eq!(machine.wait_for("up").unwrap(), "up");
        let error = machine.ended().unwrap_err();
        assert!(format!("{error:#}").contains("QEMU ended with exit status: 3"), "{error:#}");
    }
}
