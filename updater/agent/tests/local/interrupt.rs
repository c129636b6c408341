//! Ctrl-C: ends cleanly between two pieces, says how to go on, and the next run does.

use std::process::Stdio;
use std::time::{Duration, Instant};

use fixtures::server::Faults;

use crate::host::{Said, flags};
use crate::online::Served;

#[test]
fn a_signal_ends_a_download_cleanly_and_a_rerun_goes_on() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    for (signal, name) in
        [(rustix::process::Signal::INT, "SIGINT"), (rustix::process::Signal::TERM, "SIGTERM")]
    {
        // The metadata comes at once, the frames never end.
        served.server.set(Faults { only: Some(".img.zst".to_owned()), stall: Some(0), ..Faults::default() });
        let mut command = served.host.command(&["stage"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let start = Instant::now();
        while !served.server.log().iter().any(|request| request.target.contains(".img.zst")) {
            assert!(start.elapsed() < Duration::from_secs(30), "no frame was asked for");
            std::thread::sleep(Duration::from_millis(20));
        }
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, signal).unwrap();
        let said = Said::from(child.wait_with_output().unwrap());
        assert_eq!(said.code, 20, "{name}: {said:?}");
        assert!(said.stderr.ends_with("error: interrupted; run again to go on\n"), "{name}: {said:?}");
        assert_eq!(flags(&served.host.slots()), "1/7/1 0/0/0", "{name}");
        served.server.clear();
    }
    served.server.set(Faults::default());
    assert_eq!(served.host.updog(&["apply"]).code, 0);
    assert_eq!(flags(&served.host.slots()), "1/7/1 2/3/0");
}
