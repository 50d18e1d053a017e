"""Chinese numerals: which characters count, and in which fixed words they do not."""

from __future__ import annotations

import re

NUMERALS = "〇零一二三四五六七八九十百千万亿兆两俩仨半倍廿卅壹贰叁肆伍陆柒捌玖拾佰仟"
# 成 and 几 count only beside a numeral: 三成, 几成, 几十; 成本 and 几乎 say no number.
SOMETIMES = "成几数番折"

_TIME_OR_SCALE = "(?!月|季|百分|工作日|交易日|自然日|基点|小时|点|亿|万|世纪|年)"
# Words in which a numeral is not a count, the longest first where one begins another.
FIXED_WORDS = (
    "另一方面", "一方面", "一般而言", "一般", "一致", "统一", "唯一", "一些", "一定会",
    "一定", "一旦", "一样", "一起", "一直", "一律", "一并", "进一步", "同一",
    "单一", "万一", "一经", "一贯", "一体", "一切", "一次性", "一系列", "一揽子",
    "一部分", "一向", "一味", "一目了然", "一视同仁", "一如既往", "每一", "某一", "任一",
    "任何一", "哪一", "这一", "那一", "另一", "上一", "下一", "逐一", "不一",
    "一同", "一时", "一端", "一边", "一面", "一侧", "一笔", "一段", "一种",
    "一类", "一项", "一级市场", "二级市场", "二者", "两者", "两难", "两端", "再三",
    "半导体", "零售", "零散", "零星", "零钱", "十足", "百分比", "百姓", "百科",
    "千万不要", "千万别", "千差万别", "千变万化", "万能", "事半功倍", "倍感",
)  # fmt: skip
_ALLOWED = [
    *sorted(FIXED_WORDS, key=len, reverse=True),
    "(?<!分)之一",
    "一个" + _TIME_OR_SCALE,
    "十分(?!之)",
    f"第[{NUMERALS}](?!年|月|季|天|日|[{NUMERALS}])",
]

ALLOWED_ZH = re.compile("|".join(_ALLOWED))
QUANTITY_ZH = re.compile(
    rf"百分之[{NUMERALS}{SOMETIMES}点]*|个?百分点|翻[{NUMERALS}几]?番"
    rf"|[{NUMERALS}{SOMETIMES}]*[{NUMERALS}][{NUMERALS}{SOMETIMES}点]*|[几数]成"
)
