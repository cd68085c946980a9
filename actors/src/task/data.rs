use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Something of the application that handlers use: a pool, a mailer, a client.
///
/// It is registered on the builder with `.data(…)`, one of each type, and taken by a handler that is
/// a function as an argument of this type. A start without it is refused.
pub struct Data<T: ?Sized>(Arc<T>);

impl<T: ?Sized> Data<T> {
    /// The shared value.
    pub fn into_inner(self) -> Arc<T> {
        self.0
    }
}

impl<T: ?Sized> From<Arc<T>> for Data<T> {
    fn from(shared: Arc<T>) -> Self {
        Self(shared)
    }
}

impl<T: ?Sized> Clone for Data<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> Deref for Data<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Data<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Data").field(&&*self.0).finish()
    }
}

/// Something that has to be registered before a handler can run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Need {
    id: TypeId,
    name: &'static str,
}

impl Need {
    /// The data of that type.
    pub fn data<T: ?Sized + Send + Sync + 'static>() -> Self {
        Self {
            id: TypeId::of::<T>(),
            name: type_name::<T>(),
        }
    }

    /// The Rust type that is needed.
    pub fn type_name(&self) -> &'static str {
        self.name
    }
}

/// Everything that is registered, one of each type.
#[derive(Clone, Default)]
pub(crate) struct AppData(Arc<HashMap<TypeId, Box<dyn Any + Send + Sync>>>);

impl AppData {
    pub(crate) fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Data<T>> {
        let found = self.0.get(&TypeId::of::<T>())?;
        found.downcast_ref::<Data<T>>().cloned()
    }

    pub(super) fn meets(&self, need: &Need) -> bool {
        self.0.contains_key(&need.id)
    }
}

/// Collects what is registered.
#[derive(Default)]
pub(super) struct AppDataBuilder {
    data: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    /// The first type of which there were two.
    duplicate: Option<&'static str>,
}

impl AppDataBuilder {
    pub(super) fn add<T: ?Sized + Send + Sync + 'static>(&mut self, data: Data<T>) {
        let replaced = self.data.insert(TypeId::of::<T>(), Box::new(data));
        if replaced.is_some() {
            self.duplicate.get_or_insert(type_name::<T>());
        }
    }

    /// Answers the data, or the type of which there are two.
    pub(super) fn build(self) -> Result<AppData, &'static str> {
        match self.duplicate {
            Some(name) => Err(name),
            None => Ok(AppData(Arc::new(self.data))),
        }
    }
}
