"""Runs the AWS CLI for each client, in a fork of this process that has loaded its modules already: nine tenths of what a
command takes is loading them. Usage: server.py SOCKET. Prints a document once it listens: the path of this Python, or
null if its awscli is not the installed `aws`. Ends with its standard input."""
import contextlib
import io
import json
import os
import select
import socket
import subprocess
import sys
import traceback


def load():
    """Loads the modules. Returns whether they are those of the installed `aws`."""
    try:
        import awscli.clidriver
    except ImportError:
        return False
    version = subprocess.run(["aws", "--version"], capture_output=True, text=True).stdout
    if not version.startswith(f"aws-cli/{awscli.__version__} "):
        return False
    # The modules that connect are loaded at the first call, here one to a port on which nothing listens.
    call = "eks list-clusters --endpoint-url http://127.0.0.1:9 --region eu-west-1 --no-sign-request".split()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        awscli.clidriver.create_clidriver().main(call)
    return True


def run(connection, descriptors, request):
    """Runs the command as the client, and sends its exit code."""
    arguments, environment, directory = request
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.chdir(directory)
    # awscli sets it as it is imported: where its own data is.
    data = os.environ["AWS_DATA_PATH"]
    os.environ.clear()
    os.environ.update(environment, AWS_DATA_PATH=data)
    sys.argv = ["aws", *arguments]
    try:
        code = sys.modules["awscli.clidriver"].main()
    except SystemExit as ended:
        code = ended.code
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    connection.sendall(str(code or 0).encode())


def accept(listener):
    connection, _ = listener.accept()
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
    text = b"".join(iter(lambda: connection.recv(65536), b""))
    if os.fork() == 0:
        try:
            run(connection, descriptors, json.loads(text))
        except BaseException:
            traceback.print_exc()
        os._exit(0)
    for descriptor in descriptors:
        os.close(descriptor)
    connection.close()


def main():
    isSame = load()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen()
    print(json.dumps(sys.executable if isSame else None), flush=True)
    while True:
        ready, _, _ = select.select([listener, 0], [], [], 1)
        if 0 in ready:
            break
        if listener in ready:
            accept(listener)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
    # The processor time of a child counts once it has been waited for.
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


main()
