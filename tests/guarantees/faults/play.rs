//! One run, from its first start to the last look at what is left.

use super::invariants;
use super::program::Program;
use super::transitions::Taken;
use super::world::{Home, Weather, World};

/// Plays the run of a seed, checks what must hold afterwards and answers what happened to the tasks.
pub(super) async fn play(seed: u64, home: Home, weather: Weather) -> Taken {
    let mut world = World::new(seed, home, weather);
    let mut program = Program::default();
    let steps = match weather {
        Weather::Bad => 6 + world.dice.throw(16),
        Weather::Fine => 50,
    };
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
    world.witness.taken()
}
