use std::cell::RefCell;
use std::sync::Arc;

use evertask_core::log::{LogLevel, LogText};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Span, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::delivery_log::DeliveryLog;
use super::event_text::EventText;

/// A layer for the `tracing` subscriber of the application: it hands what happens in the span of a
/// delivery to the log of the task.
///
/// That is what the handler, its hooks and the libraries they call log, on whatever thread, as long
/// as it is in that span: a task that the handler spawns belongs to it if it is `.instrument`ed with
/// the current span, and a thread if it enters [`TaskContext::span`](crate::TaskContext::span).
///
/// Which lines are kept is decided by [`LogOptions`](evertask_core::log::LogOptions). Two things keep
/// an event from coming this far: a level that the subscriber has switched off for everybody, and a
/// filter of this layer. Such a filter saves the cost of events that are not kept anyway; add it with
/// [`Layer::with_filter`], and give other layers theirs the same way, so that what they print and
/// what is stored are decided apart.
///
/// ```
/// use evertask_actors::LogCapture;
/// use tracing_subscriber::filter::LevelFilter;
/// use tracing_subscriber::layer::{Layer, SubscriberExt};
///
/// let subscriber = tracing_subscriber::registry()
///     .with(LogCapture::new().with_filter(LevelFilter::INFO));
/// # drop(subscriber);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct LogCapture;

/// What a span of a delivery holds for the layer.
struct CapturedBy(Arc<DeliveryLog>);

thread_local! {
    /// The log whose span is being made on this thread. A subscriber sees a span while it is made,
    /// so it finds the log here, and no table of spans has to be kept.
    static LOG_OF_NEW_SPAN: RefCell<Option<Arc<DeliveryLog>>> = const { RefCell::new(None) };
}

/// Makes a span whose events are handed to `log`.
pub(crate) fn span_captured_by(log: &Arc<DeliveryLog>, make: impl FnOnce() -> Span) -> Span {
    LOG_OF_NEW_SPAN.set(Some(Arc::clone(log)));
    let span = make();
    LOG_OF_NEW_SPAN.take();
    span
}

impl LogCapture {
    /// Creates the layer; one is enough for all runtimes of a process.
    pub fn new() -> Self {
        Self
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogCapture {
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let log = LOG_OF_NEW_SPAN.with_borrow(Clone::clone);
        if let (Some(log), Some(span)) = (log, context.span(id)) {
            span.extensions_mut().insert(CapturedBy(log));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(log) = log_of(event, &context) else {
            return;
        };
        let level = log_level(*event.metadata().level());
        let target = event.metadata().target();
        if !log.keeps_level(level) || !log.keeps_target(target) {
            return;
        }
        let text = EventText::of(event);
        // A record of the crate `log` comes with the target of whoever handed it over.
        let target = text.target.unwrap_or_else(|| target.to_owned());
        if log.keeps_target(&target) {
            let target = LogText::cut(&target, LogText::MESSAGE);
            log.push(level, target, text.message, text.fields);
        }
    }
}

/// The log of the innermost span that has one.
fn log_of<S>(event: &Event<'_>, context: &Context<'_, S>) -> Option<Arc<DeliveryLog>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    context.event_scope(event)?.find_map(|span| {
        let extensions = span.extensions();
        let captured = extensions.get::<CapturedBy>();
        captured.map(|captured| Arc::clone(&captured.0))
    })
}

fn log_level(level: Level) -> LogLevel {
    match level {
        Level::TRACE => LogLevel::Trace,
        Level::DEBUG => LogLevel::Debug,
        Level::INFO => LogLevel::Info,
        Level::WARN => LogLevel::Warn,
        Level::ERROR => LogLevel::Error,
    }
}
