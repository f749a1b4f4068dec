//! The server's own messages to users, in their language.

use chatkit_domain::IncompleteReason;

/// One text in each language, by its language subtag (RFC 5646). English is the first.
type Texts = [(&'static str, &'static str); 10];

/// The message while another dialect answers in the thread.
const BUSY: Texts = [
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

/// A notice after an answer that reached the model's length limit.
const LENGTH: Texts = [
    (
        "en",
        "The answer reached the model's length limit. Ask it to continue.",
    ),
    (
        "de",
        "Die Antwort hat die Längengrenze des Modells erreicht. Bitte es, fortzufahren.",
    ),
    (
        "es",
        "La respuesta alcanzó el límite de longitud del modelo. Pídele que continúe.",
    ),
    (
        "fr",
        "La réponse a atteint la limite de longueur du modèle. Demandez-lui de continuer.",
    ),
    (
        "it",
        "La risposta ha raggiunto il limite di lunghezza del modello. Chiedigli di continuare.",
    ),
    (
        "nl",
        "Het antwoord heeft de maximale lengte van het model bereikt. Vraag het om verder te gaan.",
    ),
    (
        "pt",
        "A resposta atingiu o limite de comprimento do modelo. Peça-lhe que continue.",
    ),
    (
        "ja",
        "回答がモデルの長さの上限に達しました。続けるように依頼してください。",
    ),
    (
        "ko",
        "답변이 모델의 길이 제한에 도달했습니다. 계속하도록 요청하세요.",
    ),
    ("zh", "回答已达到模型的长度上限。请让它继续。"),
];

/// A notice after an answer that the model's filter cut short.
const FILTERED: Texts = [
    (
        "en",
        "The model's content filter withheld the rest of the answer.",
    ),
    (
        "de",
        "Der Inhaltsfilter des Modells hat den Rest der Antwort zurückgehalten.",
    ),
    (
        "es",
        "El filtro de contenido del modelo retuvo el resto de la respuesta.",
    ),
    (
        "fr",
        "Le filtre de contenu du modèle a retenu la suite de la réponse.",
    ),
    (
        "it",
        "Il filtro dei contenuti del modello ha trattenuto il resto della risposta.",
    ),
    (
        "nl",
        "Het inhoudsfilter van het model heeft de rest van het antwoord tegengehouden.",
    ),
    (
        "pt",
        "O filtro de conteúdo do modelo reteve o resto da resposta.",
    ),
    (
        "ja",
        "モデルのコンテンツフィルターが回答の残りを表示しませんでした。",
    ),
    ("ko", "모델의 콘텐츠 필터가 답변의 나머지를 차단했습니다."),
    ("zh", "模型的内容过滤器隐藏了回答的其余部分。"),
];

/// The refusal of a thread that another dialect is answering in.
pub(super) fn busy(locale: Option<&str>) -> &'static str {
    in_language(&BUSY, locale)
}

/// The notice after an answer that the model itself cut short. `None` for other answers.
pub(super) fn cut_short(
    reason: Option<IncompleteReason>,
    locale: Option<&str>,
) -> Option<&'static str> {
    let texts = match reason? {
        IncompleteReason::Length => &LENGTH,
        IncompleteReason::ContentFilter => &FILTERED,
        IncompleteReason::Cancelled | IncompleteReason::Interrupted | IncompleteReason::Failed => {
            return None;
        }
    };
    Some(in_language(texts, locale))
}

/// The text in the language of a locale (RFC 5646), or in English if there is none.
fn in_language(texts: &Texts, locale: Option<&str>) -> &'static str {
    let language = locale.unwrap_or_default().split('-').next();
    let language = language.unwrap_or_default().to_ascii_lowercase();
    let found = texts.iter().find(|(known, _)| *known == language);
    found.unwrap_or(&texts[0]).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_selects_the_language() {
        assert!(busy(Some("de-AT")).starts_with("Diese"));
        assert!(busy(Some("ZH-Hant-TW")).contains("对话"));
        for other in [None, Some("en-GB"), Some("tlh"), Some("")] {
            assert!(busy(other).starts_with("This"), "{other:?}");
        }
    }
}
