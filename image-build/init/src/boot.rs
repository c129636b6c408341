//! The steps, one after the other.

use std::convert::Infallible;
use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::mount::MountFlags;
use rustix::system::{RebootCommand, reboot};

use crate::console::{chain, say};
use crate::disk::{self, Found, Probe};
use crate::mark::{self, Stage};
use crate::mounts::{self, Mount, lasting};
use crate::watchdog::Watchdog;
use crate::{Error, Result, Words, factory, machine_id, mapper, modules, verity};

/// Goes all the way to the root's init. Comes back only with a reason to restart.
pub fn boot() -> Result<Infallible> {
    mounts::kernel()?;
    speak_on_the_console();
    let line = fs::read_to_string(CMDLINE).map_err(Error::file("read", CMDLINE))?;
    let words = Words::parse(&line);
    // The watchdog comes before anything that can hang, so also before a command line that makes no sense is told of.
    let watchdog = guarded_modules(words.as_ref().map_or(FALLBACK_TIMEOUT, |words| words.watchdog))?;
    let words = words?;
    let pstore = Mount {
        what: "pstore",
        on: Path::new("/sys/fs/pstore"),
        fstype: "pstore",
        flags: MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC,
        options: "",
    };
    if let Err(error) = pstore.now() {
        say(&format!("the last panic cannot be read: {}", chain(&error)));
    }

    let found = found(&words)?;
    let private = Path::new("/private");
    let strict = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    say_volatile("PRIVATE", lasting("private", found.private.as_deref(), private, strict)?);
    let marks = Marks { words: &words, boot_id: boot_id() };
    marks.set(Stage::Init);

    let target = verity::target(&words, &found.root, &found.hash);
    let device = mapper::create("root", &target)?;
    marks.set(Stage::Root);
    let (what, root) = (device.display().to_string(), Path::new(ROOT));
    let Words { slot, fstype, .. } = &words;
    Mount { what: &what, on: root, fstype, flags: MountFlags::RDONLY, options: "" }.now()?;
    say(&format!("slot {slot}: root {} checked by {what}", found.root.display()));

    furnish(root, private, &found)?;
    marks.set(Stage::Userland);
    if let Some(watchdog) = watchdog {
        watchdog.hand_on();
    }
    enter(root, private, &words)
}

/// Restarts the machine. A restart that the kernel refuses leaves the watchdog, and in the end PID 1 dies, which
/// `panic=` turns into a restart.
pub fn restart(error: &Error) {
    say(&format!("{}; restart in {} s", chain(error), BEFORE_RESTART.as_secs()));
    thread::sleep(BEFORE_RESTART);
    rustix::fs::sync();
    if let Err(errno) = reboot(RebootCommand::Restart) {
        say(&format!("the kernel refuses to restart: {errno}"));
    }
}

/// Opens the watchdog as soon as a driver brings one, which may be one that is built in.
fn guarded_modules(timeout: Duration) -> Result<Option<Watchdog>> {
    let mut watchdog = None;
    let mut guard = || {
        if watchdog.is_some() {
            return;
        }
        match Watchdog::open(timeout) {
            None => {}
            Some(Ok(opened)) => watchdog = Some(opened),
            Some(Err(error)) => say(&format!("failed to start the watchdog: {error}")),
        }
    };
    guard();
    let failed = modules::load(Path::new("/modules"), &mut guard)?;
    for error in failed {
        say(&chain(&error));
    }
    match &watchdog {
        Some(_) => say(&format!("watchdog: {} s", timeout.as_secs())),
        None => say("no watchdog: a hang will not restart this machine"),
    }
    Ok(watchdog)
}

fn found(words: &Words) -> Result<Found> {
    let mut found = disk::wait(Probe::live(), words, FOR_DISKS)?;
    if found.len() > 1 {
        let names: Vec<String> = found.iter().map(|found| found.disk.display().to_string()).collect();
        say(&format!("{} are copies of one disk; the first is taken", names.join(" and ")));
    }
    Ok(found.swap_remove(0))
}

