//! Columns on a terminal.

pub(super) use timeline::harmless;

/// Lays out rows below their names, left-aligned.
pub(super) fn table<const N: usize>(
    names: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let rows: Vec<[String; N]> = std::iter::once(names.map(str::to_owned))
        .chain(rows)
        .map(|row| row.map(|cell| harmless(&cell)))
        .collect();
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let rows = [
            ["a".to_owned(), "long".to_owned(), "x".to_owned()],
            ["bbb".to_owned(), String::new(), String::new()],
        ];
        assert_eq!(table(["id", "b", "c"], rows), "id   b     c\na    long  x\nbbb\n");
    }

    #[test]
    fn a_stranger_does_not_steer_the_terminal() {
        assert_eq!(
            harmless("a\u{1b}[2Jb\r\n\u{202e}c\u{9b}"),
            "a\u{fffd}[2Jb\u{fffd}\u{fffd}\u{fffd}c\u{fffd}"
        );
    }
}
