/// The longest lane as it is, in characters: what a name of 200 characters and a key of 200 take.
const MAX_LENGTH: usize = 401;

/// How much of a longer one is kept before its hash.
const KEPT: usize = 360;

/// The lane in which storages keep the rows of a type of task that share a limit key.
///
/// A claim passes over a whole lane at no cost per row. The key is said after the name, because the key
/// of another type is another limit. The text is part of an index, whose entries have a bounded size: one
/// that is longer than names and keys allow keeps its beginning, and the rest becomes a hash.
pub(crate) fn lane(task: &str, key: &str) -> String {
    let text = format!("{task}\n{key}");
    let Some((cut, _)) = text.char_indices().nth(KEPT) else {
        return text;
    };
    if text.chars().nth(MAX_LENGTH).is_none() {
        return text;
    }
    format!("{}{:032x}", &text[..cut], fnv(&text))
}

/// FNV-1a with 128 bits: the same on every machine and in every version.
fn fnv(text: &str) -> u128 {
    const PRIME: u128 = (1 << 88) + 0x13b;
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    let mix = |hash: u128, byte: u8| (hash ^ u128::from(byte)).wrapping_mul(PRIME);
    text.bytes().fold(BASIS, mix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_the_name_and_the_key() {
        assert_eq!(lane("mail", "tenant 1"), "mail\ntenant 1");
        assert_eq!(lane("mail", ""), "mail\n");
        assert_ne!(lane("mail", "a"), lane("mail.a", ""));
    }

    #[test]
    fn the_longest_name_and_key_are_kept_whole_and_longer_ones_told_apart() {
        let (name, key) = ("\u{1F9E8}".repeat(200), "\u{1F680}".repeat(200));
        assert_eq!(lane(&name, &key), format!("{name}\n{key}"));
        let longer = ["k", "l"].map(|end| lane(&name, &format!("{key}{end}")));
        assert_ne!(longer[0], longer[1]);
        for lane in longer {
            assert!(lane.chars().count() <= MAX_LENGTH, "{lane}");
        }
    }

    /// Known answers of the algorithm.
    #[test]
    fn the_hash_is_that_of_every_other_machine() {
        assert_eq!(fnv(""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(fnv("a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }
}
