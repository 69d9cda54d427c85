"""The maps beside the captures: all of them load, and tag their exporters."""

import re

import pytest

from collector.nfacctd.maps.bmp_tag_map import BmpTagMap
from collector.nfacctd.maps.custom_primitives import load_custom_primitives
from collector.nfacctd.maps.flow_to_rd_map import FlowToRdMap
from collector.nfacctd.maps.pre_tag_map import PreTagMap
from collector.nfacctd.maps.sampling_map import SamplingMap
from tests.captures import captures_dir

_LOADERS = {
    "pretag": (PreTagMap.load, BmpTagMap.load),
    "f2rd": (FlowToRdMap.load,),
    "sampling": (SamplingMap.load,),
    "custom-primitives": (load_custom_primitives,),
}


def test_maps_of_the_captures_load() -> None:
    paths = [path for path in captures_dir().rglob("*.map") if _kind(path.stem) in _LOADERS]
    if not paths:
        pytest.skip("no maps beside the captures")
    for path in paths:
        rows = [line for line in path.read_text().splitlines() if line.strip()[:1] not in ("", "!")]
        for load in _LOADERS[_kind(path.stem)]:
            assert len(load(str(path))) == len(rows)


def _kind(stem: str) -> str:
    return re.sub(r"-\d+$", "", stem)
