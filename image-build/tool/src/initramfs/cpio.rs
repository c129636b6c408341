//! The archive that the kernel unpacks before it starts `/init` (cpio's `newc`, Linux'
//! Documentation/driver-api/early-userspace/buffer-format.rst).

/// An archive that grows by one entry at a time. Owners are root, times the same, numbers count up: nothing of the machine that
/// built it gets in.
#[derive(Clone, Debug)]
pub struct Cpio {
    bytes: Vec<u8>,
    entries: u32,
    mtime: u32,
}

impl Cpio {
    /// An empty archive. All entries get this time; the format has 32 bits for it.
    pub fn new(epoch: u64) -> Cpio {
        Cpio { bytes: Vec::new(), entries: 0, mtime: u32::try_from(epoch).unwrap_or(u32::MAX) }
    }

    /// Adds a folder; its parents come before it.
    pub fn folder(&mut self, path: &str) {
        self.entry(path, Node { mode: FOLDER | 0o755, links: 2, device: (0, 0) }, &[]);
    }

    /// Adds a file.
    pub fn file(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.entry(path, Node { mode: FILE | mode & 0o7777, links: 1, device: (0, 0) }, content);
    }

    /// Adds a character device.
    pub fn device(&mut self, path: &str, mode: u32, major: u32, minor: u32) {
        let mode = CHARACTER_DEVICE | mode & 0o7777;
        self.entry(path, Node { mode, links: 1, device: (major, minor) }, &[]);
    }

    /// The finished archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.mtime = 0;
        self.header(TRAILER, 0, Node { mode: 0, links: 1, device: (0, 0) }, 0);
        // Whole blocks of 512 bytes, as other writers leave them.
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self.bytes
    }

    fn entry(&mut self, path: &str, node: Node, content: &[u8]) {
        self.entries = self.entries.saturating_add(1);
        self.header(path, self.entries, node, content.len());
        self.bytes.extend_from_slice(content);
        self.align();
    }

    fn header(&mut self, path: &str, inode: u32, node: Node, length: usize) {
        let Node { mode, links, device: (major, minor) } = node;
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let name_size = u32::try_from(path.len()).unwrap_or(u32::MAX).saturating_add(1);
        let fields = [inode, mode, 0, 0, links, self.mtime, length, 0, 0, major, minor, name_size, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

/// What an entry is beside its name and bytes.
#[derive(Clone, Copy, Debug)]
struct Node {
    mode: u32,
    links: u32,
    device: (u32, u32),
}

const TRAILER: &str = "TRAILER!!!";
const FILE: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const CHARACTER_DEVICE: u32 = 0o020_000;
