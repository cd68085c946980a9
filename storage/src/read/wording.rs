//! What databases say differently when they read.

use evertask_core::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{DbBackend, Value};

/// The words of one database.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wording {
    Sqlite,
    Postgres,
    MySql,
}

impl Wording {
    pub(super) fn of(database: DbBackend) -> Self {
        match database {
            DbBackend::Postgres => Self::Postgres,
            DbBackend::MySql => Self::MySql,
            DbBackend::Sqlite | _ => Self::Sqlite,
        }
    }

    /// Stands for the value of that number, from 1, in a statement.
    pub(super) fn placeholder(self, number: usize) -> String {
        match self {
            Self::Postgres => format!("${number}"),
            Self::Sqlite | Self::MySql => "?".to_owned(),
        }
    }

    /// How many microseconds lie between an instant and an earlier one.
    pub(super) fn micros_since(self, at: &str, earlier: &str) -> String {
        match self {
            Self::Sqlite => format!("({at} - {earlier})"),
            Self::Postgres => {
                format!("CAST(round(extract(epoch FROM ({at} - {earlier})) * 1000000) AS bigint)")
            }
            Self::MySql => format!("timestampdiff(MICROSECOND, {earlier}, {at})"),
        }
    }

    /// Divides whole numbers.
    pub(super) fn whole_quotient(self, dividend: &str, divisor: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("{dividend} / {divisor}"),
            Self::MySql => format!("{dividend} DIV {divisor}"),
        }
    }

    /// A sum as a whole number of 64 bits.
    pub(super) fn number(self, sum: &str) -> String {
        let kind = match self {
            Self::Sqlite => "INTEGER",
            Self::Postgres => "bigint",
            Self::MySql => "SIGNED",
        };
        format!("CAST({sum} AS {kind})")
    }

    /// An instant as the columns keep it.
    pub(super) fn instant(self, at: Timestamp) -> Value {
        match self {
            Self::Sqlite => at.timestamp_micros().into(),
            Self::Postgres | Self::MySql => at.into(),
        }
    }

    /// A column by which no index is to be chosen.
    ///
    /// `SQLite` knows nothing of how many rows have a value and takes every equality for the way to
    /// few of them. The others keep statistics and decide by themselves.
    pub(super) fn without_index(self, column: Expr) -> Expr {
        match self {
            Self::Sqlite => Expr::cust_with_exprs("+?", [column]),
            Self::Postgres | Self::MySql => column,
        }
    }

    /// Whether a text contains another one; `A` to `Z` and `a` to `z` are the same.
    ///
    /// No pattern is involved, so nothing has to be escaped. `lower` folds these letters alone in
    /// `SQLite` and in the collation `C` of `PostgreSQL`. `MySQL` would fold others, too; there, the
    /// capitals of the letters that are looked for are replaced one by one.
    pub(super) fn contains(self, text: Expr, part: &str) -> Expr {
        let part = part.to_ascii_lowercase();
        let found = match self {
            Self::Sqlite => Expr::cust_with_exprs("instr(lower(?), ?)", [text, part.into()]),
            Self::Postgres => {
                Expr::cust_with_exprs("strpos(lower($1 COLLATE \"C\"), $2)", [text, part.into()])
            }
            Self::MySql => {
                let folded = fold_letters_of(&part, text);
                Expr::cust_with_exprs("locate(?, ?)", [part.into(), folded])
            }
        };
        found.gt(0)
    }

    /// Whether a JSON array of texts has this one.
    pub(super) fn has_element(self, array: Expr, element: &str) -> Expr {
        match self {
            Self::Sqlite => Expr::cust_with_exprs(
                "EXISTS (SELECT 1 FROM json_each(?) AS element WHERE element.value = ?)",
                [array, element.into()],
            ),
            Self::Postgres => {
                Expr::cust_with_exprs("jsonb_exists($1::jsonb, $2)", [array, element.into()])
            }
            Self::MySql => {
                Expr::cust_with_exprs("json_contains(?, json_quote(?))", [array, element.into()])
            }
        }
    }

    /// A text that is compared and sorted byte by byte.
    pub(super) fn by_bytes(self, text: Expr) -> Expr {
        match self {
            Self::Postgres => Expr::cust_with_exprs("$1 COLLATE \"C\"", [text]),
            Self::Sqlite | Self::MySql => text,
        }
    }

    /// Whether the pair (`key`, `id`) comes after another one in an ascending or descending list.
    ///
    /// Comparing pairs is one range of an index in `SQLite` and `PostgreSQL`. `MySQL` finds the range
    /// only when it is spelt out.
    pub(super) fn is_after(self, place: [Expr; 2], last: [Expr; 2], is_descending: bool) -> Expr {
        let compare = |left: Expr, right: Expr| {
            if is_descending {
                left.lt(right)
            } else {
                left.gt(right)
            }
        };
        if self != Self::MySql {
            return compare(Expr::tuple(place), Expr::tuple(last));
        }
        let [key, id] = place;
        let [last_key, last_id] = last;
        compare(key.clone(), last_key.clone()).or(key.eq(last_key).and(compare(id, last_id)))
    }
}

fn fold_letters_of(part: &str, text: Expr) -> Expr {
    ('a'..='z')
        .filter(|letter| part.contains(*letter))
        .fold(text, |text, letter| {
            let capital = letter.to_ascii_uppercase().to_string();
            Expr::cust_with_exprs(
                "replace(?, ?, ?)",
                [text, capital.into(), letter.to_string().into()],
            )
        })
}
