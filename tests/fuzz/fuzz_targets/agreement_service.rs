#![no_main]
fuzz::libfuzzer!("agreement-service");
