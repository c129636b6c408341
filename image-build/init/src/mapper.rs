//! The device mapper's ioctls (the kernel's include/uapi/linux/dm-ioctl.h, version 4.0.0).
#![expect(unsafe_code, reason = "the device mapper has no other interface")]

use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;

use rustix::ioctl::{self, Direction, Opcode, Updater};

use crate::verity::Target;
use crate::{Error, Result};

/// Makes a read-only verity device of this name and starts it.
pub(crate) fn create(name: &str, target: &Target) -> Result<PathBuf> {
    let control =
        OpenOptions::new().read(true).write(true).open(CONTROL).map_err(Error::file("open", CONTROL))?;
    let failed = |verb| move |source| Error::Mapper { verb, source };

    let made = call::<{ opcode(CREATE) }>(&control, Request::new(name, 0)).map_err(failed("create"))?;
    call::<{ opcode(LOAD) }>(&control, Request::new(name, READ_ONLY).with(target))
        .map_err(failed("load the table of"))?;
    // Without the suspend flag this call resumes: the table goes live.
    call::<{ opcode(SUSPEND) }>(&control, Request::new(name, 0)).map_err(failed("start"))?;
    Ok(PathBuf::from(format!("/dev/dm-{}", made.minor())))
}

fn call<const OPCODE: Opcode>(control: impl AsFd, mut request: Request) -> io::Result<Request> {
    // SAFETY: all device-mapper calls read and write one buffer whose length stands in its own header (`data_size`);
    // `Request::new` writes the true length there, and the buffer outlives the call.
    unsafe { ioctl::ioctl(control, Updater::<OPCODE, Request>::new(&mut request)) }?;
    Ok(request)
}

/// `struct dm_ioctl`, and room for one target behind it.
#[repr(C, align(8))]
struct Request([u8; LENGTH]);

impl Request {
    fn new(name: &str, flags: u32) -> Request {
        let mut request = Request([0; LENGTH]);
        request.put(0, &4_u32.to_ne_bytes());
        request.put(12, &LENGTH_WORD.to_ne_bytes());
        request.put(16, &HEADER_WORD.to_ne_bytes());
        request.put(28, &flags.to_ne_bytes());
        // Names end with a zero byte, within 128.
        request.put(48, name.as_bytes().get(..127).unwrap_or(name.as_bytes()));
        request
    }

    /// One `struct dm_target_spec` and its parameters, ended by a zero byte.
    fn with(mut self, target: &Target) -> Request {
        let parameters = target.parameters.as_bytes();
        self.put(20, &1_u32.to_ne_bytes());
        self.put(HEADER + 8, &target.sectors.to_ne_bytes());
        let next = u32::try_from((40 + parameters.len() + 1).next_multiple_of(8)).unwrap_or(u32::MAX);
        self.put(HEADER + 20, &next.to_ne_bytes());
        self.put(HEADER + 24, b"verity");
        self.put(HEADER + 40, parameters);
        self
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        // What does not fit is left out, and the kernel refuses the table; a table of ours is 300 bytes long.
        if let Some(to) = self.0.get_mut(at..at + bytes.len()) {
            to.copy_from_slice(bytes);
        }
    }

    /// The minor number of `dev`, in the kernel's wide encoding: 8 bits, the major number's 12, the other 12.
    fn minor(&self) -> u64 {
        let dev = self.0.get(40..48).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_ne_bytes);
        dev & 0xff | dev >> 12 & 0xf_ff00
    }
}

const fn opcode(command: u8) -> Opcode {
    ioctl::opcode::from_components(Direction::ReadWrite, 0xfd, command, HEADER)
}

const CONTROL: &str = "/dev/mapper/control";
const CREATE: u8 = 3;
const SUSPEND: u8 = 6;
const LOAD: u8 = 9;
/// `DM_READONLY_FLAG`
const READ_ONLY: u32 = 1;
/// The length of `struct dm_ioctl`, which is part of every opcode.
const HEADER: usize = 312;
const HEADER_WORD: u32 = 312;
const LENGTH: usize = 4096;
const LENGTH_WORD: u32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_laid_out_as_the_kernel_reads_it() {
        let target = Target { sectors: 8, parameters: "1 a b".to_owned() };
        let Request(bytes) = Request::new("root", READ_ONLY).with(&target);
        assert_eq!(bytes[..4], 4_u32.to_ne_bytes());
        assert_eq!(bytes[12..16], 4096_u32.to_ne_bytes());
        assert_eq!(bytes[16..20], 312_u32.to_ne_bytes());
        assert_eq!(bytes[20..24], 1_u32.to_ne_bytes());
        assert_eq!(bytes[28..32], 1_u32.to_ne_bytes());
        assert_eq!(&bytes[48..53], b"root\0");
        assert_eq!(bytes[320..328], 8_u64.to_ne_bytes());
        assert_eq!(bytes[332..336], 48_u32.to_ne_bytes());
        assert_eq!(&bytes[336..343], b"verity\0");
        assert_eq!(&bytes[352..358], b"1 a b\0");
    }

    #[test]
    fn minor_numbers_above_255_are_told() {
        for (minor, dev) in [(0, 0xfd00_u64), (255, 0xfdff), (256, 0x10_fd00), (0x1_2345, 0x1230_fd45)] {
            let mut request = Request::new("root", 0);
            request.put(40, &dev.to_ne_bytes());
            assert_eq!(request.minor(), minor);
        }
    }

    #[test]
    fn opcodes_are_the_headers() {
        assert_eq!(opcode(CREATE), 0xc138_fd03);
    }
}
