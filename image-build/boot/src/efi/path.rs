//! Where a handle stands: the disk's device path, and which partition of it.

use alloc::vec::Vec;

use partition_core::Guid;
use uefi::Handle;
use uefi::proto::device_path::media::PartitionSignature;
use uefi::proto::device_path::{DevicePath, DevicePathNode, DevicePathNodeEnum};

use super::open;

/// A device path taken apart.
pub(super) struct Place {
    /// The bytes of the nodes before the partition's, or of all nodes.
    pub(super) disk: Vec<u8>,
    /// The partition, if it is one of a GPT.
    pub(super) partition: Option<Partition>,
}

/// What a partition's node says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Partition {
    pub(super) guid: Guid,
    pub(super) first_lba: u64,
}

impl Place {
    pub(super) fn of(handle: Handle) -> uefi::Result<Place> {
        let path = open::<DevicePath>(handle)?;
        let mut disk = Vec::new();
        for node in path.node_iter() {
            if let Some(partition) = partition(node) {
                return Ok(Place { disk, partition: Some(partition) });
            }
            let (kind, sub_kind) = node.full_type();
            disk.extend_from_slice(&[kind.0, sub_kind.0]);
            disk.extend_from_slice(&node.length().to_le_bytes());
            disk.extend_from_slice(node.data());
        }
        Ok(Place { disk, partition: None })
    }
}

fn partition(node: &DevicePathNode) -> Option<Partition> {
    let Ok(DevicePathNodeEnum::MediaHardDrive(node)) = node.as_enum() else { return None };
    let PartitionSignature::Guid(guid) = node.partition_signature() else { return None };
    Some(Partition { guid: Guid::from_bytes(guid.to_bytes()), first_lba: node.partition_start() })
}
