"""Rows, metrics and their targets as data, and how results become text."""
import statistics
from dataclasses import dataclass, field

ALL = ("ours", "ref", "runit", "s6", "daemontools", "tini", "dumb-init", "floor")
MANY = ("ours", "ref", "runit", "s6", "daemontools", "floor")  # more than one program
PAIR = ("ours", "ref", "floor")
TWO = ("ours", "ref")


@dataclass
class Metric:
    """One figure: the percentile (50: median) of the samples under key. The target is met
    by at most `most` and at most `floors` times the floor (`more`: at least `floors`), and
    at least `refs` times what ref reaches."""
    key: str
    unit: str
    percentile: int = 50
    more: bool = False
    most: float = None
    floors: float = None
    refs: float = None

    def target(self):
        sign = "≥" if self.more else "≤"
        parts = []
        if self.most is not None:
            parts.append("%s %s" % (sign, number(self.most)))
        if self.floors is not None:
            parts.append("%s %g floor" % (sign, self.floors))
        if self.refs is not None:
            parts.append("%s %g ref" % (sign, self.refs))
        return ", ".join(parts) or "-"

    def met(self, values):
        ours = values.get("ours")
        limits = [self.most]
        limits.append(self.floors and values.get("floor") and self.floors * values["floor"])
        limits.append(self.refs and values.get("ref") and self.refs * values["ref"])
        limits = [limit for limit in limits if limit is not None]
        if ours is None or not limits:
            return None
        return all(ours >= x if self.more else ours <= x for x in limits)


@dataclass
class Row:
    """measure(box, subject, **args) returns {key: [samples]}; quick replaces some args
    for a smoke test; None: nothing new there, left out."""
    name: str
    measure: object
    subjects: tuple
    metrics: list
    args: dict = field(default_factory=dict)
    quick: dict = field(default_factory=dict)
    rounds: int = 5
    slow: dict = field(default_factory=dict)  # subject: rounds, where one takes minutes


def percentile(samples, percent):
    if percent == 50:
        return statistics.median(samples)
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def number(x):
    if x is None:
        return "-"
    if x == 0 or abs(x) >= 100:
        return format(x, ",.0f")
    return "%.3g" % x


def ratio(a, b):
    return None if a is None or not b else a / b


def figures(row, metric, samples):
    """One line of the result, from {subject: {key: [samples]}}."""
    values = {name: percentile(keys[metric.key], metric.percentile)
              for name, keys in samples.items() if keys.get(metric.key)}
    spread = {name: [min(keys[metric.key]), max(keys[metric.key]), len(keys[metric.key])]
              for name, keys in samples.items() if keys.get(metric.key)}
    peers = {n: v for n, v in values.items() if n not in PAIR}
    best = (max if metric.more else min)(peers, key=peers.get) if peers else None
    return {
        "row": row.name, "metric": metric.key, "unit": metric.unit,
        "percentile": metric.percentile, "values": values, "min_max_count": spread,
        "best_peer": best, "more_is_better": metric.more,
        "ours_to_ref": ratio(values.get("ours"), values.get("ref")),
        "ours_to_floor": ratio(values.get("ours"), values.get("floor")),
        "ours_to_peer": ratio(values.get("ours"), peers.get(best)),
        "target": metric.target(), "met": metric.met(values),
    }


COLUMNS = ("Row", "Measure", "Ours", "Ref", "Best peer", "Floor", "Ours/ref",
           "Ours/floor", "Target", "Met")


def cells(line):
    values = line["values"]
    best = line["best_peer"]
    label = line["metric"] + (" p%d" % line["percentile"] if line["percentile"] != 50 else "")
    return (line["row"], "%s, %s" % (label, line["unit"]), number(values.get("ours")),
            number(values.get("ref")),
            "%s %s" % (best, number(values[best])) if best else "-",
            number(values.get("floor")), number(line["ours_to_ref"]),
            number(line["ours_to_floor"]), line["target"],
            {True: "yes", False: "NO", None: "-"}[line["met"]])


def markdown(lines):
    rows = [COLUMNS] + [cells(line) for line in lines]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    text = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |" for row in rows]
    text.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(text)
