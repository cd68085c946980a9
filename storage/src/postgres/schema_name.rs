use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The schema that holds evertask's tables in a `PostgreSQL` database.
///
/// It is checked once, when it is made: lower-case letters, digits and underscores only, no digit
/// first. Such a name needs no quotes, so it may be put into a statement as it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct SchemaName(String);

/// The name of a schema that can't be used.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "the schema {0:?} can't be used: it must have at most 63 lower-case letters, digits and \
     underscores, not begin with a digit and not with pg_; empty means public"
)]
pub(crate) struct InvalidSchemaName(String);

impl SchemaName {
    /// What `PostgreSQL` keeps of a longer name, which would then be another one.
    const MAX_LENGTH: usize = 63;
}

impl Default for SchemaName {
    fn default() -> Self {
        Self("evertask".to_owned())
    }
}

impl FromStr for SchemaName {
    type Err = InvalidSchemaName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self("public".to_owned()));
        }
        let starts_well =
            text.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
        let is_word = text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        let is_ours = !text.starts_with("pg_");
        if starts_well && is_word && is_ours && text.len() <= Self::MAX_LENGTH {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSchemaName(text.to_owned()))
        }
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_lower_case_words_are_schemas_and_empty_is_public() {
        let longest = "s".repeat(SchemaName::MAX_LENGTH);
        for good in ["evertask", "_", "jobs_2", &longest] {
            assert_eq!(good.parse::<SchemaName>().unwrap().to_string(), good);
        }
        assert_eq!("".parse::<SchemaName>().unwrap().to_string(), "public");
        let too_long = format!("{longest}s");
        for bad in [
            "Jobs", "2jobs", "a-b", "a\"b", "a b", "é", "pg_jobs", &too_long,
        ] {
            assert!(bad.parse::<SchemaName>().is_err(), "{bad:?}");
        }
    }
}
