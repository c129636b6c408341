//! PID 1 of the `tiny` image: says on the console what happens, and does what it is told there.
//!
//! Each line starts with `TINY `, so that whoever listens can tell silence from work. After the health gate, which it runs
//! as the units of a full image would, it reads commands.
//!
//! * [`pid1()`]: the order of things; [`Command`]: what can be asked for.
//! * [`network`]: an address without a daemon; [`watchdog`]; [`stop`]: restart and power off.

mod command;
mod find;
pub mod network;
mod pid1;
mod run;
mod say;
pub mod stop;
pub mod watchdog;

pub use command::{Command, Doom};
pub use pid1::pid1;
