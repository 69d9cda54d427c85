"""What the lines of a configuration set, for core and plugins, and what becomes of each.

nfacctd reads a file from top to bottom: a line without a plugin's name sets the key for the core
and for all plugins, also for those that an earlier line has set it for.
"""

from dataclasses import dataclass, field
from typing import Any

from collector.config.values import did_you_mean
from collector.nfacctd.conf import Conf, Line, PluginName
from collector.nfacctd.keys import Feature, Key, Scope, Treatment
from collector.nfacctd.keys_elsewhere import KEYS, OTHER_PLUGINS
from collector.nfacctd.read_values import FatalValueError, UnsupportedValueError, flag

OUR_PLUGINS = ("kafka", "print")
_CORE = None  # the target that is no plugin


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of one line."""

    line: Line
    treatment: Treatment | None  # None: nfacctd, too, passes over it
    told: str

    @property
    def sentence(self) -> str:
        """What `--explain` says."""
        if self.treatment is None:
            return f"ignored, as nfacctd does: {self.told}"
        return f"{self.treatment.value} {self.told}"


@dataclass(frozen=True, slots=True)
class _Setting:
    """A line that could be read: its key, and the plugins (or the core) that it is for."""

    line: Line
    key: Key
    targets: tuple[str | None, ...]
    unsupported: str | None  # what follows of this value

    @property
    def slot(self) -> str:
        """What a later line of the same key takes over."""
        return self.key.field or self.key.name


@dataclass(slots=True)
class Lines:
    """A configuration file, read line by line.

    Attributes:
        mistakes: what nfacctd ends at.
        refused: what we end at unless told to be lenient: values that nfacctd ignores with a
            warning, and what is not supported.
        warnings: what nfacctd passes over, and we do.
        judgements: one for each line, `plugins` first, the others in the file's order.
        values: what is set, by plugin (None: the core) and `Key.field`.
        deciding: which line set it.
    """

    conf: Conf
    mistakes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    values: dict[str | None, dict[str, Any]] = field(default_factory=dict)
    deciding: dict[str | None, dict[str, Line]] = field(default_factory=dict)

    def of(self, owner: str, plugin: str | None = _CORE) -> dict[str, Any]:
        """Give what is set of an owner (`Key.field`), by attribute."""
        prefix = f"{owner}."
        return {
            name.removeprefix(prefix): value
            for name, value in self.values[plugin].items()
            if name.startswith(prefix)
        }

    def at(self, slot: str, reason: str, plugin: str | None = _CORE) -> str:
        """Write what is to be said of the line that set a field."""
        line = self.deciding[plugin].get(slot) or self.conf.plugins_line
        if line is None:
            return f"{self.conf.path}: {reason}"
        return self.conf.at(line.number, f"{line.key}: {reason}")

    def plugins(self) -> tuple[PluginName, ...]:
        """Give the plugins of types that we have."""
        return tuple(plugin for plugin in self.conf.plugins if plugin.type in OUR_PLUGINS)


def read_lines(conf: Conf) -> Lines:
    """Read all lines: nothing is raised, everything is told."""
    lines = Lines(conf, mistakes=list(conf.mistakes), warnings=list(conf.warnings))
    targets = (_CORE, *(plugin.name for plugin in conf.plugins))
    lines.values = {target: {} for target in targets}
    lines.deciding = {target: {} for target in targets}
    outcomes = [_read_line(lines, line) for line in conf.lines]
    _judge_plugins(lines)
    for outcome in outcomes:
        judgement = outcome if isinstance(outcome, Judgement) else _judge(lines, outcome)
        lines.judgements.append(judgement)
        if judgement.treatment is Treatment.NOT_SUPPORTED:
            line = judgement.line
            lines.refused.append(conf.at(line.number, f"{line.key}: {judgement.sentence}"))
    return lines


def _read_line(lines: Lines, line: Line) -> _Setting | Judgement:
    conf = lines.conf
    key = KEYS.find(line.key)
    if key is None:
        near = did_you_mean(line.key, KEYS.names())
        return _ignored(lines, line, f"no such key{near}")
    plugin = _CORE if key.scope is Scope.GLOBAL else line.symbol
    if line.symbol is not None and line.symbol not in lines.values:
        return _ignored(lines, line, f'there is no plugin "{line.symbol}"')
    if line.symbol is not None and key.scope is Scope.GLOBAL:
        lines.warnings.append(
            conf.at(line.number, f"{key.name}: cannot be for one plugin: taken for all")
        )
    if plugin is None and key.scope is Scope.PLUGIN_ONLY:
        return _ignored(lines, line, "must be for one plugin: KEY[PLUGIN]")
    targets: tuple[str | None, ...] = (plugin,)
    if plugin is None and key.scope is Scope.PLUGIN:
        targets = tuple(lines.values)
    unsupported = None
    try:
        value = key.read(line.value)
    except UnsupportedValueError as error:
        unsupported, value = error.consequence, error.rest
    except ValueError as error:
        reason = f'{line.key}: "{line.value}": {error}'
        gathered = lines.mistakes if isinstance(error, FatalValueError) else lines.refused
        gathered.append(conf.at(line.number, reason))
        return Judgement(line, None, f"{error}")
    setting = _Setting(line, key, targets, unsupported)
    for target in targets:
        lines.deciding[target][setting.slot] = line
        if value is not None and key.field:
            lines.values[target][key.field] = value
    return setting


def _ignored(lines: Lines, line: Line, reason: str) -> Judgement:
    lines.warnings.append(lines.conf.at(line.number, f"{line.key}: ignored: {reason}"))
    return Judgement(line, None, reason)


def _judge_plugins(lines: Lines) -> None:
    line = lines.conf.plugins_line
    if line is None:
        reason = "plugins is not set: nfacctd keeps flows in a table in memory, we drop them"
        lines.warnings.append(f"{lines.conf.path}: {reason}")
        return
    lacking = [
        f"{plugin.type}[{plugin.name}]: {OTHER_PLUGINS.get(plugin.type, 'there is no such plugin')}"
        for plugin in lines.conf.plugins
        if plugin.type not in OUR_PLUGINS
    ]
    if lacking:
        told = "; ".join(lacking)
        lines.judgements.append(Judgement(line, Treatment.NOT_SUPPORTED, told))
        sentence = lines.judgements[-1].sentence
        lines.refused.append(lines.conf.at(line.number, f"plugins: {sentence}"))
    else:
        told = "what makes flow records"
        lines.judgements.append(Judgement(line, Treatment.HONOURED, told))


def _judge(lines: Lines, setting: _Setting) -> Judgement:
    line, key = setting.line, setting.key
    deciding = [lines.deciding[target][setting.slot] for target in setting.targets]
    if line not in deciding:
        told = f"line {deciding[0].number} says it again"
        return Judgement(line, Treatment.SUPERSEDED, told)
    treatment, told = key.treatment, key.told.replace("{value}", line.value)
    if setting.unsupported is not None:
        treatment, told = Treatment.NOT_SUPPORTED, setting.unsupported
    if key.needs is not None and not _has(lines, key.needs, line.symbol):
        return Judgement(line, Treatment.NO_EFFECT, key.needs.value)
    if treatment is Treatment.HONOURED and key.read is flag and line.value.lower() == "false":
        return Judgement(line, treatment, "off")
    if treatment is Treatment.NOT_SUPPORTED and line.value.lower() in key.off:
        return Judgement(line, Treatment.NO_EFFECT, "it is off")
    return Judgement(line, treatment, told)


def _has(lines: Lines, feature: Feature, plugin: str | None) -> bool:
    core = lines.values[_CORE]
    plugins = [entry for entry in lines.plugins() if plugin in (None, entry.name)]
    types = [entry.type for entry in plugins]
    bmp = core.get("bmp.enabled", False)
    match feature:
        case Feature.BMP:
            return bmp
        case Feature.MSGLOG:
            return bmp and ("msglog.file" in core or "msglog_kafka.topic" in core)
        case Feature.MSGLOG_KAFKA:
            return bmp and "msglog_kafka.topic" in core
        case Feature.DUMP:
            target = "dump_target.file" in core or "dump_kafka.topic" in core
            return bmp and target and "dump.refresh_s" in core
        case Feature.DUMP_KAFKA:
            return bmp and "dump_kafka.topic" in core and "dump.refresh_s" in core
        case Feature.ROUTES:
            return bmp and core.get("core.as_source") in ("bmp", "longest")
        case Feature.GEO:
            wanted = [
                lines.values[entry.name].get("plugin.aggregate", ()) for entry in lines.plugins()
            ]
            return any("_host_" in name for names in wanted for name in names)
        case Feature.MSGLOG_AVRO:
            return _has(lines, Feature.MSGLOG, plugin) and _is_avro(core, "msglog.output")
        case Feature.DUMP_AVRO:
            return _has(lines, Feature.DUMP, plugin) and _is_avro(core, "dump_target.output")
        case Feature.KAFKA:
            return "kafka" in types
        case Feature.AVRO:
            values = [(lines.values[entry.name], f"{entry.type}.output") for entry in plugins]
            return any(_is_avro(of_plugin, field) for of_plugin, field in values)
        case Feature.PRINT:
            return "print" in types
        case Feature.PLUGIN:
            return bool(types)


def _is_avro(values: dict[str, Any], field: str) -> bool:
    return values.get(field, "").startswith("avro")
