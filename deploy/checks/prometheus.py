"""Metrics in alerts and in the dashboard, against the /metrics of a node."""

import re

FUNCTIONS = set("""sum max min avg count rate increase changes time predict_linear histogram_quantile
    clamp_min clamp_max and or unless bool""".split())
OF_PROMETHEUS = {"up"}
OF_SCRAPING = {"job", "instance"}
SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)?\s*\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"\s*,?\s*')
GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")


def parse(text):
    """{metric: [labels of each sample]} of Prometheus text."""
    metrics = {}
    for line in text.splitlines():
        found = re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? [^ ]+$", line)
        if found:
            metrics.setdefault(found[1], []).append(
                dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found[2] or "")))
    return metrics


def expressions(deploy):
    for path, document in deploy.of("prometheus"):
        for group in document.get("groups", ()) if isinstance(document, dict) else ():
            for rule in group["rules"]:
                yield f"{path}, {rule['alert']}", rule["expr"]
    for path, document in deploy.of("grafana"):
        for panel in document["panels"]:
            for target in panel.get("targets", ()):
                yield f"{path}, {panel['title']}", target["expr"]


def wrong_in(expression, metrics):
    """What of an expression does not exist."""
    if any(expression.count(a) != expression.count(b) for a, b in ("()", "[]", "{}")):
        yield "brackets do not match"
    for name, inner in SELECTOR.findall(expression):
        if MATCHER.sub("", inner).strip():
            yield f"{{{inner}}} is no list of labels"
        for label, how, value in MATCHER.findall(inner):
            samples = metrics.get(name, [{}])
            if label in OF_SCRAPING:
                continue
            if not any(label in sample for sample in samples):
                yield f"{name} has no label {label}"
            elif how == "=" and not any(sample.get(label) == value for sample in samples):
                yield f'{name} has no {label}="{value}"'
    labels = OF_SCRAPING | {label for all_ in metrics.values() for one in all_ for label in one}
    for word, inner in GROUPING.findall(expression):
        for label in filter(None, re.split(r"\s*,\s*", inner.strip())):
            if label not in labels:
                yield f"{word} ({label}): no metric has that label"
    rest = GROUPING.sub(" ", re.sub(r"\[[^\]]*\]", " ", re.sub(r"\{[^}]*\}", " ", expression)))
    for word in re.findall(r"(?<![\w.])[a-zA-Z_:][\w:]*", rest):
        if word not in metrics and word not in FUNCTIONS and word not in OF_PROMETHEUS:
            yield f"there is no metric {word}"


def check(deploy, metrics):
    found, seen = [], 0
    for place, expression in expressions(deploy):
        seen += 1
        found += [f"{place}: {why}" for why in wrong_in(expression, metrics)]
    if seen == 0:
        found.append("no alert and no panel was found")
    for path, document in deploy.of("grafana"):
        found += [f"{path}: {why}" for why in wrong_panels(document["panels"])]
    return found


def wrong_panels(panels):
    """Ids are unique, and no panel covers another."""
    ids, taken = set(), {}
    for panel in panels:
        if panel["id"] in ids:
            yield f"two panels have the id {panel['id']}"
        ids.add(panel["id"])
        at = panel["gridPos"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                if taken.setdefault((x, y), panel["id"]) != panel["id"]:
                    yield f"{panel['title']} covers another panel"
                    return
