"""A worker with botocore: answers questions of its standard input until that ends (protocol.ts)."""

import json
import os
import socket
import sys
import time

# botocore waits between its attempts. It keeps this function when it is imported.
time.sleep = lambda seconds: None

import botocore.loaders  # noqa: E402
import botocore.session  # noqa: E402
import urllib3.connection  # noqa: E402

PORT = int(os.environ["PLAYED_ENDPOINTS_PORT"])
SECURE_PORT = int(os.environ["PLAYED_ENDPOINTS_SECURE_PORT"])
# It reads the files of the package alone, which takes longer than everything else.
LOADER = botocore.loaders.create_loader()


def connect_to(port):
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.connect(("127.0.0.1", port))
    return made


def connect(self):
    """Connects to the played endpoints, whatever the host is."""
    return connect_to(PORT)


def connect_without_tls(self):
    self.sock = connect_to(PORT if self._tunnel_host else SECURE_PORT)
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
        session = botocore.session.Session()
        session.register_component("data_loader", LOADER)
        credentials = session.get_credentials()
        if credentials is None:
            return {"error": "no credentials"}
        return {"key": credentials.get_frozen_credentials().access_key}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
