import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from collector.cli import main
from collector.protocols.ipfix.registry import Registry
from collector.protocols.ipfix.types import AbstractType
from tests.capture_writer import (
    ACK,
    RAW,
    SYN,
    UDP,
    PcapNg,
    ethernet,
    frames,
    ip,
    ipv4_fragments,
    ipv6_fragments,
    pcap,
    tcp_packet,
    udp,
    udp_packet,
)
from tests.captures import capture_files
from tests.cli.vendor_shapes import SHAPES, fields, scopes, varlen
from tests.protocols.flow_wire import (
    ipfix,
    ipfix_options_template,
    ipfix_template,
    netflow_v5,
    netflow_v9,
    set_octets,
    v9_template,
)

_UNSIGNED256 = next(e.id for e in Registry.default() if e.type is AbstractType.UNSIGNED256)
_FIELDS = fields((8, 4), (1, 8), (82, 65535))
_TEMPLATE = ipfix(set_octets(2, ipfix_template(256, _FIELDS)))
_RECORD = bytes((10, 1, 2, 3)) + struct.pack("!Q", 99) + varlen(b"eth0")
_DATA = ipfix(set_octets(256, _RECORD * 2), sequence=5)
_FLOW = {"sourceIPv4Address": "10.1.2.3", "octetDeltaCount": 99, "interfaceName": "eth0"}


def _message(message_type: int, body: bytes = b"", version: int = 3) -> bytes:
    return struct.pack("!BIB", version, 6 + len(body), message_type) + body


_INITIATION = _message(4, b"\0\2\0\6router")
_PEER = (
    bytes(10) + bytes(12) + bytes((192, 0, 2, 7)) + struct.pack("!I4sII", 64500, b"\1\1\1\1", 0, 0)
)
_UPDATE = _message(0, _PEER + b"\xff" * 16 + b"\0\x17\2\0\0\0\0")


@pytest.fixture
def decode(tmp_path: Path, capfdbinary: pytest.CaptureFixture):
    """Decode captures given as octets; gives the lines, and leaves notes in ``decode.notes``."""

    def run(*captures: bytes, options: tuple[str, ...] = (), status: int = 0) -> list[dict]:
        paths = []
        for n, octets in enumerate(captures):
            path = tmp_path / f"{n}.pcap"
            path.write_bytes(octets)
            paths.append(str(path))
        assert main(["decode", *paths, *options]) == status
        out, run.notes = capfdbinary.readouterr()
        return [json.loads(line) for line in out.splitlines()]

    run.notes = b""
    return run


def _udp(*payloads: bytes) -> bytes:
    return pcap(frames(*(ethernet(udp_packet(payload)) for payload in payloads)))


def _tcp(*packets: bytes) -> bytes:
    return pcap(frames(*(ethernet(packet) for packet in packets)))


def test_every_line_tells_time_and_origin(decode) -> None:
    lines = decode(_udp(_TEMPLATE, _DATA))
    assert [line["kind"] for line in lines] == ["template", "flow", "flow"]
    head = {"device": "192.0.2.1", "source_port": 50000}
    assert lines[0] == head | {
        "kind": "template",
        "time": "2023-11-14T22:13:20.123456Z",
        "version": 10,
        "observation_domain_id": 7,
        "template_id": 256,
        "elements": [
            {"name": "sourceIPv4Address", "length": 4},
            {"name": "octetDeltaCount", "length": 8},
            {"name": "interfaceName", "length": 65535},
        ],
    }
    assert lines[2] == head | {
        "kind": "flow",
        "time": "2023-11-14T22:13:21.123456Z",
        "version": 10,
        "observation_domain_id": 7,
        "export_time": "2023-11-14T22:13:20Z",
        "sequence": 5,
        "template_id": 256,
        "fields": _FLOW,
    }


