import json

from hypothesis import given
from hypothesis import strategies as st

from indexer.message_json import from_json, to_json
from models.message import Message

CHINESE = {"{count:,} rows in {place}": "{place}有 {count:,} 行", "sheet {sheet!r}": "工作表 {sheet!r}"}


@given(st.text(), st.integers() | st.floats(allow_nan=False))
def test_a_message_comes_back_from_json_with_its_template_and_all_values(name, count):
    message = Message("{count:,} rows in {place}", count=count, place=Message("sheet {sheet!r}", sheet=name))
    again = from_json(json.loads(json.dumps(to_json(message))))
    assert again == message
    assert again.translated(CHINESE.__getitem__) == f"工作表 {name!r}有 {count:,} 行"


def test_a_message_without_values_comes_back():
    assert from_json(to_json(Message("is empty"))).template == "is empty"


def test_braces_in_a_value_are_no_field():
    assert from_json(to_json(Message("sheet {sheet}", sheet="{x}"))) == "sheet {x}"
