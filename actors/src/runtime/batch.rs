//! Dispatching many tasks in one call.

use evertask_core::task::TaskId;

use super::client::{Client, REPEATS};
use crate::dispatch::{
    BatchError, Dispatch, DispatchAll, DispatchAllOrNothing, DispatchError, Dispatched,
};
use crate::supervision::ask;

impl Client {
    /// Stores many tasks in one commit, which is much faster than one by one, and answers of each what became
    /// of it, in their order.
    ///
    /// One that can't be stored is in nobody's way. None of them waits for a place in a queue that
    /// [waits](crate::WhenFull::Wait): what finds none is stored and runs when there is one.
    ///
    /// ```no_run
    /// # use evertask_actors::{Client, Dispatch, DispatchError, Task};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Invoice { customer: u64 }
    /// # impl Task for Invoice { const NAME: &'static str = "invoice"; }
    /// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let invoices = (1..=5_000).map(|customer| Invoice { customer });
    /// for (customer, invoice) in (1..).zip(client.dispatch_all(invoices).await?) {
    ///     if let Err(error) = invoice {
    ///         println!("no invoice for {customer}: {error}");
    ///     }
    /// }
    ///
    /// // Each may say more, and either all of them are stored or none.
    /// let reminders = [7, 8].map(|customer| Dispatch::new(Invoice { customer }).tag("reminder"));
    /// let stored = client.dispatch_all_or_nothing(reminders).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What is wrong with the batch as a whole; nothing of it is stored then. With
    /// [`DispatchError::Unknown`], which names its first task, all of it may be stored.
    pub async fn dispatch_all<D: Into<Dispatch>>(
        &self,
        dispatches: impl IntoIterator<Item = D>,
    ) -> Result<Vec<Result<Dispatched, DispatchError>>, DispatchError> {
        let Some((first, dispatches)) = self.batch(dispatches)? else {
            return Ok(Vec::new());
        };
        for _ in 0..REPEATS {
            let batch = DispatchAll {
                dispatches: dispatches.clone(),
            };
            match ask(self.supervisor(), batch).await {
                Ok(answer) => return answer,
                Err(_) if self.lifecycle.has_ended() => break,
                Err(_) => {}
            }
        }
        Err(DispatchError::Unknown { id: first })
    }

    /// Stores many tasks in one commit: all of them, or none.
    ///
    /// A task that is stored already under its id, with the same payload, is in nobody's way, so a batch can
    /// be dispatched again. One whose id belongs to another task or whose [key](Dispatch::key) a task
    /// holds keeps all of them out, and the holder is left as it is.
    ///
    /// # Errors
    ///
    /// See [`BatchError`].
    pub async fn dispatch_all_or_nothing<D: Into<Dispatch>>(
        &self,
        dispatches: impl IntoIterator<Item = D>,
    ) -> Result<Vec<Dispatched>, BatchError> {
        let Some((first, dispatches)) = self.batch(dispatches)? else {
            return Ok(Vec::new());
        };
        for _ in 0..REPEATS {
            let batch = DispatchAllOrNothing {
                dispatches: dispatches.clone(),
            };
            match ask(self.supervisor(), batch).await {
                Err(_) | Ok(Err(BatchError::Whole(DispatchError::Unknown { .. }))) => {
                    if self.lifecycle.has_ended() {
                        break;
                    }
                }
                Ok(answer) => return answer,
            }
        }
        Err(BatchError::Whole(DispatchError::Unknown { id: first }))
    }

    /// Gives every dispatch an id, under which a repetition finds it, and answers the first.
    fn batch<D: Into<Dispatch>>(
        &self,
        dispatches: impl IntoIterator<Item = D>,
    ) -> Result<Option<(TaskId, Vec<Dispatch>)>, DispatchError> {
        if self.lifecycle.is_stopped() {
            return Err(DispatchError::ShuttingDown);
        }
        let dispatches = dispatches.into_iter();
        let (ids, dispatches): (Vec<_>, Vec<_>) =
            dispatches.map(|it| self.named(it.into())).unzip();
        Ok(ids.first().map(|first| (*first, dispatches)))
    }
}
