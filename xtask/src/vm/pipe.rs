//! `pipe`: one connection between the emulator and our server. The emulator starts one of these for each connection of
//! the guest; forwarding straight to a port would connect once only.

use std::io::{Read, Write, copy};
use std::net::{Ipv4Addr, Shutdown, TcpStream};

use anyhow::{Context, Result};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A port of this machine.
    port: u16,
}

/// Copies both ways until the server has said all.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, args.port))
        .with_context(|| format!("failed to connect to port {}", args.port))?;
    let mut asked = server.try_clone()?;
    std::thread::spawn(move || {
        // The guest hung up or the server did: either way nothing more is asked.
        let _ = copy(&mut std::io::stdin().lock(), &mut asked);
        let _ = asked.shutdown(Shutdown::Write);
    });
    let mut bytes = vec![0; 1 << 16];
    let mut guest = std::io::stdout().lock();
    loop {
        let read = server.read(&mut bytes)?;
        let Some(answer) = bytes.get(..read).filter(|answer| !answer.is_empty()) else {
            return Ok(());
        };
        guest.write_all(answer)?;
        guest.flush()?;
    }
}
