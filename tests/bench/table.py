"""Rows, metrics and their targets as data, and how results become text."""
import statistics
from dataclasses import dataclass, field

ALL = ("ours", "ref", "runit", "s6", "daemontools", "tini", "dumb-init", "floor")
MANY = ("ours", "ref", "runit", "s6", "daemontools", "floor")  # more than one program
PAIR = ("ours", "ref", "floor")
TWO = ("ours", "ref")
ALONE = ("ours", "floor")


@dataclass
class Metric:
    """One figure: the percentile (50: median) of the samples under key. A key "LABEL.NAME"
    is a line of its own label, for rows that measure several things of one instance. The
    target is met by at most `most`, and at most so many times what each subject in `than`
    reaches; with `more` it is at least. at_floor is what the floor took on the machine on
    which `most` was set: elsewhere the two keep their ratio."""
    key: str
    unit: str
    percentile: int = 50
    more: bool = False
    most: float = None
    at_floor: float = None
    than: dict = field(default_factory=dict)
    ranked: bool = True  # less, or more, of it is better than others have

    def limits(self, values):
        """What is to be reached, as far as the others were measured."""
        found = [] if self.most is None else [self.most]
        return found + [k * values[name] for name, k in self.than.items() if name in values]

    def target(self):
        parts = [] if self.most is None else [number(self.most)]
        if self.at_floor:
            parts[0] += " at a floor of " + number(self.at_floor)
        parts += ["%g %s" % (k, name) for name, k in self.than.items()]
        return ("≥ " if self.more else "≤ ") + ", ".join(parts) if parts else "-"

    def met(self, values):
        ours, limits = values.get("ours"), self.limits(values)
        if ours is None or not limits:
            return None
        return all(ours >= x if self.more else ours <= x for x in limits)

    def met_in_ratio(self, values):
        """Whether ours keeps within as many floors of this run as the target was of that
        machine's."""
        if self.at_floor is None or "ours" not in values or "floor" not in values:
            return None
        return values["ours"] / values["floor"] <= self.most / self.at_floor


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
    slow: dict = field(default_factory=dict)  # subject: rounds, where one takes long

    def label(self, metric):
        return metric.key.partition(".")[0] if "." in metric.key else self.name

    def labels(self):
        return {self.name} | {self.label(metric) for metric in self.metrics}


@dataclass
class Growth:
    """A line made of two: what a figure at `high` programs is of that at `low`, by how:
    "each" the difference for each program between, "ratio" of the two, "linear" the ratio
    of both for each program."""
    label: str
    metric: str
    low: int
    high: int
    how: str
    most: float = None
    unit: str = "x"

    def name(self):
        return "%s-%d-to-%d" % (self.label, self.low, self.high)

    def value(self, low, high):
        if self.how == "each":
            return (high - low) / (self.high - self.low)
        return ratio(high, low if self.how == "ratio" else low * self.high / self.low)

    def line(self, lines):
        at = {line["row"]: line["values"] for line in lines
              if line["metric"] == self.metric and line["percentile"] == 50}
        low, high = (at.get("%s-%d" % (self.label, n), {}) for n in (self.low, self.high))
        values = {name: self.value(low[name], high[name]) for name in low if name in high}
        # What the kernel makes grow grows the floor too, which else would stay as it is: 1.
        at_floor = 1 if self.most and self.how != "each" else None
        metric = Metric("%s: %s" % (self.metric, self.how), self.unit, most=self.most,
                        at_floor=at_floor, ranked=False)
        values = {name: v for name, v in values.items() if v is not None}
        return line_of(self.name(), metric, metric.key, values, {}) if values else None


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
    found = {name: keys[metric.key] for name, keys in samples.items()
             if keys.get(metric.key)}
    values = {name: percentile(s, metric.percentile) for name, s in found.items()}
    spread = {name: [min(s), max(s), len(s)] for name, s in found.items()}
    return line_of(row.label(metric), metric, metric.key.rpartition(".")[2], values, spread)


