from pathlib import Path

from models.errors import ModelDirectoryError
from models.message import Message
from service.pathless import without_path


def test_an_error_is_told_without_the_path_and_in_every_language():
    reason = Message("{file}: is missing", file=Path("/srv/secret/model/model.onnx"))
    error = ModelDirectoryError(Message("{problem}: {fix}", problem=reason, fix=Message("copy it again")))
    told = without_path("/srv/secret/", error)
    assert told == "model/model.onnx: is missing: copy it again"
    chinese = {"{file}: is missing": "{file}：不存在", "{problem}: {fix}": "{problem}：{fix}"}
    assert (
        told.translated(lambda template: chinese.get(template, template)) == "model/model.onnx：不存在：copy it again"
    )


def test_what_has_no_message_is_told_by_its_text_and_numbers_stay_numbers():
    assert without_path("/srv/", OSError("cannot read /srv/file")) == "cannot read file"
    assert without_path("/srv/", Message("{count:,} in {file}", count=1_000, file="/srv/file")) == "1,000 in file"
