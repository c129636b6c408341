//! Who is at the other end, by the kernel's word, and what that lets them do.

use std::ffi::CString;

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

use crate::config::{Readers, Serve};

/// What a peer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rights {
    /// Nothing.
    None,
    /// Look.
    Read,
    /// Look, and have things done.
    Act,
}

/// The credentials of a peer, as they were when it connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// Effective user.
    pub(super) uid: u32,
    /// Effective group.
    pub(super) gid: u32,
}

/// Who may do what.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    group: Option<Gid>,
    read: Readers,
}

impl Rules {
    /// As configured; a group that is not there has no members.
    pub(super) fn new(config: &Serve) -> Rules {
        let group = Group::from_name(&config.group).ok().flatten().map(|group| group.gid);
        Rules { group, read: config.read }
    }

    /// The group that may act.
    pub(super) fn group(&self) -> Option<Gid> {
        self.group
    }

    /// The same where the credentials alone tell; `None`: names must be asked for.
    pub(super) fn without_names(&self, peer: Peer) -> Option<Rights> {
        let is_member = self.group.is_some_and(|group| Gid::from_raw(peer.gid) == group);
        let acts = Uid::from_raw(peer.uid).is_root() || is_member;
        (acts || self.group.is_none()).then(|| self.decide(peer, |_, _| Vec::new()))
    }

    /// What this peer may do. May ask for names over a network, as the host is set up: not to be called where that would
    /// hold others up.
    pub(super) fn rights(&self, peer: Peer) -> Rights {
        self.decide(peer, groups_of)
    }

    fn decide(&self, peer: Peer, groups: impl FnOnce(Uid, Gid) -> Vec<Gid>) -> Rights {
        let (uid, gid) = (Uid::from_raw(peer.uid), Gid::from_raw(peer.gid));
        let acts = uid.is_root()
            || self.group.is_some_and(|group| gid == group || groups(uid, gid).contains(&group));
        match (acts, self.read) {
            (true, _) => Rights::Act,
            (false, Readers::All) => Rights::Read,
            (false, Readers::Group) => Rights::None,
        }
    }
}

/// The groups that a user is a member of. A user without a name has none.
fn groups_of(uid: Uid, gid: Gid) -> Vec<Gid> {
    let user = User::from_uid(uid).ok().flatten();
    let name = user.and_then(|user| CString::new(user.name).ok());
    name.and_then(|name| getgrouplist(&name, gid).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_the_group_act_and_others_read_when_they_may() {
        let group = Some(Gid::from_raw(70));
        let member = |_: Uid, _: Gid| vec![Gid::from_raw(5), Gid::from_raw(70)];
        let other = |_: Uid, _: Gid| vec![Gid::from_raw(5)];
        let nobody = |_: Uid, _: Gid| -> Vec<Gid> { panic!("nobody needs to be asked") };
        for (read, else_) in [(Readers::Group, Rights::None), (Readers::All, Rights::Read)] {
            let rules = Rules { group, read };
            assert_eq!(rules.decide(Peer { uid: 0, gid: 0 }, nobody), Rights::Act);
            assert_eq!(rules.decide(Peer { uid: 9, gid: 70 }, nobody), Rights::Act);
            assert_eq!(rules.decide(Peer { uid: 9, gid: 9 }, member), Rights::Act);
            assert_eq!(rules.decide(Peer { uid: 9, gid: 9 }, other), else_);
            assert_eq!(Rules { group, read }.without_names(Peer { uid: 9, gid: 9 }), None);
            assert_eq!(Rules { group, read }.without_names(Peer { uid: 0, gid: 9 }), Some(Rights::Act));
            // Without the group only root acts, whatever number a peer brings.
            let rules = Rules { group: None, read };
            assert_eq!(rules.decide(Peer { uid: 9, gid: 70 }, nobody), else_);
            assert_eq!(rules.decide(Peer { uid: 0, gid: 9 }, nobody), Rights::Act);
        }
    }
}
