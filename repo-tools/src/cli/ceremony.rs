//! `propose`, `sign FILE`, `collect` and `check`, of roots and of targets: signing across people and days.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tough::schema::Root;

use super::answer::Ending;
use super::{Answer, Context, block_on, signers};
use crate::ceremony::NextRoot;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::files;
use crate::folder::Folder;
use crate::metadata::read_document;
use crate::names::called;
use crate::request::{Fault, MAX_REQUEST, Refused, Request, collect, keep, put_new, still_missing};
use crate::role::Role;
use crate::unsigned::{Missing, Papers, Rotation};

/// How a request is signed.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    /// A root that this signer trusts, from an earlier ceremony: the request must build on it.
    #[arg(long, value_name = "FILE", requires = "file", value_parser = super::local)]
    root: Option<PathBuf>,
    /// Write the signed request here, unless another file is there; otherwise it takes the place of FILE.
    #[arg(long, value_name = "FILE", requires = "file", value_parser = super::local)]
    out: Option<PathBuf>,
    /// Sign without asking, for scripts. What is signed is shown all the same.
    #[arg(long, requires = "file")]
    yes: bool,
}

/// Writes a request.
pub(super) fn propose(context: &Context, request: &Request, out: Option<&Path>) -> Result<Answer> {
    let (role, version) = (request.role(), request.version());
    let default = PathBuf::from(format!("{role}-{version}.request"));
    let path = out.unwrap_or(&default);
    let bytes = request.encode().map_err(refuse(path))?;
    let changed = put_new(context.files.as_ref(), path, &bytes)?;
    let text = request.text().map_err(refuse(path))?;
    let mut lines = vec![text.clone()];
    lines.push(format!(
        "Send it to whoever must sign: \"updog-repo {role} sign FILE --key KEY\" needs nothing else."
    ));
    lines.push(format!("proposed: {role} {version}: {}", path.display()));
    let mut data = about(request)?;
    data["file"] = json!(path);
    data["changed"] = json!(changed);
    Ok(Answer::done(lines, data))
}

/// Signs a request, with nothing at hand but the file and the key.
pub(super) fn sign_file(
    context: &Context,
    role: Role,
    file: &Path,
    keys: &[PathBuf],
    how: &How,
) -> Result<Answer> {
    let mut request = open(context, file)?;
    if request.role() != role {
        let fault = Fault::OtherRole { expected: role.name(), found: request.role().name() };
        return Err(refuse(file)(fault));
    }
    if let Some(path) = &how.root {
        let trusted =
            read_document::<Root>(context.files.as_ref(), path)?.ok_or_else(|| Error::misnamed(path))?;
        request.check_root(&trusted).map_err(refuse(file))?;
    }
    request.check_time(context.now)?;
    let text = request.text().map_err(refuse(file))?;
    // A rehearsal signs nothing that stays.
    let mut lines = agree(&text, &request, how.yes || context.rehearsal.is_some())?;
    if how.root.is_none() && !request.roots().is_empty() {
        lines.push(
            "Not compared with a root of yours: name one with --root, or compare the digests above.".into(),
        );
    }
    let signers = signers(context, keys)?;
    let mut added = Vec::new();
    for signer in &signers {
        let id = hex::encode(signer.id());
        if block_on(request.sign(signer))? {
            lines.push(format!("Signed by {}.", called(&request.holders(), &id)));
            added.push(id);
        } else {
            lines.push(format!("{} had signed already.", called(&request.holders(), &id)));
        }
    }
    let out = how.out.as_deref().unwrap_or(file);
    if !added.is_empty() || how.out.is_some() {
        request = keep(context.files.as_ref(), out, request)?;
    }
    lines.extend(waiting(&request.missing(), &request.holders()));
    let fact = if added.is_empty() { "unchanged" } else { "signed" };
    lines.push(format!("{fact}: {role} {}: {}", request.version(), out.display()));
    let mut data = about(&request)?;
    data["file"] = json!(out);
    data["changed"] = json!(!added.is_empty());
    data["added"] = json!(added);
    Ok(Answer::done(lines, data))
}

