//! The three images of a release.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the three images that fill a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Image {
    /// Kernel, initrd and their manifest.
    Boot,
    /// The read-only root file system.
    Root,
    /// The dm-verity tree over root.
    Hash,
}

impl Image {
    /// All three, in the order in which they are written, listed and digested.
    pub const ALL: [Image; 3] = [Image::Boot, Image::Root, Image::Hash];

    /// As in manifests and target names.
    pub const fn name(self) -> &'static str {
        match self {
            Image::Boot => "boot",
            Image::Root => "root",
            Image::Hash => "hash",
        }
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text names no image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown image {name:?}: expected boot, root or hash")]
pub struct ParseImage {
    name: String,
}

impl FromStr for Image {
    type Err = ParseImage;

    fn from_str(name: &str) -> Result<Image, ParseImage> {
        let known = Image::ALL.into_iter().find(|image| image.name() == name);
        known.ok_or_else(|| ParseImage { name: name.chars().take(80).collect() })
    }
}

/// One `T` for each image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Images<T> {
    /// For [`Image::Boot`].
    pub boot: T,
    /// For [`Image::Root`].
    pub root: T,
    /// For [`Image::Hash`].
    pub hash: T,
}

impl<T> Images<T> {
    /// The one for this image.
    pub fn get(&self, image: Image) -> &T {
        match image {
            Image::Boot => &self.boot,
            Image::Root => &self.root,
            Image::Hash => &self.hash,
        }
    }

    /// The one for this image, to change.
    pub fn get_mut(&mut self, image: Image) -> &mut T {
        match image {
            Image::Boot => &mut self.boot,
            Image::Root => &mut self.root,
            Image::Hash => &mut self.hash,
        }
    }

    /// One `T` for each image, in order.
    pub fn from_fn(mut make: impl FnMut(Image) -> T) -> Images<T> {
        Images { boot: make(Image::Boot), root: make(Image::Root), hash: make(Image::Hash) }
    }

    /// As [`from_fn`](Images::from_fn); the first error ends it.
    pub fn try_from_fn<E>(mut make: impl FnMut(Image) -> Result<T, E>) -> Result<Images<T>, E> {
        Ok(Images { boot: make(Image::Boot)?, root: make(Image::Root)?, hash: make(Image::Hash)? })
    }

    /// Each `T` made into a `U`.
    pub fn map<U>(self, mut make: impl FnMut(Image, T) -> U) -> Images<U> {
        Images {
            boot: make(Image::Boot, self.boot),
            root: make(Image::Root, self.root),
            hash: make(Image::Hash, self.hash),
        }
    }

    /// References to all three.
    pub fn as_ref(&self) -> Images<&T> {
        Images { boot: &self.boot, root: &self.root, hash: &self.hash }
    }

    /// All three with their names, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Image, &T)> {
        Image::ALL.into_iter().map(|image| (image, self.get(image)))
    }
}
