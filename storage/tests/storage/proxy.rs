use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the network does with what the client sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Network {
    /// Everything gets through.
    Up,
    /// Connections end at once.
    Down,
    /// Connections stay and nothing gets through.
    Silent,
    /// The next commit gets through; its answer does not, and the connection ends.
    LosesAnswer,
    /// The same, and then everything is down.
    LosesAnswerAndGoesDown,
    /// The next commit does not get through, and the connection ends.
    LosesCommit,
}

/// Stands between the storage and the server, and is a network that fails when it is told to.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) port: u16,
    network: Arc<watch::Sender<Network>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let network = Arc::new(watch::Sender::new(Network::Up));
        let shared = Arc::clone(&network);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(pass(client, server, Arc::clone(&shared)));
            }
        });
        Self {
            port,
            network,
            accepting,
        }
    }

    /// Whether the next commit has been and was lost.
    pub(crate) fn has_lost(&self) -> bool {
        *self.network.borrow() == Network::Up
    }

    pub(crate) fn set(&self, network: Network) {
        self.network.send_replace(network);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Passes on what a connection says, both ways, until one side or the network ends it.
async fn pass(mut client: TcpStream, server: String, network: Arc<watch::Sender<Network>>) {
    let mut seen = network.subscribe();
    if *seen.borrow() == Network::Down {
        return;
    }
    let mut server = TcpStream::connect(server).await.unwrap();
    let (mut question, mut answer) = ([0; 8192], [0; 8192]);
    loop {
        let now = *seen.borrow_and_update();
        if now == Network::Down {
            return;
        }
        if now == Network::Silent {
            if seen.changed().await.is_err() {
                return;
            }
            continue;
        }
        tokio::select! {
            changed = seen.changed() => if changed.is_err() { return },
            read = client.read(&mut question) => {
                let Ok(length @ 1..) = read else { return };
                let sent = &question[..length];
                let is_commit = sent.windows(6).any(|word| word == b"COMMIT");
                if is_commit && now == Network::LosesCommit {
                    network.send_replace(Network::Up);
                    return;
                }
                if server.write_all(sent).await.is_err() { return }
                let next = match now {
                    Network::LosesAnswer => Network::Up,
                    Network::LosesAnswerAndGoesDown => Network::Down,
                    Network::Up | Network::Down | Network::Silent | Network::LosesCommit => continue,
                };
                if is_commit {
                    network.send_replace(next);
                    // The server has committed when it answers.
                    assert_ne!(server.read(&mut answer).await.unwrap(), 0);
                    return;
                }
            }
            read = server.read(&mut answer) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&answer[..length]).await.is_err() { return }
            }
        }
    }
}
