"""Words that need watching: promises, praise, superlatives, and directions."""

from __future__ import annotations

import re

_PROMISE_EN = (
    r"guarantee\w*|guaranty|risk-free|riskless|no risk|without (?:any )?risk|can't lose|cannot lose|never loses?|"
    r"never falls?|certain to|sure to|bound to|assured\w*|assures?|promis\w+|foolproof|fail-safe|"
    r"will (?:certainly|surely|definitely|always)|always (?:gains?|rises?|earns?|pays?|grows?|wins?)|"
    r"(?:is|are|be|completely|perfectly|totally|entirely) safe\b|safe (?:return|profit|gain)s?|"
    r"will (?:rise|grow|earn|gain|profit|outperform|beat|double|make money)"
)
_PROMISE_ZH = (
    "保本|保收益|保息|保证|担保收益|稳赚|稳赢|包赚|必涨|必赚|无风险|零风险|没有风险|毫无风险|绝对|肯定会|必然会|必定|一定会|"
    "只涨不跌|不会亏|不会下跌|刚性兑付|刚兑|承诺|高枕无忧|万无一失"
)
# What may stand before a promise and turn it into its denial, in the same clause.
_DENIAL_EN = re.compile(
    r"\b(?:not|no|nobody|none|never|nor|neither|nothing|without|cannot|can't|isn't|aren't|don't|doesn't)\b[^.;:!?]{0,40}$",
    re.I,
)
_DENIAL_ZH = re.compile("(?:不|并非|没有|无法|未|非|禁止|不得|不能|并不|不会|从不|任何人都不)[^。；！？]{0,12}$")
PROMISE = re.compile(rf"\b(?:{_PROMISE_EN})|{_PROMISE_ZH}", re.IGNORECASE)

# Praise that no fact supports, in any text; "worst" and "largest" can be facts and are checked as superlatives.
PRAISE = re.compile(
    r"\b(?:best|safest|perfect\w*|ideal\w*|unbeatable|superb|excellent|outstanding|world-class|superior|"
    r"exciting|once-in-a-lifetime|don't miss|act now)\b|"
    r"最好|最佳|最安全|完美|理想之选|绝佳|首选|稳健之选|千载难逢|不容错过|必买",
    re.IGNORECASE,
)
SUPERLATIVE = re.compile(
    r"\b(?:most|least|worst|highest|lowest|largest|smallest|greatest|cheapest|strongest|weakest|optimal|optimum|top|"
    r"leading|maximum|minimum|\w{3,}iest)\b|最(?!近|终|初|后|新)|头等|顶级|极其",
    re.IGNORECASE,
)
UPWARD = re.compile(
    r"\b(?:higher|more|greater|larger|bigger|above|exceeds?|exceeding|riskier|over(?=\s\x00)|costlier|longer|stronger)\b|"
    "高于|大于|多于|超过|超出|更高|更大|更多|更贵|长于",
    re.IGNORECASE,
)
DOWNWARD = re.compile(
    r"\b(?:lower|less|fewer|smaller|below|beneath|cheaper|under(?=\s\x00)|calmer|shorter|weaker)\b|"
    "低于|小于|少于|不足|不到|更低|更小|更少|更便宜|短于",
    re.IGNORECASE,
)
# A movement says more than a comparison: no fact of a brief is a change over time.
MOVEMENT = re.compile(
    r"\b(?:ris(?:e|es|ing|en)|rose|increas\w+|grow(?:s|n|ing|th)?|grew|fell|fall(?:s|en|ing)?|drop\w*|declin\w+|"
    r"decreas\w+|reduc\w+|gain(?:s|ed|ing)?|improv\w+|worsen\w*|outperform\w*|beat(?:s|en)?)\b|"
    "上升|上涨|增加|增长|提高|提升|下降|下跌|减少|降低|改善|恶化|跑赢|跑输",
    re.IGNORECASE,
)
# Text that speaks to a model or pushes a deal has no place in advice, whoever published it.
INSTRUCTION = re.compile(
    r"\b(?:ignore|disregard|override|forget)\b[^.]{0,40}\b(?:instruction|rule|previous|prior|above|system)|"
    r"\bsystem prompt|\bassistant\b|\blanguage model|\bas an ai\b|\byou (?:must|are now)\b|"
    r"\b(?:recommend|buy|allocate|invest)\b[^.]{0,40}\b(?:only|now|immediately|everything|all (?:of )?(?:the|your))\b|"
    "忽略[^。]{0,20}(?:指令|规则|要求|以上|之前)|系统提示|提示词|语言模型|(?:立即|全部|务必)[^。]{0,8}(?:买入|购买|配置)",
    re.IGNORECASE,
)


def promises(text: str, *, denials_allowed: bool) -> list[str]:
    """Return promissory words; with `denials_allowed`, "not guaranteed" and 不保证 do not count."""
    found = []
    for match in PROMISE.finditer(text):
        before = text[: match.start()]
        if denials_allowed and (_DENIAL_EN.search(before) or _DENIAL_ZH.search(before) or _denies_itself(match[0])):
            continue
        found.append(match[0])
    return found


def _denies_itself(words: str) -> bool:
    # "No guarantee" is matched by its denial above; 刚性兑付 is named in guides that say it is forbidden.
    return words in ("刚性兑付", "刚兑")
