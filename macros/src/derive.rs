//! `#[derive(Task)]`.

use proc_macro2::TokenStream;
use syn::{DeriveInput, Error, Result};

use crate::arguments::TaskArguments;

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &input.generics,
            "a task can't be generic: its name stands for one type",
        ));
    }
    let mut given = input
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("task"));
    let arguments = match given.next() {
        Some(attribute) => attribute.parse_args()?,
        None => TaskArguments::default(),
    };
    if let Some(second) = given.next() {
        let problem = "`#[task(…)]` is given twice; put all options into one";
        return Err(Error::new_spanned(second, problem));
    }
    arguments.implement(&input.ident)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let input = syn::parse_str(text).unwrap();
        expand(&input).unwrap_err().to_string()
    }

    #[test]
    fn a_task_is_one_type_with_one_set_of_options() {
        let problem = refusal(r#"#[task(name = "a")] struct Sample<T>(T);"#);
        assert!(problem.contains("generic"), "{problem}");
        let problem = refusal(r#"#[task(name = "a")] #[task(queue = "b")] struct Sample;"#);
        assert!(problem.contains("twice"), "{problem}");
        let problem = refusal("struct Sample;");
        assert!(problem.contains("needs a name"), "{problem}");
    }

    #[test]
    fn enums_are_tasks_too() {
        let input = syn::parse_str(r#"#[task(name = "a")] enum Sample { One, Two(u8) }"#);
        expand(&input.unwrap()).unwrap();
    }
}
