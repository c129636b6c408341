//! The door: how many come in at once, and how long they may take to say what they want.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::patience::{Follows, Patient};
use super::peer::{Peer, Rights, Rules};

/// Lets peers in until it is aborted.
pub(super) async fn keep(listener: UnixListener, rules: Rules, router: Router) {
    let inside = Inside::default();
    // Names may be asked for over a network that does not answer: that is not to keep status from those who need no name.
    let lookups = Arc::new(Semaphore::new(LOOKUPS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // No descriptors left, say: whoever holds them gives some back, or runs into the time limit.
            sleep(PAUSE).await;
            continue;
        };
        let Ok(peer) = peer(&stream) else { continue };
        let Some(place) = inside.admit(peer.uid) else {
            turn_away(&stream);
            continue;
        };
        let (rules, router, lookups) = (rules.clone(), router.clone(), Arc::clone(&lookups));
        tokio::spawn(async move {
            let rights = match rules.without_names(peer) {
                Some(rights) => rights,
                None => look_up(&lookups, rules, peer).await,
            };
            talk(stream, router.layer(Extension(rights)), READ_WITHIN).await;
            drop(place);
        });
    }
}

async fn look_up(lookups: &Semaphore, rules: Rules, peer: Peer) -> Rights {
    let Ok(_one) = lookups.acquire().await else { return Rights::None };
    spawn_blocking(move || rules.rights(peer)).await.unwrap_or(Rights::None)
}

fn peer(stream: &UnixStream) -> io::Result<Peer> {
    let credentials = stream.peer_cred()?;
    Ok(Peer { uid: credentials.uid(), gid: credentials.gid() })
}

/// `read_within`: how long the peer may read nothing of an answer.
async fn talk(stream: UnixStream, router: Router, read_within: Duration) {
    let follows = Follows::default();
    let stream = Patient::new(stream, read_within, follows.clone());
    let router = router.layer(Extension(follows));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(HEAD_MAX);
    // That a peer goes away in the middle is no event here.
    let _ = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
}

/// Says that it is full, if that can be said without waiting.
fn turn_away(stream: &UnixStream) {
    let body = r#"{"format":1,"error":"too many connections"}"#;
    let head = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let _ = stream.try_write(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes());
}

/// Connections by user.
#[derive(Clone, Debug, Default)]
struct Inside(Arc<Mutex<HashMap<u32, usize>>>);

/// A connection that counts for as long as this lives.
#[derive(Debug)]
struct Place {
    inside: Inside,
    uid: u32,
}

impl Inside {
    /// A place, if there is one. Each user has so many, and all but root leave some for root.
    fn admit(&self, uid: u32) -> Option<Place> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own) = (counts.values().sum::<usize>(), counts.get(&uid).copied().unwrap_or(0));
        let room = if uid == 0 { all < ALL } else { own < OF_ONE && all < ALL - FOR_ROOT };
        room.then(|| {
            *counts.entry(uid).or_default() += 1;
            Place { inside: self.clone(), uid }
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.inside.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.uid) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.uid);
            }
        }
    }
}

/// Connections at once.
const ALL: usize = 64;
/// Of these, no other user can take.
const FOR_ROOT: usize = 16;
/// Of one user other than root.
const OF_ONE: usize = 16;
/// How long the head of a request may take, the wait for the next one on the same connection included.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a peer may read nothing of its answer.
const READ_WITHIN: Duration = Duration::from_secs(30);
/// Bytes of a head; the least that hyper takes.
const HEAD_MAX: usize = 8192;
/// Peers that are looked up at once: fewer than there are threads for all that takes a moment.
const LOOKUPS: usize = 2;
/// Before the next try to accept, when one has failed.
const PAUSE: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::AsyncWriteExt as _;
    use tokio::runtime::Builder;
    use tokio::time::timeout;

    use super::*;

    /// Its place is another's then.
    #[test]
    fn who_asks_and_never_reads_is_hung_up_on() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            // More than the kernel keeps for a peer.
            let router = Router::new().route("/", get(async || vec![b'x'; 16 << 20]));
            theirs.write_all(b"GET / HTTP/1.1\r\nhost: updog\r\n\r\n").await.unwrap();
            let talked = talk(ours, router, Duration::from_millis(50));
            assert!(timeout(Duration::from_mins(2), talked).await.is_ok(), "it waits");
        });
    }

    #[test]
    fn one_user_does_not_fill_the_room_and_all_leave_some_to_root() {
        let inside = Inside::default();
        let mut places: Vec<Place> = (0..100).filter_map(|_| inside.admit(1000)).collect();
        assert_eq!(places.len(), OF_ONE);
        for uid in 2000..2100 {
            places.extend(inside.admit(uid));
        }
        assert_eq!(places.len(), ALL - FOR_ROOT);
        places.extend((0..100).filter_map(|_| inside.admit(0)));
        assert_eq!(places.len(), ALL);
        drop(places);
        assert!(inside.0.lock().unwrap().is_empty());
        assert!(inside.admit(1000).is_some());
    }
}
