//! What is due later: how fast it is put in order, and how close to its instant it is handed over.

mod fires;
mod order;
mod series;

use crate::Failure;
use crate::options::Storage;

/// Prints the figures, and answers whether they are within the limits.
pub(crate) async fn run(storage: Storage) -> Result<bool, Failure> {
    let order = order::run()?;
    let fires = fires::run(storage).await?;
    let series = series::run(storage).await?;
    Ok(order && fires && series)
}
