//! Which lines are kept, and that nothing is done for those that are not.

use evertask::{LogLevel, LogOptions};

use super::speaker::{Speaker, appends};
use crate::ground::Ground;
use crate::subscriber::has_printed;

on_every_ground! {
    the_minimum_level_decides_about_what_is_stored_only,
    targets_can_be_left_out,
    what_evertask_says_of_itself_is_not_kept,
    logs_that_are_off_write_nothing,
}

/// Storage edge case 92.
async fn the_minimum_level_decides_about_what_is_stored_only(ground: Ground) {
    let speaker = Speaker::saying(|context| {
        tracing::debug!("a detail of {}", context.id());
        tracing::info!("worth to know");
    });
    let kept = speaker.runs(&ground, LogOptions::new()).await;
    assert_eq!(kept.messages(), ["worth to know"]);
    let detail = format!("a detail of {}", kept.view.record.definition.id);
    assert!(has_printed(&detail));
    let everything = LogOptions::new().minimum_level(LogLevel::Debug);
    let kept = speaker.runs(&ground, everything).await;
    assert_eq!(kept.lines.len(), 2);
}

async fn targets_can_be_left_out(ground: Ground) {
    let speaker = Speaker::saying(|_| {
        tracing::info!(target: "noisy::query", "select");
        tracing::info!("mine");
    });
    let kept = speaker.runs(&ground, LogOptions::new()).await;
    assert_eq!(kept.messages(), ["select", "mine"]);
    let options = LogOptions::new().leave_out("noisy");
    let kept = speaker.runs(&ground, options).await;
    assert_eq!(kept.messages(), ["mine"]);
}

async fn what_evertask_says_of_itself_is_not_kept(ground: Ground) {
    let speaker = Speaker::saying(|_| {
        tracing::error!(target: "evertask_actors::delivery", "about the runtime");
        tracing::error!("about the task");
    });
    let kept = speaker.runs(&ground, LogOptions::new()).await;
    assert_eq!(kept.messages(), ["about the task"]);
}

/// Storage edge case 97; that no buffer is made is shown beside the buffer.
async fn logs_that_are_off_write_nothing(ground: Ground) {
    let written = ground.fail(appends);
    let speaker = Speaker::saying(|context| {
        tracing::error!("nobody keeps this");
        context.log(LogLevel::Error, "nor this");
    });
    let kept = speaker.runs(&ground, LogOptions::off()).await;
    assert!(kept.lines.is_empty());
    assert_eq!(*written.borrow(), 0);
}
