"""All maps of a configuration, loaded together: a mistake in one of them leaves all as they are."""

import logging
from dataclasses import dataclass

from collector.errors import ConfigError
from collector.nfacctd.flows.flow_records import Maps
from collector.nfacctd.maps.agent_map import AgentMap
from collector.nfacctd.maps.bmp_tag_map import BmpTagMap
from collector.nfacctd.maps.flow_to_rd_map import FlowToRdMap
from collector.nfacctd.maps.networks_file import NetworksFile
from collector.nfacctd.maps.pre_tag_map import PreTagMap
from collector.nfacctd.maps.sampling_map import SamplingMap
from collector.nfacctd.settings import Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedMaps:
    """What the map files say."""

    flows: Maps
    bmp_tags: BmpTagMap | None


class _Loader:
    """Loads map after map, and gathers the mistakes of all."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def load(self, kind: type, path: str | None) -> object:
        """Load one map; None where the conf names none, or where it has mistakes."""
        if path is None:
            return None
        try:
            _log.info("[%s] (re)loading map.", path)
            loaded = kind.load(path)
        except ConfigError as error:
            self.mistakes += error.mistakes
            return None
        _log.info("[%s] map successfully (re)loaded with %d entries.", path, len(loaded))
        return loaded


def load_maps(settings: Settings) -> LoadedMaps:
    """Load every map that the conf names.

    Raises:
        ConfigError: the mistakes of all of them, each with its file and line.
    """
    loader = _Loader()
    maps = LoadedMaps(
        Maps(
            pre_tag=loader.load(PreTagMap, settings.pre_tag_map),
            flow_to_rd=loader.load(FlowToRdMap, settings.flow_to_rd_map),
            sampling=loader.load(SamplingMap, settings.sampling_map),
            agent=loader.load(AgentMap, settings.agent_map),
            networks=loader.load(NetworksFile, settings.networks.file),
            plugin_pre_tags={
                plugin.name: loader.load(PreTagMap, plugin.pre_tag_map)
                for plugin in settings.plugins
                if plugin.pre_tag_map is not None
            },
        ),
        loader.load(BmpTagMap, settings.bmp.tag_map),
    )
    if loader.mistakes:
        raise ConfigError(loader.mistakes)
    return maps
