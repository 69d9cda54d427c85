"""The table [nfacctd]: all of its mistakes at once, and what has no effect beside it."""

from pathlib import Path

import pytest

from collector.config.load import Overrides, load_text
from collector.errors import ConfigError
from collector.nfacctd.native import settings_of
from collector.nfacctd.read_table import read_table
from collector.nfacctd.settings import KafkaSettings, PrintSettings, Settings
from collector.nfacctd.table_keys import keys_of, tables

_PLUGIN = '[[nfacctd.plugin]]\nname = "a"\ntype = "kafka"\n'
_PRINT = '[[nfacctd.plugin]]\nname = "a"\ntype = "print"\n'
_MSGLOG = "[nfacctd.bmp.msglog]\n"


def _settings(text: str, directory: Path = Path("/nowhere")) -> Settings:
    return settings_of(load_text(text, directory, read_nfacctd=read_table))


def _mistakes(text: str, overrides: Overrides | None = None) -> list[str]:
    with pytest.raises(ConfigError) as told:
        load_text(text, Path("/nowhere"), overrides or Overrides(), read_table)
    return told.value.mistakes


def test_an_empty_table_has_nfacctds_defaults_on_our_ports() -> None:
    found = _settings('[collector]\nname = "x"\n[nfacctd]\n')
    assert (found.core_proc_name, found.port, found.bmp.enabled) == ("x", 4739, True)
    assert found.plugins == ()
    first, second = _settings(_PLUGIN + _PRINT.replace('"a"', '"b"')).plugins
    assert (first.kafka, second.print) == (KafkaSettings(), PrintSettings())


def test_without_a_socket_for_bmp_there_is_none() -> None:
    assert not _settings('[nfacctd]\n[[listen]]\nkind = "flow"\n').bmp.enabled


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("[nfacctd]\nrenormalise = true", 'renormalise: no such key; did you mean "renormalize"?'),
        ("[nfacctd]\nrenormalize = 1", "renormalize = 1: must be true or false"),
        ('[nfacctd]\nas_source = "x"', 'as_source = "x": must be one of netflow, file, bmp'),
        ("[nfacctd]\next_sampling_rate = true", "ext_sampling_rate = true: must be a whole number"),
        ("[nfacctd]\next_sampling_rate = 0", "ext_sampling_rate = 0: must be from 1 to "),
        ('[nfacctd]\nnetworks.mask = "x"', 'networks.mask = "x": must be a whole number'),
        ("[nfacctd]\nnetworks = 3", "networks = 3: must be a table"),
        ("[nfacctd]\nfiles_umask = 1", "files_umask = 1: must be a whole number from 2 to 511"),
        ('[nfacctd]\nallow = "::/0"', 'allow = "::/0": must be a list in [ ]'),
        ('[nfacctd]\nallow = ["::/0", "x"]', 'allow[1] = "x": must be an IPv4 or IPv6 prefix'),
        ('[nfacctd]\npre_tag_map = "none"', 'pre_tag_map = "/nowhere/none": there is no such file'),
        (
            '[nfacctd]\nlogfile = "\\u0007"',
            'logfile = "\\u0007": must have printable characters only',
        ),
        ("[nfacctd.plugin]", "plugin = a table: must be a list in [ ], or several [[ ]]"),
        ('[[nfacctd.plugin]]\ntype = "kafka"', "plugin[0].name: is missing"),
        ('[[nfacctd.plugin]]\nname = "a"', 'plugin["a"].type: is missing'),
        (_PLUGIN + "aggregate = [1]", 'plugin["a"].aggregate[0] = 1: must be text in quotes'),
        (_PLUGIN + 'aggregate = ["tag", "TAG"]', 'plugin["a"].aggregate: tag: is there twice'),
        (_PLUGIN + 'aggregate = ["nn"]', 'plugin["a"].aggregate: no such primitive: nn'),
        (_PLUGIN + 'aggregate = ["sum_host"]', 'plugin["a"].aggregate: sum_host: records tell'),
        (_PLUGIN + "refresh_s = 0", 'plugin["a"].refresh_s = 0: must be from 1 to '),
        (_PLUGIN + 'output = "csv"', 'plugin["a"].output: of type = "kafka" must be one of json'),
        (_PLUGIN + "print = {}", 'plugin["a"].print: only a plugin of type = "print" has this'),
        (_PRINT + 'print.separator = "::"', 'plugin["a"].print.separator = "::": must be one'),
        (_PLUGIN + "history = { count = 5 }", 'plugin["a"].history.unit: is missing'),
        (_PLUGIN + "pro_rating = true", 'plugin["a"].pro_rating: needs history'),
        (
            _PLUGIN + 'history = { count = 1, unit = "m", offset_s = 60 }',
            'plugin["a"].history.offset_s: must be less than the 60 s of a bin',
        ),
        (_PLUGIN + "preprocess = { minp = 0 }", 'plugin["a"].preprocess.minp = 0: must be a whole'),
        (
            _PLUGIN + "pre_tag_filter = [{ first = -1, last = 1 }]",
            'plugin["a"].pre_tag_filter[0].first = -1: must be a whole number from 0 to ',
        ),
        (
            _PLUGIN + 'kafka.topic = "$tag"\nkafka.topic_rr = 2',
            'plugin["a"].kafka.topic_rr: cannot be together with a topic that has variables',
        ),
        (
            _PLUGIN + 'kafka.connection.brokers = ["k1"]',
            'plugin["a"].kafka.connection.brokers[0] = "k1": must be HOST:PORT',
        ),
        (
            _PLUGIN + "kafka.connection.password = 5",
            'plugin["a"].kafka.connection.password = (not shown): must be text',
        ),
        (
            _PLUGIN + 'kafka.connection.librdkafka_file = "none"',
            'plugin["a"].kafka.connection.librdkafka_file: /nowhere/none: not found',
        ),
        (_PLUGIN + _PLUGIN, 'plugin: "a" is the name of 2'),
        (
            f"[nfacctd]\ntime_new = true\n{_PLUGIN}pro_rating = true\n"
            'history = { count = 1, unit = "m" }',
            "time_new: cannot be together with pro_rating of a plugin",
        ),
        (_MSGLOG, "bmp.msglog: needs either file or kafka"),
        (_MSGLOG + 'file = "x"\nkafka = {}', "bmp.msglog: needs either file or kafka"),
        (_MSGLOG + 'file = "x"\nlatest_file = "y"', "bmp.msglog.latest_file: only a dump has this"),
        (_MSGLOG + "kafka.multi_values = 2", "bmp.msglog.kafka.multi_values: only a plugin has"),
        (
            _MSGLOG + 'kafka.partition_key = "$bmp_router"',
            "bmp.msglog.kafka.partition_dynamic: must be true where partition_key has variables",
        ),
        ("[nfacctd.bmp.dump]\ntarget.kafka = {}", "bmp.dump.refresh_s: is missing"),
        (
            '[[listen]]\nkind = "flow"\n[nfacctd.bmp]\nset_pd = true',
            'bmp: needs a [[listen]] of kind = "bmp"',
        ),
    ],
)
def test_a_mistake_is_told_with_its_key(text: str, mistake: str) -> None:
    found = [told for told in _mistakes(text) if told.startswith(f"[nfacctd] {mistake}")]
    assert len(found) == 1, _mistakes(text)


