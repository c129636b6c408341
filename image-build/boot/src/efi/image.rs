//! A kernel in the firmware's hands.

use uefi::boot::{self, LoadImageSource};
use uefi::proto::loaded_image::LoadedImage;
use uefi::{CString16, Handle, Status};

use super::open;

/// A loaded kernel, unloaded when it is dropped.
pub(super) struct Image(Handle);

impl Image {
    /// From memory, so that what was checked is what is started. Under Secure Boot the firmware checks the signature.
    pub(super) fn load(kernel: &[u8]) -> Result<Image, Status> {
        let source = LoadImageSource::FromBuffer { buffer: kernel, file_path: None };
        boot::load_image(boot::image_handle(), source).map(Image).map_err(|error| error.status())
    }

    /// Comes back when the kernel does.
    #[expect(unsafe_code, reason = "the firmware takes the command line as a pointer")]
    pub(super) fn start(self, cmdline: &str) -> Result<(), Status> {
        let options = CString16::try_from(cmdline).map_err(|_| Status::INVALID_PARAMETER)?;
        let size = u32::try_from(options.num_bytes()).map_err(|_| Status::INVALID_PARAMETER)?;
        {
            let mut image = open::<LoadedImage>(self.0).map_err(|error| error.status())?;
            // SAFETY: `options` lives until after the kernel has come back.
            unsafe { image.set_load_options(options.as_ptr().cast(), size) };
        }
        let result = boot::start_image(self.0).map_err(|error| error.status());
        drop(options);
        result
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // A kernel that came back has been unloaded already, and the firmware says so.
        let _ = boot::unload_image(self.0);
    }
}
