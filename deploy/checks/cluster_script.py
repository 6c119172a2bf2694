"""Runs troupe-cluster-node with a command of our own in the place of troupe, and looks at what it
asked for."""

import os
import subprocess
import tempfile

# Nodes in UP answer, those in KEY let others in; everything asked for is written down. Whoever waits
# for the twentieth time is ended.
COMMAND = """#!/bin/sh
host=$(echo "$@" | sed -n 's|.*http://\\([a-z]*\\):.*|\\1|p')
has() { case " $1 " in *" $host "*) return 0 ;; *) return 1 ;; esac; }
case "$1 $2" in
"cluster status") has "$UP" || exit 3 ;;
"cluster invite") echo "{"; echo "  \\"token\\": \\"token-of-$host\\""; echo "}" ;;
*) echo "$@" >>"$ASKED" ;;
esac
case "$1 $2" in
"cluster join") has "$KEY" || exit 4 ;;
esac
case "$1 $2" in
"cluster init" | "cluster join")
  mkdir "$TROUPE_DATA_DIR/cluster"
  : >"$TROUPE_DATA_DIR/cluster/node.json" ;;
esac
"""
SLEEP = """#!/bin/sh
echo "$@" >>"$ASKED.sleeps"
[ "$(wc -l <"$ASKED.sleeps")" -lt 20 ] || kill $PPID
"""


def asked(script, host, up=(), key=(), member=False):
    """What a start of `host` asks troupe for."""
    with tempfile.TemporaryDirectory() as place:
        for name, text in (("troupe", COMMAND), ("sleep", SLEEP)):
            with open(os.path.join(place, name), "w") as file:
                file.write(text)
            os.chmod(file.name, 0o755)
        data, said = os.path.join(place, "data"), os.path.join(place, "asked")
        os.makedirs(os.path.join(data, "cluster") if member else data)
        for name in ("password", *(["data/cluster/node.json"] if member else [])):
            with open(os.path.join(place, name), "w") as file:
                file.write("a-password\n")
        environment = {"PATH": f"{place}:/usr/bin:/bin", "ASKED": said, "UP": " ".join(up),
                       "KEY": " ".join(key), "TROUPE_DATA_DIR": data, "TROUPE_CLUSTER_HOST": host,
                       "TROUPE_PASSWORD_FILE": os.path.join(place, "password")}
        subprocess.run(["sh", script, "one", "two", "three"], env=environment, capture_output=True,
                       timeout=10)
        if not os.path.exists(said):
            return []
        with open(said) as file:
            return [line.strip().replace(data, "DATA") for line in file]


def check(deploy):
    script = os.path.join(deploy.folder, "troupe-cluster-node")
    if not os.path.exists(script):
        return ["troupe-cluster-node is not there"]
    where = "--cluster-host {1} --cluster-port 7071"
    init = "cluster init --data-dir DATA " + where
    join = "cluster join http://{0}:7070 --token token-of-{0} --data-dir DATA --host {1} " + where
    cases = [("the first makes a cluster when nobody answers", {"host": "one"},
              [init.format("", "one"), "serve"]),
             ("another joins", {"host": "two", "up": ["one"], "key": ["one"]},
              [join.format("one", "two"), "serve"]),
             ("another makes no cluster", {"host": "two"}, []),
             ("the first joins again with an empty disk", {"host": "one", "up": ["two", "three"],
                                                           "key": ["three"]},
              [join.format("two", "one"), join.format("three", "one"), "serve"]),
             ("the first makes no cluster where one is", {"host": "one", "up": ["two"]},
              [join.format("two", "one")]),
             ("a member only serves", {"host": "one", "up": ["two"], "member": True}, ["serve"])]
    found = []
    for what, start, wanted in cases:
        try:
            got = asked(script, **start)
        except (subprocess.SubprocessError, OSError) as why:
            got = [str(why)]
        if sorted(set(got)) != sorted(set(wanted)) or (got and got[-1] != wanted[-1]):
            found.append(f"troupe-cluster-node: {what}: asked for {got}, not {wanted}")
    return found
