//! From a function to the result of a task: `cargo run --example quickstart`.

use evertask::{Data, EverTask, MemoryStorage, TaskError};

struct Mailer {
    from: String,
}

#[evertask::task(name = "email.welcome", timeout = "30s")]
async fn welcome_email(to: String, mailer: Data<Mailer>) -> Result<String, TaskError> {
    if !to.contains('@') {
        return Err(TaskError::permanent("that is no address"));
    }
    Ok(format!("{} welcomed {to}", mailer.from))
}

#[actix::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let evertask = EverTask::builder()
        .storage(MemoryStorage::new()) // SqlStorage::sqlite("tasks.db") survives a crash
        .data(Mailer {
            from: "Grace".into(),
        })
        .task::<WelcomeEmail>()
        .start()
        .await?;

    let welcome = WelcomeEmail {
        to: "ada@example.org".into(),
    };
    let receipt: String = evertask.dispatch(welcome).wait().await?.into_result()?;
    assert_eq!(receipt, "Grace welcomed ada@example.org");

    evertask.shutdown().await?;
    Ok(())
}
