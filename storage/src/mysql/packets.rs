//! Parameters that fit into one packet.
//!
//! The server closes the connection on a packet that is longer than its `max_allowed_packet`, which
//! would look like an outage and be tried again for ever. What would be too long is therefore sent in
//! several statements, and a row that is too long by itself is refused here.

use evertask_core::storage::{StorageError, StorageErrorKind};
use uuid::Uuid;

use crate::rows::{Cell, Encoding, Row, json, json_row};

/// Room for what stands in a packet beside the JSON.
const OVERHEAD: u64 = 1024;

/// Writes parameters for a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packets {
    /// `max_allowed_packet`, in bytes.
    max: u64,
}

impl Packets {
    pub(super) fn new(max: u64) -> Self {
        Self { max }
    }

    /// Splits rows, in order, so that each part fits.
    pub(super) fn split<'a, 'row>(
        self,
        rows: &'a [Row<'row>],
    ) -> Result<Vec<&'a [Row<'row>]>, StorageError> {
        let size = size(&json(rows, Encoding::MySql)?);
        if self.fits(size) {
            return Ok(vec![rows]);
        }
        if rows.len() < 2 {
            return Err(self.too_long(size));
        }
        let (first, second) = rows.split_at(rows.len() / 2);
        Ok([self.split(first)?, self.split(second)?].concat())
    }

    /// Writes rows that fit.
    pub(super) fn rows(self, rows: &[Row<'_>]) -> Result<String, StorageError> {
        self.checked(json(rows, Encoding::MySql)?)
    }

    /// Writes ids.
    pub(super) fn ids(self, ids: &[Uuid]) -> Result<String, StorageError> {
        let ids: Row<'_> = ids.iter().copied().map(Cell::Id).collect();
        self.list(&ids)
    }

    /// Writes a list of values.
    pub(super) fn list(self, values: &[Cell<'_>]) -> Result<String, StorageError> {
        self.checked(json_row(values, Encoding::MySql)?)
    }

    fn checked(self, parameter: String) -> Result<String, StorageError> {
        let size = size(&parameter);
        if self.fits(size) {
            Ok(parameter)
        } else {
            Err(self.too_long(size))
        }
    }

    fn fits(self, size: u64) -> bool {
        size.saturating_add(OVERHEAD) <= self.max
    }

    fn too_long(self, size: u64) -> StorageError {
        StorageError::new(
            StorageErrorKind::Rejected,
            format!(
                "send {size} bytes to a server that takes {} at once; send a smaller payload or \
                 raise max_allowed_packet on the server",
                self.max
            ),
        )
    }
}

fn size(parameter: &str) -> u64 {
    u64::try_from(parameter.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lengths: &[usize]) -> Vec<Row<'static>> {
        let row = |length: &usize| vec![Cell::Text("x".repeat(*length).into())];
        lengths.iter().map(row).collect()
    }

    #[test]
    fn rows_are_split_in_order_so_that_each_part_fits() {
        let packets = Packets::new(OVERHEAD + 1_000);
        let rows = rows(&[400, 500, 600, 1, 2, 3, 900]);
        let parts = packets.split(&rows).unwrap();
        assert!(parts.len() > 1);
        assert!(parts.iter().all(|part| packets.rows(part).is_ok()));
        let together: Vec<_> = parts.concat().iter().map(|row| row[0].clone()).collect();
        let expected: Vec<_> = rows.iter().map(|row| row[0].clone()).collect();
        assert_eq!(format!("{together:?}"), format!("{expected:?}"));
    }

    #[test]
    fn rows_that_fit_stay_together() {
        let packets = Packets::new(OVERHEAD + 1_000);
        assert_eq!(packets.split(&rows(&[400, 400])).unwrap().len(), 1);
    }

    #[test]
    fn a_row_that_does_not_fit_by_itself_is_rejected_with_a_remedy() {
        let packets = Packets::new(OVERHEAD + 1_000);
        let error = packets.split(&rows(&[10, 1_000, 10])).unwrap_err();
        assert_eq!(error.kind(), StorageErrorKind::Rejected);
        assert!(error.to_string().contains("max_allowed_packet"), "{error}");
    }
}
