#![no_main]
fuzz::libfuzzer!("line");
