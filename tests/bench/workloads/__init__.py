"""The workloads by name, in the order in which they run: each takes the harness, gives figures."""

from workloads.clusters import cluster
from workloads.histories import history, replay
from workloads.http_reads import http
from workloads.idle import idle
from workloads.recovery import recover
from workloads.sleeping import suspended, timers
from workloads.throughput import chain10, fan10, pure10, single, worker10

WORKLOADS = {
    "idle": idle,
    "single": single,
    "chain10": chain10,
    "fan10": fan10,
    "pure10": pure10,
    "worker10": worker10,
    "timers": timers,
    "suspended": suspended,
    "recover": recover,
    "history": history,
    "http": http,
    "replay": replay,
    "cluster": cluster,
}
