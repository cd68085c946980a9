//! What a failing run prints of each write.

use evertask::storage::{Answer, ChangeAnswer, InsertAnswer, Write};
use evertask::task::ProcessId;

pub(super) fn line(process: ProcessId, write: &Write, answer: &Answer) -> String {
    match (write, answer) {
        (Write::Insert(new), answer) => {
            let (id, state) = (new.record.definition.id, &new.record.state);
            let owner = state.owner.is_some();
            let kind = match answer {
                Answer::Insert(InsertAnswer::Stored) => "stored",
                _ => "exists",
            };
            format!(
                "{process} insert {id} {:?} owned={owner}: {kind}",
                state.status
            )
        }
        (Write::InsertAll(tasks), answer) => {
            format!("{process} insert {} tasks: {answer:?}", tasks.len())
        }
        (Write::Change(change), answer) => {
            let (id, from, to) = (change.id, change.expected.0, change.generation.0);
            let (status, owner) = (change.state.status, change.state.owner.is_some());
            let answer = found(answer);
            let attempts = change.state.attempts;
            format!(
                "{process} change {id} {from}->{to} {status:?} owned={owner} attempts={attempts}: {answer}"
            )
        }
        (Write::Redefine(redefined), answer) => {
            let (record, asked) = (&redefined.record, redefined.audit.last());
            let actor = asked.and_then(|entry| entry.actor.as_deref());
            let (from, to) = (redefined.expected.0, record.generation.0);
            let (id, status) = (record.id(), record.state.status);
            let answer = found(answer);
            format!("{process} redefine {id} {from}->{to} {status:?} by {actor:?}: {answer}")
        }
        (Write::Claim(_), Answer::Claim(claimed)) => {
            let taken: Vec<_> = claimed
                .tasks
                .iter()
                .map(|task| {
                    let record = &task.record;
                    format!("{}@{}", record.definition.id, record.generation.0)
                })
                .collect();
            let (exhausted, next) = (claimed.exhausted, claimed.next_available_at);
            format!("{process} claim {taken:?} exhausted={exhausted} next={next:?}")
        }
        (Write::Cancel(cancel), answer) => format!("{process} cancel {}: {answer:?}", cancel.id),
        (Write::Delete(delete), answer) => {
            format!("{process} delete {}: {answer:?}", delete.deletion.id)
        }
        (Write::Reconsider(known), _) => format!("{process} reconsider {:?}", known.known_tasks),
        (Write::Claim(_), answer) => format!("{process} claim: {answer:?}"),
        (Write::ChangeQueue(change), answer) => {
            format!(
                "{process} {} of {}: {answer:?}",
                change.change, change.queue
            )
        }
        (Write::AppendLogs(logs), answer) => {
            format!("{process} logs of {}: {answer:?}", logs.id)
        }
    }
}

/// What a conditional write found.
fn found(answer: &Answer) -> String {
    match answer {
        Answer::Change(ChangeAnswer::Applied) | Answer::Redefine(ChangeAnswer::Applied) => {
            "applied".to_owned()
        }
        Answer::Change(ChangeAnswer::Refused(found))
        | Answer::Redefine(ChangeAnswer::Refused(found)) => {
            format!("refused at {} {:?}", found.generation.0, found.state.status)
        }
        other => format!("{other:?}"),
    }
}
