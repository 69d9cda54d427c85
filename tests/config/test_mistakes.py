"""Every kind of mistake, in the words that the operator reads."""

from pathlib import Path

import pytest

from tests.config.documents import KAFKA, load, mistakes_of

_PUBLISH = '[[publish]]\nrecords = "flow"\noutput = "kafka"\n'
_FILE = '[[output]]\nname = "disk"\ntype = "file"\n'


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("workers = 3", "workers: stands in no table; it belongs to [collector]"),
        ("[collectr]", '[collectr]: no such table; did you mean "collector"?'),
        ("[[collector]]", "[collector]: there is one such table: write [collector]"),
        ("[output]", "[[output]]: there can be several: write [[output]]"),
        ("[rib]\nview = []", '[rib] view: no such key; did you mean "views"?'),
        ("[rib]\nwindow_s = 1", "[rib] window_s: no such key; it belongs to [[aggregate]]"),
        ("[snapshot]\nxyz = 1", "[snapshot] xyz: no such key; there are interval_s"),
        (
            '[collector]\nworkers = "3"',
            '[collector] workers = "3": must be a whole number from 0 to 256',
        ),
        (
            "[collector]\nworkers = true",
            "[collector] workers = true: must be a whole number from 0 to 256",
        ),
        (
            '[collector]\nlog_level = "inof"',
            '[collector] log_level = "inof": must be one of "debug", "info", "warning", "error"'
            '; did you mean "info"?',
        ),
        (
            f'[collector]\ncontrol_socket = "/{"x" * 110}"',
            f'[collector] control_socket = "/{"x" * 78}...: must have at most 107 octets, '
            "with its directory /nonexistent",
        ),
        ("[flow]\nextra = 1", "[flow] extra = 1: must be true or false"),
        ('[flow]\nelements = "x"', '[flow] elements = "x": must be a list in [ ]'),
        (
            '[flow]\nelements = ["wlanSSID", "wlanSSID"]',
            '[flow] elements[1] = "wlanSSID": is in the list twice, first at [0]',
        ),
        (
            '[flow]\nelements = ["wlanSsid"]',
            '[flow] elements[0] = "wlanSsid": no element has this name; did you mean "wlanSSID"?',
        ),
        (
            '[flow]\nelements = ["vlanId"]',
            '[flow] elements[0] = "vlanId": flow records have this column anyway',
        ),
        ("[[listen]]", "[[listen]] #1 kind: is missing"),
        (
            '[[listen]]\nkind = "bmp"\n[[listen]]\nkind = "bmp"\nport = 1790',
            '[[listen]] #2 address = "::": [[listen]] #1 listens there already',
        ),
        (
            '[[listen]]\nkind = "bmp"\n[[listen]]\nkind = "bmp"\naddress = "192.0.2.1"',
            '[[listen]] #2 address = "192.0.2.1": [[listen]] #1 on "::" has the same port: '
            "one is enough",
        ),
        (
            '[steering]\nallow = ["10.0.0.1/8"]',
            '[steering] allow[0] = "10.0.0.1/8": has bits set past its length; '
            'did you mean "10.0.0.0/8"?',
        ),
        (
            "[collector]\nworkers = 2\n[steering]\nbuckets = { 1 = 2 }",
            "[steering] buckets.1 = 2: is not one of the 2 workers, which count from 0",
        ),
        (
            "[steering]\nbuckets = { 4096 = 0 }",
            '[steering] buckets = "4096": a bucket must be a whole number from 0 to 4095',
        ),
        (
            '[steering]\nmode = "cbpf"\nbuckets = { 1 = 0 }',
            '[steering] mode = "cbpf": cannot move buckets; use "ebpf", or no buckets',
        ),
        (
            '[collector]\nworkers = 2\n[steering]\nmode = "off"',
            '[steering] mode = "off": there are 2 workers, and without steering a device\'s flows '
            "and its BMP session would come to different ones: set [collector] workers = 1",
        ),
        (
            '[[device]]\naddresses = ["::ffff:1.1.1.1"]\n[[device]]\naddresses = ["1.1.1.1"]',
            '[[device]] #2 addresses = "1.1.1.1": [[device]] #1 has this address already',
        ),
        ("[[device]]\naddresses = []", "[[device]] #1 addresses = []: must name at least one"),
        (
            '[[device]]\naddresses = ["224.0.0.1"]',
            '[[device]] #1 addresses[0] = "224.0.0.1": must be an address that packets can come '
            "from, without %zone",
        ),
        (
            '[[device]]\naddresses = ["1.1.1.1", "1.1.1.2"]\nrib_of = "1.1.1.2"',
            '[[device]] #1 rib_of = "1.1.1.2": is this device\'s own',
        ),
        (
            '[rib]\nviews = ["loc-rib"]\n[[device]]\naddresses = ["::1"]\n'
            'views = ["adj-rib-in-pre"]',
            '[[device]] #1 views[0] = "adj-rib-in-pre": no tables of it are kept: '
            "add it to [rib] views",
        ),
        (
            '[[rd]]\nrd = "64512"',
            '[[rd]] #1 rd = "64512": must be a route distinguisher: "64512:1", "192.0.2.1:1" or '
            '"4200000000:1"',
        ),
        (
            '[[rd]]\nrd = "1:1"\nvrf_id = 1\n[[rd]]\nrd = "1:2"\nvrf_id = 1',
            '[[rd]] #2 rd = "1:2": [[rd]] #1 is about the same flows',
        ),
        (
            '[[aggregate]]\nname = "bmp"\nkeys = ["device"]',
            '[[aggregate]] "bmp" name = "bmp": is the name of other records',
        ),
        (
            '[[aggregate]]\nname = "a"\nkeys = ["sourceIPv4Address"]',
            '[[aggregate]] "a" keys[0] = "sourceIPv4Address": flow records have it as '
            '"sourceAddress"',
        ),
        (
            '[[aggregate]]\nname = "a"\nkeys = ["wlanSSID"]',
            '[[aggregate]] "a" keys[0] = "wlanSSID": flow records have it as a column only if '
            "[flow] elements names it",
        ),
        (
            '[[aggregate]]\nname = "a"\nkeys = ["destAsPath"]',
            '[[aggregate]] "a" keys[0] = "destAsPath": flow records have no such column; '
            'did you mean "destinationAsPath"?',
        ),
        (
            '[[aggregate]]\nname = "a"\nkeys = ["device"]\nsums = ["octetsRenormalized"]',
            '[[aggregate]] "a" sums[0] = "octetsRenormalized": flow records have no such column; '
            'did you mean "octetsRenormalised"?',
        ),
        (
            '[[aggregate]]\nname = "a"\nkeys = ["device"]\nsums = ["sourceAddress"]',
            '[[aggregate]] "a" sums[0] = "sourceAddress": cannot be summed',
        ),
        (
            '[[aggregate]]\nname = "a"\nkeys = ["octets"]\nsums = ["octets"]',
            '[[aggregate]] "a" sums[0] = "octets": is among the keys',
        ),
        (
            '[[aggregate]]\nname = "a"\nkeys = ["device"]\nsums = ["flowsRenormalised"]',
            '[[aggregate]] "a" sums[0] = "flowsRenormalised": flow records themselves are not '
            "sampled",
        ),
        (
            KAFKA + KAFKA,
            '[[output]] "kafka" name = "kafka": is the name of two',
        ),
        (
            '[[output]]\nname = "k"\ntype = "kafka"',
            '[[output]] "k" brokers: is missing; such as ["kafka1.example.net:9092"]',
        ),
        (
            '[[output]]\nname = "k"\ntype = "kafka"\nbrokers = ["a:1", "b"]',
            '[[output]] "k" brokers[1] = "b": must be HOST:PORT, such as "kafka1.example.net:9092"',
        ),
        (
            KAFKA + 'path = "x"',
            '[[output]] "kafka" path = "/nonexistent/x": only an output of type = "file" has this',
        ),
        (
            KAFKA + 'buffer_octets = "64 Mib"',
            '[[output]] "kafka" buffer_octets = "64 Mib": must be a number of octets or text such '
            'as "1 MiB"',
        ),
        (
            KAFKA + "buffer_octets = 12",
            '[[output]] "kafka" buffer_octets = 12: must be from 1 MiB to 1 TiB',
        ),
        (
            KAFKA + 'ca_file = "ca.pem"',
            '[[output]] "kafka" ca_file: needs security = "tls" or "sasl_tls"',
        ),
        (
            KAFKA + 'security = "tls"\nkey_file = "k.pem"',
            '[[output]] "kafka" key_file = "/nonexistent/k.pem": needs cert_file, too',
        ),
        (
            KAFKA + 'username = "x"',
            '[[output]] "kafka" username: needs security = "sasl_tls" or "sasl_plaintext"',
        ),
        (
            KAFKA + 'security = "sasl_tls"\nusername = "x"\npassword = "y"',
            '[[output]] "kafka" sasl_mechanism: is missing, security = "sasl_tls" needs it',
        ),
        (
            KAFKA + 'security = "sasl_tls"\nusername = "x"\nsasl_mechanism = "PLAIN"',
            '[[output]] "kafka" password_file: give either this or password',
        ),
        (_FILE, '[[output]] "disk" path: is missing'),
        (_FILE + 'path = "/"', '[[output]] "disk" path = "/": is a directory'),
        (
            _FILE + 'path = "/dev/null/x"',
            '[[output]] "disk" path = "/dev/null/x": /dev/null is no directory',
        ),
        (
            _FILE + 'path = "/{host}"',
            '[[output]] "disk" path = "/{host}": must have nothing in braces but {slot}, {topic}',
        ),
        (
            KAFKA + '[[publish]]\nrecords = "flows"\noutput = "kafka"',
            '[[publish]] #1 records = "flows": must be one of "flow", "bmp"; did you mean "flow"?',
        ),
        (
            KAFKA + '[[publish]]\nrecords = "flow"\noutput = "kafak"',
            '[[publish]] #1 output = "kafak": must be the name of an output: "kafka"; '
            'did you mean "kafka"?',
        ),
        (
            KAFKA + '[[publish]]\nrecords = "bmp"\noutput = "kafka"\nformat = "arrow"',
            '[[publish]] #1 format = "arrow": records = "bmp" can be "json", "msgpack", '
            '"json-lines": events differ in their keys',
        ),
        (
            KAFKA + '[[publish]]\nrecords = "bmp"\noutput = "kafka"\nfilter = "octets > 1"',
            '[[publish]] #1 filter = "octets > 1": records = "bmp" have no columns',
        ),
        (
            KAFKA + _PUBLISH + 'columns = ["octet", "slot"]',
            '[[publish]] #1 columns[0] = "octet": flow records have no such column; '
            'did you mean "octets"?',
        ),
        (
            KAFKA + _PUBLISH + 'topic = "a b"',
            '[[publish]] #1 topic = "a b": must be 1 to 249 letters, digits, dots, - and _',
        ),
        (
            KAFKA + _PUBLISH * 2,
            '[[publish]] #2 records = "flow": [[publish]] #1 publishes the same there',
        ),
        (
            '[[publish]]\nrecords = "flow"\noutput = "stdout"\nformat = "arrow"\n'
            '[[publish]]\nrecords = "bmp"\noutput = "stdout"',
            '[[publish]] #2 format = "json": cannot stand in one file with what [[publish]] #1 '
            'writes to stdout; use "{topic}" in the path, or one format',
        ),
    ],
)
def test_a_mistake_is_told_with_key_value_and_what_is_allowed(text: str, mistake: str) -> None:
    assert mistake in mistakes_of(text)