def test_netflow_v5(decode) -> None:
    (line,) = decode(_udp(netflow_v5(bytes(range(48)))))
    assert {key: line[key] for key in line.keys() - {"fields", "kind", "time", "device"}} == {
        "source_port": 50000,
        "version": 5,
        "observation_domain_id": 258,
        "export_time": "2023-11-14T22:13:20Z",
        "system_uptime_ms": 360_000,
        "sampling": {"mode": 1, "interval": 100},
        "sequence": 0,
        "template_id": None,
    }
    assert len(line["fields"]) == 18


def test_options_have_their_scope(decode) -> None:
    options = [*scopes((149, 4)), *fields((41, 8))]
    announced = set_octets(3, ipfix_options_template(300, options))
    lines = decode(_udp(ipfix(announced, set_octets(300, struct.pack("!IQ", 3, 4)))))
    assert lines[0]["scope"] == [{"name": "observationDomainId", "length": 4}]
    assert lines[0]["elements"] == [{"name": "exportedMessageTotalCount", "length": 8}]
    assert lines[1]["kind"] == "options"
    assert lines[1]["scope"] == {"observationDomainId": 3}
    assert lines[1]["fields"] == {"exportedMessageTotalCount": 4}


def test_withdrawal_has_no_elements(decode) -> None:
    withdrawal = ipfix(set_octets(2, struct.pack("!HH", 256, 0)))
    lines = decode(_udp(_TEMPLATE, withdrawal, _DATA))
    assert [line["kind"] for line in lines] == ["template", "template", "missing_template"]
    assert lines[1]["elements"] == []


def test_data_before_its_template(decode) -> None:
    lines = decode(_udp(_DATA, _TEMPLATE, _DATA))
    assert [line["kind"] for line in lines] == ["missing_template", "template", "flow", "flow"]
    assert lines[0]["octets"] == (_RECORD * 2).hex()
    assert lines[0]["template_id"] == 256
    assert lines[0]["export_time"] == "2023-11-14T22:13:20Z"


def test_templates_belong_to_device_and_domain_not_to_the_port(decode) -> None:
    packets = [
        ip("192.0.2.1", "192.0.2.9", UDP, udp(payload, source_port=port))
        for payload, port in ((_TEMPLATE, 40000), (_DATA, 50001))
    ]
    lines = decode(pcap(frames(*packets, udp_packet(_DATA, source="192.0.2.2")), RAW))
    assert [(line["kind"], line["source_port"]) for line in lines] == [
        ("template", 40000),
        ("flow", 50001),
        ("flow", 50001),
        ("missing_template", 50000),
    ]


def test_several_files_are_one_stream_of_time(decode) -> None:
    lines = decode(_udp(_TEMPLATE), _udp(_DATA))
    assert [line["kind"] for line in lines] == ["template", "flow", "flow"]


def test_bad_set_and_the_rest_are_one_error(decode) -> None:
    bad = set_octets(256, _RECORD + bytes(12) + b"\xff\xff\xff")
    message = ipfix(set_octets(256, _RECORD), bad, set_octets(256, _RECORD))
    lines = decode(_udp(_TEMPLATE, message))
    assert [line["kind"] for line in lines] == ["template", "flow", "error"]
    assert lines[2] == {
        "kind": "error",
        "time": "2023-11-14T22:13:21.123456Z",
        "device": "192.0.2.1",
        "source_port": 50000,
        "reason": "Data Record passes the end of its Set",
        "offset": 16 + 4 + len(_RECORD) + 4 + len(_RECORD),
        "source": "RFC 7011 section 7",
    }


def test_what_follows_a_bad_set_announces_nothing(decode) -> None:
    late = set_octets(2, ipfix_template(257, fields((7, 2))))
    broken = ipfix(set_octets(256, bytes(12) + b"\5"), late)
    lines = decode(_udp(_TEMPLATE, broken, ipfix(set_octets(257, b"\0\1"))))
    assert [line["kind"] for line in lines] == ["template", "error", "missing_template"]


