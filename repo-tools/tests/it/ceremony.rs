//! Requests: signing across people and days. What comes back is taken whole, right and of this repository, or not at all.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use trust_core::{Expiry, Freshness, Limits, Reply, Session, Stored};
use updog_repo::keys::Signer;
use updog_repo::request::{Fault, Request, collect, for_root, for_targets};
use updog_repo::{Error, Papers, Role, Rotation};

use crate::common::{Yard, day, wait};

const TWO: NonZeroU64 = NonZeroU64::MIN.saturating_add(1);

/// Root 1: two of a, b, c. Root 2, proposed: two of b, c, d.
struct Cast {
    yard: Yard,
    keys: [Signer; 4],
    root: Vec<u8>,
}

impl Cast {
    fn new() -> Self {
        let yard = Yard::bare();
        let keys = ["a", "b", "c", "d"].map(|name| yard.key(name));
        let [a, b, c, d] = &keys;
        yard.edit_root(|next| {
            for (key, name) in [(a, "ann"), (b, "ben"), (c, "cem")] {
                next.add_key(&key.public(), &[Role::Root]).unwrap();
                next.name_key(key.id(), name).unwrap();
            }
            next.set_threshold(Role::Root, TWO).unwrap();
            next.add_key(&a.public(), &[Role::Snapshot, Role::Timestamp]).unwrap();
            for key in [a, b, c] {
                next.add_key(&key.public(), &[Role::Targets]).unwrap();
            }
            next.set_threshold(Role::Targets, TWO).unwrap();
        });
        let question = for_root(yard.folder.papers().unwrap(), day(1)).unwrap();
        let collected =
            gather(&yard, Role::Root, &[signed(&question, &[a]), signed(&question, &[c])]).unwrap();
        yard.folder.save_papers(&collected).unwrap();
        let root = collected.roots.last().unwrap().bytes().to_vec();
        yard.edit_root(|next| {
            next.remove_key(a.id(), &[Role::Root]).unwrap();
            next.add_key(&d.public(), &[Role::Root]).unwrap();
            next.name_key(d.id(), "dora").unwrap();
        });
        Self { yard, keys, root }
    }

    fn question(&self) -> Request {
        for_root(self.yard.folder.papers().unwrap(), day(2)).unwrap()
    }
}

/// The request as its holder gives it back, over the file it came in.
fn signed(question: &Request, keys: &[&Signer]) -> Request {
    let mut answer = Request::parse(&question.encode().unwrap()).unwrap();
    for key in keys {
        wait(answer.sign(key)).unwrap();
    }
    Request::parse(&answer.encode().unwrap()).unwrap()
}

fn gather(yard: &Yard, role: Role, answers: &[Request]) -> Result<Papers, Error> {
    take(yard.folder.papers().unwrap(), role, answers)
}

fn take(papers: Papers, role: Role, answers: &[Request]) -> Result<Papers, Error> {
    let named: Vec<(PathBuf, Request)> = answers
        .iter()
        .enumerate()
        .map(|(at, answer)| (format!("{at}.request").into(), answer.clone()))
        .collect();
    collect(papers, role, &named, Rotation::OldAndNew, day(3)).map(|collected| collected.papers)
}

fn fault(result: Result<Papers, Error>) -> Fault {
    match result {
        Err(Error::Requests { refused }) => refused.into_iter().next().unwrap().fault,
        other => panic!("{other:?}"),
    }
}

/// Whether a client that stands on `root` takes `next` for its successor.
fn client_takes(root: &[u8], next: &[u8]) -> bool {
    let fresh = Freshness { now: day(3), expiry: Expiry::Enforce };
    let stored = Stored { root: root.to_vec(), ..Stored::default() };
    let mut session = Session::begin(stored, fresh, Limits::default()).unwrap();
    assert_eq!(session.next_request().unwrap().path, "2.root.json");
    session.receive(Reply::Bytes(next.to_vec())).is_ok()
        && session.next_request().is_some_and(|request| request.path == "3.root.json")
}

