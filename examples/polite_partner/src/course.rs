//! What happens to the caller, and when.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, sleep_until};

use crate::partner::Partner;
use crate::plan::OFFERED_EVERY;
use crate::report::report;

/// How long the partner stalls, and for how long the queue is paused.
const BREAK: Duration = Duration::from_secs(3);

/// How long nobody calls after the process was killed.
const DEAD: Duration = Duration::from_secs(1);

/// Runs the course and answers whether everybody was polite.
pub(crate) async fn run(seconds: u64) -> Result<bool, Box<dyn Error>> {
    let directory = TempDir::new()?;
    let listening = Partner::listen()?;
    let (partner, address) = (listening.partner.clone(), listening.address);
    let begun = Instant::now();
    let time = Duration::from_secs(seconds);
    let mut caller = start(address, directory.path(), 0)?;

    sleep_until(begun + time / 6).await;
    say(begun, "the partner stalls, every worker waits");
    partner.stall(true);
    sleep(BREAK).await;
    partner.stall(false);

    sleep_until(begun + time / 3).await;
    say(begun, "the queue is paused");
    tell(&mut caller, "pause").await?;
    sleep(BREAK).await;
    tell(&mut caller, "resume").await?;

    sleep_until(begun + time / 2).await;
    say(begun, "kill -9");
    caller.kill().await?;
    sleep(DEAD).await;
    let round = begun.elapsed().as_nanos() / OFFERED_EVERY.as_nanos();
    caller = start(address, directory.path(), u64::try_from(round)?)?;
    say(begun, "started again");

    sleep_until(begun + time).await;
    let measured = partner.elapsed();
    say(begun, "the end");
    tell(&mut caller, "end").await?;
    caller.wait().await?;
    listening.stop().await;
    Ok(report(&partner.arrivals(), measured))
}

/// Starts the process that calls.
fn start(partner: SocketAddr, directory: &Path, round: u64) -> Result<Child, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let caller = Command::new(program)
        .arg("caller")
        .arg(format!("http://{partner}"))
        .arg(directory)
        .arg(round.to_string())
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    Ok(caller)
}

async fn tell(caller: &mut Child, what: &str) -> Result<(), Box<dyn Error>> {
    let stdin = caller.stdin.as_mut().ok_or("the caller has no input")?;
    stdin.write_all(format!("{what}\n").as_bytes()).await?;
    stdin.flush().await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "that is what the program is for")]
fn say(begun: Instant, what: &str) {
    println!("{:>5.1} s  {what}", begun.elapsed().as_secs_f64());
}
