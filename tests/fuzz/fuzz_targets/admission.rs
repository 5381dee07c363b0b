#![no_main]
fuzz::libfuzzer!("admission");
