"""Elements by number and by name: IANA's, vendors', reverse ones, scopes, an operator's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import ConfigError
from collector.protocols.ipfix.fields import V9_SCOPE
from collector.protocols.ipfix.registry import Registry
from collector.protocols.ipfix.types import AbstractType

_REGISTRY = Registry.default()


@pytest.mark.parametrize(
    ("pen", "id", "name", "type"),
    [
        pytest.param(0, 8, "sourceIPv4Address", AbstractType.IPV4_ADDRESS, id="iana"),
        pytest.param(9, 12235, "9:appHTTPHost", AbstractType.STRING, id="vendor"),
        pytest.param(9, 12239, "9:serverIPv6Address", AbstractType.IPV6_ADDRESS, id="odd-case"),
        pytest.param(9, 1, "9:1", AbstractType.OCTET_ARRAY, id="unknown-of-a-vendor"),
        pytest.param(0, 33002, "0:33002", AbstractType.OCTET_ARRAY, id="netflow-v9-of-a-vendor"),
        pytest.param(29305, 1, "reverseOctetDeltaCount", AbstractType.UNSIGNED64, id="reverse"),
        pytest.param(29305, 236, "reverseVRFname", AbstractType.STRING, id="reverse-capitals"),
        pytest.param(29305, 32000, "29305:32000", AbstractType.OCTET_ARRAY, id="reverse-unknown"),
        pytest.param(V9_SCOPE, 1, "scopeSystem", AbstractType.UNSIGNED64, id="v9-scope"),
        pytest.param(V9_SCOPE, 5, "scopeTemplate", AbstractType.UNSIGNED64, id="v9-last-scope"),
        pytest.param(V9_SCOPE, 6, "0:6", AbstractType.UNSIGNED64, id="v9-unknown-scope"),
    ],
)
def test_element_has_the_name_and_type_of_its_number(
    pen: int, id: int, name: str, type: AbstractType
) -> None:
    element = _REGISTRY.element(pen, id)
    assert (element.pen, element.id, element.name, element.type) == (pen, id, name, type)


def test_semantics_and_units_come_along() -> None:
    element = _REGISTRY.element(0, 1)
    assert (element.semantics, element.units) == ("deltaCounter", "octets")


def test_every_element_is_found_by_its_name_again() -> None:
    for element in _REGISTRY:
        found = _REGISTRY.by_name(element.name)
        assert found is not None and found.name == element.name
    for name in ("reverseOctetDeltaCount", "scopeInterface"):
        assert _REGISTRY.by_name(name).name == name
    assert _REGISTRY.by_name("9:1").id == 1
    assert _REGISTRY.by_name("0:40001").id == 40001
    for nobody in ("", "octets", "9:70000", "99999999999:1", "x:1"):
        assert _REGISTRY.by_name(nobody) is None


def test_an_operators_csv_adds_and_replaces() -> None:
    text = (
        "pen,id,name,type,semantics,units\n"
        "65536,1,queueDepth,unsigned32,quantity,packets\n"
        "\n"
        "0,33002,aclIds,octetArray,,\n"
        "0,95,applicationNumber,UNSIGNED32\n"
    )
    registry = _REGISTRY.with_csv(text)
    assert registry.element(65536, 1).name == "65536:queueDepth"
    assert registry.by_name("65536:queueDepth").units == "packets"
    assert registry.element(0, 33002).name == "aclIds"
    assert registry.element(29305, 95).name == "reverseApplicationNumber"
    assert registry.by_name("applicationId") is None
    assert _REGISTRY.element(0, 95).name == "applicationId"  # the shipped one is as it was


def test_all_bad_lines_are_told_at_once() -> None:
    text = "pen,id,name,type\nx,1,a,string\n9,0,b,string\n9,1,9x,string\n9,1,c,text\n-1,70000,,\n"
    with pytest.raises(ConfigError) as told:
        _REGISTRY.with_csv(text)
    lines = [mistake.partition(":")[0] for mistake in told.value.mistakes]
    assert lines == ["line 2", "line 3", "line 4", "line 5", "line 6", "line 6", "line 6"]
    assert 'type "text" is none of octetArray, unsigned8' in told.value.mistakes[3]


@pytest.mark.parametrize("text", ["", "1,2,name,string\n", "pen,id,type\n0,1,string\n"])
def test_a_missing_header_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="header lacks"):
        _REGISTRY.with_csv(text)


@given(st.text(max_size=200))
def test_any_text_is_a_registry_or_a_config_error(text: str) -> None:
    for whole in (text, "pen,id,name,type\n" + text):
        try:
            _REGISTRY.with_csv(whole)
        except ConfigError as error:
            assert error.mistakes
