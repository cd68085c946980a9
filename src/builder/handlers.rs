use std::sync::Arc;

use evertask_actors::{
    BlockingHandler, Data, HandlerFunction, Task, TaskFunction, TaskHandler, TaskOutput,
};

use super::Builder;

/// What the runtime can do: the handlers, and what they use.
impl Builder {
    /// Adds the handler of one kind of task.
    ///
    /// If the value handles several kinds, the kind has to be named: see
    /// [`handler_for`](Self::handler_for).
    pub fn handler<T: Task, O: TaskOutput>(mut self, handler: impl TaskHandler<T, O>) -> Self {
        self.catalog.add(handler);
        self
    }

    /// Adds an async function as the handler of one kind of task. Its first argument is the task, the
    /// others are taken from the context: [`TaskContext`](crate::TaskContext), [`Data`], and whatever
    /// implements [`FromContext`](crate::FromContext). It returns nothing, or a `Result` with any
    /// error; a value is stored with the outcome.
    ///
    /// ```
    /// # use evertask::{Data, EverTask, Task};
    /// # use serde::{Deserialize, Serialize};
    /// # struct Prices;
    /// # impl Prices { fn of(&self, _: &str) -> Result<u64, std::fmt::Error> { Ok(7) } }
    /// #[derive(Clone, Serialize, Deserialize)]
    /// struct Invoice { articles: Vec<String> }
    ///
    /// impl Task for Invoice { const NAME: &'static str = "invoice"; }
    ///
    /// async fn total(invoice: Invoice, prices: Data<Prices>) -> Result<u64, std::fmt::Error> {
    ///     invoice.articles.iter().map(|article| prices.of(article)).sum()
    /// }
    ///
    /// let builder = EverTask::builder().data(Prices).handler_fn(total);
    /// ```
    pub fn handler_fn<T: Task + Clone, Arguments: 'static>(
        mut self,
        function: impl HandlerFunction<T, Arguments>,
    ) -> Self {
        self.catalog.add_function(function);
        self
    }

    /// Adds a kind of task that brings its handler along: one that `#[evertask::task]` made of a
    /// function.
    pub fn task<T: TaskFunction>(mut self) -> Self {
        self.catalog.add_task::<T>();
        self
    }

    /// Registers something of the application that handlers use: a pool, a mailer, a client. One
    /// value of each type; a function takes it as an argument of the type [`Data`].
    ///
    /// A start is refused if a handler takes data that is not there.
    pub fn data<D: Send + Sync + 'static>(self, data: D) -> Self {
        self.shared_data(Arc::new(data))
    }

    /// Registers something that is shared already, or that handlers know as a trait object.
    pub fn shared_data<D: ?Sized + Send + Sync + 'static>(mut self, data: Arc<D>) -> Self {
        self.catalog.add_data(Data::from(data));
        self
    }

    /// Adds the handler of the tasks of type `T`; share one value between several kinds in an
    /// `Arc`.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use evertask::{EverTask, Task, TaskContext, TaskHandler, TaskResult};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)] struct Welcome;
    /// # #[derive(Serialize, Deserialize)] struct Goodbye;
    /// # impl Task for Welcome { const NAME: &'static str = "welcome"; }
    /// # impl Task for Goodbye { const NAME: &'static str = "goodbye"; }
    /// # struct Mailer;
    /// # impl TaskHandler<Welcome> for Mailer {
    /// #     async fn handle(&self, _: &Welcome, _: &TaskContext) -> TaskResult { Ok(()) }
    /// # }
    /// # impl TaskHandler<Goodbye> for Mailer {
    /// #     async fn handle(&self, _: &Goodbye, _: &TaskContext) -> TaskResult { Ok(()) }
    /// # }
    /// let mailer = Arc::new(Mailer);
    /// let builder = EverTask::builder()
    ///     .handler_for::<Welcome, _>(Arc::clone(&mailer))
    ///     .handler_for::<Goodbye, _>(mailer);
    /// ```
    pub fn handler_for<T: Task, O: TaskOutput>(self, handler: impl TaskHandler<T, O>) -> Self {
        self.handler(handler)
    }

    /// Adds the handler of one kind of task that blocks or computes; it runs on a thread of its own.
    pub fn blocking_handler<T: Task, O: TaskOutput>(
        mut self,
        handler: impl BlockingHandler<T, O>,
    ) -> Self {
        self.catalog.add_blocking(handler);
        self
    }

    /// Adds the blocking handler of the tasks of type `T`.
    pub fn blocking_handler_for<T: Task, O: TaskOutput>(
        self,
        handler: impl BlockingHandler<T, O>,
    ) -> Self {
        self.blocking_handler(handler)
    }
}
