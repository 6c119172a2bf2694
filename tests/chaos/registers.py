"""Documents as registers: clients read one at any node and set it on condition of its version.

Documents of control are read where the client asks, so a read may be old; but a version has one
value for ever, two writes never make the same version, and what was acknowledged stays.
"""

from record import OK

COUNT = 6


def store(cluster):
    """Ids of fresh registers."""
    ids = []
    for number in range(COUNT):
        made = cluster.nodes[0].post("/workflows", {
            "name": f"register {number}", "description": "0",
            "steps": [{"step_id": "a", "skill_type": "echo"}]})
        if made.status != 201:
            raise AssertionError(f"{made}")
        ids.append(made.json["id"])
    cluster.wait(lambda: all(one.get(f"/workflows/{id_}").status == 200
                             for one in cluster.nodes for id_ in ids), 10)
    return ids


def _versions(node, id_):
    """{version: digest} as one node lists them."""
    found, cursor = {}, ""
    while cursor is not None:
        answer = node.get(f"/workflows/{id_}/versions?limit=500"
                          + (f"&cursor={cursor}" if cursor else "")).json
        found.update((item["version"], item["definition_digest"]) for item in answer["items"])
        cursor = answer["next_cursor"]
    return found


class Registers:
    """What the nodes have in the end: `values` {id: {version: value}}, `apart` [(id, nodes)]."""

    def __init__(self, cluster, record):
        self.values, self.apart = {}, []
        seen = {}
        for op in ("set", "look"):
            for done in record.of(op):
                seen.setdefault(done.run, set()).add(done.value[0])
        for id_, versions in seen.items():
            listed = [_versions(node, id_) for node in cluster.nodes]
            self.apart += [(id_, node.number) for node, mine in zip(cluster.nodes, listed)
                           if mine != listed[0]]
            self.values[id_] = {v: None for v in listed[0]}
            for version in versions & set(listed[0]):
                answer = cluster.nodes[-1].get(f"/workflows/{id_}/versions/{version}")
                self.values[id_][version] = answer.json["description"]


def check(record, registers):
    """Findings."""
    found, winners = [], {}
    for id_, node in registers.apart:
        found.append(("registers", id_, f"node {node} has other versions than the first"))
    for done in record.of("set"):
        version, value = done.value
        first = winners.setdefault((done.run, version), value)
        if first != value:
            found.append(("registers", done.run, f"version {version} was made by two writes, "
                                                 f"{first} and {value}"))
    for op in ("set", "look"):
        for done in record.operations:
            if done.op != op or done.outcome != OK:
                continue
            version, value = done.value
            kept = registers.values.get(done.run, {}).get(version)
            if kept != value:
                found.append(("registers", done.run, f"version {version} was {value} for "
                                                     f"{done.words()}, and is {kept}"))
    return found
