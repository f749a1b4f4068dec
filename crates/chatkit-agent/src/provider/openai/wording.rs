//! The words that servers use in refusals. All are in lower case, and each comes from a public
//! report.

/// Codes and types that ask to retry later.
pub(super) const OVERLOADED: &[&str] = &[
    "rate_limit_exceeded",
    "rate_limit_error",
    "rate_limited",
    "too_many_requests",
    "resource_exhausted",
    "overloaded",
    "overloaded_error",
    "server_overloaded",
    "engine_overloaded",
    "slow_down",
    "429",
];

/// Codes and types for an exhausted quota.
pub(super) const QUOTA: &[&str] = &[
    "insufficient_quota",
    "insufficient_balance",
    "billing_not_active",
    "billing_hard_limit_reached",
    "quota_exceeded",
    "402",
];

/// Codes and types for an unknown model.
pub(super) const UNKNOWN_MODEL: &[&str] = &[
    "model_not_found",
    "invalid_model",
    "unknown_model",
    "model_not_available",
    "deploymentnotfound",
];

/// Codes and types for an input that is too long.
pub(super) const TOO_LONG_CODES: &[&str] = &[
    "context_length_exceeded",
    "exceed_context_size_error",
    "string_above_max_length",
    "request_too_large",
    "context_window_exceeded",
    "prompt_too_long",
];

/// Phrases for an input that is too long.
pub(super) const TOO_LONG: &[&str] = &[
    "context_length_exceeded",
    "context length",
    "context window",
    "context size",
    "maximum context",
    "max_model_len",
    "prompt is too long",
    "prompt too long",
    "input is too long",
    "input too long",
    "too many tokens",
    "too many input tokens",
    "reduce the length of the messages",
    "reduce your prompt",
    "maximum prompt length",
    "maximum number of tokens allowed",
    "range of input length should be",
    "token count exceeds",
    "exceeds the maximum number of tokens",
    "prompt token count",
    "`max_new_tokens` must be",
    "exceed context limit",
    "larger than the max context",
    "tokens exceed",
    "request_too_large",
    "longer than the model's context",
    "exceeded model token limit",
    "exceeds max length",
    "exceeds the maximum length",
    "less than max_seq_len",
    "less than or equal to max_seq_len",
    "`inputs` must have less than",
    "exceeds maximum input length",
    "exceed max message tokens",
    "exceed the total tokens limit",
    "input is too large to process",
];

/// Phrases for an input that is too long. Servers that compare it with a rate limit use them too.
pub(super) const TOO_LARGE: &[&str] = &[
    "request too large for",
    "tokens must be reduced",
    "reduce your message size",
];

/// Codes and types of a filter that refused the input.
pub(super) const FILTERED_CODES: &[&str] = &[
    "content_filter",
    "content_policy_violation",
    "responsibleaipolicyviolation",
    "data_inspection_failed",
    "invalid_prompt",
    "moderation_blocked",
    "prohibited_content",
    "content_blocked",
    "datainspectionfailed",
    "sensitivecontentdetected",
    "inputtextsensitivecontentdetected",
    "sensitive_words_detected",
    "1301",
];

/// Phrases of a filter that refused the input.
pub(super) const FILTERED: &[&str] = &[
    "content_filter",
    "responsibleaipolicyviolation",
    "content management policy",
    "content_policy_violation",
    "data_inspection_failed",
    "prohibited_content",
    "flagged for moderation",
    "input was flagged",
    "content exists risk",
    "datainspectionfailed",
    "sensitivecontentdetected",
    "sensitive_words_detected",
    "content filtering policy",
    "content violates usage guidelines",
    "safety_check_type",
];

/// Phrases of a server or model without tools.
pub(super) const NO_TOOLS: &[&str] = &[
    "does not support tools",
    "do not support tools",
    "does not support function calling",
    "does not support tool use",
    "does not support tool calling",
    "tools are not supported",
    "tool use is not supported",
    "tool calling is not supported",
    "function calling is not supported",
    "function calling is not enabled",
    "no endpoints found that support tool use",
    "--enable-auto-tool-choice",
    "tools param requires",
    "tools is not supported",
    "doesn't support tool",
    "don't support tool",
    "`tool calling` is not supported",
    "tool use with function calling is unsupported",
    "argument supplied: tools",
    "support parameters: ['tools'",
];

/// Phrases of a chat template that requires alternating roles.
pub(super) const ALTERNATE: &[&str] = &[
    "must alternate",
    "roles must be alternat",
    "should alternate",
    "alternating user",
    "alternate user/assistant",
    "unexpected role 'user' after role 'tool'",
    "consecutive messages",
    "multiple consecutive",
    "successive user or assistant",
    "should be alternating",
];

/// Phrases of a chat template without a system role.
pub(super) const NO_SYSTEM_ROLE: &[&str] = &[
    "system role not supported",
    "system role is not supported",
    "does not support system",
    "developer instruction is not enabled",
    "unsupported role: system",
    "does not support 'system'",
];

/// Phrases of a server that requires call ids of nine characters (Mistral).
pub(super) const SHORT_CALL_IDS: &[&str] = &["with a length of 9"];

/// Phrases with which a server refuses `null`, next to the name `content`.
pub(super) const NO_NULL: &[&str] = &[
    "null",
    "none",
    "nil",
    "undefined",
    "a string",
    "valid string",
    "is required",
    "missing",
    "must not be empty",
    "expected string",
];

/// Parts of the names of members that servers expect back. All other members that a server adds to
/// a message are for its own use, and a strict server would refuse them.
pub(super) const RETURNED: &[&str] = &[
    "reasoning",
    "thinking",
    "thought",
    "signature",
    "extra_content",
    "provider_specific_fields",
    "encrypted",
];

/// Phrases of a server that misses a member.
pub(super) const MISSING: &[&str] = &["missing", "must be", "required", "passed back"];
