"""What a server inherits of its caller's environment."""

from devservers.process import minimal_environment


def test_a_server_learns_where_things_are_and_no_secret() -> None:
    caller = {
        "PATH": "/bin", "HOME": "/root", "LANG": "C", "LC_ALL": "C", "TZ": "UTC", "TMPDIR": "/tmp",  # noqa: S108
        "SSL_CERT_FILE": "/ca.pem", "AWS_SECRET_ACCESS_KEY": "x", "HTTP_PROXY": "http://user:pw@proxy", "PGPASSWORD": "x",
        "KUBECONFIG": "x", "LD_PRELOAD": "x", "PYTHONPATH": "x",
    }  # fmt: skip
    assert minimal_environment(caller).keys() == {
        *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE")
    }
