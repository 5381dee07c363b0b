//! Values that programs stumble over.

use fastrand::Rng;
use serde_json::{Value, json};

/// Any of them.
#[must_use]
pub fn value(rng: &mut Rng) -> Value {
    match rng.u8(0..10) {
        0 => json!(null),
        1 => json!(rng.bool()),
        2 | 3 => number(rng),
        4 => json!([]),
        5 => json!({}),
        6 => (0..rng.usize(1..40)).fold(json!(1), |inner, _| json!([inner])),
        _ => json!(text(rng)),
    }
}

fn number(rng: &mut Rng) -> Value {
    let numbers = [
        json!(0),
        json!(-1),
        json!(1),
        json!(255),
        json!(65_536),
        json!(i64::from(i32::MAX) + 1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e308),
        json!(-1e-308),
        json!(0.1),
        json!(4.0),
        json!(9_007_199_254_740_993_u64),
    ];
    rng.choice(numbers).unwrap_or_default()
}

#[must_use]
pub fn text(rng: &mut Rng) -> String {
    const TEXTS: [&str; 64] = [
        "",
        " ",
        "\u{0}",
        "\u{1f}",
        "\n",
        "\r\n\r\n",
        "\u{7f}",
        "\u{feff}",
        "\u{202e}abc",
        "\u{fffd}",
        "\u{1f469}\u{200d}\u{1f52c}",
        "e\u{301}\u{301}\u{301}",
        "ß",
        "İ",
        "ﬀ",
        "null",
        "true",
        "0",
        "-1",
        "1e999",
        "NaN",
        "9223372036854775808",
        "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10",
        "00000000-0000-0000-0000-000000000000",
        "0B9F0A52-7C1E-4D9A-9A36-3C9F9F9D8F10",
        "ffffffffffffffffffffffffffffffffffffffff",
        "acme",
        "globex",
        "operator",
        "acme-",
        "-acme",
        "acme.globex",
        "svc.notifier",
        "ACME",
        "9999-12-31T23:59:59.999Z",
        "0001-01-01T00:00:00Z",
        "0000-01-01T00:00:00-23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-02-30T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "2026-03-01T10:00:00.123456789Z",
        "2026-03-01T10:00:00",
        "2026-03-01",
        "1969-12-31T23:59:59Z",
        "2024-02- 9",
        "+024-01-01",
        "2026-03-01T10:00:00\u{2212}02:00",
        "acme/0B9F0A52-7C1E-4D9A-9A36-3C9F9F9D8F10",
        "a@b",
        "@",
        "a@@b.example",
        "<a@b.example>",
        "\"a b\"@c.example",
        "a@[127.0.0.1]",
        "https://",
        "https://a b/",
        "HTTPS://a.example/1",
        "https://a:b@a.example/1",
        "is_public",
        "Public",
        "javascript:alert(1)",
        "{ticket_id}",
        "{{",
        "%00",
    ];
    match rng.u8(0..8) {
        0 => {
            "x".repeat(*rng.choice(&[63, 64, 127, 128, 129, 255, 256, 2_000, 70_000]).unwrap_or(&1))
        }
        1 => "\u{1f469}".repeat(rng.usize(1..70)),
        2 => "(a+)+$".repeat(rng.usize(1..10)),
        3 => "<b>".repeat(rng.usize(1..500)),
        _ => (*rng.choice(&TEXTS).unwrap_or(&"")).to_owned(),
    }
}
