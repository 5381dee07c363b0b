#![no_main]
fuzz::libfuzzer!("share-dispatcher");
