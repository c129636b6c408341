//! One run: what was typed becomes a context, a verb and its answer.

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use chrono::Utc;
use clap::Parser;
use clap::error::ErrorKind;
use partition_disk::said;
use serde_json::json;
use updater_core::Exit;

use crate::answer::Answer;
use crate::cli::{Cli, Global, Verb, bottlerocket};
use crate::config::{self, Loaded};
use crate::interrupt::Interrupt;
use crate::machine::Machine;
use crate::report::{self, Event, Human, Json, Reporter};
use crate::state::State;
use crate::{Context, Error, Result, journal, metrics, serve, verbs};

/// Reads the command line, runs its verb, shows the answer, and says how the process ends.
pub fn run(arguments: impl IntoIterator<Item = OsString>, interrupt: &Interrupt) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &arguments),
    };
    log(&cli);
    let reporter: Box<dyn Reporter> =
        if cli.global.json { Box::<Json>::default() } else { Box::<Human>::default() };
    let answer =
        answer(&cli, reporter.as_ref(), interrupt).unwrap_or_else(|error| Answer::from_error(&error));
    match &cli.verb {
        Verb::Bottlerocket(verb) => verbs::bottlerocket::show(verb, &cli.global, &answer),
        verb => show(verb.name(), cli.global.json, &answer),
    }
}

fn answer(cli: &Cli, reporter: &dyn Reporter, interrupt: &Interrupt) -> Result<Answer> {
    let global = &cli.global;
    let loaded = match config::load(global.config.as_deref(), cli.verb.strictness()) {
        Ok(loaded) => loaded,
        Err(error) => {
            show_bad_config(cli, reporter, interrupt);
            return Err(error.into());
        }
    };
    for note in &loaded.notes {
        reporter.event(&Event::Note { message: note.clone() });
    }
    let Loaded { mut settings, merged, notes } = loaded;
    if let Verb::Config { .. } = cli.verb {
        return Ok(verbs::config::show(&merged, &notes));
    }
    if let Verb::Bottlerocket(verb) = &cli.verb
        && let Some(variant) = &verb.flags().variant
    {
        settings.variant = Some(variant.clone());
    }
    let ctx = context(global, settings, reporter, interrupt);
    let answer = match &cli.verb {
        Verb::Serve => serve::run(&ctx, global),
        Verb::Watch => serve::watch(&ctx, global),
        verb => verbs::run(&ctx, verb),
    };
    if answer.as_ref().is_ok_and(|answer| answer.exit == Exit::Done) {
        verbs::permit::give_back_aside(&ctx, &cli.verb, global.config.as_deref());
    }
    show_outside(&ctx, &cli.verb, &answer);
    for note in ctx.state.notes() {
        ctx.note(note);
    }
    answer
}

/// The edges of a run, as typed and as configured.
pub(crate) fn context<'a>(
    global: &Global,
    settings: config::Settings,
    reporter: &'a dyn Reporter,
    interrupt: &Interrupt,
) -> Context<'a> {
    Context {
        state: State::new(global.state.clone().unwrap_or_else(|| settings.state.clone())),
        machine: machine(global, &settings),
        now: global.clock.unwrap_or_else(now),
        began: crate::uptime::uptime(),
        config: settings,
        reporter,
        interrupt: interrupt.clone(),
    }
}

/// A host whose timer fails for its configuration is one to be seen: what can be read of it says where.
fn show_bad_config(cli: &Cli, reporter: &dyn Reporter, interrupt: &Interrupt) {
    if let Ok(loaded) = config::load(cli.global.config.as_deref(), config::Strictness::Lenient) {
        metrics::keep(&context(&cli.global, loaded.settings, reporter, interrupt), &cli.verb);
    }
}

/// What others see of this run. Nothing here changes how it ends.
fn show_outside(ctx: &Context<'_>, verb: &Verb, answer: &Result<Answer>) {
    let fetched = answer.as_ref().ok().and_then(|answer| answer.data.get("fetched_bytes"));
    if let Some(bytes) = fetched.and_then(serde_json::Value::as_u64) {
        verbs::looks::fetched(ctx, bytes);
    }
    journal::tell(ctx, verb, answer);
    metrics::keep(ctx, verb);
}

