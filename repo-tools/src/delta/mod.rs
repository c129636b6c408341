//! Deltas between releases of the draft: which, from what, and what they save. Both images are unpacked from the
//! repository's own frames, so that no old image is needed to make one.

mod bases;
mod check;
mod image;
mod list;
mod make;
mod refusal;
mod remove;

pub use bases::{Bases, Chosen, Same, bases};
pub(crate) use check::{Said, on_stage};
pub use list::{Row, Sizes, rows};
pub(crate) use make::enter;
pub use make::{Added, Adding, Needless, Step, Tell, add};
pub use refusal::Refusal;
pub(crate) use remove::base_of;
pub use remove::{From, dangling, remove};
