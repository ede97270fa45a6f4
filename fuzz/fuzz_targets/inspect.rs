#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ndsharray::fuzzing::inspect(data));
