//! Keys, root ceremony, releases, waves, publish: what a release engineer does before hosts see anything.
//!
//! ```text
//! Draft ──close──► Unsigned ──sign──► Signed ──stage──► Staged ──publish──► Published
//! ```
//! ```no_run
//! # use updog_repo::{Draft, Error, Folder, Order, Signing, keys::Signer, publish::{Gap, publish}, files::Files};
//! # async fn order(draft: Draft, folder: &Folder, order: Order, keys: &[Signer], files: &dyn Files) -> Result<(), Error> {
//! let unsigned = draft.close(folder, folder.papers()?, order)?;
//! if let Signing::Complete(signed) = unsigned.sign(keys).await? {
//!     let staged = signed.stage(folder, order.now)?;
//!     publish(files, &staged, "/srv/updates".as_ref(), Gap::Refuse)?;
//! }
//! # Ok(())
//! # }
//! ```
//! Each stage is a type that only the one before can make, so that an illegal order does not compile:
//!
//! ```compile_fail
//! # fn order(draft: updog_repo::Draft, files: &dyn updog_repo::files::Files, dir: &std::path::Path) {
//! updog_repo::publish::publish(files, &draft, dir, updog_repo::publish::Gap::Refuse); // not staged
//! # }
//! ```
//! ```compile_fail
//! # fn order(unsigned: updog_repo::Unsigned, folder: &updog_repo::Folder) {
//! unsigned.stage(folder, chrono::DateTime::UNIX_EPOCH); // not signed
//! # }
//! ```
//! ```compile_fail
//! # fn order(papers: updog_repo::Papers) {
//! let signed = updog_repo::Signed { papers }; // only the checks make one
//! # }
//! ```

pub mod add;
pub mod adopt;
pub mod against;
mod aws;
pub mod bundle_source;
pub mod ceremony;
pub mod change;
pub mod cli;
pub mod copy;
pub mod delegate;
mod delegated;
pub mod delta;
mod disk;
pub mod doctor;
mod document;
mod draft;
mod error;
pub mod expirations;
pub mod files;
mod folder;
mod for_hosts;
pub mod host_check;
pub mod intent;
pub mod keyring;
pub mod keys;
mod known;
pub mod listing;
mod made_keys;
mod metadata;
mod names;
mod new_blob;
pub mod outlook;
pub mod output;
mod parallel;
pub mod picture;
mod plain;
pub mod plan;
pub mod prune;
pub mod publish;
pub mod refresh;
pub mod rehearsal;
pub mod report;
pub mod request;
mod role;
pub mod schedule;
mod signed;
pub mod simulate;
pub mod source;
mod staged;
pub mod store;
mod stream;
pub mod time;
mod unsaved;
mod unsigned;
pub mod validate;
mod versions;
mod worker;

pub use delegated::Lacks;
pub use disk::Disk;
pub use document::Document;
pub use draft::{Blob, Choice, Draft, title};
pub use error::{Error, Result};
pub use folder::Folder;
pub use intent::Intent;
pub use known::Known;
pub use metadata::{Metadata, Online};
pub use parallel::Tell;
pub use role::Role;
pub use signed::Signed;
pub use staged::Staged;
pub use unsigned::{Missing, Order, Papers, Rotation, Signing, Unsigned};
pub use versions::Versions;
