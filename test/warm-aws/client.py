"""Asks the server to run a command with these arguments, environment, folder and streams. Ends with its exit code."""
import json
import os
import socket
import sys

connection = socket.socket(socket.AF_UNIX)
connection.connect(os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "socket"))
socket.send_fds(connection, [b"."], [0, 1, 2])
connection.sendall(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode())
connection.shutdown(socket.SHUT_WR)
code = connection.recv(16)
if code == b"":
    sys.exit("The AWS CLI has ended without an exit code.")
sys.exit(int(code))
