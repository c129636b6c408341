//! The order of things.

use std::fs;
use std::io::BufRead as _;
use std::path::Path;
use std::process;
use std::thread;
use std::time::Duration;

use crate::find::{field, text, word};
use crate::network::{self, Address};
use crate::run::{bury_in_time, run};
use crate::say::say;
use crate::stop::{self, Stop};
use crate::watchdog::Feeder;
use crate::{Command, Doom};

/// Greets, proves the slot, then obeys. Does not come back while the console is there.
pub fn pid1() -> Result<(), String> {
    let feeder = Feeder::default();
    let fed = feeder.start();
    bury_in_time();
    stop::listen(&feeder).map_err(|error| format!("failed to listen for signals: {error}"))?;
    let cmdline = text("/proc/cmdline");
    greet(&cmdline, fed);
    if let Some(doom) = Doom::on_the_command_line(&cmdline) {
        suffer(doom, &feeder);
    }
    join_network(&cmdline);

    let updog = |arguments: &[&str]| {
        let words: Vec<String> = [UPDOG].iter().chain(arguments).map(|word| (*word).to_owned()).collect();
        run(&words)
    };
    say(&format!("TINY report exit={}", updog(&["report"])));
    say(&format!("TINY health exit={}", updog(&["health", "--reboot"])));
    say("TINY ready");
    // By bytes: noise on a serial line must not end PID 1.
    for line in std::io::stdin().lock().split(b'\n') {
        let line = line.map_err(|error| format!("failed to read the console: {error}"))?;
        match Command::parse(&String::from_utf8_lossy(&line)) {
            None => {}
            Some(Ok(command)) => obey(command, &feeder),
            Some(Err(problem)) => say(&format!("TINY error: {problem}")),
        }
    }
    Err("the console is gone".to_owned())
}

fn greet(cmdline: &str, fed: bool) {
    let version = field(&text("/usr/lib/os-release"), "VERSION_ID").unwrap_or_default();
    let slot = word(cmdline, "updog.slot").unwrap_or_default();
    let boot = text("/proc/sys/kernel/random/boot_id");
    say(&format!("TINY up slot={slot} version={version} boot={boot}"));
    for name in ["private", "var"] {
        if Path::new("/run/updog/volatile").join(name).exists() {
            say(&format!("TINY volatile {name}"));
        }
    }
    if !fed {
        say("TINY no watchdog");
    }
}

fn join_network(cmdline: &str) {
    let address = match word(cmdline, "tiny.ip") {
        None => Some(Address::QEMU),
        Some(text) => Address::parse(&text),
    };
    let Some(address) = address else {
        say("TINY error: tiny.ip is no IP/BITS[,GATEWAY]");
        return;
    };
    if let Err(error) = network::up("eth0", &address) {
        say(&format!("TINY no network: {error}"));
    }
}

fn obey(command: Command, feeder: &Feeder) {
    match command {
        Command::Run(words) => say(&format!("TINY exit={}", run(&words))),
        Command::Write { path, text } => match fs::write(&path, format!("{text}\n")) {
            Ok(()) => say("TINY exit=0"),
            Err(error) => say(&format!("TINY error: failed to write {path}: {error}")),
        },
        Command::Doom(doom) => suffer(doom, feeder),
        Command::Reboot => stop::now(Stop::Restart, feeder),
        Command::PowerOff => stop::now(Stop::PowerOff, feeder),
    }
}

fn suffer(doom: Doom, feeder: &Feeder) {
    say(match doom {
        Doom::Panic => "TINY panics",
        Doom::Exit => "TINY exits",
        Doom::Hang => "TINY hangs",
    });
    match doom {
        Doom::Panic => {
            if let Err(error) = fs::write("/proc/sysrq-trigger", "c") {
                say(&format!("TINY error: the kernel does not panic: {error}"));
            }
        }
        Doom::Exit => process::exit(0),
        Doom::Hang => {
            feeder.starve();
            loop {
                thread::sleep(Duration::from_hours(1));
            }
        }
    }
}

const UPDOG: &str = "/usr/bin/updog";
