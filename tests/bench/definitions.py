"""The workflows that the workloads run."""

from support.case import edge, node, set_variable, step, workflow

TEXT = "x" * 180  # with its name and number, a result of about 200 bytes


def _echo(id_, after=(), skill="echo"):
    return step(id_, skill, after, {"n": "{{ input.n }}", "text": TEXT})


def chain(count, skill="echo"):
    """Durable steps in a row."""
    return workflow([_echo(f"s{n}", f"s{n - 1}" if n else (), skill) for n in range(count)],
                    name=f"chain{count}")


def chain_with_effect(count, at, url):
    """chain() whose step number `at` is a POST to `url`."""
    definition = chain(count)
    definition["steps"][at] = step(f"s{at}", "http_request", f"s{at - 1}", {
        "method": "POST", "url": url, "body": {"n": "{{ input.n }}"}})
    return definition


def fan(count):
    """Durable steps side by side, then a join."""
    names = [f"s{n}" for n in range(count)]
    join = step("join", after=names, parameters={"n": "{{ input.n }}"})
    return workflow([*map(_echo, names), join], name=f"fan{count}")


def pure(count):
    """Nodes without an effect in a row."""
    nodes = [set_variable(f"p{n}", "n", "{{ input.n }}") for n in range(count)]
    edges = [edge(f"p{n}", f"p{n + 1}") for n in range(count - 1)]
    return workflow(nodes=nodes, edges=edges, name=f"pure{count}")


def sleeper(seconds):
    wait = node("w", "FLOW", "WAIT", {"wait_type": "fixed_delay", "duration_seconds": seconds})
    return workflow(nodes=[wait], name="sleeper")


def loop_then_signal(count):
    """A durable step `count` times, then a wait for the signal "go"."""
    loop = {"loop_type": "for", "count": count, "max_iterations": count}
    nodes = [node("loop", "FLOW", "LOOP", loop),
             node("body", "SKILL", parameters={"skill_type": "echo"}),
             node("w", "FLOW", "WAIT", {"wait_type": "for_signal", "signal_name": "go"})]
    edges = [edge("loop:iteration", "body"), edge("body", "loop:loop_body"),
             edge("loop:complete", "w")]
    return workflow(nodes=nodes, edges=edges, settings={"timeout_seconds": 86400})