def test_all_mistakes_are_told_at_once() -> None:
    mistakes = mistakes_of(
        '[collector]\nworkers = -1\n[rib]\nstale_s = "x"\n[[listen]]\nkind = "sflow"\nport = 70000'
    )
    assert [line.partition(" = ")[0] for line in mistakes] == [
        "[collector] workers",
        "[rib] stale_s",
        "[[listen]] #1 kind",
        "[[listen]] #1 port",
    ]


def test_one_mistake_makes_no_others() -> None:
    """A name or a table that is wrong in itself is not blamed on those who refer to it."""
    text = '[[output]]\nname = "a b"\ntype = "stdout"\n' + _PUBLISH
    text += '[[aggregate]]\nname = "x"\nkeys = 1\n[[publish]]\nrecords = "x"\noutput = "kafka"\n'
    text += 'columns = ["octets", "whatever"]\nfilter = "whatever = 1"'
    assert [line.partition(" = ")[0] for line in mistakes_of(text)] == [
        '[[aggregate]] "x" keys',
        '[[output]] "a b" name',
    ]


@pytest.mark.parametrize(("devices", "circles"), [(2, 2), (5, 5)])
def test_rib_of_in_a_circle(devices: int, circles: int) -> None:
    text = "".join(
        f'[[device]]\naddresses = ["10.0.0.{number}", "10.1.0.{number}"]\n'
        f'rib_of = "10.1.0.{number % devices + 1}"\n'
        for number in range(1, devices + 1)
    )
    # Outside the circle, though its way leads into it.
    text += '[[device]]\naddresses = ["10.2.0.1"]\nrib_of = "10.0.0.1"\n'
    mistakes = mistakes_of(text)
    assert len(mistakes) == circles
    assert all(" to itself" in line for line in mistakes)