def test_list_is_read_by_the_template_of_its_place_in_the_message(decode) -> None:
    data = set_octets(256, varlen(b"\3\1\1abcd"))
    outer, ports, address, withdrawn = (
        set_octets(2, ipfix_template(template_id, fields(*of)))
        for template_id, of in ((256, [(292, 65535)]), (257, [(7, 2)]), (257, [(8, 4)]), (257, []))
    )
    sets = (outer, data, ports, data, address, data, withdrawn, data)
    flows = decode(_udp(ipfix(*sets)), options=("--kinds", "flow"))
    assert [line["fields"]["subTemplateList"].get("records") for line in flows] == [
        None,
        [{"sourceTransportPort": 24930}, {"sourceTransportPort": 25444}],
        [{"sourceIPv4Address": "97.98.99.100"}],
        None,
    ]


def test_text_with_other_line_ends_is_still_one_line(tmp_path: Path, capfdbinary) -> None:
    text = "a\u0085b\u2028c\u2029d\n\v\f\x1c\x1d\x1e"
    template = set_octets(2, ipfix_template(256, fields((82, 65535))))
    capture = tmp_path / "capture.pcap"
    capture.write_bytes(_udp(ipfix(template, set_octets(256, varlen(text.encode())))))
    assert main(["decode", str(capture), "--kinds", "flow"]) == 0
    (line,) = capfdbinary.readouterr().out.decode().splitlines()
    assert json.loads(line)["fields"] == {"interfaceName": text}


def test_number_of_more_than_64_bits(decode) -> None:
    template = set_octets(2, ipfix_template(256, fields((_UNSIGNED256, 32))))
    lines = decode(_udp(ipfix(template, set_octets(256, b"\xff" * 32))))
    assert list(lines[1]["fields"].values()) == [2**256 - 1]


# Without ports and with them


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"\0\5\0\2" + bytes(68), id="v5-count-passes-the-end"),
        pytest.param(_DATA[:-1], id="v10-length-passes-the-end"),
        pytest.param(b"\0\x0a\0\x0f" + bytes(60), id="v10-length-below-its-header"),
        pytest.param(netflow_v9(b"\1\0\0\x20" + bytes(4)), id="v9-set-passes-the-end"),
        pytest.param(netflow_v9(b"\1\0\0\0" + bytes(4)), id="v9-set-of-length-0"),
        pytest.param(b"\0\1\0\0" + bytes(60), id="version-1"),
        pytest.param(b"", id="empty"),
    ],
)
def test_what_does_not_fit_is_left_out_or_with_ports_an_error(decode, payload: bytes) -> None:
    assert decode(_udp(payload)) == []
    (line,) = decode(_udp(payload), options=("--udp-port", "2055"))
    assert line["kind"] == "error"
    assert decode(_udp(payload), options=("--udp-port", "2056")) == []


def test_octets_behind_a_message_are_ignored_and_noted(decode) -> None:
    lines = decode(_udp(_TEMPLATE, _DATA + b"more", netflow_v5(bytes(48)) + b"\1"))
    assert [line["kind"] for line in lines] == ["template", "flow", "flow", "flow"]
    assert b"behind their version 10 message (packet 2)" in decode.notes
    assert b"behind their version 5 message (packet 3)" in decode.notes


@pytest.mark.parametrize("zeros", [1, 2, 3, 4, 7, 40])
def test_netflow_v9_with_zeros_at_the_end(decode, zeros: int) -> None:
    announced = set_octets(0, v9_template(256, fields((8, 4))))
    packet = netflow_v9(announced, set_octets(256, b"\1\2\3\4")) + bytes(zeros)
    assert [line["kind"] for line in decode(_udp(packet))] == ["template", "flow"]


