//! Reads any bytes as the answer of a model's server, by both APIs.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chatkit_agent::provider::openai::fuzz_decoder(bytes));
