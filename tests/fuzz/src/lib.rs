#![doc = include_str!("../README.md")]

pub mod mutate;
pub mod odd;
pub mod script;
pub mod seeds;
pub mod target;

/// A libFuzzer program for a target: plays scripts, and changes them as [`mutate::mutate`] does or
/// byte by byte.
#[macro_export]
macro_rules! libfuzzer {
    ($name:literal) => {
        #[allow(unsafe_code)]
        mod fuzzer {
            use std::sync::LazyLock;

            static TARGET: LazyLock<$crate::target::Target> =
                LazyLock::new(|| $crate::target::named($name).expect("a target of this name"));

            libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET.play(data));

            libfuzzer_sys::fuzz_mutator!(|data: &mut [u8],
                                          size: usize,
                                          max_size: usize,
                                          seed: u32| {
                // One in eight byte by byte: what is no JSON any more.
                if seed % 8 == 0 {
                    return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
                }
                let changed = $crate::mutate::mutate(&data[..size], u64::from(seed));
                let length = changed.len().min(max_size);
                data[..length].copy_from_slice(&changed[..length]);
                length
            });
        }
    };
}
