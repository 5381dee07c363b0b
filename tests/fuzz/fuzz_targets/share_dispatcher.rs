#![no_main]
#![allow(missing_docs)]
fuzz::libfuzzer!("share-dispatcher");
