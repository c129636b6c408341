//! The selector on a machine made of memory.

mod choose;
mod cuts;
mod files;
mod keys;
mod machine;
mod nothing_starts;
mod properties;
