use std::time::Duration;

/// Reads a whole number with a unit: `500ms`, `30s`, `5m`, `2h`.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs);
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(60 * 60),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_with_a_unit() {
        let spans = ["500ms", "30s", "5m", "2h"].map(|text| parse(text).unwrap());
        let expected = [500, 30_000, 300_000, 7_200_000].map(Duration::from_millis);
        assert_eq!(spans, expected);
        let refused = [
            "",
            "s",
            "30",
            "30 s",
            "-1s",
            "1.5s",
            "1d",
            "99999999999999999999s",
        ];
        assert_eq!(refused.map(parse), [None; 8]);
    }
}
