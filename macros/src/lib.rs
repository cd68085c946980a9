//! Tasks from structs and from functions.
//!
//! Both macros write what one would write by hand, an implementation of `evertask::Task`, and use
//! nothing that is not public. Whatever can be checked is checked here, so that a mistake is an error
//! at its place and not at the start of the program.

mod arguments;
mod derive;
mod function;
mod span_of_time;

use proc_macro::TokenStream;

/// Makes a struct or enum a task.
///
/// What a task is stored as is up to serde, so it derives `Serialize` and `Deserialize` too; a handler
/// that is a function asks for `Clone`.
///
/// ```ignore
/// #[derive(Clone, Serialize, Deserialize, Task)]
/// #[task(name = "email.welcome", queue = "mail", timeout = "30s")]
/// struct WelcomeEmail {
///     to: String,
/// }
/// ```
///
/// | option | means | if absent |
/// |---|---|---|
/// | `name = "…"` | the stable name it is stored under | an error |
/// | `queue = …` | the queue it runs in | `default` |
/// | `retry = …` | a `RetryPolicy` | that of the queue |
/// | `timeout = …` | a `Duration`, or a text such as `"500ms"`, `"30s"`, `"5m"`, `"2h"` | that of the queue |
/// | `options = …` | a `TaskOptions` that the others are added to | `TaskOptions::new()` |
/// | `aliases = ["…"]` | names it was stored under before | none |
/// | `version = …` | the version of its payload | 1 |
/// | `upcast = …` | a function like `Task::upcast` | older payloads are refused |
#[proc_macro_derive(Task, attributes(task))]
pub fn derive_task(input: TokenStream) -> TokenStream {
    let expanded = syn::parse(input).and_then(|input| derive::expand(&input));
    expanded
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes an async function a task and its handler.
///
/// The function stays as it is. Beside it comes a struct with its name in camel case, whose fields
/// are the arguments of the function; register it with `.task::<…>()`.
///
/// ```ignore
/// #[evertask::task(name = "email.welcome")]
/// async fn welcome_email(to: String, mailer: Data<Mailer>) -> Result<(), MailError> {
///     mailer.send(&to, "Welcome!").await
/// }
///
/// let evertask = EverTask::builder().data(mailer).task::<WelcomeEmail>() // …
/// evertask.dispatch(WelcomeEmail { to }).await?;
/// ```
///
/// Arguments of the types `TaskContext`, `Data` and `Client` are no fields: they are taken from the
/// context of the delivery, as is an argument of any other type that is marked with `#[context]` and
/// implements `FromContext`. All others are stored, and cloned for each attempt. Attributes of an
/// argument, such as `#[serde(default)]`, are those of its field.
///
/// The options are those of [`derive@Task`].
#[proc_macro_attribute]
pub fn task(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let expanded =
        syn::parse(arguments).and_then(|arguments| function::expand(arguments, syn::parse(item)?));
    expanded
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
