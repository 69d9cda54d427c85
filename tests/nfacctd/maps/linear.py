"""pre_tag_map as one would write it first: every rule, one after the other, for every flow.

Knows nothing of the code under test: rules come as dictionaries, and are rendered for it.
"""

from ipaddress import ip_address, ip_network

from hypothesis import strategies as st

from collector.nfacctd.maps.tags import Tags

Rule = dict[str, str]
_ADDRESSES = ("10.0.0.1", "10.0.1.1", "11.0.0.1", "2001:db8::1", "2001:db9::1")
_PREFIXES = (
    *("10.0.0.1", "10.0.0.0/16", "10.0.0.0/23", "0.0.0.0/0", "11.0.0.1/32"),
    *("2001:db8::1", "2001:db8::/32", "::/0"),
)
_COMMUNITIES = ("1:1", "1:10", "11:1", "2:2")
_ZERO_WHERE_ABSENT = ("vlan", "src_as")
_NAMES = ("a", "b", "c")

_numbers = st.sampled_from(["1", "2", "3", "-1", "-2", "0"])
_prefixes = st.sampled_from(_PREFIXES)
_patterns = st.sampled_from((*_COMMUNITIES, "1:..", ".:1"))

rules = st.fixed_dictionaries(
    {},
    optional={
        "ip": _prefixes,
        "in": _numbers,
        "out": _numbers,
        "vlan": _numbers,
        "src_as": _numbers,
        "src_net": _prefixes | _prefixes.map("-{}".format),
        "comms": st.lists(_patterns, min_size=1, max_size=3).map(",".join),
        "src_comms": _patterns,
        "filter": st.sampled_from(["ip", "not ip6", "src host 10.0.0.1"]),
        "label": st.sampled_from(_NAMES),
        "stack": st.sampled_from(["sum", "or"]),
        "return": st.sampled_from(["true", "false"]),
    },
)
sets = st.sampled_from(
    [
        {},
        *({key: f"{n}"} for key in ("set_tag", "set_tag2", "set_label") for n in (1, 2, 5)),
        {"set_tag": "9++"},
        {"set_tos": "3", "set_tag": "4"},
    ]
)

flows = st.fixed_dictionaries(
    {"ip": st.sampled_from(_ADDRESSES)},
    optional={
        "in": st.integers(0, 3),
        "out": st.integers(0, 3) | st.none(),
        "vlan": st.integers(0, 3),
        "src_as": st.integers(0, 3),
        "src_net": st.sampled_from(_ADDRESSES),
        "comms": st.lists(st.sampled_from(_COMMUNITIES), max_size=3).map(tuple),
        "src_comms": st.lists(st.sampled_from(_COMMUNITIES), max_size=3).map(tuple),
    },
).map(lambda flow: {**flow, "ip_version": _version(flow.get("src_net"))})


@st.composite
def maps(draw: st.DrawFn) -> list[Rule]:
    """Draw rules of which some jump, to names that are there and further on."""
    table = [{**draw(sets), **draw(rules)} for _ in range(draw(st.integers(0, 12)))]
    for position, rule in enumerate(table):
        names = [name for name in _NAMES if _target(table, position, name) is not None]
        jump = draw(st.sampled_from([None, None, "next", *names]))
        if jump:
            rule["jeq"] = jump
    return table


def rendered(rule: Rule) -> str:
    return (
        " ".join(
            f"{key}='{value}'" if key == "filter" else f"{key}={value}"
            for key, value in rule.items()
        )
        or "set_tos=0"
    )


def evaluate(table: list[Rule], flow: dict[str, object], grown: dict[int, int]) -> Tags:
    """Follow the rules; ``grown`` counts how often each rule with ``N++`` was followed."""
    tags: dict[str, int] = {}
    labels: list[str] = []
    tos, copies = None, []
    position = 0
    while position < len(table):
        rule = table[position]
        if not all(_holds(key, value, flow) for key, value in rule.items()):
            position += 1
            continue
        for key, name in (("set_tag", "tag"), ("set_tag2", "tag2")):
            if key not in rule:
                continue
            number = int(rule[key].removesuffix("++"))
            if rule[key].endswith("++"):
                number += grown.get(position, 0)
                grown[position] = grown.get(position, 0) + 1
            before = tags.get(name, 0)
            stack = rule.get("stack")
            tags[name] = number + before if stack == "sum" else number | before if stack else number
        labels += [rule["set_label"]] if "set_label" in rule else []
        tos = int(rule["set_tos"]) if "set_tos" in rule else 0 if not rule else tos
        target = _target_of(table, position, _version(flow["ip"]))
        if target is None:
            break
        if rule.get("return") == "true":
            copies.append(_tags(tags, labels, tos, ()))
            tags, labels = {}, []
        position = target
    return _tags(tags, labels, tos, tuple(copies))


def _tags(tags: dict[str, int], labels: list[str], tos: int | None, copies: tuple) -> Tags:
    return Tags(
        *(tags.get("tag", 0), tags.get("tag2", 0), ",".join(labels), tos),
        *("tag" in tags, "tag2" in tags, bool(labels), copies),
    )


def _version(address: object) -> int | None:
    return None if address is None else ip_address(str(address)).version


def _applies(rule: Rule, version: int) -> bool:
    return "ip" not in rule or ip_network(rule["ip"]).version == version


def _target_of(table: list[Rule], position: int, version: int) -> int | None:
    jump = table[position].get("jeq")
    if jump in (None, "next"):
        return position + 1 if jump else None
    named = [
        at for at, rule in enumerate(table) if rule.get("label") == jump and _applies(rule, version)
    ]
    return named[0] if named and named[0] > position else None


def _target(table: list[Rule], position: int, name: str) -> int | None:
    """Find where a jump would lead, for exporters of any version that the rule is for."""
    jumping = [*table[:position], {**table[position], "jeq": name}, *table[position + 1 :]]
    targets = [
        _target_of(jumping, position, version)
        for version in (4, 6)
        if _applies(table[position], version)
    ]
    return next((target for target in targets if target is not None), None)


def _holds(key: str, value: str, flow: dict[str, object]) -> bool:
    if key in ("ip", "src_net"):
        network, address = ip_network(value.removeprefix("-")), flow.get(key)
        inside = address is not None and ip_address(address) in network
        return inside != value.startswith("-")
    if key in ("in", "out", "vlan", "src_as"):
        found = flow.get(key)
        if found is None and key in _ZERO_WHERE_ABSENT:
            found = 0
        return (found == int(value.removeprefix("-"))) != value.startswith("-")
    if key in ("comms", "src_comms"):
        return any(
            _like(text, pattern) for text in flow.get(key, ()) for pattern in value.split(",")
        )
    if key == "filter":
        source = flow.get("src_net")
        return {
            "ip": _version(source) == 4,
            "not ip6": _version(source) != 6,
            "src host 10.0.0.1": source == "10.0.0.1",
        }[value]
    return True  # SET keys and those that steer


def _like(text: str, pattern: str) -> bool:
    if "." not in pattern:
        return pattern in text
    tail = text[-len(pattern) :]
    return len(tail) == len(pattern) and all(
        wanted in (".", found) for wanted, found in zip(pattern, tail, strict=True)
    )
