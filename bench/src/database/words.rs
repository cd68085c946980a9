/// What databases say differently when they are filled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Words {
    Sqlite,
    Postgres,
}

impl Words {
    /// The name of the database.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// The numbers of a range, both ends included, as the column `n` of the table `numbers`.
    pub(crate) fn numbers(self, from: u32, to: u32) -> String {
        match self {
            Self::Sqlite => format!(
                "(WITH RECURSIVE numbers(n) AS (SELECT {from} UNION ALL \
                 SELECT n + 1 FROM numbers WHERE n < {to}) SELECT n FROM numbers) AS numbers"
            ),
            Self::Postgres => {
                format!("generate_series(CAST({from} AS bigint), {to}) AS numbers(n)")
            }
        }
    }

    /// An id made of the number of its kind and of another one; of one kind, they are in the order
    /// of the numbers.
    pub(crate) fn id(self, kind: u32, number: &str) -> String {
        match self {
            Self::Sqlite => format!("unhex(printf('%08x%024x', {kind}, {number}))"),
            Self::Postgres => {
                format!("CAST('{kind:08x}' || lpad(to_hex({number}), 24, '0') AS uuid)")
            }
        }
    }

    /// An instant, from its microseconds since 1970.
    pub(crate) fn instant(self, micros: &str) -> String {
        match self {
            Self::Sqlite => format!("({micros})"),
            Self::Postgres => {
                format!("(timestamptz 'epoch' + ({micros}) * interval '1 microsecond')")
            }
        }
    }

    /// Asks for the plan of the statement that follows.
    pub(crate) fn explain(self) -> &'static str {
        match self {
            Self::Sqlite => "EXPLAIN QUERY PLAN",
            Self::Postgres => "EXPLAIN",
        }
    }

    /// The column that the steps of a plan are in.
    pub(crate) fn step(self) -> &'static str {
        match self {
            Self::Sqlite => "detail",
            Self::Postgres => "QUERY PLAN",
        }
    }

    /// What the storage sets up its connection with that writes, and those that read, as far as it
    /// decides about plans.
    pub(crate) fn settings(self, writes: bool) -> Vec<String> {
        match self {
            Self::Sqlite => Vec::new(),
            Self::Postgres => ["enable_seqscan", "enable_hashjoin", "enable_mergejoin"]
                .map(|name| format!("SET {name} = {}", if writes { "off" } else { "on" }))
                .into_iter()
                .chain(["SET jit = off".to_owned()])
                .collect(),
        }
    }

    /// What a database does by itself sooner or later.
    pub(crate) fn tidy_up(self) -> &'static str {
        match self {
            Self::Sqlite => "ANALYZE",
            Self::Postgres => "VACUUM (ANALYZE)",
        }
    }
}
