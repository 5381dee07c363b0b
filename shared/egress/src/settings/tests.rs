use super::*;

#[test]
fn settings_are_read_and_printed_alike() {
    let settings: EgressSettings = serde_json::from_str(
        r#"{ "allow": ["10.0.0.0/8", "fd00::/8"], "ports": [443, "8000-8999"], "ca_file": "/ca" }"#,
    )
    .unwrap();
    assert_eq!(settings.ports, [Ports::one(443), Ports { first: 8000, last: 8999 }]);
    assert_eq!(settings.total_timeout_ms, EgressSettings::default().total_timeout_ms);
    let printed = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<EgressSettings>(&printed).unwrap(), settings);
}

#[test]
fn wrong_settings_are_refused() {
    for wrong in [
        r#"{ "allow": ["10.0.0.0/33"] }"#,
        r#"{ "allow": ["desk.test"] }"#,
        r#"{ "ports": [0] }"#,
        r#"{ "ports": [65536] }"#,
        r#"{ "ports": ["9-8"] }"#,
        r#"{ "ports": ["1-"] }"#,
        r#"{ "alow": [] }"#,
    ] {
        assert!(serde_json::from_str::<EgressSettings>(wrong).is_err(), "{wrong}");
    }
    for wrong in [
        r#"{ "ports": [] }"#,
        r#"{ "allow": ["::ffff:10.0.0.0/104"] }"#,
        r#"{ "calls": 0 }"#,
        r#"{ "calls_per_host": 0 }"#,
        r#"{ "total_timeout_ms": 0 }"#,
        r#"{ "connect_timeout_ms": 86400001 }"#,
    ] {
        let settings: EgressSettings = serde_json::from_str(wrong).unwrap();
        assert!(matches!(settings.check(), Err(SetupError::Setting { .. })), "{wrong}");
    }
    let settings = EgressSettings { user_agent: "a\nb".to_owned(), ..EgressSettings::default() };
    assert!(settings.user_agent().is_err());
    assert!(EgressSettings::default().check().is_ok());
}
