//! One emulated machine whose console is listened and spoken to. Silence is failure.

use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// How the disk is attached.
#[derive(Debug)]
pub(super) enum Attach<'a> {
    /// What the guest writes is thrown away.
    Snapshot,
    /// Every write goes to the disk, and to a log at this path.
    Logged(&'a Path),
}

/// A machine that runs; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Machine {
    child: Child,
    keyboard: ChildStdin,
    lines: Receiver<String>,
    console: String,
    until: Instant,
}

impl Machine {
    /// Starts `x86_64` from this raw disk; all that is waited for must be seen within `limit`.
    pub(super) fn start(disk: &Path, attach: &Attach<'_>, limit: Duration) -> Result<Machine> {
        let variables = disk.with_extension("vars.fd");
        std::fs::copy(VARIABLES, &variables).with_context(|| format!("failed to copy {VARIABLES}"))?;
        let mut qemu = Command::new("qemu-system-x86_64");
        // tcg by name: where /dev/kvm is there and does not work, QEMU would hang.
        qemu.args(["-accel", "tcg", "-machine", "q35", "-cpu", "max", "-m", "512", "-nodefaults"]);
        qemu.args(["-display", "none", "-serial", "stdio", "-device", "i6300esb"]);
        qemu.args([
            "-device",
            "virtio-rng-pci",
            "-netdev",
            "user,id=net",
            "-device",
            "virtio-net-pci,netdev=net",
        ]);
        qemu.args(["-drive", &format!("if=pflash,format=raw,readonly=on,file={CODE}")]);
        qemu.args(["-drive", &format!("if=pflash,format=raw,file={}", variables.display())]);
        qemu.args(disk_words(disk, attach)?).args(["-device", "virtio-blk-pci,drive=disk,bootindex=1"]);
        qemu.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = qemu.spawn().context("failed to start qemu-system-x86_64")?;
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
        Ok(Machine { child, keyboard, lines, console: String::new(), until: Instant::now() + limit })
    }

    /// Waits for a line with these words in it and returns it.
    pub(super) fn wait_for(&mut self, words: &str) -> Result<String> {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            let line = match self.lines.recv_timeout(left) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => bail!("waited in vain for {words:?}{}", self.tail()),
                Err(RecvTimeoutError::Disconnected) => bail!("QEMU ended before {words:?}{}", self.tail()),
            };
            self.console.push_str(&line);
            self.console.push('\n');
            if line.contains(words) {
                return Ok(line);
            }
        }
    }

    /// Types a command.
    pub(super) fn say(&mut self, command: &str) -> Result<()> {
        writeln!(self.keyboard, "{command}").with_context(|| format!("failed to type {command:?}"))
    }

    /// Waits for the machine to switch itself off, so that QEMU closes its files.
    pub(super) fn ended(mut self) -> Result<()> {
        while self.child.try_wait().context("failed to wait for QEMU")?.is_none() {
            ensure!(Instant::now() < self.until, "the machine does not switch itself off{}", self.tail());
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// All that was seen up to the last line waited for.
    pub(super) fn console(&self) -> &str {
        &self.console
    }

    fn tail(&self) -> String {
        let lines: Vec<&str> = self.console.lines().collect();
        let from = lines.len().saturating_sub(TAIL);
        format!("; the console's last lines:\n{}", lines.get(from..).unwrap_or_default().join("\n"))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn disk_words(disk: &Path, attach: &Attach<'_>) -> Result<Vec<String>> {
    let disk = quoted(disk)?;
    Ok(match attach {
        Attach::Snapshot => {
            vec!["-drive".to_owned(), format!("if=none,id=disk,format=raw,snapshot=on,file={disk}")]
        }
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
fn quoted(path: &Path) -> Result<String> {
    let path: PathBuf = std::path::absolute(path)?;
    Ok(path.to_str().context("the path is not UTF-8")?.replace(',', ",,"))
}

const CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const VARIABLES: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";
/// Lines of the console in an error.
const TAIL: usize = 40;
