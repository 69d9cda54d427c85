import pytest

from collector.errors import DecodeError
from collector.protocols.ipfix.fields import VARIABLE, FieldSpecifier
from collector.protocols.ipfix.layout import LayoutCache
from collector.protocols.ipfix.registry import Registry
from collector.protocols.ipfix.template_records import TemplateRecord
from collector.protocols.ipfix.templates import TemplateBudget, TemplateTable

_OCTETS = (FieldSpecifier(0, 1, 8),)
_PACKETS = (FieldSpecifier(0, 2, 8),)


def _table(limit: int = 10) -> TemplateTable:
    return TemplateTable(10, LayoutCache(Registry.default()), TemplateBudget(limit))


def _record(
    template_id: int, fields: tuple[FieldSpecifier, ...] = _OCTETS, options: bool = False
) -> TemplateRecord:
    return TemplateRecord(template_id, options, fields, b"", 20, not fields)


def test_the_same_template_again_is_the_same_object() -> None:
    table = _table()
    first, changed = table.take(_record(256))
    assert changed
    assert table.take(_record(256)) == (first, False)
    assert table.by_id == {256: first}
    assert (first.fields, first.record_octets) == (_OCTETS, 8)


def test_redefinition_replaces() -> None:
    table = _table()
    table.take(_record(256))
    template, changed = table.take(_record(256, _PACKETS))
    assert changed
    assert table.by_id[256] is template
    assert table.layout_of(256) is template.layout


def test_a_data_template_becomes_one_of_options() -> None:
    table = _table()
    table.take(_record(256))
    template, changed = table.take(_record(256, options=True))
    assert (changed, template.is_options) == (True, True)


def test_withdrawal_of_one_and_of_one_unknown() -> None:
    table = _table()
    table.take(_record(256))
    template, changed = table.take(_record(256, ()))
    assert (template.fields, changed, table.by_id) == ((), True, {})
    assert table.take(_record(256, ()))[1] is False
    assert table.layout_of(256) is None


def test_withdrawal_of_all_leaves_the_other_kind() -> None:
    table = _table()
    for template_id, options in ((256, False), (257, True), (258, False)):
        table.take(_record(template_id, options=options))
    table.take(_record(258, options=True))
    assert table.take(_record(2, ()))[1]
    assert sorted(table.by_id) == [257, 258]
    assert table.take(_record(3, (), options=True))[1]
    assert table.by_id == {}


def test_the_budget_is_of_the_exporter_and_withdrawals_free_it() -> None:
    budget = TemplateBudget(2)
    one, other = (TemplateTable(10, LayoutCache(Registry.default()), budget) for _ in range(2))
    one.take(_record(256))
    other.take(_record(256))
    with pytest.raises(DecodeError, match="2 templates: 257 refused"):
        one.take(_record(257))
    one.take(_record(256, _PACKETS))  # a redefinition needs no new place
    other.take(_record(256, ()))
    one.take(_record(257))
    assert (budget.held, sorted(one.by_id)) == (2, [256, 257])


@pytest.mark.parametrize(
    ("fields", "record_octets"),
    [
        pytest.param((FieldSpecifier(0, 1, 8), FieldSpecifier(0, 4, 1)), 9, id="fixed"),
        pytest.param((FieldSpecifier(0, 82, VARIABLE),), 0, id="variable"),
        pytest.param((FieldSpecifier(0, 82, 0),), 0, id="nothing"),
        pytest.param((FieldSpecifier(0, 82, 65534),) * 100, 6_553_400, id="enormous"),
    ],
)
def test_record_octets(fields: tuple[FieldSpecifier, ...], record_octets: int) -> None:
    template, _ = _table().take(_record(256, fields))
    assert template.record_octets == record_octets