/// Takes answers into the working folder: all of them, or none.
pub(super) fn gather(
    context: &Context,
    folder: &Folder,
    role: Role,
    files: &[PathBuf],
    rotation: Rotation,
) -> Result<Answer> {
    let (mut answers, mut refused) = (Vec::new(), Vec::new());
    for path in files {
        match open(context, path) {
            Ok(request) => answers.push((path.clone(), request)),
            Err(Error::Requests { refused: faults }) => refused.extend(faults),
            Err(error) => return Err(error),
        }
    }
    let papers = folder.papers()?;
    // The good ones are judged too, so that one run says all that is wrong.
    let collected = match collect(papers.clone(), role, &answers, rotation, context.now) {
        Err(Error::Requests { refused: others }) => {
            refused.extend(others);
            return Err(Error::Requests { refused });
        }
        other if refused.is_empty() => other?,
        _ => return Err(Error::Requests { refused }),
    };
    let changed = collected.taken.iter().any(|taken| !taken.keys.is_empty());
    if changed {
        folder.save_papers(&collected.papers)?;
    }
    let papers = &collected.papers;
    let holders = Holders::of(papers, role, rotation)?;
    let roots = holders.roots();
    let mut lines = Vec::new();
    for taken in &collected.taken {
        let names: Vec<String> = taken.keys.iter().map(|id| called(&roots, id)).collect();
        let what = if names.is_empty() { "nothing new".to_owned() } else { names.join(", ") };
        lines.push(format!("{}: {what}", taken.file.display()));
    }
    let mut data = holders.json();
    data["taken"] = json!(collected.taken);
    data["changed"] = json!(changed);
    data["missing"] = json!(collected.missing);
    lines.extend(waiting(&collected.missing, &roots));
    if collected.missing.is_empty() {
        lines.push(holders.complete());
        return Ok(Answer::done(lines, data));
    }
    if changed {
        lines.push(format!("collected: {role} {}, others must follow", holders.version));
        return Ok(Answer::done(lines, data));
    }
    lines.push(format!("collected nothing new: {role} {} waits", holders.version));
    Ok(Answer::ending(Ending::Signatures, lines, data))
}

/// Who has signed and who is missing.
pub(super) fn check(papers: &Papers, role: Role, rotation: Rotation) -> Result<Answer> {
    let holders = Holders::of(papers, role, rotation)?;
    let missing = still_missing(papers, role, rotation);
    let mut lines = holders.lines();
    lines.extend(waiting(&missing, &holders.roots()));
    let mut data = holders.json();
    data["missing"] = json!(missing);
    if missing.is_empty() {
        lines.push(holders.complete());
        return Ok(Answer::done(lines, data));
    }
    lines.push(format!("{role} {} waits for signatures", holders.version));
    Ok(Answer::ending(Ending::Signatures, lines, data))
}

/// The document that is signed now, and who has signed it for which root.
struct Holders<'a> {
    role: Role,
    version: u64,
    by: Vec<(&'a Root, Vec<String>)>,
}

impl<'a> Holders<'a> {
    /// The open document of this role; when there is none, the newest one.
    fn of(papers: &'a Papers, role: Role, rotation: Rotation) -> Result<Self> {
        if role == Role::Root {
            let open = papers.next_root.as_ref().map(NextRoot::document);
            let (root, before) = match (open, papers.roots.as_slice()) {
                (Some(next), roots) => (next, roots.last()),
                (None, [.., before, newest]) => (newest, Some(before)),
                (None, [newest]) => (newest, None),
                (None, []) => return Err(Error::NoNextRoot),
            };
            let holders = before.into_iter().chain([root]).map(Document::role);
            let by = holders.map(|holder| (holder, root.signed_by(holder).into_iter().collect())).collect();
            return Ok(Self { role, version: root.version(), by });
        }
        let targets = papers.targets.as_ref().ok_or(Error::NotSigned { what: Role::Targets })?;
        let holders = crate::unsigned::required(papers, rotation);
        let by =
            holders.into_iter().map(|root| (root, targets.signed_by(root).into_iter().collect())).collect();
        Ok(Self { role, version: targets.version(), by })
    }