def test_only_the_ports_named_are_read(decode) -> None:
    capture = pcap(
        frames(
            ethernet(udp_packet(_TEMPLATE, 2055)),
            ethernet(udp_packet(_TEMPLATE, 4739)),
            ethernet(tcp_packet(1, _INITIATION, SYN, 1790)),
            ethernet(tcp_packet(1, _INITIATION, SYN, 11019, source="192.0.2.2")),
        )
    )
    assert len(decode(capture)) == 4
    both = ("--udp-port", "4739", "--tcp-port", "1790")
    assert [line["kind"] for line in decode(capture, options=both)] == ["template", "bmp"]
    several = ("--udp-port", "4739", "--udp-port", "2055")
    lines = decode(capture, options=several)
    assert [line["kind"] for line in lines] == ["template", "template"]
    lines = decode(capture, options=("--tcp-port", "11019"))
    assert [(line["kind"], line["device"]) for line in lines] == [("bmp", "192.0.2.2")]


def test_kinds(decode) -> None:
    lines = decode(_udp(_TEMPLATE, _DATA), options=("--kinds", "flow, error"))
    assert [line["kind"] for line in lines] == ["flow", "flow"]


# Captures


def test_fragments_have_the_time_of_the_last_to_come(decode) -> None:
    data = ipfix(set_octets(256, _RECORD * 150))
    v4 = ipv4_fragments(udp_packet(data), 1000)
    v6 = ipv6_fragments("2001:db8::1", "2001:db8::9", 17, udp(data), 1000)
    order = [udp_packet(_TEMPLATE), v4[2], v4[0], v6[1], v4[1], v6[2], v6[0]]
    lines = decode(pcap(frames(*order), RAW), options=("--kinds", "flow,missing_template"))
    assert [line["time"][17:19] for line in lines] == ["24"] * 150 + ["26"]
    assert lines[-1]["device"] == "2001:db8::1"
    assert lines[-1]["octets"] == (_RECORD * 150).hex()


def test_snap_length_is_noted(decode) -> None:
    capture = pcap(frames(ethernet(udp_packet(_TEMPLATE))), snap_length=60)
    assert decode(capture) == []
    assert b"cut short by the snap length (packet 1)" in decode.notes


def test_time_is_cut_off_and_absent_where_there_is_none(decode) -> None:
    file = PcapNg().interface(RAW, PcapNg().option(9, b"\x09"))
    file.enhanced(udp_packet(_TEMPLATE), 1_700_000_000_999_999_999)
    file.simple(udp_packet(_TEMPLATE)).enhanced(udp_packet(_TEMPLATE), (1 << 64) - 1)
    lines = decode(file.octets)
    assert lines[0]["time"] == "2023-11-14T22:13:20.999999Z"
    assert "time" not in lines[1]
    assert lines[2]["time"].startswith("2554-07-21T")


# BMP


def test_bmp_messages_have_the_time_of_their_last_segment(decode) -> None:
    stream = _INITIATION + _UPDATE + _UPDATE
    cuts = [stream[:10], stream[10:60], stream[60:]]
    segments, number = [tcp_packet(7, flags=SYN)], 8
    for cut in cuts:
        segments.append(tcp_packet(number, cut))
        number += len(cut)
    lines = decode(_tcp(*segments))
    assert [(line["type"], line["time"][17:19]) for line in lines] == [
        ("initiation", "22"),
        ("route_monitoring", "23"),
        ("route_monitoring", "23"),
    ]
    assert lines[0] == {
        "kind": "bmp",
        "time": "2023-11-14T22:13:22.123456Z",
        "device": "192.0.2.1",
        "source_port": 40000,
        "type": "initiation",
        "information": [{"type": 2, "value": "router"}],
    }
    assert lines[1]["bgp"] == {"end_of_rib": {"afi": 1, "safi": 1}}


@pytest.mark.parametrize("counted", [0, 1])
def test_data_on_a_syn_that_takes_a_number_or_none(decode, counted: int) -> None:
    first = 7 + len(_INITIATION) + counted
    capture = _tcp(tcp_packet(7, _INITIATION, SYN), tcp_packet(first, _UPDATE * 2))
    assert [line["type"] for line in decode(capture)] == ["initiation"] + ["route_monitoring"] * 2


