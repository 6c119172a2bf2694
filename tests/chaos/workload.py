"""The workflows that clients start, and what becomes of each kind of run."""

import time

import fleet  # noqa: F401 (the path to the black-box suite's words)
from support.case import edge, node, step, workflow

LIMIT = 3
# How often each kind is started, of 100 starts.
SHARES = {"chain": 25, "large": 3, "timer": 14, "signalled": 12, "asking": 10, "flaky": 8,
          "dropped": 4, "endless": 6, "parent": 6, "limited": 8, "fails": 4}
# How runs may end; what is not here may end in any way.
ENDS = {"chain": {"success"}, "timer": {"success"}, "signalled": {"success"},
        "flaky": {"success"}, "dropped": {"success"}, "endless": {"cancelled"},
        "parent": {"success"}, "child": {"success"}, "limited": {"success"}, "large": {"success"},
        "asking": {"success", "partial", "failed"}, "fails": {"success", "failed"}}
# What somebody has to do for a run, some seconds after its start: (operation, at least, at most).
FOLLOW_UPS = {"signalled": ("signal", 0.0, 1.5), "asking": ("review", 0.0, 1.5),
              "endless": ("cancel", 0.0, 1.5), "fails": ("retry", 0.5, 2.0)}


def definitions(url):
    """{kind: definition}, children first. Every call sends the run's number."""
    def call(id_, path, **more):
        return node(id_, "ACTION", "HTTP_REQUEST", {
            "method": "POST", "url": url + path, "body": {"n": "{{ input.n }}"}}, **more)

    def chain(name, path="/effect", **more):
        request = {"method": "POST", "url": url + path, "body": {"n": "{{ input.n }}"}}
        return workflow([step("first", parameters={"n": "{{ input.n }}"}),
                         step("effect", "http_request", "first", request),
                         step("again", "http_request", "effect", request),
                         step("last", after="again")], name=name, **more)

    def wait(**how):
        return node("wait", "FLOW", "WAIT", how)

    def then_effect(first, name):
        port = ":approved" if first["id"] == "ask" else ""
        return workflow(nodes=[first, call("effect", "/effect")],
                        edges=[edge(first["id"] + port, "effect")], name=name)

    def single(name, path, attempts=1):
        policy = {"max_attempts": attempts, "strategy": "fixed", "wait_min_seconds": 0.1,
                  "wait_max_seconds": 0.1}
        return workflow(nodes=[call("effect", path, retry_policy=policy)], name=name)

    ask = node("ask", "HUMAN_IN_THE_LOOP", "APP", {"notification_type": "approval", "title": "?",
                                                   "message": "go on?"})
    return {
        "chain": chain("chain"), "child": chain("child"),
        "timer": then_effect(wait(wait_type="fixed_delay",
                                  duration_seconds="{{ input.seconds }}"), "timer"),
        "signalled": then_effect(wait(wait_type="for_signal", signal_name="go"), "signalled"),
        "asking": then_effect(ask, "asking"),
        "flaky": single("flaky", "/flaky", 4), "dropped": single("dropped", "/dropped", 4),
        "endless": workflow(nodes=[wait(wait_type="fixed_delay", duration_seconds=36_000)],
                            name="endless"),
        "limited": chain("limited", "/limited", settings={"max_concurrent_executions": LIMIT}),
        "fails": single("fails", "/fails"), "large": single("large", "/large"),
    }


def parent(child):
    return workflow(nodes=[node("sub", "SUBWORKFLOW", parameters={
        "workflow_id": child, "input": {"n": "{{ input.n }}"}})], name="parent")


def store(cluster, url):
    """Saves all of them; {kind: id}, as soon as every node knows them."""
    first, ids = cluster.nodes[0], {}

    def save(kind, definition):
        made = first.post("/workflows", definition)
        if made.status != 201:
            raise AssertionError(f"{kind}: {made}")
        ids[kind] = made.json["id"]

    for kind, definition in definitions(url).items():
        save(kind, definition)
    save("parent", parent(ids["child"]))
    cluster.wait(lambda: all(one.get(f"/workflows/{id_}").status == 200
                             for one in cluster.nodes for id_ in ids.values()), 10)
    time.sleep(0.1)
    return ids
