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
use crate::disk::{self, Found, Place, Probe};
use crate::lasting::Lasting;
use crate::machine_id::MachineId;
use crate::mark::{self, Stage};
use crate::mounts::{self, Mount};
use crate::watchdog::{Fed, Watchdog};
use crate::{Error, Result, Words, factory, last_words, machine_id, mapper, modules, verity};

/// Goes all the way to the root's init; what fails restarts the machine. A restart that the kernel refuses leaves the
/// watchdog, and in the end this comes back: PID 1 dies, which `panic=` turns into a restart.
pub fn boot() {
    let mut watchdog = None;
    let Err(error) = advance(&mut watchdog);
    restart(&error, watchdog.as_mut());
}

/// Comes back only with a reason to restart.
fn advance(watchdog: &mut Option<Watchdog>) -> Result<Infallible> {
    mounts::kernel()?;
    speak_on_the_console();
    let line = fs::read_to_string(CMDLINE).map_err(Error::file("read", CMDLINE))?;
    let words = Words::parse(&line);
    // The watchdog comes before anything that can hang, so also before a command line that makes no sense is told of.
    guarded_modules(watchdog, words.as_ref().map_or(FALLBACK_TIMEOUT, |words| words.image.watchdog), &line)?;
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

    let found = found(&words, watchdog)?;
    let private = Path::new("/private");
    let lasting = Lasting::private(private);
    lasting.mount(&found.private)?;
    feed(watchdog);
    let marks = Marks { words: &words, boot_id: boot_id() };
    marks.set(Stage::Init);
    if words.trial || words.last_try {
        last_words::keep_on_restart();
    }

    let target = verity::target(&words, &found.root, &found.hash);
    let device = mapper::create("root", &target)?;
    marks.set(Stage::Root);
    let (what, root) = (device.display().to_string(), Path::new(ROOT));
    let Words { slot, image, .. } = &words;
    Mount { what: &what, on: root, fstype: &image.fstype, flags: MountFlags::RDONLY, options: "" }.now()?;
    say(&format!("slot {slot}: root {} checked by {what}", found.root.display()));

    furnish(root, private, &lasting, &found.data)?;
    marks.set(Stage::Userland);
    if let Some(watchdog) = watchdog {
        watchdog.hand_on();
    }
    enter(root, private, &words)
}

/// Restarts the machine.
fn restart(error: &Error, watchdog: Option<&mut Watchdog>) {
    say(&format!("{}; restart in {} s", chain(error), BEFORE_RESTART.as_secs()));
    if let Some(watchdog) = watchdog {
        watchdog.feed();
    }
    thread::sleep(BEFORE_RESTART);
    rustix::fs::sync();
    if let Err(errno) = reboot(RebootCommand::Restart) {
        say(&format!("the kernel refuses to restart: {errno}"));
    }
}

/// Opens the watchdog as soon as a driver brings one, which may be one that is built in.
fn guarded_modules(watchdog: &mut Option<Watchdog>, timeout: Duration, line: &str) -> Result<()> {
    let mut fed = None;
    let mut guard = || match watchdog {
        Some(watchdog) => watchdog.feed(),
        None => match Watchdog::open(timeout) {
            Ok(opened) => {
                fed = opened.as_ref().and_then(keep_fed);
                *watchdog = opened;
            }
            Err(error) => say(&format!("failed to start the watchdog: {error}")),
        },
    };
    guard();
    let failed = modules::load(Path::new("/modules"), line, &mut guard)?;
    drop(fed);
    for error in failed {
        say(&chain(&error));
    }
    match watchdog {
        Some(watchdog) => say(&watchdog.to_string()),
        None => say("no watchdog: a hang will not restart this machine"),
    }
    Ok(())
}

fn feed(watchdog: &mut Option<Watchdog>) {
    if let Some(watchdog) = watchdog {
        watchdog.feed();
    }
}

/// While the kernel is at work: a driver may look for its disk, or a bad disk be tried, for longer than the watchdog waits.
fn keep_fed(watchdog: &Watchdog) -> Option<Fed> {
    let fed = watchdog.keep_fed(FOR_DRIVERS);
    fed.inspect_err(|error| say(&format!("the watchdog is fed between steps only: {error}"))).ok()
}

fn found(words: &Words, watchdog: &mut Option<Watchdog>) -> Result<Found> {
    let _fed = watchdog.as_ref().and_then(keep_fed);
    let mut found = disk::wait(Probe::live(), words, FOR_DISKS, || feed(watchdog))?;
    if found.len() > 1 {
        let names: Vec<String> = found.iter().map(|found| found.disk.display().to_string()).collect();
        say(&format!("{} are copies of one disk; the first is taken", names.join(" and ")));
    }
    Ok(found.swap_remove(0))
}

/// `/etc`, `/var` and the state folder.
fn furnish(root: &Path, private: &Path, lasting: &Lasting<'_>, data: &Place) -> Result<()> {
    let (etc, var) = (root.join("etc"), root.join("var"));
    let (loose, temporary) = (MountFlags::NOSUID | MountFlags::NODEV, root.join("tmp"));
    Mount { what: "tmpfs", on: &etc, fstype: "tmpfs", flags: loose, options: "mode=0755" }.now()?;
    Mount { what: "tmpfs", on: &temporary, fstype: "tmpfs", flags: loose, options: "mode=1777" }.now()?;
    let kept = root.join(FACTORY);
    if kept.is_dir() {
        factory::copy(&kept, &etc).map_err(Error::file("copy", &kept))?;
    } else {
        say(&format!("/etc is empty: the image has no /{FACTORY}"));
    }
    // Before PRIVATE may have to give way to a tmpfs: the id that it holds is the machine's all the same.
    match machine_id::keep(private) {
        Ok(MachineId { id, lost }) => {
            if let Some(error) = lost {
                say(&format!("the machine id is of this boot only: {error}"));
            }
            let path = etc.join("machine-id");
            // A factory copy may be a link to elsewhere.
            let _ = fs::remove_file(&path);
            fs::write(&path, format!("{id}\n")).map_err(Error::file("write", &path))?;
        }
        Err(error) => say(&format!("this boot has no machine id: {error}")),
    }
    let variable = Lasting::data(&var);
    variable.mount(data)?;
    mounts::bind(&lasting.folder("updog")?, &variable.folder("lib/updog")?)
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
        |source: rustix::io::Errno| Error::Start { program: words.image.init.clone(), source: source.into() };
    rustix::process::chdir(root).map_err(start)?;
    mounts::shift(Path::new("."), Path::new("/"))?;
    rustix::process::chroot(".").map_err(start)?;
    rustix::process::chdir("/").map_err(start)?;
    let source = Command::new(&words.image.init).exec();
    Err(Error::Start { program: words.image.init.clone(), source })
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
/// In the root: what `/etc` begins with.
const FACTORY: &str = "usr/share/factory/etc";
const ROOT: &str = "/sysroot";
/// Long enough for a disk behind a slow controller: a trial that ends here is a good release left.
const FOR_DISKS: Duration = Duration::from_secs(30);
/// How long drivers and disks may take, each of both steps: a disk that does not answer is given up by the kernel within it.
const FOR_DRIVERS: Duration = Duration::from_mins(5);
/// Long enough to read the last line.
const BEFORE_RESTART: Duration = Duration::from_secs(3);
/// When the command line cannot say.
const FALLBACK_TIMEOUT: Duration = Duration::from_mins(1);
