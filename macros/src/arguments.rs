//! What `#[task(…)]` says.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, Ident, Lit, LitInt, LitStr, Path, Result, Token, bracketed};

use crate::span_of_time;

/// The options, as far as they are given.
#[derive(Default)]
pub(crate) struct TaskArguments {
    name: Option<LitStr>,
    aliases: Vec<LitStr>,
    version: Option<LitInt>,
    upcast: Option<Path>,
    options: Option<Expr>,
    queue: Option<Expr>,
    retry: Option<Expr>,
    timeout: Option<TokenStream>,
}

/// What there is, for who got one wrong.
const OPTIONS: &str = "name, queue, retry, timeout, options, aliases, version, upcast";

/// As the runtime checks it when it starts.
const MAX_NAME_LENGTH: usize = 200;

impl Parse for TaskArguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Self::default();
        let mut given: Vec<Ident> = Vec::new();
        while !input.is_empty() {
            let option: Ident = input.parse()?;
            if given.contains(&option) {
                let problem = format!("`{option}` is given twice");
                return Err(Error::new(option.span(), problem));
            }
            input.parse::<Token![=]>()?;
            arguments.read(&option, input)?;
            given.push(option);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

impl TaskArguments {
    fn read(&mut self, option: &Ident, input: ParseStream<'_>) -> Result<()> {
        match option.to_string().as_str() {
            "name" => self.name = Some(name(input)?),
            "queue" => self.queue = Some(input.parse()?),
            "retry" => self.retry = Some(input.parse()?),
            "timeout" => self.timeout = Some(timeout(input)?),
            "options" => self.options = Some(input.parse()?),
            "aliases" => self.aliases = names(input)?,
            "version" => self.version = Some(version(input)?),
            "upcast" => self.upcast = Some(input.parse()?),
            other => {
                let problem = format!("there is no option `{other}`; there are {OPTIONS}");
                return Err(Error::new(option.span(), problem));
            }
        }
        Ok(())
    }

    /// The implementation of `Task` for that type.
    pub(crate) fn implement(self, task: &Ident) -> Result<TokenStream> {
        let Some(name) = self.name else {
            return Err(Error::new(
                Span::call_site(),
                "a task needs a name that stays when the type is renamed or moved, because it is \
                 stored with each task: `name = \"email.welcome\"`",
            ));
        };
        let aliases = &self.aliases;
        let version = self.version.map(|version| {
            quote! { const VERSION: u32 = #version; }
        });
        let upcast = self.upcast.map(|upcast| {
            quote! {
                fn upcast(
                    version: u32,
                    payload: ::evertask::__private::serde_json::Value,
                ) -> ::std::result::Result<
                    ::evertask::__private::serde_json::Value,
                    ::std::boxed::Box<dyn ::std::error::Error + Send + Sync>,
                > {
                    #upcast(version, payload)
                }
            }
        });
        let options = self.options.map_or_else(
            || quote! { ::evertask::TaskOptions::new() },
            ToTokens::into_token_stream,
        );
        let queue = self.queue.map(|queue| quote! { .queue(#queue) });
        let retry = self.retry.map(|retry| quote! { .retry(#retry) });
        let timeout = self.timeout.map(|timeout| quote! { .timeout(#timeout) });
        Ok(quote! {
            #[automatically_derived]
            impl ::evertask::Task for #task {
                const NAME: &'static str = #name;
                const ALIASES: &'static [&'static str] = &[#(#aliases),*];
                #version

                fn options() -> ::evertask::TaskOptions {
                    #options #queue #retry #timeout
                }

                #upcast
            }
        })
    }
}

fn name(input: ParseStream<'_>) -> Result<LitStr> {
    let name: LitStr = input.parse()?;
    let text = name.value();
    if text.trim().is_empty() {
        return Err(Error::new(name.span(), "the name of a task can't be blank"));
    }
    if text.len() > MAX_NAME_LENGTH {
        let problem = format!("the name of a task has at most {MAX_NAME_LENGTH} bytes");
        return Err(Error::new(name.span(), problem));
    }
    Ok(name)
}

fn names(input: ParseStream<'_>) -> Result<Vec<LitStr>> {
    let content;
    bracketed!(content in input);
    let names = Punctuated::<_, Token![,]>::parse_terminated_with(&content, name)?;
    Ok(names.into_iter().collect())
}

fn version(input: ParseStream<'_>) -> Result<LitInt> {
    let version: LitInt = input.parse()?;
    version.base10_parse::<u32>()?;
    Ok(version)
}

/// A text is read here; anything else has to be a `Duration`.
fn timeout(input: ParseStream<'_>) -> Result<TokenStream> {
    let value: Expr = input.parse()?;
    let Expr::Lit(ExprLit { lit, .. }) = &value else {
        return Ok(value.into_token_stream());
    };
    let span = if let Lit::Str(text) = lit {
        span_of_time::parse(&text.value())
    } else {
        None
    };
    let Some(span) = span else {
        return Err(Error::new_spanned(
            lit,
            "this is no span of time; write a number with a unit, such as \"500ms\", \"30s\", \
             \"5m\" or \"2h\", or a `Duration`",
        ));
    };
    let (seconds, nanos) = (span.as_secs(), span.subsec_nanos());
    Ok(quote! { ::std::time::Duration::new(#seconds, #nanos) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let arguments = syn::parse_str::<TaskArguments>(text);
        let task = Ident::new("Sample", Span::call_site());
        let implemented = arguments.and_then(|arguments| arguments.implement(&task));
        implemented.unwrap_err().to_string()
    }

    #[test]
    fn a_task_without_a_name_is_told_why_it_needs_one() {
        for text in ["", r#"queue = "mail""#] {
            let problem = refusal(text);
            assert!(problem.starts_with("a task needs a name"), "{problem}");
        }
    }

    #[test]
    fn an_option_that_is_not_there_is_answered_with_those_that_are() {
        let problem = refusal(r#"name = "a", que = "mail""#);
        assert!(problem.contains("no option `que`"), "{problem}");
        assert!(problem.contains("queue, retry"), "{problem}");
    }

    #[test]
    fn what_can_not_be_stored_is_no_name() {
        let long = format!("name = {:?}", "n".repeat(201));
        for (text, said) in [
            (r#"name = " ""#, "blank"),
            (long.as_str(), "at most 200 bytes"),
            (r#"name = "a", aliases = [""]"#, "blank"),
            (r#"name = "a", name = "b""#, "given twice"),
        ] {
            let problem = refusal(text);
            assert!(problem.contains(said), "{problem}");
        }
    }

    #[test]
    fn a_timeout_is_a_span_of_time() {
        for text in [r#"timeout = "30""#, "timeout = 30", r#"timeout = "soon""#] {
            let problem = refusal(text);
            assert!(problem.contains("no span of time"), "{problem}");
        }
    }

    #[test]
    fn everything_that_is_said_is_written() {
        let text = r#"name = "a", queue = "q", timeout = "2s", version = 2, aliases = ["b"]"#;
        let arguments = syn::parse_str::<TaskArguments>(text).unwrap();
        let task = Ident::new("Sample", Span::call_site());
        let written = arguments.implement(&task).unwrap().to_string();
        for part in [
            "impl :: evertask :: Task for Sample",
            r#"NAME : & 'static str = "a""#,
            r#"& ["b"]"#,
            "VERSION : u32 = 2",
            r#". queue ("q")"#,
            "Duration :: new (2u64 , 0u32)",
        ] {
            assert!(written.contains(part), "{part} is not in {written}");
        }
    }
}