fn say_volatile(name: &str, reason: Option<String>) {
    if let Some(reason) = reason {
        say(&format!("{name} is a tmpfs for this boot, and what is written there will be lost: {reason}"));
    }
}

/// `/etc`, `/var` and the state folder.
fn furnish(root: &Path, private: &Path, found: &Found) -> Result<()> {
    let (etc, var) = (root.join("etc"), root.join("var"));
    let (loose, temporary) = (MountFlags::NOSUID | MountFlags::NODEV, root.join("tmp"));
    Mount { what: "tmpfs", on: &etc, fstype: "tmpfs", flags: loose, options: "mode=0755" }.now()?;
    Mount { what: "tmpfs", on: &temporary, fstype: "tmpfs", flags: loose, options: "mode=1777" }.now()?;
    let kept = root.join("usr/share/factory/etc");
    if kept.is_dir() {
        factory::copy(&kept, &etc).map_err(Error::file("copy", &kept))?;
    }
    // Without PRIVATE it is one of this boot only; systemd would do the same.
    match machine_id::keep(private) {
        Ok(id) => {
            let path = etc.join("machine-id");
            // A factory copy may be a link to elsewhere.
            let _ = fs::remove_file(&path);
            fs::write(&path, format!("{id}\n")).map_err(Error::file("write", &path))?;
        }
        Err(error) => say(&format!("this boot has no machine id: {error}")),
    }
    say_volatile("DATA", lasting("var", found.data.as_deref(), &var, loose)?);
    mounts::bind(&private.join("updog"), &var.join("lib/updog"))
}

/// Makes the root the root, and becomes its init.
fn enter(root: &Path, private: &Path, words: &Words) -> Result<Infallible> {
    for folder in ["dev", "proc", "sys", "run"] {
        mounts::shift(&Path::new("/").join(folder), &root.join(folder))?;
    }
    mounts::shift(private, &root.join("private"))?;
    // The initramfs is memory; nothing needs it any more.
    let _ = fs::remove_dir_all("/modules");
    let _ = fs::remove_file("/init");
    let start =
        |source: rustix::io::Errno| Error::Start { program: words.init.clone(), source: source.into() };
    rustix::process::chdir(root).map_err(start)?;
    mounts::shift(Path::new("."), Path::new("/"))?;
    rustix::process::chroot(".").map_err(start)?;
    rustix::process::chdir("/").map_err(start)?;
    let source = Command::new(&words.init).env_remove("BOOT_IMAGE").exec();
    Err(Error::Start { program: words.init.clone(), source })
}

/// Marks of a boot on trial; a confirmed slot writes none.
struct Marks<'a> {
    words: &'a Words,
    boot_id: String,
}

impl Marks<'_> {
    fn set(&self, stage: Stage) {
        if !self.words.trial {
            return;
        }
        let line = mark::line(&self.boot_id, self.words.slot, stage);
        // It explains a failure, it does not prevent one.
        if let Err(error) = mark::write(Path::new("/private/updog"), &line) {
            say(&format!("how far this boot came is not written down: {error}"));
        }
    }
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// The kernel opened a console before there was a /dev; one that is there now takes its place.
fn speak_on_the_console() {
    if let Ok(console) = OpenOptions::new().read(true).write(true).open("/dev/console") {
        let _ = rustix::stdio::dup2_stdin(&console);
        let _ = rustix::stdio::dup2_stdout(&console);
        let _ = rustix::stdio::dup2_stderr(&console);
    }
}

const CMDLINE: &str = "/proc/cmdline";
const ROOT: &str = "/sysroot";
/// Long enough for a disk behind a slow controller.
const FOR_DISKS: Duration = Duration::from_secs(10);
/// Long enough to read the last line.
const BEFORE_RESTART: Duration = Duration::from_secs(3);
/// When the command line cannot say.
const FALLBACK_TIMEOUT: Duration = Duration::from_mins(1);
