//! An address without a daemon, by the ioctls of netdevice(7) and rtentry.
#![expect(unsafe_code, reason = "no safe wrapper sets addresses and routes")]

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

/// What a card gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its own.
    pub ip: Ipv4Addr,
    /// Leading bits of the network, 1 to 32.
    pub bits: u8,
    /// The way out.
    pub gateway: Option<Ipv4Addr>,
}

impl Address {
    /// What QEMU's user network gives its guests.
    pub const QEMU: Address =
        Address { ip: Ipv4Addr::new(10, 0, 2, 15), bits: 24, gateway: Some(Ipv4Addr::new(10, 0, 2, 2)) };

    /// Reads `IP/BITS` or `IP/BITS,GATEWAY`.
    pub fn parse(text: &str) -> Option<Address> {
        let (network, gateway) = match text.split_once(',') {
            Some((network, gateway)) => (network, Some(gateway.parse().ok()?)),
            None => (text, None),
        };
        let (ip, bits) = network.split_once('/')?;
        let bits = bits.parse().ok().filter(|bits| (1..=32).contains(bits))?;
        Some(Address { ip: ip.parse().ok()?, bits, gateway })
    }

    fn mask(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0))
    }
}

/// Brings up the loopback and `card`.
pub fn up(card: &str, address: &Address) -> io::Result<()> {
    // SAFETY: socket(2) takes numbers only; the descriptor it returns is new and nobody else's.
    let socket = unsafe {
        let fd = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(fd)
    };
    raise(&socket, "lo")?;
    let mut request = named(card);
    request.ifr_ifru.ifru_addr = spell(address.ip);
    call(&socket, libc::SIOCSIFADDR, &mut request)?;
    request.ifr_ifru.ifru_netmask = spell(address.mask());
    call(&socket, libc::SIOCSIFNETMASK, &mut request)?;
    raise(&socket, card)?;
    let Some(gateway) = address.gateway else { return Ok(()) };
    // SAFETY: rtentry is numbers and null pointers; all zeros is a valid value of it.
    let mut route: libc::rtentry = unsafe { std::mem::zeroed() };
    route.rt_dst = spell(Ipv4Addr::UNSPECIFIED);
    route.rt_genmask = spell(Ipv4Addr::UNSPECIFIED);
    route.rt_gateway = spell(gateway);
    route.rt_flags = libc::RTF_UP | libc::RTF_GATEWAY;
    call(&socket, libc::SIOCADDRT, &mut route)
}

fn raise(socket: &OwnedFd, card: &str) -> io::Result<()> {
    let mut request = named(card);
    call(socket, libc::SIOCGIFFLAGS, &mut request)?;
    // SAFETY: the call before has written this field of the union.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    request.ifr_ifru.ifru_flags = flags | UP;
    call(socket, libc::SIOCSIFFLAGS, &mut request)
}

fn call<T>(socket: &OwnedFd, request: libc::c_ulong, value: &mut T) -> io::Result<()> {
    // The type of an ioctl's number differs between C libraries; these numbers are below 0x10000.
    let request = libc::Ioctl::try_from(request).map_err(io::Error::other)?;
    // SAFETY: each of these ioctls reads and writes one value of the type that its callers above pass, which outlives the
    // call.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), request, std::ptr::from_mut(value)) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn named(card: &str) -> libc::ifreq {
    // SAFETY: ifreq is numbers and a union of plain data; all zeros is a valid value of it.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last byte stays zero.
    for (to, byte) in request.ifr_name.iter_mut().zip(card.bytes().take(libc::IFNAMSIZ - 1)) {
        *to = libc::c_char::from_ne_bytes([byte]);
    }
    request
}

fn spell(ip: Ipv4Addr) -> libc::sockaddr {
    // SAFETY: sockaddr is numbers; all zeros is a valid value of it.
    let mut address: libc::sockaddr = unsafe { std::mem::zeroed() };
    address.sa_family = FAMILY;
    // sockaddr_in: two bytes of port, then the address in network order.
    for (to, byte) in address.sa_data.iter_mut().skip(2).zip(ip.octets()) {
        *to = libc::c_char::from_ne_bytes([byte]);
    }
    address
}

const FAMILY: libc::sa_family_t = 2;
/// `IFF_UP`
const UP: libc::c_short = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        assert_eq!(Address::parse("10.0.2.15/24,10.0.2.2"), Some(Address::QEMU));
        let plain = Address::parse("192.0.2.1/32").unwrap();
        assert_eq!((plain.gateway, plain.mask()), (None, Ipv4Addr::BROADCAST));
        assert_eq!(Address::QEMU.mask(), Ipv4Addr::new(255, 255, 255, 0));
        for wrong in ["", "10.0.2.15", "10.0.2.15/0", "10.0.2.15/33", "x/8", "10.0.0.1/8,x"] {
            assert_eq!(Address::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_address_stands_where_the_kernel_reads_it() {
        let spelt = spell(Ipv4Addr::new(1, 2, 3, 4));
        assert_eq!(spelt.sa_family, 2);
        assert_eq!(
            spelt.sa_data[..6].iter().map(|byte| i32::from(*byte)).collect::<Vec<_>>(),
            [0, 0, 1, 2, 3, 4]
        );
    }
}
