//! What a running runtime keeps in memory, counted.

use super::client::Client;

/// How much is kept in memory about tasks that are under way; nothing is left of any of it once they
/// are over and nobody asks for anything.
///
/// What queues are to be looked at when something in them comes due is not among it: that is one
/// instant for each queue, however much is stored.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct InMemory {
    /// Deliveries, from before their row is stored or claimed until after their last hook.
    pub deliveries: usize,
    /// Claims whose rows are not all delivered yet.
    pub claims: usize,
    /// Cancels that are kept for deliveries to come.
    pub cancels: usize,
    /// Tasks of which no delivery may begin.
    pub barred: usize,
    /// Tasks whose log somebody follows.
    pub followed: usize,
    /// Tasks whose end somebody waits for.
    pub awaited: usize,
    /// Keys for which dispatches take turns.
    pub keys: usize,
    /// Turns of limited types and keys that are taken.
    pub turns: usize,
    /// Places taken in the windows of all queues.
    pub places: usize,
    /// Places taken in all queues by what waits in memory until it is due.
    pub ahead: usize,
    /// Tasks that wait for the slots of their rate limits.
    pub throttled: usize,
    /// Slots taken in all queues.
    pub slots: usize,
    /// Callers that wait for a place in a queue.
    pub callers: usize,
}

impl Client {
    /// Counts what is kept in memory at this moment.
    pub(super) fn in_memory(&self) -> InMemory {
        let admission = self.admission();
        let mut counted = InMemory {
            awaited: self.ends.awaited(),
            keys: admission.key_turns.lines(),
            turns: admission.turns.taken(),
            throttled: admission.limits.lot().occupancy().0,
            ..InMemory::default()
        };
        admission.registry.count(&mut counted);
        for gate in admission.gates.all() {
            let occupancy = gate.occupancy();
            counted.places += occupancy.places;
            counted.ahead += occupancy.ahead;
            counted.slots += occupancy.running;
            counted.callers += occupancy.callers;
        }
        counted
    }
}
