"""Conversations over TCP, for proxies to pass on: a program that greets and does what it is told,
and a client that tells what it saw.

Bytes of all amounts both ways, ends of one side alone, of both, and by force.
"""

import hashlib
import socket
import struct
import threading

from .http1 import Closed, RawClient

GREETING = "ready"
SIZES = (0, 1, 2, 100, 4095, 4096, 16383, 16384, 65536, 1000000)
COMMANDS = [f"{verb} {size}" for verb in ("echo", "give", "both") for size in SIZES]
COMMANDS += [f"{verb} {size}" for verb in ("take", "talk") for size in SIZES[:6]]
COMMANDS += ["leave", "end", "give-and-reset 0", "wait 0", "wait 1", "wait 1000",
             "leave-after 10", "leave-after 100000"]


def pattern(size):
    return (bytes(range(256)) * (size // 256 + 1))[:size]


def digest(data):
    return f"{len(data)} {hashlib.sha256(data).hexdigest()[:16]}"


# The program behind


def serve(connection, _):
    """Greets, reads a command, does it."""
    wire = RawClient(connection)
    wire.send(GREETING + "\r\n")
    try:
        verb, _, size = wire.line().partition(" ")
    except Closed:
        return
    VERBS[verb](wire, int(size or 0))


def echo(wire, _):
    wire.send(wire.rest())


def give(wire, size):
    wire.send(pattern(size))


def give_and_reset(wire, _):
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def take(wire, size):
    wire.send(digest(wire.exactly(size)))


def talk(wire, size):
    """Line by line, each after the other's."""
    for _ in range(size % 50):
        wire.send(wire.line().upper() + "\r\n")


def both(wire, size):
    """At once in both directions."""
    giver = threading.Thread(target=wire.send, args=(pattern(size),))
    giver.start()
    taken = wire.exactly(size)
    giver.join()
    wire.send(digest(taken))


def wait(wire, size):
    """Ends its side first, and still reads what comes."""
    wire.half_close()
    wire.exactly(size)


def nothing(_wire, _size):
    pass


VERBS = {"echo": echo, "give": give, "both": both, "take": take, "talk": talk, "wait": wait,
         "give-and-reset": give_and_reset, "end": nothing, "leave": nothing,
         "leave-after": give}


# The client


def converse(address, command):
    """What a client sees of one conversation."""
    verb, _, size = command.partition(" ")
    size = int(size or 0)
    with RawClient(address) as client:
        greeting = client.line()
        client.send(command + "\r\n")
        if verb == "talk":
            lines = [client.send(f"line {n}\r\n").line() for n in range(size % 50)]
            return greeting, lines, digest(client.rest())
        if verb == "leave":
            return greeting, "left"
        if verb == "leave-after":
            return greeting, digest(client.exactly(size))
        if verb in ("echo", "take", "both", "wait"):
            sender = threading.Thread(target=send_all, args=(client, size, verb))
            sender.start()
            received = client.rest()
            sender.join()
            return greeting, digest(received)
        try:
            return greeting, digest(client.rest())
        except ConnectionResetError:
            return greeting, digest(b"")


def send_all(client, size, verb):
    client.send(pattern(size))
    if verb == "echo":
        client.half_close()


def unanswered(address):
    """What a client sees when nobody is behind."""
    try:
        with RawClient(address) as client:
            return client.rest()
    except ConnectionError:
        return b""
