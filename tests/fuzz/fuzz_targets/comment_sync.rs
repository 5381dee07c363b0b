#![no_main]
fuzz::libfuzzer!("comment-sync");
