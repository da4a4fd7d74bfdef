"""A gRPC server with a method of each kind, and a client of it; messages are plain bytes."""

import threading
from concurrent import futures

import grpc

from .program import wait_until

UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
SERVICE = "test.Echo"


class GrpcEcho:
    """The server. `cancelled` counts calls that the client gave up; `seen` is the metadata of
    each unary call."""

    def __init__(self, world, certificate=None, options=()):
        self.cancelled = 0
        self.deadlines = []
        self.seen = []
        self.ended = threading.Event()
        self.server = grpc.server(futures.ThreadPoolExecutor(32), options=[*UNLIMITED, *options])
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "Down": grpc.unary_stream_rpc_method_handler(self.down),
            "Up": grpc.stream_unary_rpc_method_handler(self.up),
            "Both": grpc.stream_stream_rpc_method_handler(self.both),
            "Status": grpc.unary_unary_rpc_method_handler(self.status),
            "Wait": grpc.unary_unary_rpc_method_handler(self.wait),
        }),))
        if certificate:
            credentials = grpc.ssl_server_credentials(
                [(certificate.key.read_bytes(), certificate.cert.read_bytes())])
            self.port = self.server.add_secure_port("127.0.0.1:0", credentials)
        else:
            self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        world.closing(self)

    def unary(self, request, context):
        """The request again, and its own metadata named t-* in front and behind."""
        metadata = [(k, v) for k, v in context.invocation_metadata() if k.startswith("t-")]
        self.seen.append(metadata)
        context.send_initial_metadata(metadata)
        context.set_trailing_metadata([("t-behind", "1"), ("t-behind-bin", b"\0\1\xff")])
        return request

    def down(self, request, _):
        """COUNT SIZE: so many messages of that size."""
        count, size = map(int, request.split())
        for n in range(count):
            yield bytes([n % 256]) * size

    def up(self, requests, _):
        sizes = [len(r) for r in requests]
        return b"%d %d" % (len(sizes), sum(sizes))

    def both(self, requests, context):
        context.add_callback(lambda: self.gone(context))
        yield from requests

    def gone(self, context):
        """Runs at the end of a call; one that the client gave up has no code of ours."""
        if context.code() is None and not context.is_active():
            self.cancelled += 1

    def status(self, request, context):
        """CODE DETAILS: ends the call with them."""
        code, _, details = request.decode().partition(" ")
        context.abort(next(c for c in grpc.StatusCode if c.value[0] == int(code)), details)

    def wait(self, _, context):
        """Answers when the client has given up, to nobody."""
        over = threading.Event()
        self.deadlines.append(context.time_remaining())
        if context.add_callback(over.set):
            over.wait()
        self.cancelled += 1
        return b""

    def wait_cancelled(self, count):
        wait_until(lambda: self.cancelled >= count, f"{count} cancelled calls")

    def close(self):
        self.server.stop(0).wait()


class GrpcClient:
    """A channel to a proxy in front of GrpcEcho; the name that is verified is `localhost`."""

    def __init__(self, world, port, authority=None):
        options = [*UNLIMITED, ("grpc.enable_retries", 0),
                   ("grpc.ssl_target_name_override", "localhost")]
        if authority:
            credentials = grpc.ssl_channel_credentials(authority.cert.read_bytes())
            self.channel = grpc.secure_channel(f"127.0.0.1:{port}", credentials, options)
        else:
            self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options)
        self.unary = self.channel.unary_unary(f"/{SERVICE}/Unary")
        self.down = self.channel.unary_stream(f"/{SERVICE}/Down")
        self.up = self.channel.stream_unary(f"/{SERVICE}/Up")
        self.both = self.channel.stream_stream(f"/{SERVICE}/Both")
        self.status = self.channel.unary_unary(f"/{SERVICE}/Status")
        self.wait = self.channel.unary_unary(f"/{SERVICE}/Wait")
        world.closing(self.channel)

    def method(self, path):
        return self.channel.unary_unary(path)
