use evertask_core::retention::RetentionScope;
use evertask_migration::TablePrefix;
use sea_orm::ExprTrait;
use sea_orm::sea_query::{Alias, Condition, Expr, Query};

/// Which rows of the table of tasks a set of rules is for.
pub(super) fn of_task(tasks: &str, scope: &RetentionScope) -> Condition {
    let column = |name: &'static str| Expr::col((Alias::new(tasks), Alias::new(name)));
    let except = |name, names: &[String]| {
        (!names.is_empty()).then(|| column(name).is_not_in(names.iter().cloned()))
    };
    Condition::all()
        .add_option(scope.task.as_ref().map(|name| column("task").eq(name)))
        .add_option(scope.queue.as_ref().map(|name| column("queue").eq(name)))
        .add_option(except("task", &scope.except_tasks))
        .add_option(except("queue", &scope.except_queues))
}

/// Which rows of a table that belongs to tasks.
pub(super) fn of_line(prefix: &TablePrefix, table: &str, scope: &RetentionScope) -> Condition {
    if scope.is_everything() {
        return Condition::all();
    }
    let of_scope = of_task(&prefix.tasks(), scope);
    Condition::all().add(of_line_of(prefix, table, of_scope))
}

/// Which rows of a table that belongs to tasks, by what is true of their tasks.
pub(super) fn of_line_of(prefix: &TablePrefix, table: &str, of_task: Condition) -> Expr {
    let tasks = prefix.tasks();
    let task = Query::select()
        .expr(Expr::val(1))
        .from(Alias::new(&tasks))
        .and_where(belongs(table, &tasks))
        .cond_where(of_task)
        .take();
    Expr::exists(task)
}

/// Says that a line belongs to a task.
pub(super) fn belongs(table: &str, tasks: &str) -> Expr {
    let task_id = Expr::col((Alias::new(table), Alias::new("task_id")));
    task_id.equals((Alias::new(tasks), Alias::new("id")))
}
