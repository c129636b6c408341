//! What happens to this host by other hands: each new line of its history is an event too.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use serde_json::Value;

use super::seen::Seen;
use crate::state::State;

/// Follows the history in the state folder, on a thread that sleeps until it changes and ends with the process. A folder that is not
/// there is not followed.
pub(super) fn follow(folder: PathBuf, seen: Arc<Seen>) -> io::Result<()> {
    let watch = watch(&folder)?;
    let mut known = lines(&folder);
    // What happened before this daemon, at the boot for one, is there for listeners that come back.
    for line in known.get(known.len().saturating_sub(BEFORE)..).unwrap_or_default() {
        seen.history(line.clone());
    }
    let follow = move || {
        let mut space = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(watch, &mut space);
        // An error ends it: what others do is no longer told, all else is.
        while let Ok(event) = events.next() {
            if event.file_name() != Some(HISTORY) {
                continue;
            }
            let now = lines(&folder);
            for line in new_lines(&known, &now) {
                seen.history(line.clone());
            }
            known = now;
        }
    };
    thread::Builder::new().name("history".to_owned()).stack_size(STACK).spawn(follow).map(drop)
}

fn watch(folder: &Path) -> io::Result<OwnedFd> {
    let watch = inotify::init(CreateFlags::CLOEXEC)?;
    // Written beside and renamed, so a name that comes is a file that is whole.
    inotify::add_watch(&watch, folder, WatchFlags::MOVED_TO | WatchFlags::ONLYDIR)?;
    Ok(watch)
}

fn lines(folder: &Path) -> Vec<Value> {
    let lines = State::new(folder).history();
    lines.iter().filter_map(|line| serde_json::to_value(line).ok()).collect()
}

/// The lines after the last one that both have; the oldest may have gone.
fn new_lines<'a>(known: &[Value], now: &'a [Value]) -> &'a [Value] {
    let kept = (0..=known.len()).find_map(|gone| {
        let rest = known.get(gone..)?;
        now.starts_with(rest).then_some(rest.len())
    });
    now.get(kept.unwrap_or(0)..).unwrap_or_default()
}

const HISTORY: &CStr = c"history.jsonl";
/// Lines of history that a daemon begins with.
const BEFORE: usize = 32;
/// Enough for a history of 500 lines, which lies on the heap.
const STACK: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn new_lines_are_those_after_the_ones_that_were_there() {
        let lines = |range: std::ops::Range<i32>| range.map(|n| json!(n)).collect::<Vec<_>>();
        let cases = [
            (0..0, 0..3, 0..3),
            (0..3, 0..3, 0..0),
            (0..3, 0..5, 3..5),
            // The oldest went.
            (0..5, 2..7, 5..7),
            // All of it is another's.
            (0..3, 7..9, 7..9),
            (0..3, 0..0, 0..0),
        ];
        for (known, now, expected) in cases {
            let shown = lines(now.clone());
            assert_eq!(new_lines(&lines(known.clone()), &shown), lines(expected), "{known:?} {now:?}");
        }
    }
}
