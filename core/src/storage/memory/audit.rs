use crate::storage::AuditEntry;

/// The status audit of one task: lines in the order in which they were written, each with a number
/// that stays when others are removed, so that a page can go on behind it.
#[derive(Default)]
pub(super) struct AuditTrail {
    next: i64,
    lines: Vec<(i64, AuditEntry)>,
}

impl AuditTrail {
    pub(super) fn push(&mut self, entry: AuditEntry) {
        self.lines.push((self.next, entry));
        self.next += 1;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &AuditEntry> {
        self.lines.iter().map(|(_, entry)| entry)
    }

    pub(super) fn numbered(&self) -> impl Iterator<Item = &(i64, AuditEntry)> {
        self.lines.iter()
    }

    pub(super) fn remove(&mut self, mut goes: impl FnMut(&mut AuditEntry) -> bool) {
        let goes = |line: &mut (i64, AuditEntry)| goes(&mut line.1);
        self.lines.extract_if(.., goes).for_each(drop);
    }
}

impl Extend<AuditEntry> for AuditTrail {
    fn extend<T: IntoIterator<Item = AuditEntry>>(&mut self, entries: T) {
        entries.into_iter().for_each(|entry| self.push(entry));
    }
}

impl FromIterator<AuditEntry> for AuditTrail {
    fn from_iter<T: IntoIterator<Item = AuditEntry>>(entries: T) -> Self {
        let mut trail = Self::default();
        trail.extend(entries);
        trail
    }
}
