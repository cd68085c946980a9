//! What queues are once all of them are known.
//!
//! A setting that is left open depends on others: on the default queue, which may be configured after
//! the one that is like it, and on the storage. So nothing is decided before the start.

use std::collections::HashSet;
use std::time::Duration;

use evertask_core::limit::RateLimit;
use evertask_core::rank::DEFAULT_AGEING;
use evertask_core::retry::RetryPolicy;
use evertask_core::storage::QueueSettings;
use evertask_core::task::check_name;

use super::config::{Queue, QueueError, WhenFull};

/// A queue with nothing left open.
#[derive(Clone, Debug)]
pub(crate) struct QueueConfig {
    pub(crate) name: String,
    pub(crate) parallelism: usize,
    pub(crate) capacity: usize,
    pub(crate) when_full: WhenFull,
    /// For tasks that say nothing about it; the runtime's default if it does not either.
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) timeout: Option<Duration>,
    /// How much waiting a step of priority is worth.
    pub(crate) ageing: Duration,
    /// How long before they are due its tasks are held in memory.
    pub(crate) horizon: Duration,
    /// How often its tasks start, if that is limited.
    pub(crate) rate: Option<RateLimit>,
}

/// What the settings depend on that are left open.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) cores: usize,
    /// Whether the storage is durable.
    pub(crate) is_durable: bool,
    /// What the runtime does for queues that say nothing about it.
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) horizon: Duration,
}

/// Decides what was left open, adds the queues that always exist, and checks all of them. The default
/// queue comes first.
pub(crate) fn resolve(
    queues: &[Queue],
    surroundings: &Surroundings,
) -> Result<Vec<QueueConfig>, QueueError> {
    let mut names = HashSet::new();
    for queue in queues {
        check_name(&queue.name)?;
        if !names.insert(&queue.name) {
            return Err(QueueError::Duplicate(queue.name.clone()));
        }
    }
    let configured = |name: &str| queues.iter().find(|queue| queue.name == name).cloned();
    let or_new = |name: &str| configured(name).unwrap_or_else(|| Queue::new(name));
    let default = surroundings.default_queue(or_new(Queue::DEFAULT));
    let recurring = or_new(Queue::RECURRING).or(&default);
    let others = queues
        .iter()
        .filter(|queue| ![Queue::DEFAULT, Queue::RECURRING].contains(&queue.name.as_str()))
        .map(|queue| queue.clone().or(&surroundings.named_queue()));
    let is_slow = default.parallelism == 1;
    let resolved: Vec<_> = [default, recurring].into_iter().chain(others).collect();
    for queue in &resolved {
        queue.check()?;
    }
    if is_slow {
        tracing::warn!("the default queue runs one task at a time, long ones hold up all others");
    }
    Ok(resolved)
}

impl Surroundings {
    fn when_full(&self) -> WhenFull {
        if self.is_durable {
            WhenFull::Spill
        } else {
            WhenFull::Wait
        }
    }

    fn default_queue(&self, queue: Queue) -> QueueConfig {
        queue.or(&QueueConfig {
            name: Queue::DEFAULT.to_owned(),
            parallelism: self.cores.saturating_mul(2).max(4),
            capacity: self.cores.saturating_mul(200).max(1000),
            when_full: self.when_full(),
            retry: self.retry.clone(),
            timeout: self.timeout,
            ageing: DEFAULT_AGEING,
            horizon: self.horizon,
            rate: None,
        })
    }

    /// What a queue of the application's is like.
    fn named_queue(&self) -> QueueConfig {
        QueueConfig {
            name: String::new(),
            parallelism: 1,
            capacity: 500,
            when_full: self.when_full(),
            retry: self.retry.clone(),
            timeout: self.timeout,
            ageing: DEFAULT_AGEING,
            horizon: self.horizon,
            rate: None,
        }
    }
}

impl Queue {
    /// This queue, with what is left open taken from another one.
    fn or(self, other: &QueueConfig) -> QueueConfig {
        QueueConfig {
            name: self.name,
            parallelism: self.parallelism.unwrap_or(other.parallelism),
            capacity: self.capacity.unwrap_or(other.capacity),
            when_full: self.when_full.unwrap_or(other.when_full),
            retry: self.retry.or_else(|| other.retry.clone()),
            timeout: self.timeout.or(other.timeout),
            ageing: self.ageing.unwrap_or(other.ageing),
            horizon: other.horizon,
            // Two queues that are alike have budgets of their own all the same, so it is not handed on.
            rate: self.rate,
        }
    }
}

