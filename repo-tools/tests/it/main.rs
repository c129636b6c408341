//! What updog-repo promises, from keys to validate.

mod cli;
mod common;
mod cut;
mod interop;
mod keys;
mod refresh;
mod release;
mod rotation;
mod signing;
mod validate;