/// Every order of every subset of these.
fn orders(of: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for first in of {
        let rest: Vec<usize> = of.iter().copied().filter(|other| other != first).collect();
        all.extend(orders(&rest).into_iter().map(|tail| [vec![*first], tail].concat()));
    }
    all
}

#[test]
fn every_subset_of_signers_in_every_order_gives_a_root_that_clients_take_or_none() {
    let cast = Cast::new();
    let question = cast.question();
    let answers = cast.keys.each_ref().map(|key| signed(&question, &[key]));
    let (mut complete, mut finals) = (0, std::collections::BTreeSet::new());
    for order in orders(&[0, 1, 2, 3]) {
        let mut papers = cast.yard.folder.papers().unwrap();
        for (at, who) in order.iter().enumerate() {
            // Twice each time: the same key counts once.
            let again = [answers[*who].clone(), answers[*who].clone()];
            papers = take(papers, Role::Root, &again).unwrap();
            let so_far = &order[..=at];
            let old = so_far.iter().filter(|who| **who < 3).count();
            let new = so_far.iter().filter(|who| **who > 0).count();
            let enough = old >= 2 && new >= 2;
            assert_eq!(papers.next_root.is_none(), enough, "{so_far:?}");
            let bytes = match &papers.next_root {
                Some(next) => next.document().bytes().to_vec(),
                None => papers.roots[1].bytes().to_vec(),
            };
            assert_eq!(client_takes(&cast.root, &bytes), enough, "{so_far:?}");
            complete += usize::from(enough);
        }
        // All in one file that was handed around, or in many files taken at once: the same root.
        let keys: Vec<&Signer> = order.iter().map(|who| &cast.keys[*who]).collect();
        if !keys.is_empty() {
            let around = gather(&cast.yard, Role::Root, &[signed(&question, &keys)]).unwrap();
            let at_once: Vec<Request> = order.iter().map(|who| answers[*who].clone()).collect();
            let at_once = gather(&cast.yard, Role::Root, &at_once).unwrap();
            let bytes = |papers: &Papers| {
                papers.next_root.as_ref().map_or(papers.roots.last().unwrap().bytes().to_vec(), |next| {
                    next.document().bytes().to_vec()
                })
            };
            assert_eq!(bytes(&around), bytes(&at_once), "{order:?}");
            if around.next_root.is_none() && order.len() == 4 {
                finals.insert(bytes(&around));
            }
        }
    }
    assert!(complete > 60, "{complete}");
    assert_eq!(finals.len(), 1);
}

#[test]
fn no_byte_of_a_request_can_be_changed_unnoticed() {
    let cast = Cast::new();
    let answer = signed(&cast.question(), &[&cast.keys[1]]);
    let file = answer.encode().unwrap();
    let end_of_text = file.windows(10).position(|window| window == b"-----BEGIN").unwrap();
    for at in (0..file.len()).filter(|at| *at < end_of_text || at % 7 == 0) {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(Request::parse(&changed).is_err(), "byte {at}");
    }
    for end in (0..file.len()).step_by(97) {
        assert!(Request::parse(&file[..end]).is_err(), "cut at {end}");
    }
    let text = String::from_utf8(file).unwrap();
    let lie = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}: {text}");
        Request::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err()
    };
    assert_eq!(lie("dora", "dara"), Fault::Altered);
    assert_eq!(lie("may no longer sign", "may sign"), Fault::Altered);
    assert_eq!(lie("\n\n", "\n \n"), Fault::Altered);
    let signature = text.lines().last().unwrap();
    assert_eq!(Request::parse(format!("{text}{signature}\n").as_bytes()).unwrap_err(), Fault::Altered);
    assert_eq!(Request::parse(format!("{text}PS\n").as_bytes()).unwrap_err(), Fault::Altered);
    let wrong = signature[..signature.len() - 4].to_owned() + "0000";
    assert!(matches!(lie(signature, &wrong), Fault::WrongSignature { .. }));
    let stranger = signature.replacen(&hex::encode(cast.keys[1].id()), &"ab".repeat(32), 1);
    assert!(matches!(lie(signature, &stranger), Fault::Stranger { .. }));
    assert_eq!(Request::parse(b"hello").unwrap_err(), Fault::NotARequest);
    let later = text.replacen("format 1", "format 2", 1);
    assert!(matches!(Request::parse(later.as_bytes()), Err(Fault::OtherFormat { found }) if found == "2"));
}