def test_it_must_be_a_table() -> None:
    assert _mistakes("nfacctd = 1") == ["[nfacctd] = 1: must be a table"]


def test_all_mistakes_at_once() -> None:
    told = _mistakes(
        '[collector]\nworkers = -1\n[[listen]]\nkind = "flow"\n[nfacctd]\nx = 1\n'
        f"{_PLUGIN}y = 1\nrefresh_s = 0\n{_PLUGIN}print = {{}}\n{_MSGLOG}"
    )
    assert [line.partition(" =")[0].partition(": ")[0] for line in told] == [
        "[collector] workers",
        "[nfacctd] x",
        *('[nfacctd] plugin["a"].y', '[nfacctd] plugin["a"].refresh_s'),
        '[nfacctd] plugin["a"].print',
        *("[nfacctd] bmp.msglog", "[nfacctd] bmp"),
    ]


def test_what_has_no_effect_is_refused() -> None:
    text = (
        "[nfacctd]\n[flow]\n[rib]\n[snapshot]\n"
        '[[rd]]\nrd = "1:1"\n[[aggregate]]\nname = "x"\nkeys = ["device"]\n'
        '[[output]]\nname = "o"\ntype = "stdout"\n[[publish]]\nrecords = "bmp"\noutput = "o"\n'
        '[[device]]\naddresses = ["192.0.2.1"]\nsampling_rate = 5\n'
    )
    told = _mistakes(text, Overrides(output="stdout"))
    assert [line.partition(": ")[0] for line in told] == [
        *("[flow]", "[rib]", "[snapshot]", "[[rd]]", "[[aggregate]]", "[[output]]", "[[publish]]"),
        *("[[device]] #1 sampling_rate", "--output stdout"),
    ]
    assert all("has no effect beside [nfacctd]" in line for line in told)


def test_where_nobody_reads_it_there_is_no_such_table() -> None:
    with pytest.raises(ConfigError, match=r"\[nfacctd\]: no such table"):
        load_text("[nfacctd]\n", Path("/nowhere"))


def test_every_number_and_word_is_judged() -> None:
    """By the reader of nfacctd's key, or by its own; lists of words may hold any."""
    free = {"label", "password", "username", "client_id"}
    for table, kind in tables():
        for key in keys_of(kind).values():
            if key.kind in (int, str) and not key.is_list and key.name not in free:
                assert key.read is not None, f"[{table}] {key.name}"
