#!/usr/bin/python3
"""A FastCGI responder on descriptor 0, enough of the protocol for nginx: answers each
request with its pid and its path. Source: FastCGI Specification 1.0."""
import os
import socket
import struct

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6


def record(kind, ident, data):
    return struct.pack("!BBHHBx", 1, kind, ident, len(data), 0) + data


def exactly(c, n):
    data = b""
    while len(data) < n:
        piece = c.recv(n - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def pairs(data):
    found, at = {}, 0
    while at < len(data):
        sizes = []
        for _ in range(2):
            size = data[at]
            at += 1
            if size & 0x80:
                size = struct.unpack("!I", bytes([size & 0x7f]) + data[at:at + 3])[0]
                at += 3
            sizes.append(size)
        found[data[at:at + sizes[0]]] = data[at + sizes[0]:at + sum(sizes)]
        at += sum(sizes)
    return found


def serve(c):
    params = b""
    while True:
        _, kind, ident, length, padding = struct.unpack("!BBHHBx", exactly(c, 8))
        data = exactly(c, length + padding)[:length]
        if kind == PARAMS:
            params += data
        elif kind == STDIN and not data:
            path = pairs(params).get(b"REQUEST_URI", b"?")
            body = b"Content-Type: text/plain\r\n\r\npid %d path %s\n" % (os.getpid(), path)
            c.sendall(record(STDOUT, ident, body) + record(STDOUT, ident, b"") +
                      record(END, ident, bytes(8)))
            return


listener = socket.socket(fileno=0)
while True:
    connection, _ = listener.accept()
    try:
        serve(connection)
    except (EOFError, OSError):
        pass
    connection.close()