/// The words are part of the format: other words need another format number.
#[test]
fn the_text_says_who_comes_who_goes_and_who_must_sign() {
    let cast = Cast::new();
    let text = cast.question().text().unwrap();
    let short = |word: &str| if word.len() == 64 { "#".to_owned() } else { word.to_owned() };
    let text = text.split_inclusive([' ', '\n']).map(|word| {
        let (word, end) = word.split_at(word.len() - 1);
        short(word) + end
    });
    let text: String = text.collect();
    // Keys are listed by id, and these ids are made by chance.
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&text), sorted(TEXT), "{text}");
}

const TEXT: &str = "\
updog signing request, format 1

Read it with \"updog-repo root sign FILE --key KEY\", which makes this text anew from the bytes below
and refuses the file when the text says anything else. Nothing is signed before you agree.

Root 2, to take the place of root 1.

What changes:
  root: dora # may sign
  root: ann # may no longer sign

Who may sign under root 2:
  root: 2 of 3
    ben #
    cem #
    dora #
  targets: 2 of 3
    ann #
    ben #
    cem #
  snapshot: 1 of 1
    ann #
  timestamp: 1 of 1
    ann #

Who must sign this, all of:
  2 of 3, by root 1:
    ann #
    ben #
    cem #
  2 of 3, by root 2:
    ben #
    cem #
    dora #

To be compared by word of mouth:
  bytes to be signed: sha256 #
  root 1: sha256 #
";

