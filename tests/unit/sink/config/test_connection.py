"""`connection.url`: either spelling, every option honoured, refused by name or known to change nothing."""

# ruff: noqa: S106 - the passwords here open nothing

import asyncio

import pytest
from asyncpg import connect_utils
from hypothesis import given
from hypothesis import strategies as st

from sink_connector.config.connection import parse_connection


@pytest.mark.parametrize(
    ("url", "dsn"),
    [
        ("jdbc:postgresql://h:1/d?user=u&password=p", "postgresql://u:p@h:1/d"),
        ("jdbc:postgresql://h/d?sslmode=require&loginTimeout=3", "postgresql://h/d?sslmode=require"),
        ("jdbc:postgresql://h/d?ssl=true", "postgresql://h/d?sslmode=verify-full"),
        ("jdbc:postgresql://h/d?ssl=true&sslfactory=org.postgresql.ssl.NonValidatingFactory", "postgresql://h/d?sslmode=require"),
        ("jdbc:postgresql:shop", "postgresql://localhost/shop"),
        ("jdbc:postgresql:///shop", "postgresql://localhost/shop"),
        ("jdbc:postgresql://[::1]:5433/d", "postgresql://[::1]:5433/d"),
        ("postgresql://u:p%40@h/d", "postgresql://u:p%40@h/d"),
        ("postgresql://u:p@ss@h/d", "postgresql://u:p%40ss@h/d"),
        ("postgres://u@h", "postgresql://u@h"),
        (
            "jdbc:postgresql://a:1,b:2/d?targetServerType=primary",
            "postgresql://a:1,b:2/d?target_session_attrs=read-write",
        ),
        ("jdbc:postgresql://a,b/d", "postgresql://a,b/d?target_session_attrs=read-write"),
        ("jdbc:postgresql://a,b/d?targetServerType=any", "postgresql://a,b/d?target_session_attrs=any"),
        ("postgresql://a,b/d?target_session_attrs=read-write", "postgresql://a,b/d?target_session_attrs=read-write"),
        (
            "jdbc:postgresql://h/d?sslmode=verify-ca&sslrootcert=/a/b&sslcert=/c&sslkey=/d&sslpassword=x",
            "postgresql://h/d?sslmode=verify-ca&sslrootcert=%2Fa%2Fb&sslcert=%2Fc&sslkey=%2Fd&sslpassword=x",
        ),
    ],
)  # fmt: skip
def test_either_spelling_of_the_connection_url_is_read(url: str, dsn: str) -> None:
    assert parse_connection(url).dsn == dsn


def test_user_and_password_fill_in_what_the_url_leaves_out() -> None:
    assert (
        parse_connection("postgresql://h/d", user="u", password="p@ß").dsn == "postgresql://u:p%40%C3%9F@h/d"
    )
    assert parse_connection("postgresql://a:b@h/d", user="u", password="p").dsn == "postgresql://a:b@h/d"


def test_what_belongs_to_the_session_is_set_in_the_session() -> None:
    url = (
        "jdbc:postgresql://h/d?currentSchema=s1,public&options=-c%20statement_timeout=5s%20-c%20Work_Mem=1MB"
        "&ApplicationName=shop&connectTimeout=3&socketTimeout=20&prepareThreshold=5&reWriteBatchedInserts=true"
        "&stringtype=unspecified&tcpKeepAlive=true"
    )
    found = parse_connection(url)
    assert found.dsn == "postgresql://h/d"
    assert found.search_path == "s1,public"
    assert found.settings == {"statement_timeout": "5s", "work_mem": "1MB", "application_name": "shop"}
    assert (found.connect_timeout_s, found.command_timeout_s) == (3, 20)
    assert not found.is_pooled
    assert found.unknown == ()
    for options in ("-c%20search_path=s1", "-csearch_path=s1", "--search_path=s1", "-c search_path%3Ds1"):
        assert parse_connection(f"jdbc:postgresql://h/d?options={options}").search_path == "s1"
        assert parse_connection(f"postgresql://h/d?options={options}").search_path == "s1"
    assert parse_connection(r"jdbc:postgresql://h/d?options=-c%20a.b=x\%20y").settings == {"a.b": "x y"}


@pytest.mark.parametrize("option", ["prepareThreshold=0", "preferQueryMode=simple"])
def test_a_pooler_is_told_by_its_usual_options(option: str) -> None:
    assert parse_connection(f"jdbc:postgresql://h/d?{option}").is_pooled
    assert parse_connection("postgresql://h/d?prepareThreshold=0").is_pooled


def test_an_option_that_nobody_knows_is_named() -> None:
    assert parse_connection("jdbc:postgresql://h/d?targetServerTyp=primary&a=1").unknown == (
        "targetServerTyp",
        "a",
    )
    assert parse_connection("postgresql://h/d?sslmod=require").unknown == ("sslmod",)


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("targetServerType=secondary", "targetServerType"),
        ("targetServerType=preferSecondary", "targetServerType"),
        ("target_session_attrs=standby", "targetServerType"),
        ("sslmode=always", "sslmode"),
        ("ssl=maybe", "ssl"),
        ("socketFactory=com.google.cloud.sql.postgres.SocketFactory", "socketFactory"),
        ("sslhostnameverifier=x", "sslhostnameverifier"),
        ("socketTimeout=soon", "socketTimeout"),
        ("loginTimeout=soon", "loginTimeout"),
        ("prepareThreshold=x", "prepareThreshold"),
        ("options=--", "options"),
        ("options=-x%20y", "options"),
        ("readOnly=true", "readOnly"),
        ("replication=database", "replication"),
    ],
)
def test_an_option_that_cannot_be_honoured_is_refused_by_name(option: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        parse_connection(f"jdbc:postgresql://h/d?{option}")


@pytest.mark.parametrize(
    "url",
    [
        "jdbc:mysql://u:geheim@h/d",
        "geheim",
        "geheim://x",
        "postgresql://u:ge/geheim@h/d",
        "postgresql://u:geheim@h:x/d",
        "postgresql://u:geheim@h:99999/d",
        "postgresql://u:geheim@[::1/d",
        "postgresql://h/d?geheim",
    ],
)
def test_what_is_no_url_is_refused_without_showing_its_parts(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as raised:
        parse_connection(url)
    assert "geheim" not in str(raised.value).replace("the scheme is geheim", "")


def test_any_user_and_password_reach_the_driver_as_they_are() -> None:
    async def parsed(dsn: str) -> tuple[str, str]:
        defaults = dict.fromkeys(
            (
                "host", "port", "user", "password", "passfile", "database", "command_timeout", "ssl", "direct_tls",
                "server_settings", "target_session_attrs", "krbsrvname", "gsslib", "service", "servicefile",
            )
        )  # fmt: skip
        _, parameters, *_ = connect_utils._parse_connect_arguments(  # type: ignore[attr-defined] # noqa: SLF001 - how the driver reads it

            dsn=dsn, statement_cache_size=1, max_cached_statement_lifetime=1, max_cacheable_statement_size=1,
            **{**defaults, "ssl": False},
        )  # fmt: skip
        return parameters.user, parameters.password

    with asyncio.Runner() as runner:

        @given(user=st.text(min_size=1, max_size=8), password=st.text(min_size=1, max_size=8))
        def reach_the_driver(user: str, password: str) -> None:
            user, password = (text.encode("utf-8", "replace").decode() for text in (user, password))
            dsn = parse_connection("postgresql://h:1/d", user=user, password=password).dsn
            assert runner.run(parsed(dsn)) == (user, password)

        reach_the_driver()
