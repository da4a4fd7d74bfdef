#!/usr/bin/python3
"""A program for scenarios: slow_server.py ADDRESS PORT MILLISECONDS TEXT

Answers every request with the text after a while, so that at any moment of a load some
requests are on their way through it. An answer is written at once: no proxy could hide a death
between head and body.
"""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADDRESS, PORT, MILLISECONDS, TEXT = sys.argv[1], *map(int, sys.argv[2:4]), sys.argv[4]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        time.sleep(MILLISECONDS / 1000)
        self.send_response(200)
        self.send_header("Content-Length", str(len(TEXT)))
        self.end_headers()
        self.wfile.write(TEXT.encode())

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


if __name__ == "__main__":
    Server((ADDRESS, PORT), Handler).serve_forever()
