//! Decodes arbitrary bytes as an answer of both APIs.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chatkit_agent::provider::openai::fuzz_decoder(bytes));