def test_message_that_does_not_parse_is_an_error_and_the_stream_goes_on(decode) -> None:
    bad = _message(0, _PEER + b"\xff" * 16 + b"\0\x17\2\0\x09\0\0")
    lines = decode(_tcp(tcp_packet(7, _INITIATION, SYN), tcp_packet(8 + 16, bad + _UPDATE)))
    assert [line["kind"] for line in lines] == ["bmp", "error", "bmp"]
    assert lines[1].keys() == {
        "kind",
        "time",
        "device",
        "source_port",
        "reason",
        "offset",
        "source",
    }


def test_unknown_type_and_version_4(decode) -> None:
    stream = _INITIATION + _message(77, b"\1\2") + _message(0, b"\3", version=4)
    unknown, version_4 = decode(_tcp(tcp_packet(7, stream, SYN)))[1:]
    assert (unknown["type"], unknown["octets"]) == (77, "0102")
    assert "version" not in unknown
    assert (version_4["version"], version_4["type"], version_4["octets"]) == (4, 0, "03")


def test_lines_come_in_the_order_of_the_capture_whatever_waits(decode) -> None:
    middle = _UPDATE[10:] + _UPDATE  # believed when the next header is seen
    packets = [
        tcp_packet(100, middle),
        udp_packet(_TEMPLATE),
        tcp_packet(100 + len(middle), _UPDATE),
        tcp_packet(900, _UPDATE + _UPDATE),  # behind a hole that is never filled
        udp_packet(_TEMPLATE),
    ]
    lines = decode(_tcp(*packets))
    assert [(line["kind"], line["time"][17:19]) for line in lines] == [
        ("bmp", "20"),
        ("template", "21"),
        ("bmp", "22"),
        ("bmp", "23"),
        ("bmp", "23"),
        ("template", "24"),
    ]
    assert b"not captured" in decode.notes


def test_other_tcp_is_left_alone_or_with_its_port_an_error(decode) -> None:
    capture = _tcp(tcp_packet(7, flags=SYN), tcp_packet(8, b"GET / HTTP/1.1\r\n", ACK))
    assert decode(capture) == []
    assert [line["kind"] for line in decode(capture, options=("--tcp-port", "1790"))] == ["error"]
    assert decode(capture, options=("--tcp-port", "179")) == []


def test_collector_that_opens_the_connection_itself(decode) -> None:
    octets = tcp_packet(7, _INITIATION, SYN, destination_port=50123)
    capture = _tcp(octets)
    lines = decode(capture, options=("--tcp-port", "40000"))
    assert [(line["type"], line["source_port"]) for line in lines] == [("initiation", 40000)]


# Shapes of many makers: spot checks; all of them, field by field, in test_decode_against_tshark


def _records(lines: list[dict]) -> list[dict]:
    assert not [line for line in lines if line["kind"] in ("error", "missing_template")]
    return [line["fields"] for line in lines if line["kind"] in ("flow", "options")]


@pytest.mark.parametrize("shape", SHAPES)
def test_shape_decodes_without_error(decode, shape: str) -> None:
    assert _records(decode(_udp(*SHAPES[shape]())))


def test_types_that_iana_does_not_know(decode) -> None:
    asa = _records(decode(_udp(*SHAPES["cisco_asa"]())))
    assert len(asa) == 2
    assert asa[0]["0:33002"] == "07e2"
    assert asa[0]["0:33000"] == bytes(range(12)).hex()
    assert asa[0]["observationTimeMilliseconds"] == "2023-11-14T22:13:20.321Z"
    (palo_alto,) = _records(decode(_udp(*SHAPES["palo_alto"]())))
    assert palo_alto["0:56701"] == b"ms-office365-base".ljust(32, b"\0").hex()


def test_scope_of_no_octets(decode) -> None:
    options = [li for li in decode(_udp(*SHAPES["juniper"]())) if li["kind"] == "options"]
    assert options[0]["scope"] == {"scopeSystem": None}
    assert options[0]["fields"] == {
        "samplingInterval": 100,
        "flowActiveTimeout": 60,
        "flowIdleTimeout": 30,
    }


