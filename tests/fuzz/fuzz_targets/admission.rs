#![no_main]
#![allow(missing_docs)]
fuzz::libfuzzer!("admission");
