//! One run, from its first start to the last look at what is left.

use super::invariants;
use super::program::Program;
use super::world::{Home, World};

/// Plays the run of a seed and checks what must hold afterwards.
pub(super) async fn play(seed: u64, home: Home) {
    let mut world = World::new(seed, home);
    let mut program = Program::default();
    let steps = 6 + world.dice.throw(16);
    world.start(false).await;
    program.play(&mut world, steps).await;
    program.finish(&world).await;
    world.storage.heal();
    world.witness.trace("healed".to_owned());
    if world.dice.throw(2) == 0 {
        // Whoever runs now is to bring everything to its end that it can run.
        world
            .settled("settling without a restart", |open| open.runnable == 0)
            .await;
    }
    world.shut_all_down().await;
    world.start(true).await;
    world
        .settled("settling after a restart", |open| {
            open.runnable + open.waiting == 0
        })
        .await;
    world.shut_all_down().await;
    invariants::check(&world).await;
}
