//! The order of things.

use std::fs;
use std::io::BufRead as _;
use std::path::Path;
use std::process;
use std::thread;
use std::time::Duration;

use rustix::process::{WaitOptions, wait};

use crate::find::{field, text, word};
use crate::network::{self, Address};
use crate::run::run;
use crate::stop::{self, Stop};
use crate::watchdog::Feeder;
use crate::{Command, Doom};

/// Greets, proves the slot, then obeys. Does not come back while the console is there.
pub fn pid1() -> Result<(), String> {
    let feeder = Feeder::default();
    let fed = feeder.start();
    stop::listen().map_err(|error| format!("failed to listen for signals: {error}"))?;
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
    println!("TINY report exit={}", updog(&["report"]));
    println!("TINY health exit={}", updog(&["health", "--reboot"]));
    println!("TINY ready");
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| format!("failed to read the console: {error}"))?;
        match Command::parse(&line) {
            None => {}
            Some(Ok(command)) => obey(command, &feeder),
            Some(Err(problem)) => println!("TINY error: {problem}"),
        }
        bury();
    }
    Err("the console is gone".to_owned())
}

fn greet(cmdline: &str, fed: bool) {
    let version = field(&text("/usr/lib/os-release"), "VERSION_ID").unwrap_or_default();
    let slot = word(cmdline, "updog.slot").unwrap_or_default();
    let boot = text("/proc/sys/kernel/random/boot_id");
    println!("TINY up slot={slot} version={version} boot={boot}");
    for name in ["private", "var"] {
        if Path::new("/run/updog/volatile").join(name).exists() {
            println!("TINY volatile {name}");
        }
    }
    if !fed {
        println!("TINY no watchdog");
    }
}

fn join_network(cmdline: &str) {
    let address = match word(cmdline, "tiny.ip") {
        None => Some(Address::QEMU),
        Some(text) => Address::parse(&text),
    };
    let Some(address) = address else {
        println!("TINY error: tiny.ip is no IP/BITS[,GATEWAY]");
        return;
    };
    if let Err(error) = network::up("eth0", &address) {
        println!("TINY no network: {error}");
    }
}

fn obey(command: Command, feeder: &Feeder) {
    match command {
        Command::Run(words) => println!("TINY exit={}", run(&words)),
        Command::Write { path, text } => match fs::write(&path, format!("{text}\n")) {
            Ok(()) => println!("TINY exit=0"),
            Err(error) => println!("TINY error: failed to write {path}: {error}"),
        },
        Command::Doom(doom) => suffer(doom, feeder),
        Command::Reboot => stop::now(Stop::Restart),
        Command::PowerOff => stop::now(Stop::PowerOff),
    }
}

fn suffer(doom: Doom, feeder: &Feeder) {
    println!(
        "TINY {}",
        match doom {
            Doom::Panic => "panics",
            Doom::Exit => "exits",
            Doom::Hang => "hangs",
        }
    );
    match doom {
        Doom::Panic => {
            if let Err(error) = fs::write("/proc/sysrq-trigger", "c") {
                println!("TINY error: the kernel does not panic: {error}");
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

/// Children whose parents have ended are PID 1's; one that nobody waits for stays for ever.
fn bury() {
    while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
}

const UPDOG: &str = "/usr/bin/updog";