fn machine(global: &Global, settings: &config::Settings) -> Machine {
    Machine {
        disk: global.disk.clone().or_else(|| settings.disk.clone()),
        booted: global.booted,
        boot_id: global.boot_id.clone(),
        os_release: global.os_release.clone(),
        sysroot: global.sysroot.clone(),
    }
}

/// The host's clock, asked once a run.
fn now() -> chrono::DateTime<Utc> {
    std::time::SystemTime::now().into()
}

fn show(verb: &str, json: bool, answer: &Answer) -> ExitCode {
    let exit = if json {
        print(&answer.json(Some(verb)).to_string(), answer.exit)
    } else if matches!(answer.exit, Exit::Done | Exit::NothingToDo | Exit::MustWait | Exit::Attention) {
        let exit = print(&answer.message, answer.exit);
        hint(answer);
        exit
    } else {
        complain(answer);
        answer.exit
    };
    ExitCode::from(exit.code())
}

/// An error, once, and what to do about it.
pub(crate) fn complain(answer: &Answer) {
    let bug = if answer.exit == Exit::Bug && !answer.message.starts_with("this is a bug") {
        "this is a bug in updog: "
    } else {
        ""
    };
    said::aside(&format!("error: {bug}{}", answer.message));
    hint(answer);
}

/// Prints an answer that ends with `exit`, and says how the run ends.
pub(crate) fn print(line: &str, exit: Exit) -> Exit {
    said(said::line(line), exit)
}

/// How a run ends whose answer would end with `exit`: as a failure of the disk where it could not be written.
fn said(written: io::Result<()>, exit: Exit) -> Exit {
    match said::to_a_reader(written) {
        Ok(()) => exit,
        Err(error) => {
            let answer = Answer::from_error(&Error::Unsaid(error));
            complain(&answer);
            answer.exit
        }
    }
}

fn hint(answer: &Answer) {
    if let Some(hint) = &answer.hint {
        said::aside(&format!("hint: {hint}"));
    }
}

/// What clap refused, or help and version, which are no errors.
fn usage(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let foreign = typed(arguments, &bottlerocket::Verb::NAMES);
    let exit = match (error.use_stderr(), foreign) {
        (false, _) => Exit::Done,
        (true, Some(_)) => Exit::Bug,
        (true, None) => Exit::Usage,
    };
    if typed(arguments, &["--json", "-j"]).is_none() || foreign.is_some() {
        let written = error.print();
        let exit = if error.use_stderr() { exit } else { said(written, exit) };
        return ExitCode::from(if foreign.is_some() { u8::from(!exit.is_ok()) } else { exit.code() });
    }
    let text = error.to_string();
    let first = || text.lines().next().unwrap_or_default();
    let (verb, answer) = match error.kind() {
        ErrorKind::DisplayHelp => (Some("help"), Answer::done(first(), json!({ "help": text.trim_end() }))),
        ErrorKind::DisplayVersion => {
            (Some("version"), Answer::done(first(), json!({ "version": env!("CARGO_PKG_VERSION") })))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            (None, Answer::from_error(&Error::Usage("expected a verb, found none".to_owned())))
        }
        _ => (None, Answer::from_error(&Error::Usage(paragraph(&text)))),
    };
    ExitCode::from(print(&answer.json(verb).to_string(), exit).code())
}

/// What is wrong, on one line: clap's first paragraph.
fn paragraph(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    lines.join(" ").trim_start_matches("error: ").to_owned()
}

/// The first of these words among the arguments.
fn typed(arguments: &[OsString], words: &[&'static str]) -> Option<&'static str> {
    let mut arguments = arguments.iter().skip(1);
    arguments.find_map(|argument| words.iter().find(|word| argument.as_os_str() == **word).copied())
}

fn log(cli: &Cli) {
    let level = match (&cli.verb, cli.global.verbose) {
        (Verb::Bottlerocket(verb), 0) => verb.flags().log_level.unwrap_or(tracing::Level::WARN),
        (_, 0) => tracing::Level::WARN,
        (_, 1) => tracing::Level::INFO,
        (_, 2) => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    report::log(level, cli.global.json);
}
