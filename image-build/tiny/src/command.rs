//! What can be asked for on the console.

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `run PROGRAM ARGUMENT…`, split at spaces.
    Run(Vec<String>),
    /// `write PATH TEXT`
    Write {
        /// The file.
        path: String,
        /// Its content, a line end added.
        text: String,
    },
    /// `panic`, `exit`, `hang`
    Doom(Doom),
    /// `reboot`
    Reboot,
    /// `poweroff`
    PowerOff,
}

/// How a system dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doom {
    /// The kernel panics.
    Panic,
    /// PID 1 ends, by which the kernel panics too.
    Exit,
    /// Nothing happens any more; only a watchdog helps.
    Hang,
}

impl Command {
    /// Reads a line; `None`: it is empty.
    pub fn parse(line: &str) -> Option<Result<Command, String>> {
        let line = line.trim();
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim_start();
        Some(Ok(match verb {
            "" => return None,
            "run" if !rest.is_empty() => {
                Command::Run(rest.split_ascii_whitespace().map(str::to_owned).collect())
            }
            "write" => match rest.split_once(' ') {
                Some((path, text)) => Command::Write { path: path.to_owned(), text: text.to_owned() },
                None => return Some(Err("expected write PATH TEXT".to_owned())),
            },
            "reboot" => Command::Reboot,
            "poweroff" => Command::PowerOff,
            _ => match Doom::parse(verb) {
                Some(doom) => Command::Doom(doom),
                None => return Some(Err(format!("unknown command {verb:?}"))),
            },
        }))
    }
}

impl Doom {
    /// The word, here or as `tiny.do=` on the command line.
    pub fn parse(word: &str) -> Option<Doom> {
        Some(match word {
            "panic" => Doom::Panic,
            "exit" => Doom::Exit,
            "hang" => Doom::Hang,
            _ => return None,
        })
    }

    /// The last word on the kernel's command line.
    pub fn on_the_command_line(line: &str) -> Option<Doom> {
        line.split_ascii_whitespace()
            .filter_map(|word| Doom::parse(word.strip_prefix("tiny.do=")?))
            .next_back()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_understood() {
        let run = |words: &[&str]| Command::Run(words.iter().map(|word| (*word).to_owned()).collect());
        for (line, meant) in [
            ("run /usr/bin/updog  status\r", run(&["/usr/bin/updog", "status"])),
            ("write /var/x a b", Command::Write { path: "/var/x".to_owned(), text: "a b".to_owned() }),
            ("panic", Command::Doom(Doom::Panic)),
            (" exit ", Command::Doom(Doom::Exit)),
            ("hang", Command::Doom(Doom::Hang)),
            ("reboot", Command::Reboot),
            ("poweroff", Command::PowerOff),
        ] {
            assert_eq!(Command::parse(line), Some(Ok(meant)), "{line}");
        }
        assert_eq!(Command::parse("  "), None);
        for line in ["run", "write x", "sh -c x"] {
            assert!(matches!(Command::parse(line), Some(Err(_))), "{line}");
        }
    }

    #[test]
    fn a_doom_may_be_built_in() {
        assert_eq!(Doom::on_the_command_line("quiet tiny.do=hang updog.slot=B"), Some(Doom::Hang));
        assert_eq!(Doom::on_the_command_line("quiet tiny.do=dance"), None);
    }

    proptest! {
        #[test]
        fn no_line_panics(line in ".*") {
            let _ = Command::parse(&line);
            let _ = Doom::on_the_command_line(&line);
        }
    }
}
