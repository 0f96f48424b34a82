"""Everything the console says, in both languages, and which of the two a reader gets."""

from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple, get_args

Language = Literal["en", "zh"]

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
DEFAULT: Final[Language] = "en"

HTML_LANGUAGES: Final[Mapping[Language, str]] = {"en": "en", "zh": "zh-Hans"}
"""As the attribute `lang` and the header Content-Language name them."""


class Text(NamedTuple):
    """The same in each language; what stands in braces is filled in."""

    en: str
    zh: str


TEXTS: Final[Mapping[str, Text]] = {
    "language_name": Text("English", "中文"),
    "language_switch": Text("Language", "语言"),
    "tagline": Text("Ask a question, see how it is decided.", "输入一个问题，看系统如何作出判断。"),
    "api_documentation": Text("API documentation", "API 文档"),
    # the form
    "form": Text("Question", "提问"),
    "knowledge_base": Text("Knowledge base", "知识库"),
    "question": Text("Question", "问题"),
    "question_hint": Text("How do I reset my password?", "忘记密码了怎么办？"),
    "key": Text("API key", "API 密钥"),
    "key_hint": Text(
        "Never stored: type it again for each request.",
        "密钥不会被保存，每次请求都需重新输入。",
    ),
    "ask": Text("Ask", "提问"),
    "open": Text("Show knowledge bases", "显示知识库"),
    # the list of knowledge bases
    "knowledge_bases": Text("Knowledge bases", "知识库列表"),
    "no_knowledge_bases": Text(
        "Nothing is served yet. Index a knowledge base, then load this page again.",
        "目前没有可用的知识库。请先建立索引，再刷新本页。",
    ),
    "name": Text("Name", "名称"),
    "version": Text("Version", "版本"),
    "entries": Text("Entries", "条目数"),
    "phrasings": Text("Phrasings", "问法数"),
    "problem": Text("Problem", "异常"),
    "none": Text("none", "无"),
    # the decision
    "result": Text("Result", "匹配结果"),
    "decision_answer": Text("Answer", "直接回答"),
    "decision_clarify": Text("Clarify", "需要澄清"),
    "decision_reject": Text("Reject", "不予回答"),
    "means_answer": Text(
        "This entry means the same: confidence {confidence} reaches the answer threshold of {answer}.",
        "该条目与问题同义：置信度 {confidence} 达到回答阈值 {answer}。",
    ),
    "means_clarify": Text(
        "One of these entries may be meant: confidence {confidence} is below the answer threshold of {answer}, "
        "but reaches the clarify threshold of {clarify}.",
        "用户想问的可能是以下条目之一：置信度 {confidence} 低于回答阈值 {answer}，但达到澄清阈值 {clarify}。",
    ),
    "means_reject": Text(
        "No entry means the same: confidence {confidence} is below the clarify threshold of {clarify}.",
        "没有同义的条目：置信度 {confidence} 低于澄清阈值 {clarify}。",
    ),
    "means_exact": Text(
        "It equals a phrasing of this entry: confidence {confidence} reaches the answer threshold of {answer}.",
        "问题与该条目的一个问法完全一致：置信度 {confidence} 达到回答阈值 {answer}。",
    ),
    "means_conflict": Text(
        "Several entries hold this very question, so none is chosen: no threshold can decide between them.",
        "多个条目都含有这个问题，无法凭阈值取舍，因此不自动选择。",
    ),
    "means_nothing": Text(
        "No entry may answer, so there is no confidence to compare with the thresholds.",
        "没有可用于回答的条目，因此没有可与阈值比较的置信度。",
    ),
    "stored_answer": Text("Answer", "答案"),
    "default_answer": Text("Default answer of the knowledge base", "知识库的默认答复"),
    "no_default_answer": Text("This knowledge base has no default answer.", "该知识库没有设置默认答复。"),
    "degraded": Text("Less was done than asked.", "本次处理有所简化。"),
    # the table of candidates; also the confidence bar
    "confidence": Text("Confidence", "置信度"),
    "mark_answer": Text("answer from {threshold}", "≥ {threshold} 回答"),
    "mark_clarify": Text("clarify from {threshold}", "≥ {threshold} 澄清"),
    "candidates": Text("Candidates", "候选条目"),
    "no_candidates": Text("No entry was brought back.", "没有召回任何条目。"),
    "entry": Text("Entry", "条目"),
    "matched_phrasing": Text("Matched phrasing", "匹配到的问法"),
    "match_type": Text("Match type", "匹配方式"),
    "match_type_exact": Text("exact", "完全一致"),
    "match_type_dense": Text("dense", "向量"),
    "match_type_lexical": Text("lexical", "词面"),
    "match_type_answer": Text("by answer", "答案"),
    "similarity": Text("Similarity", "相似度"),
    "affinity": Text("Affinity", "交互得分"),
    "relevance": Text("Relevance", "相关度"),
    "tags": Text("Tags", "标签"),
    "not_computed": Text("– not computed", "– 表示未计算"),
    # the time of each stage, and what the reply was made with
    "times": Text("Time", "耗时"),
    "milliseconds": Text("{value} ms", "{value} 毫秒"),
    "stage_normalise": Text("Normalise", "规范化"),
    "stage_encode": Text("Encode", "编码"),
    "stage_retrieve": Text("Retrieve", "召回"),
    "stage_interaction": Text("Interaction", "交互"),
    "stage_rerank": Text("Rerank", "重排"),
    "stage_total": Text("Total", "总计"),
    "made_with": Text("Made with", "运行信息"),
    "model": Text("Model", "模型"),
    "calibration": Text("Calibration", "校准"),
    "reranked": Text("Reranked", "重排条数"),
    "request_id": Text("Request id", "请求 ID"),
    # the same request as a command
    "curl": Text("The same request with curl", "用 curl 发送同一请求"),
    "copy": Text("Copy as curl", "复制 curl 命令"),
    "copied": Text("Copied", "已复制"),
    # what can go wrong, by the slug of the problem
    "error": Text("Error", "出错了"),
    "error_blank": Text(
        "The question is blank. Type at least one visible character.",
        "问题为空，请至少输入一个可见字符。",
    ),
    "error_too_long": Text(
        "The question is too long: it has {length} characters, at most {limit} are allowed.",
        "问题过长：共 {length} 个字符，最多允许 {limit} 个。",
    ),
    "error_validation": Text(
        "The question holds a character that is no text.",
        "问题中含有非文本字符。",
    ),
    "error_malformed_body": Text("The form that was sent is not readable.", "无法读取提交的表单。"),
    "error_unauthenticated": Text(
        "The API key is missing or not known. Type a valid key.",
        "API 密钥缺失或无效，请输入有效的密钥。",
    ),
    "error_forbidden": Text(
        "The API key is not for the knowledge base “{kb}”.",
        "该 API 密钥无权访问知识库“{kb}”。",
    ),
    "error_unknown_knowledge_base": Text(
        "There is no knowledge base “{kb}”. Choose one from the list.",
        "知识库“{kb}”不存在，请从列表中选择。",
    ),
    "error_body_too_large": Text("The form that was sent is too large.", "提交的表单过大。"),
    "error_unsupported_media_type": Text(
        "The form was sent in another content type than application/x-www-form-urlencoded.",
        "表单的内容类型不是 application/x-www-form-urlencoded。",
    ),
    "error_queue_full": Text(
        "Too many requests are waiting. Try again in a second.",
        "等待处理的请求过多，请稍后再试。",
    ),
    "error_client_gone": Text("The client hung up.", "客户端已断开连接。"),
    "error_not_ready": Text(
        "The knowledge base “{kb}” cannot answer right now. Try again later.",
        "知识库“{kb}”暂时无法回答，请稍后再试。",
    ),
    "error_deadline_exceeded": Text(
        "The request waited too long for its turn. Try again when it is quieter.",
        "请求排队超时，请在空闲时重试。",
    ),
    "error_internal_error": Text(
        "The service failed on this request. Its log says why, under the request id {request_id}.",
        "服务处理该请求时出错，原因见服务日志，请求 ID：{request_id}。",
    ),
}


def text(key: str, language: Language, **values: object) -> str:
    """Give one text, filled in."""
    return str(getattr(TEXTS[key], language)).format(**values)


def choose_language(asked: str | None, accept_language: str) -> Language:
    """Take the language that was asked for if there is such a one, else what the browser likes best of ours."""
    for language in LANGUAGES:
        if asked == language:
            return language
    liked = max(_preferences(accept_language), key=lambda preference: preference[1], default=(DEFAULT, 0.0))
    return liked[0]


def _preferences(accept_language: str) -> Iterator[tuple[Language, float]]:
    """Read the header (RFC 9110, section 12.5.4): our languages in it with their weights above 0, in its order."""
    for part in accept_language.split(","):
        tag, _, parameter = part.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        weight = _weight(parameter.strip())
        for language in LANGUAGES:
            if primary == language and weight > 0:
                yield language, weight


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if not parameter:
        return 1.0
    try:
        return float(value) if name.strip().lower() == "q" else 0.0
    except ValueError:
        return 0.0
