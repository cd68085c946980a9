//! `#[evertask::task]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Attribute, Error, FnArg, Ident, ItemFn, Pat, PatType, Result, ReturnType, Type, TypePath,
};

use crate::arguments::TaskArguments;

/// An argument of the function, in its order.
enum Argument {
    /// It is stored: a field of the task.
    Field {
        name: Ident,
        kind: Type,
        attributes: Vec<Attribute>,
    },
    /// It is taken from the context.
    Context(Type),
}

pub(crate) fn expand(arguments: TaskArguments, mut function: ItemFn) -> Result<TokenStream> {
    check(&function)?;
    let inputs = function.sig.inputs.iter_mut().map(argument);
    let inputs: Vec<_> = inputs.collect::<Result<_>>()?;
    let name = &function.sig.ident;
    let task = format_ident!("{}", camel_case(&name.to_string()), span = name.span());
    let implementation = arguments.implement(&task)?;
    let visibility = &function.vis;
    let docs = function
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"));
    let fields = inputs.iter().filter_map(|input| match input {
        Argument::Field {
            name,
            kind,
            attributes,
        } => Some(quote! { #(#attributes)* #visibility #name: #kind }),
        Argument::Context(_) => None,
    });
    let needs: Vec<_> = inputs
        .iter()
        .filter_map(|input| match input {
            Argument::Context(kind) => Some(quote! { <#kind as ::evertask::FromContext>::need() }),
            Argument::Field { .. } => None,
        })
        .collect();
    let count = needs.len();
    let values = inputs.iter().map(|input| match input {
        Argument::Field { name, .. } => quote! { ::std::clone::Clone::clone(&self.#name) },
        Argument::Context(kind) => {
            quote! { <#kind as ::evertask::FromContext>::from_context(context)? }
        }
    });
    let returned = match &function.sig.output {
        ReturnType::Default => quote! { () },
        ReturnType::Type(_, kind) => quote! { #kind },
    };
    Ok(quote! {
        #(#docs)*
        #[derive(
            ::std::clone::Clone,
            ::evertask::__private::serde::Deserialize,
            ::evertask::__private::serde::Serialize,
        )]
        #[serde(crate = "::evertask::__private::serde")]
        #[allow(missing_debug_implementations, missing_docs)]
        #visibility struct #task {
            #(#fields,)*
        }

        #implementation

        #[automatically_derived]
        impl ::evertask::TaskFunction for #task {
            type Output = <#returned as ::evertask::IntoTaskResult>::Output;

            fn needs() -> ::std::vec::Vec<::evertask::Need> {
                let needs: [::std::option::Option<::evertask::Need>; #count] = [#(#needs),*];
                needs.into_iter().flatten().collect()
            }

            #[allow(unused_variables)]
            async fn run(
                &self,
                context: &::evertask::TaskContext,
            ) -> ::evertask::TaskResult<Self::Output> {
                ::evertask::IntoTaskResult::into_task_result(#name(#(#values),*).await)
            }
        }

        // A task is asynchronous, whether or not it has something to wait for.
        #[allow(clippy::unused_async)]
        #function
    })
}

fn check(function: &ItemFn) -> Result<()> {
    let signature = &function.sig;
    if signature.asyncness.is_none() {
        return Err(Error::new_spanned(
            signature.fn_token,
            "a task is an `async fn`; for work that blocks, implement `BlockingHandler`",
        ));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &signature.generics,
            "a task can't be generic: its name stands for one type",
        ));
    }
    Ok(())
}

/// Reads an argument, and takes from it what only its field can have.
fn argument(input: &mut FnArg) -> Result<Argument> {
    let FnArg::Typed(input) = input else {
        return Err(Error::new_spanned(
            input,
            "a task is a function of its own, without `self`",
        ));
    };
    let marks = input.attrs.iter();
    let is_marked = marks
        .into_iter()
        .any(|mark| mark.path().is_ident("context"));
    if is_marked || is_from_context(&input.ty) {
        input.attrs.retain(|mark| !mark.path().is_ident("context"));
        return Ok(Argument::Context((*input.ty).clone()));
    }
    let attributes = std::mem::take(&mut input.attrs);
    if let Type::Reference(reference) = &*input.ty {
        return Err(Error::new_spanned(
            reference,
            "what a task is given is stored, so it can't be borrowed; take the value itself",
        ));
    }
    Ok(Argument::Field {
        name: field_name(input)?,
        kind: (*input.ty).clone(),
        attributes,
    })
}

fn field_name(input: &PatType) -> Result<Ident> {
    if let Pat::Ident(name) = &*input.pat
        && name.subpat.is_none()
    {
        return Ok(name.ident.clone());
    }
    Err(Error::new_spanned(
        &input.pat,
        "what a task is given is stored under its name, so it needs a plain one",
    ))
}

/// Whether the type is one that is always taken from the context.
fn is_from_context(kind: &Type) -> bool {
    let Type::Path(TypePath { path, .. }) = kind else {
        return false;
    };
    path.segments.last().is_some_and(|segment| {
        ["TaskContext", "Data", "Client"]
            .iter()
            .any(|known| segment.ident == known)
    })
}

/// `welcome_email` becomes `WelcomeEmail`.
fn camel_case(name: &str) -> String {
    let words = name.trim_start_matches("r#").split('_');
    let capitalised = words.map(|word| {
        let mut letters = word.chars();
        let first = letters
            .next()
            .map(|letter| letter.to_uppercase().to_string());
        first.unwrap_or_default() + letters.as_str()
    });
    capitalised.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(function: &str) -> Result<String> {
        let arguments = syn::parse_str(r#"name = "test.sample""#).unwrap();
        let function = syn::parse_str(function).unwrap();
        expand(arguments, function).map(|tokens| tokens.to_string())
    }

    #[test]
    fn arguments_are_fields_unless_they_come_from_the_context() {
        let written = expanded(
            "pub async fn welcome_email(#[serde(default)] to: String, mailer: Data<Mailer>, \
             context: evertask::TaskContext, #[context] luck: Luck) {}",
        );
        let written = written.unwrap();
        for part in [
            "pub struct WelcomeEmail { # [serde (default)] pub to : String , }",
            "< Data < Mailer > as :: evertask :: FromContext > :: need ()",
            "< Luck as :: evertask :: FromContext > :: need ()",
            "pub async fn welcome_email (to : String , mailer : Data < Mailer >",
        ] {
            assert!(written.contains(part), "{part} is not in {written}");
        }
    }

    #[test]
    fn what_can_not_be_a_task_is_told_why() {
        for (function, said) in [
            ("fn sample() {}", "is an `async fn`"),
            ("async fn sample<T>(one: T) {}", "can't be generic"),
            ("async fn sample(&self) {}", "without `self`"),
            ("async fn sample(one: &str) {}", "can't be borrowed"),
            (
                "async fn sample((one, two): (u8, u8)) {}",
                "needs a plain one",
            ),
        ] {
            let problem = expanded(function).unwrap_err().to_string();
            assert!(problem.contains(said), "{problem}");
        }
    }

    #[test]
    fn a_type_is_named_as_types_are() {
        let names = ["welcome_email", "r#type", "a1_b", "_hidden"].map(camel_case);
        assert_eq!(names, ["WelcomeEmail", "Type", "A1B", "Hidden"]);
    }
}
