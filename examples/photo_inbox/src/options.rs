use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::Parser;

/// A photo inbox: upload a picture, get thumbnails made in the background.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub(crate) struct Options {
    /// The address to listen on; the default is reachable from this machine only.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) host: IpAddr,
    /// The port to listen on; 0 lets the system choose one.
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// The database file of the tasks; created if it is missing.
    #[arg(long, default_value = "photos.db")]
    pub(crate) database: PathBuf,
    /// The directory of the pictures and thumbnails; created if it is missing.
    #[arg(long, default_value = "photos")]
    pub(crate) data_dir: PathBuf,
    /// The largest picture that is accepted, in MiB.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1024))]
    max_upload_mib: u32,
}

impl Options {
    /// The largest picture that is accepted, in bytes.
    pub(crate) fn max_upload(&self) -> u64 {
        u64::from(self.max_upload_mib) * 1024 * 1024
    }
}
