"""A worker with botocore: answers questions of its standard input until that ends (protocol.ts)."""

import json
import os
import socket
import sys
import time

# botocore waits between its attempts. It keeps this function when it is imported.
time.sleep = lambda seconds: None

import botocore.session  # noqa: E402
import urllib3.connection  # noqa: E402

PORT = int(os.environ["PLAYED_ENDPOINTS_PORT"])


def connect(self):
    """Connects to the played endpoints, whatever the host is."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.connect(("127.0.0.1", PORT))
    return made


def connect_without_tls(self):
    self.sock = self._new_conn()
    if self._tunnel_host:
        self._tunnel()
    self.is_verified = True
    self.proxy_is_verified = None


def refuse(*args, **kwargs):
    """Refuses what leads to another address."""
    raise socket.gaierror("names are not looked up")


urllib3.connection.HTTPConnection._new_conn = connect
urllib3.connection.HTTPSConnection.connect = connect_without_tls
socket.getaddrinfo = refuse
socket.create_connection = refuse


def answer(question):
    os.environ.clear()
    os.environ.update(question["env"])
    os.chdir(question["directory"])
    try:
        credentials = botocore.session.Session().get_credentials()
        if credentials is None:
            return {"error": "no credentials"}
        return {"key": credentials.get_frozen_credentials().access_key}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
