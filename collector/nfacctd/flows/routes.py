"""The join of flows with routes: one question for each distinct combination of a batch."""

import polars as pl

from collector.nfacctd.flows.route_values import RouteQuestion, RoutesOf, RouteTable
from collector.nfacctd.flows.tables import Frame
from collector.records.text import address_text


def fill_routes(frame: Frame, agents: pl.Series, routes_of: RoutesOf, table: RouteTable) -> None:
    """Add ``src_route`` and ``dst_route``, numbers of a table.

    Args:
        frame: the batch.
        agents: shape (rows,), text: whose routes each flow takes.
        routes_of: looks routes up.
        table: of the batch; routes that are found are put into it.
    """
    columns = [agents.alias("agent")]
    for name, raw in (("source", "join_src"), ("destination", "join_dst"), ("hop", "peer_dst_ip")):
        columns += [frame.get(f"{raw}.hi").alias(f"{name}.hi")]
        columns += [frame.get(f"{raw}.lo").alias(f"{name}.lo")]
    columns += [frame.get("mpls_vpn_rd"), frame.get("rd_origin")]
    asked = pl.DataFrame(columns)
    distinct = asked.unique(maintain_order=True)
    texts = [_texts(distinct, name) for name in ("source", "destination", "hop")]
    rest = [distinct[name].to_list() for name in ("agent", "mpls_vpn_rd", "rd_origin")]
    found = [
        routes_of(RouteQuestion(agent, source, destination, rd, origin, hop))
        for source, destination, hop, agent, rd, origin in zip(*texts, *rest, strict=True)
    ]
    distinct = distinct.with_columns(
        pl.Series("src_route", [table.number_of(source) for source, _ in found], pl.UInt32),
        pl.Series("dst_route", [table.number_of(target) for _, target in found], pl.UInt32),
    )
    joined = asked.join(distinct, on=asked.columns, how="left", maintain_order="left")
    frame.put("src_route", joined["src_route"])
    frame.put("dst_route", joined["dst_route"])


def _texts(distinct: pl.DataFrame, name: str) -> list[str]:
    high, low = distinct[f"{name}.hi"].to_numpy(), distinct[f"{name}.lo"].to_numpy()
    known = ((high != 0) | (low != 0)).tolist()
    texts = address_text(high, low).to_list()
    return [text if is_known else "" for text, is_known in zip(texts, known, strict=True)]
