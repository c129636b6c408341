//! TUF client rules: bytes in, trusted roles out.
