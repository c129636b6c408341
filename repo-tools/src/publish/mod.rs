//! From a stage to a store that hosts read, with one commit point.

mod clock;
mod commit;
mod left;
mod live;
mod meanwhile;
mod others;
mod plan;
mod preview;
mod upload;
mod write;

use std::path::Path;

use crate::error::Result;
use crate::files::Files;
use crate::staged::Staged;
use crate::store::FolderStore;

pub(crate) use clock::AHEAD;
pub use clock::Jump;
pub use commit::{Order, Published, publish_to};
pub use left::Left;
pub use live::{Live, Trust};
pub(crate) use meanwhile::{no_newer_root, not_overtaken};
pub use others::Others;
pub use plan::{Gap, Plan, plan};
pub(crate) use preview::documents;
pub use preview::{Preview, preview};
pub use upload::Progress;
pub(crate) use write::write_stage;

/// [`publish_to`] a folder: `metadata/` and `targets/` in it.
pub fn publish(files: &dyn Files, staged: &Staged, dir: &Path, gap: Gap) -> Result<Published> {
    let order = Order { gap, trust: Trust::Live, others: Others::Keep };
    publish_to(&FolderStore::new(files, dir), staged, order, &|_| {})
}