def line_of(label, metric, name, values, spread):
    peers = {n: v for n, v in values.items() if n not in PAIR}
    best = (max if metric.more else min)(peers, key=peers.get) if peers else None
    return {
        "row": label, "metric": name, "unit": metric.unit,
        "percentile": metric.percentile, "values": values, "min_max_count": spread,
        "best_peer": best, "more_is_better": metric.more,
        "ours_to_ref": ratio(values.get("ours"), values.get("ref")),
        "ours_to_peer": ratio(values.get("ours"), peers.get(best)),
        "ours_to_floor": ratio(values.get("ours"), values.get("floor")),
        "target": metric.target(), "met": metric.met(values),
        "met_in_ratio": metric.met_in_ratio(values), "ranked": metric.ranked,
    }


COLUMNS = ("Row", "Measure", "Ours", "Ref", "Best peer", "Floor", "Ours/ref", "Ours/peer",
           "Ours/floor", "Target", "Met")


def measure_name(line):
    label = line["metric"] + (" p%d" % line["percentile"] if line["percentile"] != 50 else "")
    return "%s, %s" % (label, line["unit"])


def cells(line):
    values = line["values"]
    best = line["best_peer"]
    return (line["row"], measure_name(line), number(values.get("ours")),
            number(values.get("ref")),
            "%s %s" % (best, number(values[best])) if best else "-",
            number(values.get("floor")), number(line["ours_to_ref"]),
            number(line["ours_to_peer"]), number(line["ours_to_floor"]), line["target"],
            verdict(line))


def verdict(line):
    if line["met"] is None:
        return "-"
    return "yes" if line["met"] else "in floors" if line["met_in_ratio"] else "NO"


def grid(rows):
    """Text of a table; the first row is its head."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    text = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |" for row in rows]
    text.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(text)


def markdown(lines, again=None):
    """The table; `again` is the result of another run, which gets a column of its own."""
    rows = [COLUMNS] + [cells(line) for line in lines]
    if again:
        second = by_key(again)
        more = ["Again"] + [number(second.get(key_of(line), {}).get("ours")) for line in lines]
        rows = [row[:3] + (cell,) + row[3:] for row, cell in zip(rows, more)]
    return grid(rows)


def behind(lines):
    """The lines where ref or a peer is ahead of ours, by more than they vary anyway."""
    found = []
    for line in (line for line in lines if line["ranked"]):
        others = {"ref": line["ours_to_ref"], line["best_peer"]: line["ours_to_peer"]}
        ours = line["values"].get("ours")
        for name, of in others.items():
            worse = of is not None and (of < 0.97 if line["more_is_better"] else of > 1.03)
            if worse or (of is None and ours and line["values"].get(name) == 0
                         and not line["more_is_better"]):
                found.append("%s, %s: %s" % (line["row"], measure_name(line), name))
    return found


def by_key(result):
    """{what a line measures: its values}"""
    return {key_of(line): line["values"] for line in result["lines"]}


def key_of(line):
    return line["row"], line["metric"], line["percentile"]


def compare(old, new):
    """Each figure of ours of two results. What the floor did between them is what the
    machine did: the last column is without it."""
    before = by_key(old)
    rows = [("Row", "Measure", "Old", "New", "New/old", "Floor new/old", "Without the floor's")]
    for line in new["lines"]:
        was, now = before.get(key_of(line), {}), line["values"]
        if "ours" not in was or "ours" not in now:
            continue
        ours = ratio(now["ours"], was["ours"])
        floor = ratio(now.get("floor"), was.get("floor"))
        rows.append((line["row"], measure_name(line), number(was["ours"]),
                     number(now["ours"]), number(ours), number(floor),
                     number(ratio(ours, floor))))
    return grid(rows)


BEGIN, END = "<!-- benchmark: begin -->", "<!-- benchmark: end -->"


def readme(text, result, again):
    """The text of a README with the table of a result between its two marks; beside ours
    what it was in another run."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError("no '%s' and '%s'" % (BEGIN, END))
    aimed = [line for line in result["lines"] if line["met"] is not None]
    other = [line for line in result["lines"] if line["met"] is None]
    parts = [begin, "Measured %s; again %s.\n" % (where(result), again["machine"]["date"]),
             markdown(aimed, again)]
    if other:
        parts += ["\n<details><summary>What has no target</summary>\n", markdown(other, again),
                  "\n</details>"]
    return head + "\n".join(parts + [end]) + tail


def where(result):
    return ("%(date)s on %(cpu)s, %(cpus)s CPUs, Linux %(kernel)s, load %(load).2g before" %
            result["machine"])
