//! The release engineer program.

fn main() {}
