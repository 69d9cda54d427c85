"""bmp_daemon_tag_map: tags and labels of the routers that speak BMP (reference 3.6)."""

from collector.nfacctd.maps.columns import Flow
from collector.nfacctd.maps.first_match import FirstMatchMap
from collector.nfacctd.maps.match_keys import IP, PRE_TAG_KEYS
from collector.nfacctd.maps.rules import Language, Settings, load_rules
from collector.nfacctd.maps.tags import UNTAGGED, Tags, read_tag

# Often it is the pre_tag_map's file. nfacctd leaves rules about flows out, and says so.
_FLOW_KEYS = frozenset(
    (*PRE_TAG_KEYS, "set_tag2", "set_tos", "label", "jeq", "stack", "return")
) - {"ip"}


def _tag(text: str) -> int:
    value = read_tag(text)
    if value.grows:
        raise ValueError(f"{text!r}: routers have tags that stay")
    return value.number


def _text(text: str) -> str:
    return text


def _tags(settings: Settings) -> Tags:
    tag, label = settings.get("set_tag"), settings.get("set_label")
    if tag is not None and label is not None:
        raise ValueError("a rule sets one of tag, label: not set_tag and set_label")
    return Tags(
        tag=tag or 0, label=label or "", has_tag=tag is not None, has_label=label is not None
    )


_LANGUAGE: Language[Tags] = Language(
    match={"ip": IP},
    settings={"set_tag": _tag, "set_label": _text},
    give=_tags,
    foreign=_FLOW_KEYS,
)


class BmpTagMap(FirstMatchMap[Tags]):
    """Gives tags to routers: their address is the property ``ip``."""

    __slots__ = ("skipped",)

    @classmethod
    def load(cls, path: str) -> "BmpTagMap":
        """Read the map. ``skipped`` then counts the rules that are about flows.

        Raises:
            MapError: all its mistakes.
        """
        rules = load_rules(path, _LANGUAGE)
        loaded = cls(rules)
        loaded.skipped = rules.skipped
        return loaded

    def evaluate(self, flow: Flow) -> Tags:
        """Return the tags of a router."""
        return super().evaluate(flow) or UNTAGGED
