"""Which records a plugin takes: by tag and label before the cache, by counters after it (5.3)."""

import numpy as np
import polars as pl

from collector.nfacctd.flows.cache import Purged
from collector.nfacctd.flows.map_values import Context, evaluate
from collector.nfacctd.flows.tables import Frame
from collector.nfacctd.maps.flow_filter import FlowFilter
from collector.nfacctd.maps.preprocess import takes_counts
from collector.nfacctd.maps.tag_filters import takes_label, takes_tag
from collector.nfacctd.settings import Plugin
from collector.records.distinct import map_distinct


class Filter:
    """The filters of one plugin."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self.expression = (
            None if plugin.aggregate_filter is None else FlowFilter(plugin.aggregate_filter)
        )

    def taken(self, frame: Frame, context: Context) -> Frame:
        """Give the records that the plugin takes: the same frame where it takes all."""
        plugin = self._plugin
        takes = np.ones(frame.rows, bool)
        for column, terms, decide in (
            ("tag", plugin.pre_tag_filter, takes_tag),
            ("tag2", plugin.pre_tag2_filter, takes_tag),
            ("label", plugin.pre_tag_label_filter, takes_label),
        ):
            if terms:
                values = frame.get(column)
                answers = map_distinct([values], _of_terms(decide, terms), pl.Boolean())
                takes &= answers.to_numpy()
        if self.expression is not None:
            rules = _Expression(self.expression)
            answers, which = evaluate(frame, rules, context)
            takes &= np.array(answers, bool)[which]
        return frame if takes.all() else Frame(frame.data.filter(pl.Series(takes)))

    def published(self, purged: Purged) -> Purged:
        """Give the entries that are worth publishing."""
        checks = self._plugin.preprocess
        if checks is None or not purged.data.height:
            return purged
        counts = purged.data.select("packets", "bytes", "flows").iter_rows()
        keep = [takes_counts(checks, *counted) for counted in counts]
        return Purged(purged.data.filter(pl.Series(keep)), purged.now_s)


class _Expression:
    """A filter expression in the form of a map."""

    def __init__(self, expression: FlowFilter) -> None:
        self.keys = frozenset(expression.keys)
        self.evaluate = expression.holds


def _of_terms(decide, terms):
    return lambda value: decide(terms, value)
