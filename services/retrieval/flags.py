"""Notice text that reads like an instruction to a model; it stays data, with a mark."""

from __future__ import annotations

import re
import unicodedata

from services.retrieval.passage import PassageFlag

# Raise it whenever the same text would be marked differently.
FLAGS_VERSION = "1"

# Characters without width that split a word for a pattern and not for a reader or a model.
_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\U000e0000-\U000e007f]")

_ORDERS = r"(?:instruction|prompt|direction|rule|guideline|command|message|constraint)s?"
_EARLIER = r"(?:previous|prior|above|earlier|preceding|foregoing|existing|original|other|system|your)"
# The imperative: at the beginning of a sentence, or after words that make one.
_COMMAND = r"(?:^|[.!?:;]\s*|\bplease\s+|\byou\s+(?:must|should|shall|will|are\s+to)\s+)"
_ROLE = r"(?:assistant|ai|model|chatbot|bot|agent|advis[eo]r|expert|sales\w+|system)"
_ZH_EARLIER = "(?:以上|之前|上述|前面|先前|此前|原有|所有|全部|一切|系统|任何|上面|你的|既定)"
_ZH_ORDERS = "(?:指令|指示|提示|规则|要求|命令|设定|约束|限制|内容|对话|说明)"
_ZH_MANNER = "(?:立即|马上|始终|总是|只|无条件|全部|优先|强烈|向(?:所有|全部|每)?[^。！？]{0,4}){0,3}"

# Sentences that a fund's own text may hold ("bonds act as a cushion", "您必须在购买前完成测评") shaped these:
# a flagged passage is never cited, so a false alarm costs a source.
_PATTERNS = (
    rf"\b(?:ignore|disregard|forget|override|bypass|neglect)\b(?:\W+\w+){{0,4}}?\W+{_EARLIER}\W+(?:\w+\W+)?{_ORDERS}\b",
    r"\b(?:ignore|disregard|forget)\s+(?:everything|all|anything|what)\b.{0,30}\b(?:above|before|previous|told|said)\b",
    r"\bsystem\s+(?:prompt|message|instruction)s?\b|\bdeveloper\s+(?:prompt|message|mode)\b|\bjailbreak",
    r"\b(?:new|hidden|secret)\s+instructions?\s*:|\binstructions?\s+(?:for|to)\s+(?:the\s+)?(?:model|assistant|ai)\b",
    r"\byou\s+(?:must|shall|have\s+to|are\s+(?:required|instructed|ordered|told)\s+to)\s+(?:\w+\s+)?"
    r"(?:recommend|advise|suggest|buy|answer|respond|reply|output|praise)\b",
    rf"{_COMMAND}(?:always|only)\s+recommend\b|\brecommend\s+this\s+(?:fund|product|etf)\s+to\s+(?:every|all)",
    rf"{_COMMAND}(?:act\s+as\s+(?:an?|the|if)|pretend\s+(?:to\s+be|you|that))\b",
    rf"\byou\s+are\s+now\s+(?:free\b|(?:an?|the)\s+(?:\w+\s+){{0,3}}?{_ROLE}\b)",
    r"\bas\s+an\s+(?:ai\s+(?:assistant|model|language)|assistant|(?:ai\s+)?language\s+model)\b",
    r"\b(?:do\s+not|don't|never)\s+(?:tell|reveal\s+to|mention\s+to)\s+the\s+(?:user|client)\b",
    r"<\|[a-z_]+\|>|\[/?inst\]|</?(?:system|assistant|instructions?)>|^\s*(?:system|assistant)\s*[:>]",
    rf"(?:忽略|无视|忘记|忘掉|不要理会|不用理会|不必理会|跳过|绕过|抛开|推翻)[^。！？\n]{{0,12}}?{_ZH_EARLIER}"
    rf"[^。！？\n]{{0,8}}?{_ZH_ORDERS}",
    r"系统(?:提示|指令|消息)|提示词|开发者(?:模式|指令)|越狱",
    rf"(?:你|您|助手|模型)们?(?:现在|从现在起|接下来)?(?:必须|务必|一定要|只能|只准){_ZH_MANNER}"
    r"(?:推荐|建议|买入|购买|回答|回复|输出|声称)",
    rf"(?:必须|务必|一律|只准){_ZH_MANNER}推荐",
    r"(?:你|您)现在是|(?:请|你|您)(?:来)?扮演",
    r"(?:不要|不得|别)(?:告诉(?:用户|客户)|(?:向|对|跟)(?:用户|客户)[^。！？\n]{0,6}(?:提|说|透露|披露))",
    r"作为(?:一个|一名)?(?:语言模型|AI助手|人工智能(?:助手|模型))",
)
_INSTRUCTION_LIKE = re.compile("|".join(_PATTERNS), re.IGNORECASE | re.MULTILINE)


def flags_of(title: str, heading: str, text: str) -> tuple[PassageFlag, ...]:
    """Return what is remarkable about a passage, its title and headings included.

    Patterns in English and Chinese over the text as a reader sees it: compatibility forms (full width) folded,
    invisible characters dropped, line breaks read as spaces. A screen, not a proof: citing needs more than its
    silence.
    """
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", f"{title}\n{heading}\n{text}"))
    readings = (plain, " ".join(plain.split()))
    found = any(_INSTRUCTION_LIKE.search(reading) for reading in readings)
    return (PassageFlag.INSTRUCTION_LIKE,) if found else ()
