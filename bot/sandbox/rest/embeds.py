"""Embeds that a client sends (message.mdx:603-619)."""

from __future__ import annotations

from bot.sandbox.errors import FormErrors
from bot.sandbox.json_codec import Json

MAX_EMBEDS = 10
MAX_TOTAL = 6000
MAX_FIELDS = 25
_TEXTS = {"title": 256, "description": 4096}
_NAMED = {"footer": ("text", 2048), "author": ("name", 256)}
_FIELD = {"name": 256, "value": 1024}
_MEDIA = ("image", "thumbnail")
_PLAIN = {"url": str, "timestamp": str, "color": int}


def check_embeds(value: object, errors: FormErrors) -> list[Json] | None:
    """Check embeds and write them as Discord gives them back: type added, nulls and unknown keys gone."""
    if value is None:
        return None
    if not isinstance(value, list):
        errors.add("embeds", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return None
    if len(value) > MAX_EMBEDS:
        errors.add("embeds", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_EMBEDS} or fewer in length.")
        return None
    embeds = [_Reader(f"embeds.{index}", errors).read(item) for index, item in enumerate(value)]
    total = sum(_length(embed) for embed in embeds)
    if total > MAX_TOTAL:
        errors.add("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {MAX_TOTAL}")
    return embeds


class _Reader:
    """Read one embed at a path."""

    def __init__(self, path: str, errors: FormErrors) -> None:
        self._path = path
        self._errors = errors

    def read(self, value: object) -> Json:
        embed: Json = {"type": "rich"}
        if not isinstance(value, dict):
            self._errors.add(self._path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
            return embed
        for name, limit in _TEXTS.items():
            self._text(embed, value, name, limit, self._path)
        for name, kind in _PLAIN.items():
            if isinstance(value.get(name), kind) and not isinstance(value[name], bool):
                embed[name] = value[name]
        for name, (key, limit) in _NAMED.items():
            if isinstance(value.get(name), dict):
                part: Json = {}
                self._text(part, value[name], key, limit, f"{self._path}.{name}")
                embed[name] = part
        for name in _MEDIA:
            if isinstance(value.get(name), dict) and isinstance(value[name].get("url"), str):
                embed[name] = {"url": value[name]["url"]}
        fields = self._fields(value.get("fields"))
        return embed | ({"fields": fields} if fields else {})

    def _fields(self, value: object) -> list[Json]:
        if value is None:
            return []
        path = f"{self._path}.fields"
        if not isinstance(value, list) or len(value) > MAX_FIELDS:
            self._errors.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_FIELDS} or fewer in length.")
            return []
        fields = []
        for index, item in enumerate(value):
            field: Json = {"inline": isinstance(item, dict) and item.get("inline") is True}
            for name, limit in _FIELD.items():
                self._text(field, item if isinstance(item, dict) else {}, name, limit, f"{path}.{index}")
                if name not in field:
                    self._errors.add(f"{path}.{index}.{name}", "BASE_TYPE_REQUIRED", "This field is required")
            fields.append(field)
        return fields

    def _text(self, target: Json, source: Json, name: str, limit: int, path: str) -> None:
        value = source.get(name)
        if value is None or value == "":
            return
        if not isinstance(value, str):
            self._errors.add(f"{path}.{name}", "STRING_TYPE_CONVERT", "Could not interpret value as string.")
        elif len(value) > limit:
            self._errors.add(f"{path}.{name}", "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")
        else:
            target[name] = value


def _length(embed: Json) -> int:
    texts = [embed.get("title", ""), embed.get("description", "")]
    texts += [embed.get("footer", {}).get("text", ""), embed.get("author", {}).get("name", "")]
    for field in embed.get("fields", []):
        texts += [field.get("name", ""), field.get("value", "")]
    return sum(map(len, texts))
