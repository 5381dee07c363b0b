#![no_main]
fuzz::libfuzzer!("field-sync");
