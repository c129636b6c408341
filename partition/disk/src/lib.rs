//! The only host code that writes a disk, and signpost.