impl QueueConfig {
    /// The largest sum of capacity and parallelism.
    const MAX_SIZE: usize = 1_000_000;

    fn check(&self) -> Result<(), QueueError> {
        if self.capacity == 0 {
            return Err(QueueError::NoCapacity(self.name.clone()));
        }
        self.check_parallelism(self.parallelism)?;
        if let Some(rate) = &self.rate {
            rate.validate().map_err(|source| QueueError::Rate {
                queue: self.name.clone(),
                source,
            })?;
        }
        if let Some(retry) = &self.retry {
            retry.validate().map_err(|source| QueueError::Retry {
                queue: self.name.clone(),
                source,
            })?;
        }
        Ok(())
    }

    /// How many handlers run at once by what was decided at run time.
    pub(crate) fn parallelism_by(&self, settings: &QueueSettings) -> usize {
        let Some(decided) = settings.parallelism else {
            return self.parallelism;
        };
        let decided = usize::try_from(decided).unwrap_or(usize::MAX);
        match self.check_parallelism(decided) {
            Ok(()) => decided,
            Err(error) => {
                // It was decided for another configuration.
                tracing::warn!(%error, "a stored parallelism can't be used, the configured one is");
                self.parallelism
            }
        }
    }

    /// Whether so many handlers may run at once.
    pub(crate) fn check_parallelism(&self, parallelism: usize) -> Result<(), QueueError> {
        if parallelism == 0 {
            return Err(QueueError::NoParallelism(self.name.clone()));
        }
        let size = self.capacity.saturating_add(parallelism);
        if size > Self::MAX_SIZE {
            return Err(QueueError::TooLarge {
                name: self.name.clone(),
                size,
                limit: Self::MAX_SIZE,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DURABLE: Surroundings = Surroundings {
        cores: 8,
        is_durable: true,
        retry: None,
        timeout: None,
        horizon: Duration::ZERO,
    };

    fn resolved(queues: &[Queue], name: &str) -> QueueConfig {
        let all = resolve(queues, &DURABLE).unwrap();
        all.into_iter().find(|queue| queue.name == name).unwrap()
    }

    #[test]
    fn the_default_and_the_recurring_queue_always_exist() {
        let all = resolve(&[], &DURABLE).unwrap();
        let names: Vec<_> = all.iter().map(|queue| queue.name.as_str()).collect();
        assert_eq!(names, ["default", "recurring"]);
        for queue in all {
            assert_eq!((queue.parallelism, queue.capacity), (16, 1600));
        }
    }

    /// Core edge case 148.
    #[test]
    fn the_recurring_queue_takes_what_it_leaves_open_from_the_final_default_queue() {
        let second = Duration::from_secs(1);
        let default = Queue::new(Queue::DEFAULT)
            .parallelism(3)
            .capacity(7)
            .timeout(second)
            .retry(RetryPolicy::None)
            .when_full(WhenFull::Reject);
        let recurring = Queue::new(Queue::RECURRING).capacity(9);
        let recurring = resolved(&[recurring, default], Queue::RECURRING);
        assert_eq!((recurring.parallelism, recurring.capacity), (3, 9));
        assert_eq!(recurring.timeout, Some(second));
        assert_eq!(recurring.retry, Some(RetryPolicy::None));
        assert_eq!(recurring.when_full, WhenFull::Reject);
    }

    #[test]
    fn a_named_queue_takes_nothing_from_the_default_queue() {
        let default = Queue::new(Queue::DEFAULT).parallelism(3).capacity(7);
        let mail = resolved(&[Queue::new("mail"), default], "mail");
        assert_eq!((mail.parallelism, mail.capacity), (1, 500));
    }

    #[test]
    fn a_full_queue_spills_if_the_storage_is_durable_and_waits_if_not() {
        let volatile = Surroundings {
            is_durable: false,
            ..DURABLE
        };
        for (surroundings, expected) in [(DURABLE, WhenFull::Spill), (volatile, WhenFull::Wait)] {
            for queue in resolve(&[Queue::new("mail")], &surroundings).unwrap() {
                assert_eq!(queue.when_full, expected);
            }
        }
    }
}
