import pytest

from collector.config.load import default_config
from collector.config.remarks import remarks
from tests.config.documents import KAFKA, load

_AGGREGATE = '[[aggregate]]\nname = "a"\nkeys = ["device"]\n'
_BMP = '[[publish]]\nrecords = "bmp"\noutput = "kafka"\n'
_SASL = 'sasl_mechanism = "PLAIN"\nusername = "x"\npassword = "y"\n'


@pytest.mark.parametrize(
    ("text", "about", "told"),
    [
        (_AGGREGATE + KAFKA + _BMP, '[[aggregate]] "a"', "nobody publishes it"),
        (
            KAFKA + '[[output]]\nname = "out"\ntype = "stdout"\n' + _BMP,
            '[[output]] "out"',
            "nothing is published",
        ),
        (
            '[snapshot]\ninterval_s = 60\n[[publish]]\nrecords = "flow"\noutput = "stdout"',
            "[snapshot] interval_s",
            "no snapshots",
        ),
        (
            KAFKA + '[[publish]]\nrecords = "flow"\noutput = "kafka"\ncolumns = ["octets"]',
            '[[publish]] "flow" to "kafka"',
            "no key",
        ),
        (
            KAFKA + '[[aggregate]]\nname = "a"\nkeys = ["protocol"]\n',
            '[[publish]] "a" to "kafka"',
            "no key",
        ),
        (
            '[steering]\nallow = ["10.0.0.0/8"]\n[[device]]\naddresses = ["10.0.0.1", "::1"]',
            '[[device]] "::1"',
            "does not let it in",
        ),
        ("[rib]\nviews = []", "[rib] views", "no flow is joined"),
        ("[rib]\nstale_s = 0", "[rib] stale_s", "at once"),
        ('[[rd]]\nrd = "1:1"\n[[rd]]\nrd = "1:2"\nvrf_id = 1', "[[rd]] #2", "never used"),
        (
            KAFKA + 'security = "sasl_tls"\n' + _SASL,
            '[[output]] "kafka" password',
            "password_file",
        ),
        (
            KAFKA + 'security = "tls"\nverify_broker = false',
            '[[output]] "kafka" verify_broker',
            "anybody",
        ),
        ("[collector]\nworkers = 256", "[collector] workers", "share"),
    ],
)
def test_a_remark(text: str, about: str, told: str) -> None:
    (remark,) = remarks(load(text))
    assert remark.startswith(f"{about}: ")
    assert told in remark


def test_a_password_in_clear_is_two_remarks() -> None:
    assert len(remarks(load(KAFKA + 'security = "sasl_plaintext"\n' + _SASL))) == 2


def test_no_remarks_without_a_file() -> None:
    assert remarks(default_config()) == []
