"""A minimal RFC 6455 client: text messages, ping, close codes."""

import base64
import json
import os
import socket
import struct
import time


class Refused(Exception):
    def __init__(self, status, head):
        super().__init__(f"upgrade refused with {status}: {head[:200]!r}")
        self.status = status


class Closed(Exception):
    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}")
        self.code = code


class WebSocket:
    def __init__(self, port, path="/ws", token=None, timeout=30.0, headers=None, buffer=None):
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self._buffer = b""
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket",
                 "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode()]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        lines += [f"{k}: {v}" for k, v in (headers or {}).items()]
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode())
        while b"\r\n\r\n" not in self._buffer:
            part = self.socket.recv(4096)
            if not part:
                raise Refused(0, self._buffer)
            self._buffer += part
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        status = int(head.split(b" ", 2)[1])
        if status != 101:
            raise Refused(status, head)

    def _frame(self, opcode, payload):
        mask = os.urandom(4)
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
        elif size < 65536:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
        masked = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        self.socket.sendall(head + mask + masked)

    def send_text(self, text):
        self._frame(1, text.encode())

    def call(self, method, **data):
        self.send_text(json.dumps({"method": method, "data": data}))

    def _read(self, size):
        while len(self._buffer) < size:
            part = self.socket.recv(65536)
            if not part:
                raise Closed(1006, "connection lost")
            self._buffer += part
        got, self._buffer = self._buffer[:size], self._buffer[size:]
        return got

    def receive(self, timeout=30.0):
        """The next text message as JSON; Closed when the server closed; TimeoutError."""
        deadline = time.monotonic() + timeout
        message = b""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("no message")
            self.socket.settimeout(left)
            first, second = self._read(2)
            size = second & 0x7F
            if second & 0x80:
                raise AssertionError("a server must not mask")
            if size == 126:
                size = struct.unpack("!H", self._read(2))[0]
            elif size == 127:
                size = struct.unpack("!Q", self._read(8))[0]
            payload = self._read(size)
            opcode = first & 0x0F
            if opcode == 8:
                code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
                raise Closed(code, payload[2:].decode("utf-8", "replace"))
            if opcode == 9:
                self._frame(10, payload)
            elif opcode in (0, 1):
                message += payload
                if first & 0x80:
                    return json.loads(message)

    def until(self, accept, timeout=30.0):
        """Messages up to and with the first that `accept` takes."""
        deadline, seen = time.monotonic() + timeout, []
        while True:
            seen.append(self.receive(max(0.01, deadline - time.monotonic())))
            if accept(seen[-1]):
                return seen

    def close(self):
        try:
            self._frame(8, struct.pack("!H", 1000))
        except OSError:
            pass
        self.socket.close()
