//! The completions: bash is asked; what the others get is there and names every verb.

use std::fs;
use std::process::Command;

use updog_packaging::completions::scripts;

use crate::said;

/// What bash offers after these words.
fn offered(program: &str, words: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let command =
        updog_packaging::programs().into_iter().find(|command| command.get_name() == program).unwrap();
    let script =
        scripts(&command).into_iter().find(|script| script.name == format!("{program}.bash")).unwrap();
    let path = dir.path().join(&script.name);
    fs::write(&path, script.text).unwrap();
    // As readline does it: the function that `complete -p` names is called with the words typed so far.
    let ask = r#"set -eu; set +u
        source "$1"
        function=$(complete -p "$2" | sed 's/.*-F \([^ ]*\).*/\1/')
        read -ra COMP_WORDS <<<"$3"; [ "${3% }" = "$3" ] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_LINE=$3; COMP_POINT=${#3}
        compopt() { :; }
        last=${COMP_WORDS[COMP_CWORD]}; before=${COMP_WORDS[COMP_CWORD-1]}
        "$function" "$2" "$last" "$before"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let (well, words) = said(Command::new("bash").args(["-c", ask, "-"]).arg(&path).args([program, words]));
    assert!(well, "{words}");
    words.lines().map(str::to_owned).collect()
}

#[test]
fn bash_offers_verbs_and_options() {
    let verbs = offered("updog", "updog ");
    for program in updog_packaging::programs() {
        let offered = offered(program.get_name(), &format!("{} ", program.get_name()));
        for verb in program.get_subcommands().filter(|verb| !verb.is_hide_set()) {
            assert!(offered.iter().any(|word| word == verb.get_name()), "{}: {offered:?}", verb.get_name());
        }
    }
    // What the command line hides is not offered.
    for hidden in ["restart", "update-image", "--sysroot"] {
        assert!(!verbs.iter().any(|word| word == hidden), "{hidden}: {verbs:?}");
    }
    assert_eq!(offered("updog", "updog rol"), ["rollback"]);
    let options = offered("updog", "updog check --");
    assert!(
        ["--explain", "--to", "--json"].iter().all(|it| options.iter().any(|word| word == it)),
        "{options:?}"
    );
}

#[test]
fn every_shell_knows_every_verb() {
    for program in updog_packaging::programs() {
        let scripts = scripts(&program);
        let name = program.get_name();
        let names: Vec<&str> = scripts.iter().map(|script| &*script.name).collect();
        assert_eq!(names, [format!("{name}.bash"), format!("_{name}"), format!("{name}.fish")]);
        for script in &scripts {
            let text = String::from_utf8(script.text.clone()).unwrap();
            for verb in program.get_subcommands().filter(|verb| !verb.is_hide_set()) {
                assert!(text.contains(verb.get_name()), "{}: {}", script.name, verb.get_name());
            }
        }
    }
}
