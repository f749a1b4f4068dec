//! What the server itself says to users, in their language.

/// What a client shows when another dialect answers in the thread.
const BUSY: [(&str, &str); 10] = [
    (
        "en",
        "This conversation is being answered elsewhere. Try again in a moment.",
    ),
    (
        "de",
        "Diese Unterhaltung wird gerade an anderer Stelle beantwortet. Versuche es gleich noch einmal.",
    ),
    (
        "es",
        "Esta conversación se está respondiendo en otro lugar. Inténtalo de nuevo en un momento.",
    ),
    (
        "fr",
        "Une réponse est déjà en cours ailleurs dans cette conversation. Réessayez dans un instant.",
    ),
    (
        "it",
        "Si sta già rispondendo altrove in questa conversazione. Riprova tra un momento.",
    ),
    (
        "nl",
        "Dit gesprek wordt op dit moment elders beantwoord. Probeer het zo meteen opnieuw.",
    ),
    (
        "pt",
        "Esta conversa está a ser respondida noutro lugar. Tente novamente dentro de momentos.",
    ),
    (
        "ja",
        "この会話は別の場所で回答中です。しばらくしてからもう一度お試しください。",
    ),
    (
        "ko",
        "이 대화는 다른 곳에서 답변 중입니다. 잠시 후 다시 시도해 주세요.",
    ),
    ("zh", "此对话正在其他地方生成回答，请稍后再试。"),
];

/// The same in the language of this locale (RFC 5646), in English where it is none of these.
pub(super) fn busy(locale: Option<&str>) -> &'static str {
    let language = locale.unwrap_or_default().split('-').next();
    let language = language.unwrap_or_default().to_ascii_lowercase();
    let found = BUSY.iter().find(|(known, _)| *known == language);
    found.unwrap_or(&BUSY[0]).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_told_by_the_locale() {
        assert!(busy(Some("de-AT")).starts_with("Diese"));
        assert!(busy(Some("ZH-Hant-TW")).contains("对话"));
        for other in [None, Some("en-GB"), Some("tlh"), Some("")] {
            assert!(busy(other).starts_with("This"), "{other:?}");
        }
    }
}
