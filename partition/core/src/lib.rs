//! Slot flags, the boot rule and GPT tables as data.
#![no_std]

extern crate alloc;
