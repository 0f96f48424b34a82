"""Questions put together from parts, English and Chinese: for runs without the data folder and for the tests."""

from itertools import product
from typing import Final

import numpy as np

from benchmarks.circumstances import SEED

_ENGLISH: Final = (
    ("how do i", "can i", "where can i", "why can't i", "when should i", "is it possible to", "do i have to"),
    ("cancel", "change", "track", "return", "pay for", "renew", "print", "share", "repair", "insure", "gift", "book"),
    ("my order", "the invoice", "a ticket", "my subscription", "the parcel", "a voucher", "my address", "the warranty"),
    ("today", "from abroad", "without an account", "for a friend", "by phone", "after a week", "in the app", "twice"),
)
_CHINESE: Final = (
    ("怎么", "在哪里可以", "为什么不能", "什么时候能", "请问能不能", "我必须"),
    ("取消", "修改", "查询", "退掉", "支付", "续费", "打印", "分享", "维修", "投保", "赠送", "预订"),
    ("我的订单", "这张发票", "一张门票", "会员订阅", "那个包裹", "优惠券", "收货地址", "保修卡"),
    ("今天", "在国外的时候", "没有账号的话", "替朋友", "通过电话", "过了一周以后", "在手机上", "两次"),
)


def generate_questions(count: int) -> list[str]:
    """Give `count` distinct questions, half of each language, in an order by chance that is always the same."""
    english = [" ".join(parts) for parts in product(*_ENGLISH)]
    chinese = [f"{when}{how}{what}{thing}？" for how, what, thing, when in product(*_CHINESE)]
    if count > 2 * min(len(english), len(chinese)):
        raise ValueError(f"there are only {2 * min(len(english), len(chinese))} generated questions")
    generator = np.random.default_rng(SEED)
    chosen = [
        texts[row]
        for texts, number in ((english, count - count // 2), (chinese, count // 2))
        for row in generator.permutation(len(texts))[:number]
    ]
    return [chosen[row] for row in generator.permutation(count)]
