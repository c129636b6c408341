//! Shows and edits slot flags, nothing else.

fn main() {}