def test_structured_data(decode) -> None:
    full, empty = _records(decode(_udp(*SHAPES["yaf"]())))
    agents = {"element": "6871:httpUserAgent", "semantic": 3, "values": ["curl/8", "curl/8"]}
    http = {"basicList": agents, "6871:httpServerString": "example.net"}
    assert full["subTemplateMultiList"] == {
        "semantic": 255,
        "templates": [
            {
                "template_id": 0xC003,
                "records": [
                    {
                        "tcpSequenceNumber": 7,
                        "6871:initialTCPFlags": 83,
                        "reverseTcpSequenceNumber": 8,
                        "6871:40": "0102",
                    }
                ],
            },
            {"template_id": 0xC004, "records": [http, http]},
            {"template_id": 0xC099, "octets": b"nobody knows".hex()},
        ],
    }
    assert full["subTemplateList"]["records"][0]["basicList"]["values"] == [6, 17]
    assert full["reverseOctetDeltaCount"] == 2
    assert empty["subTemplateMultiList"] == {"semantic": 255, "templates": []}
    assert empty["subTemplateList"] == {"template_id": 0xC004, "semantic": 4, "records": []}


# The command


def test_captures_of_real_routers_have_no_error(decode) -> None:
    for path in capture_files():
        lines = decode(path.read_bytes())
        assert lines
        assert not [line for line in lines if line["kind"] in ("error", "missing_template")]
        times = [line["time"] for line in lines]
        assert times == sorted(times)


def test_file_that_is_no_capture_does_not_stop_the_others(decode) -> None:
    lines = decode(b"no capture", _udp(_TEMPLATE), status=2)
    assert [line["kind"] for line in lines] == ["template"]
    assert b"0.pcap: neither a pcap nor a pcapng file" in decode.notes


def test_missing_file(capfd: pytest.CaptureFixture) -> None:
    assert main(["decode", "/nowhere/at/all.pcap"]) == 2
    assert "/nowhere/at/all.pcap: No such file or directory" in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["decode"],
        ["decode", "x", "--udp-port", "0"],
        ["decode", "x", "--tcp-port", "65536"],
        ["decode", "x", "--kinds", "flow,flows"],
    ],
)
def test_bad_arguments_exit_2(arguments: list[str], capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as told:
        main(arguments)
    assert told.value.code == 2
    assert "usage: collector decode" in capsys.readouterr().err


def test_help_explains_itself(capsys: pytest.CaptureFixture) -> None:
    for arguments, word in ((["--help"], "decode"), (["decode", "--help"], "--udp-port")):
        with pytest.raises(SystemExit) as told:
            main(arguments)
        assert told.value.code == 0
        assert word in capsys.readouterr().out


def _run(*arguments: str, **settings) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, *arguments], **settings)


def test_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "many.pcap"
    path.write_bytes(_udp(*[_TEMPLATE] * 5000))
    reading, writing = os.pipe()
    run = _run("-m", "collector", "decode", str(path), stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    os.read(reading, 10)
    os.close(reading)
    assert run.communicate(timeout=30)[1] == b""
    assert run.returncode == 0


def test_pipe_is_decoded_as_it_comes() -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    run = _run("-m", "collector", "decode", "/dev/stdin", **pipes)
    run.stdin.write(_udp(_TEMPLATE))
    run.stdin.flush()
    assert json.loads(run.stdout.readline())["kind"] == "template"
    assert run.communicate(timeout=30)[0] == b""
    assert run.returncode == 0


def test_decode_does_not_import_what_it_does_not_need(tmp_path: Path) -> None:
    path = tmp_path / "one.pcap"
    path.write_bytes(_udp(_TEMPLATE))
    code = (
        "import sys; from collector.cli import main; main(sys.argv[1:]);"
        "print(*{'aiokafka', 'asyncio', 'uvloop', 'polars'} & sys.modules.keys())"
    )
    run = _run("-c", code, "decode", str(path), stdout=subprocess.PIPE, text=True)
    assert run.communicate(timeout=30)[0].splitlines()[1:] == [""]