def test_a_password_is_never_shown() -> None:
    text = KAFKA + 'security = "sasl_tls"\nsasl_mechanism = "PLAIN"\nusername = "x"\n'
    for password in ('"sec\\u0000ret"', '["secret"]', '""'):
        mistakes = "\n".join(mistakes_of(text + f"password = {password}"))
        assert "password = (not shown)" in mistakes
        assert "ret" not in mistakes.replace("secret", "ret", 0).partition("password")[0]
        assert "secret" not in mistakes


def test_files_that_are_named_are_read(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "bad.csv").write_text("pen,id,name,type\n1,1,ok,string\n1,0,x,strang\n")
    (tmp_path / "ca.pem").write_text("no certificate")
    text = f"""
        [flow]
        element_files = ["bad.csv", "none.csv"]
        {KAFKA}
        security = "sasl_tls"
        ca_file = "ca.pem"
        sasl_mechanism = "SCRAM-SHA-512"
        username = "x"
        password_file = "empty"
        """
    mistakes = mistakes_of(text, tmp_path)
    assert f'[flow] element_files "{tmp_path}/none.csv": No such file or directory' in mistakes
    assert any(f'"{tmp_path}/bad.csv": line 3: id "0"' in line for line in mistakes)
    assert any(f'"{tmp_path}/bad.csv": line 3: type "strang"' in line for line in mistakes)
    assert any(f"tls ca {tmp_path}/ca.pem" in line for line in mistakes)
    assert f'[[output]] "kafka" password_file = "{tmp_path}/empty": is empty' in mistakes


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("octets >", "is no SQL condition"),
        ("octets > 5; SELECT 1", "is no SQL condition"),
        ("octetDeltaCount > 5", '"octetDeltaCount": flow records have it as "octets"'),
        ("sequence > 5", '"sequence": is added to a record after it was filtered'),
        ("device = 5", "cannot be used: cannot compare string with numeric type"),
        ("octets + 1", "cannot be used: filter predicate must be of type `Boolean`"),
    ],
)
def test_a_filter_that_cannot_be_used(condition: str, told: str) -> None:
    mistakes = mistakes_of(KAFKA + _PUBLISH + f'filter = "{condition}"')
    assert len(mistakes) == 1
    assert mistakes[0].startswith(f'[[publish]] #1 filter = "{condition}": {told}')


def test_filters_and_columns_that_can_be_used() -> None:
    load(
        KAFKA
        + '[flow]\nelements = ["wlanSSID"]\n'
        + '[[aggregate]]\nname = "a"\nkeys = ["device"]\nsums = ["flows", "octetsRenormalised"]\n'
        + _PUBLISH
        + 'filter = """wlanSSID_2 = \'x\'\nAND "octets" > 1"""\ncolumns = ["extra", "wlanSSID"]\n'
        + '[[publish]]\nrecords = "a"\noutput = "kafka"\ncolumns = ["part", "flows"]\n'
        + 'filter = "octetsRenormalised > 0.5 AND windowLength = 60"'
    )