    fn roots(&self) -> Vec<&'a Root> {
        self.by.iter().rev().map(|(root, _)| *root).collect()
    }

    fn lines(&self) -> Vec<String> {
        let roots = self.roots();
        let line = |(root, signed): &(&Root, Vec<String>)| {
            let threshold = root.roles.get(&self.role.of_tough()).map_or(1, |keys| keys.threshold.get());
            let names: Vec<String> = signed.iter().map(|id| called(&roots, id)).collect();
            let names = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
            format!("By keys of root {}: {} of {threshold} have signed: {names}", root.version, signed.len())
        };
        self.by.iter().map(line).collect()
    }

    fn complete(&self) -> String {
        let next = match self.role {
            Role::Root => "\"updog-repo sign\" and \"publish\" show it",
            _ => "\"updog-repo sign\" goes on with snapshot and timestamp",
        };
        format!("{} {} is complete; {next}", self.role, self.version)
    }

    fn json(&self) -> Value {
        let by: Vec<Value> = self
            .by
            .iter()
            .map(|(root, signed)| json!({ "under_root": root.version, "signed": signed }))
            .collect();
        json!({ "role": self.role, "version": self.version, "signatures": by })
    }
}

/// What a request is, for scripts.
fn about(request: &Request) -> Result<Value> {
    let message = request.message().map_err(refuse(Path::new("")))?;
    let signed: Vec<String> = request.signatures().iter().map(|given| hex::encode(&given.keyid)).collect();
    Ok(json!({
        "role": request.role(),
        "version": request.version(),
        "sha256": release::Digest::of(&message).to_string(),
        "signed": signed,
        "missing": request.missing(),
        "text": request.text().map_err(refuse(Path::new("")))?,
    }))
}

fn waiting(missing: &[Missing], roots: &[&Root]) -> Vec<String> {
    missing
        .iter()
        .map(|missing| {
            let Missing { role, under_root, signatures, keys } = missing;
            let names: Vec<String> = keys.iter().map(|id| called(roots, id)).collect();
            format!("{role} needs {signatures} more by keys of root {under_root}, from: {}", names.join(", "))
        })
        .collect()
}

/// Shows what is to be signed, and has somebody agree to it. What is left to say later: the text, when it was not shown.
fn agree(text: &str, request: &Request, yes: bool) -> Result<Vec<String>> {
    if yes {
        return Ok(vec![text.to_owned()]);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Error::Unasked);
    }
    let mut screen = std::io::stderr();
    let ask = write!(screen, "{text}\nSign {} {} as above? [y/N] ", request.role(), request.version());
    let mut answer = String::new();
    ask.and_then(|()| screen.flush())
        .and_then(|()| std::io::stdin().read_line(&mut answer))
        .map_err(|source| Error::ReadFile { path: PathBuf::from("the terminal"), source })?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(Vec::new()),
        _ => Err(Error::Declined),
    }
}

fn open(context: &Context, path: &Path) -> Result<Request> {
    let bytes = read(context, path)?.ok_or_else(|| Error::ReadFile {
        path: path.to_owned(),
        source: std::io::ErrorKind::NotFound.into(),
    })?;
    Request::parse(&bytes).map_err(refuse(path))
}

fn read(context: &Context, path: &Path) -> Result<Option<Vec<u8>>> {
    files::read(context.files.as_ref(), path, MAX_REQUEST)
        .map_err(|source| Error::ReadFile { path: path.to_owned(), source })
}

fn refuse(path: &Path) -> impl Fn(Fault) -> Error {
    let path = path.to_owned();
    move |fault| Error::Requests { refused: vec![Refused { path: path.clone(), fault }] }
}
