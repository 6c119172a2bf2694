"""A client of server-sent events with Last-Event-ID."""

import http.client
import json


class Event:
    def __init__(self, kind, data, id_):
        self.kind, self.data, self.id = kind, data, id_

    @property
    def json(self):
        return json.loads(self.data)


class EventStream:
    """Iterates over events; ends when the server ends the answer. Comments are counted."""

    def __init__(self, node, path, last_event_id=None, method="GET", body=None, timeout=40.0):
        headers = {"Accept": "text/event-stream"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = str(last_event_id)
        if node.token:
            headers["Authorization"] = f"Bearer {node.token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        self.connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=timeout)
        self.connection.request(method, "/api/v1" + path, body=body, headers=headers)
        self.answer = self.connection.getresponse()
        self.status = self.answer.status
        self.comments = 0

    def __iter__(self):
        kind, data, id_ = "message", [], None
        while True:
            line = self.answer.readline()
            if not line:
                return
            line = line.decode().rstrip("\r\n")
            if not line:
                if data:
                    yield Event(kind, "\n".join(data), id_)
                kind, data = "message", []
            elif line.startswith(":"):
                self.comments += 1
            else:
                name, _, value = line.partition(":")
                value = value[1:] if value.startswith(" ") else value
                if name == "event":
                    kind = value
                elif name == "data":
                    data.append(value)
                elif name == "id":
                    id_ = value

    def close(self):
        self.connection.close()
