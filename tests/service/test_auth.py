import hashlib

import pytest

from service.auth import ACCESS, Scope, authorise, check_binding, parse_keys
from service.errors import BindError, Forbidden, Unauthenticated

SECRET = "0123456789abcdef"
OTHER = "fedcba9876543210"


def test_a_key_keeps_the_hash_of_its_secret_and_never_the_secret():
    [key] = parse_keys([f"query:{SECRET}"])
    assert key.digest == hashlib.sha256(SECRET.encode()).digest()
    assert SECRET not in repr(key)
    assert key.digest.hex()[:8] not in repr(key)


@pytest.mark.parametrize(
    ("scopes", "scope"),
    [("query", Scope.QUERY), ("edit", Scope.EDIT), ("query+edit", Scope.EDIT), ("admin", Scope.ADMIN)],
)
def test_the_highest_scope_of_a_key_counts(scopes, scope):
    [key] = parse_keys([f"{scopes}:{SECRET}"])
    assert key.scope is scope


def test_a_secret_may_hold_colons_and_pluses():
    [key] = parse_keys([f"query@a+b:{SECRET}:+@"])
    assert key.kbs == {"a", "b"}
    assert authorise([key], Scope.QUERY, f"Bearer {SECRET}:+@", "a") is key


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (SECRET, "must be written"),
        ("query:short", "fewer than 16"),
        (f"{SECRET}:{OTHER}", "query, edit, admin"),
        (f"query+:{OTHER}", "query, edit, admin"),
        (f"query@:{OTHER}", "empty knowledge base"),
        (f"query@a+:{OTHER}", "empty knowledge base"),
        (f"query:{OTHER} with space", "visible ASCII"),
        (f"query:{OTHER}密", "visible ASCII"),
        ("admin:abcdefghijklmnop", "another key"),
    ],
)
def test_a_bad_key_is_named_by_its_position_and_not_by_its_text(text, reason):
    with pytest.raises(ValueError, match=reason) as raised:
        parse_keys(["query:abcdefghijklmnop", text])
    assert str(raised.value).startswith("key 2: ")
    assert text not in str(raised.value)
    assert SECRET not in str(raised.value)
    assert OTHER not in str(raised.value)


def test_without_keys_everything_is_open():
    assert authorise((), Scope.ADMIN, None, "demo").scope is Scope.ADMIN


def test_an_open_route_asks_for_no_key():
    assert authorise(parse_keys([f"query:{SECRET}"]), "open", None, None).covers("demo")


@pytest.mark.parametrize("access", [Scope.QUERY, "any key"])
@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", f"Basic {SECRET}", f"Bearer {OTHER}", SECRET])
def test_no_key_or_a_wrong_one_is_refused(access, header):
    with pytest.raises(Unauthenticated) as raised:
        authorise(parse_keys([f"query:{SECRET}"]), access, header, None)
    assert SECRET not in str(raised.value)


def test_a_scope_holds_those_below_it_and_not_those_above():
    keys = parse_keys([f"edit:{SECRET}"])
    assert authorise(keys, Scope.QUERY, f"bearer {SECRET}", None) is keys[0]
    assert authorise(keys, Scope.EDIT, f"Bearer {SECRET}", None) is keys[0]
    with pytest.raises(Forbidden, match="scope admin"):
        authorise(keys, Scope.ADMIN, f"Bearer {SECRET}", None)


def test_each_of_several_keys_is_found():
    keys = parse_keys([f"query:{SECRET}", f"admin:{OTHER}"])
    assert authorise(keys, Scope.QUERY, f"Bearer {SECRET}", None) is keys[0]
    assert authorise(keys, Scope.QUERY, f"Bearer {OTHER}", None) is keys[1]


def test_a_bound_key_reaches_its_knowledge_bases_only():
    keys = parse_keys([f"query@demo:{SECRET}"])
    assert authorise(keys, Scope.QUERY, f"Bearer {SECRET}", "demo") is keys[0]
    with pytest.raises(Forbidden, match=r"'other'.*demo"):
        authorise(keys, Scope.QUERY, f"Bearer {SECRET}", "other")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_without_keys_loopback_may_be_bound(host):
    check_binding(host, ())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.5", "example.org"])
def test_without_keys_any_other_address_is_refused_with_the_way_to_make_one(host):
    with pytest.raises(BindError, match=r"secrets\.token_urlsafe"):
        check_binding(host, ())
    check_binding(host, parse_keys([f"query:{SECRET}"]))


def test_the_table_opens_nothing_that_answers_questions():
    assert {operation for operation, access in ACCESS.items() if access == "open"} == {
        "healthz",
        "readyz",
        "docs",
        "openapi",
    }
