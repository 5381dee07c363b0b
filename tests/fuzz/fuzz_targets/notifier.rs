#![no_main]
fuzz::libfuzzer!("notifier");
