//! The initrd, where Linux looks for it: a file behind a device path of its own (kernel documentation, `efi-stub`).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::ptr::NonNull;

use uefi::proto::device_path::DevicePath;
use uefi::proto::media::load_file::LoadFile2;
use uefi::{Handle, Identify as _, Status, boot};
use uefi_raw::Boolean;
use uefi_raw::protocol::device_path::DevicePathProtocol;
use uefi_raw::protocol::media::LoadFile2Protocol;

/// An initrd on offer; taken back when it is dropped.
pub(super) struct Initrd {
    handle: Handle,
    file: NonNull<File>,
}

/// What the firmware calls `load_file` with: the protocol first, our bytes behind it.
#[repr(C)]
struct File {
    protocol: LoadFile2Protocol,
    bytes: Vec<u8>,
}

impl Initrd {
    /// Offers these bytes. Refused when somebody else offers an initrd: the kernel would take the first it finds.
    #[expect(unsafe_code, reason = "protocols are installed as pointers")]
    pub(super) fn offer(bytes: Vec<u8>) -> Result<Initrd, Status> {
        if offered() {
            return Err(Status::ALREADY_STARTED);
        }
        let file = Box::new(File { protocol: LoadFile2Protocol { load_file }, bytes });
        let file = NonNull::from(Box::leak(file));
        let free = |status: uefi::Error| {
            // SAFETY: it came from a box, and the firmware does not have it.
            drop(unsafe { Box::from_raw(file.as_ptr()) });
            status.status()
        };
        // SAFETY: the device path is well formed and stays for ever; the file stays until `drop` has uninstalled it.
        unsafe {
            let handle = boot::install_protocol_interface(None, &DevicePath::GUID, PATH.as_ptr().cast())
                .map_err(free)?;
            boot::install_protocol_interface(Some(handle), &LoadFile2::GUID, file.as_ptr().cast()).map_err(
                |error| {
                    let _ =
                        boot::uninstall_protocol_interface(handle, &DevicePath::GUID, PATH.as_ptr().cast());
                    free(error)
                },
            )?;
            Ok(Initrd { handle, file })
        }
    }
}

impl Drop for Initrd {
    #[expect(unsafe_code, reason = "protocols are uninstalled as pointers")]
    fn drop(&mut self) {
        // SAFETY: both were installed by `offer` with these pointers. The memory is given back only when the firmware
        // has let go of it; else it stays, and the next `offer` finds it and refuses.
        unsafe {
            let gone =
                boot::uninstall_protocol_interface(self.handle, &LoadFile2::GUID, self.file.as_ptr().cast())
                    .is_ok();
            let _ = boot::uninstall_protocol_interface(self.handle, &DevicePath::GUID, PATH.as_ptr().cast());
            if gone {
                drop(Box::from_raw(self.file.as_ptr()));
            }
        }
    }
}

/// Whether anybody offers an initrd at this path.
#[expect(unsafe_code, reason = "device paths are read through pointers")]
fn offered() -> bool {
    // SAFETY: the bytes are a well-formed device path.
    let mut path: &DevicePath = unsafe { DevicePath::from_ffi_ptr(PATH.as_ptr().cast()) };
    boot::locate_device_path::<LoadFile2>(&mut path).is_ok()
}

/// The firmware's call on behalf of the kernel: first with no memory, to learn the size, then for the bytes.
#[expect(unsafe_code, reason = "called by the firmware")]
unsafe extern "efiapi" fn load_file(
    this: *mut LoadFile2Protocol,
    path: *const DevicePathProtocol,
    boot_policy: Boolean,
    size: *mut usize,
    memory: *mut c_void,
) -> Status {
    if this.is_null() || path.is_null() || size.is_null() {
        return Status::INVALID_PARAMETER;
    }
    if boot_policy != Boolean::FALSE {
        return Status::UNSUPPORTED;
    }
    // SAFETY: `this` is the protocol that `offer` installed, which is the head of a `File`; `size` and `memory` are the
    // caller's, who says that `memory` has `*size` bytes.
    unsafe {
        let bytes = &(*this.cast::<File>()).bytes;
        let room = size.replace(bytes.len());
        if memory.is_null() || room < bytes.len() {
            return Status::BUFFER_TOO_SMALL;
        }
        memory.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
    }
    Status::SUCCESS
}

/// A vendor node with `LINUX_EFI_INITRD_MEDIA_GUID` (5568e427-68fc-4f3d-ac74-ca555231cc68), then the end node.
static PATH: [u8; 24] = [
    4, 3, 20, 0, // media, vendor, 20 bytes
    0x27, 0xe4, 0x68, 0x55, 0xfc, 0x68, 0x3d, 0x4f, 0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68, //
    0x7f, 0xff, 4, 0, // end
];
