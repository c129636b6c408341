//! `verify`: opens a built image again and checks all of it.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Answer;
use super::answer::{ATTENTION, progress};
use crate::{Error, Verified, verify};

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// A folder that `build` wrote.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Verify {
    pub(super) fn run(self, as_json: bool) -> Result<Answer, Error> {
        let Verified { problems, test_keys } = verify(&self.folder, &progress(as_json))?;
        let keys = if test_keys { "; signed with a test key: not for use" } else { "" };
        let shown = self.folder.display();
        if problems.is_empty() {
            let text = format!(
                "{shown} holds: table, files, signatures, hash tree and file systems are right{keys}"
            );
            return Ok(Answer::done(text, json!({ "problems": [], "test_keys": test_keys })));
        }
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let text =
            format!("{shown} does not hold, {} problems{keys}:\n  {}", lines.len(), lines.join("\n  "));
        let data: Vec<_> = problems
            .iter()
            .map(|problem| json!({ "place": problem.place, "problem": problem.problem }))
            .collect();
        Ok(Answer { text, data: json!({ "problems": data, "test_keys": test_keys }), exit: ATTENTION })
    }
}
