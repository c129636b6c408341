//! temporary
#![allow(missing_docs, clippy::allow_attributes_without_reason)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Done = 0,
    Bug = 1,
    Usage = 2,
    NothingToDo = 10,
    MustWait = 11,
    Attention = 12,
    Transient = 20,
    Untrusted = 30,
    Disk = 40,
    Blocked = 50,
}
impl Exit {
    pub const fn code(self) -> u8 {
        self as u8
    }
    pub const fn is_ok(self) -> bool {
        matches!(self, Exit::Done)
    }
}