#[test]
fn stale_foreign_and_empty_answers_are_refused_by_name_and_nothing_is_taken() {
    let cast = Cast::new();
    let [_, b, c, _] = &cast.keys;
    let question = cast.question();
    let good = signed(&question, &[b]);
    assert_eq!(fault(gather(&cast.yard, Role::Root, &[good.clone(), question.clone()])), Fault::NoSignature);
    assert!(matches!(
        fault(gather(&cast.yard, Role::Targets, std::slice::from_ref(&good))),
        Fault::OtherRole { .. }
    ));

    // Of another repository, where the same people sign.
    let other = Yard::bare();
    other.edit_root(|next| {
        for key in [b, c] {
            next.add_key(&key.public(), &Role::ALL).unwrap();
        }
    });
    let first = for_root(other.folder.papers().unwrap(), day(1)).unwrap();
    let papers = gather(&other, Role::Root, &[signed(&first, &[b])]).unwrap();
    other.folder.save_papers(&papers).unwrap();
    other.edit_root(|next| {
        next.set_expires(day(300)).unwrap();
    });
    let foreign = signed(&for_root(other.folder.papers().unwrap(), day(2)).unwrap(), &[b]);
    let refused = gather(&cast.yard, Role::Root, &[good.clone(), foreign.clone(), question]);
    match &refused {
        Err(Error::Requests { refused }) => {
            assert_eq!(refused.len(), 2);
            assert_eq!(refused[0].path, Path::new("1.request"));
            assert_eq!(refused[0].fault, Fault::Foreign { version: 1 });
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(refused.unwrap_err().exit(), updater_core::Exit::Untrusted);

    // The proposal moved on.
    cast.yard.edit_root(|next| {
        next.set_expires(day(200)).unwrap();
    });
    assert!(matches!(fault(gather(&cast.yard, Role::Root, &[good])), Fault::Stale { .. }));
    let good = signed(&cast.question(), &[b, c]);
    let papers = gather(&cast.yard, Role::Root, std::slice::from_ref(&good)).unwrap();
    cast.yard.folder.save_papers(&papers).unwrap();
    // Late is not wrong: the root is complete, and its bytes stay.
    let late = gather(&cast.yard, Role::Root, &[good]).unwrap();
    assert_eq!(late.roots[1].bytes(), papers.roots[1].bytes());
}

#[test]
fn a_signer_who_trusts_another_root_or_another_key_signs_nothing() {
    let cast = Cast::new();
    let mut question = cast.question();
    let stranger = cast.yard.key("stranger");
    assert!(matches!(wait(question.sign(&stranger)), Err(Error::WrongKey { .. })));
    let mine = cast.yard.folder.papers().unwrap().roots[0].clone();
    question.check_root(&mine).unwrap();
    let (other, key) = Yard::with_key();
    other.missing(&[&key], day(1));
    let theirs = other.folder.papers().unwrap().roots[0].clone();
    assert_eq!(question.check_root(&theirs), Err(Fault::NotYourRoot { version: 1 }));
    assert!(matches!(question.check_time(day(500)), Err(Error::ExpiresAtOnce { .. })));
}

#[test]
fn targets_are_signed_two_of_three_by_the_same_files() {
    let cast = Cast::new();
    let yard = &cast.yard;
    let [a, b, c, _] = &cast.keys;
    // Root 2 first, as `sign` would ask.
    let papers = gather(yard, Role::Root, &[signed(&cast.question(), &[b, c])]).unwrap();
    yard.folder.save_papers(&papers).unwrap();
    yard.add("1.0.0");
    yard.missing(&[], day(2));
    let ask = || {
        let manifest = yard.folder.draft().unwrap().manifest.encode().unwrap();
        for_targets(yard.folder.papers().unwrap(), Rotation::OldAndNew, manifest, None).unwrap()
    };
    let question = ask();
    let text = question.text().unwrap();
    assert!(text.contains("release added: tiny x86_64 1.0.0"), "{text}");
    assert!(text.contains("file added: manifest.json: "), "{text}");
    let answers = [a, b, c].map(|key| signed(&question, &[key]));
    for order in orders(&[0, 1, 2]).into_iter().filter(|order| !order.is_empty()) {
        let mut papers = yard.folder.papers().unwrap();
        for (at, who) in order.iter().enumerate() {
            papers = take(papers, Role::Targets, &[answers[*who].clone()]).unwrap();
            let root = papers.roots.last().unwrap().role().clone();
            let enough = papers.targets.as_ref().unwrap().verifies_under(&root);
            assert_eq!(enough, at >= 1, "{order:?}");
        }
        // A third signature would change bytes that snapshot may name already: it came too late.
        assert_eq!(papers.targets.unwrap().signatures(), order.len().min(2));
    }
    let papers = gather(yard, Role::Targets, &answers[..2]).unwrap();
    yard.folder.save_papers(&papers).unwrap();
    let version = papers.targets.as_ref().unwrap().version();
    assert_eq!(yard.sign(&[a], day(3)).versions().targets, version, "sign goes on from there");

    // The next release is compared with this one; the old answers are stale.
    let before = updog_repo::request::Before {
        document: papers.targets.unwrap(),
        manifest: yard.folder.draft().unwrap().manifest.encode().unwrap(),
    };
    yard.add("1.1.0");
    yard.missing(&[], day(4));
    let manifest = yard.folder.draft().unwrap().manifest.encode().unwrap();
    let papers = yard.folder.papers().unwrap();
    let question = for_targets(papers, Rotation::OldAndNew, manifest, Some(before)).unwrap();
    let text = question.text().unwrap();
    assert!(text.contains("release added: tiny x86_64 1.1.0") && !text.contains("added: tiny x86_64 1.0.0"));
    assert_eq!(Request::parse(&question.encode().unwrap()).unwrap().text().unwrap(), text);
    assert!(matches!(fault(gather(yard, Role::Targets, &answers)), Fault::Stale { .. }));
}
