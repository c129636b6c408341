//! Keys, root ceremony, releases, waves, publish.
