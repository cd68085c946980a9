//! Many at once: threads of one run, and runs of one handler.

use std::collections::HashMap;

use evertask::{LogLevel, LogOptions, TaskContext};

use super::speaker::{Kept, Speaker, Speech, lines};
use crate::ground::Ground;
use crate::stage::{over, soon};

on_every_ground! {
    a_hundred_threads_get_numbers_without_gaps,
    the_lines_of_concurrent_runs_never_mix,
}

/// Storage edge case 93.
async fn a_hundred_threads_get_numbers_without_gaps(ground: Ground) {
    let speaker = Speaker::saying(|context| {
        std::thread::scope(|scope| {
            for thread in 0..100 {
                let context = &context;
                scope.spawn(move || {
                    context
                        .span()
                        .in_scope(|| tracing::info!("{thread} traced"));
                    context.log(LogLevel::Info, format_args!("{thread} direct"));
                });
            }
        });
    });
    let kept: Kept = speaker.runs(&ground, LogOptions::new()).await;
    let sequences: Vec<_> = kept.lines.iter().map(|line| line.sequence).collect();
    assert_eq!(sequences, (0..200).collect::<Vec<_>>());
    let mut messages = kept.messages();
    messages.sort_unstable();
    messages.dedup();
    assert_eq!(messages.len(), 200);
}

/// Storage edge case 96.
async fn the_lines_of_concurrent_runs_never_mix(ground: Ground) {
    let speaker = Speaker::new(|number, _: TaskContext| async move {
        for line in 0..20 {
            tracing::info!("{number}.{line}");
            tokio::task::yield_now().await;
        }
        Ok(())
    });
    let evertask = speaker.at(&ground).start().await.unwrap();
    let mut events = evertask.events();
    let mut ids = HashMap::new();
    for number in 0..50 {
        ids.insert(number, evertask.dispatch(Speech(number)).await.unwrap().id);
    }
    over(&mut events, 50).await;
    soon(evertask.shutdown()).await.unwrap();
    for (number, id) in ids {
        let lines = lines(&ground, id).await;
        let messages: Vec<_> = lines.into_iter().map(|line| line.message).collect();
        let expected: Vec<_> = (0..20).map(|line| format!("{number}.{line}")).collect();
        assert_eq!(messages, expected);
    }
}
