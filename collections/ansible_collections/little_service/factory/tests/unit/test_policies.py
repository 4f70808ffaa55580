"""Policy documents that mean the same are equal, however AWS gives them back."""

from __future__ import annotations

import json

from ansible_collections.little_service.factory.plugins.module_utils.policies import canonical
from hypothesis import given
from hypothesis import strategies as st

names = st.lists(st.sampled_from(["s3:GetObject", "s3:PutObject", "*", "arn:aws:s3:::artifacts/*"]), min_size=1, unique=True)
values = st.lists(st.sampled_from(["a", "true", True, False, 7]), min_size=1, unique_by=json.dumps)
statements = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Action": names, "Resource": names},
    optional={
        "Sid": st.just("one"),
        "Principal": st.just("*") | st.dictionaries(st.sampled_from(["AWS", "Service"]), names, min_size=1),
        "Condition": st.dictionaries(
            st.sampled_from(["StringLike", "Bool"]), st.dictionaries(st.sampled_from(["aws:SourceAccount", "aws:SecureTransport"]), values)
        ),
    },
)
documents = st.builds(lambda listed: {"Version": "2012-10-17", "Statement": listed}, st.lists(statements, min_size=1, max_size=2))


def otherwise(value):
    """The same with lists the other way round, single values without their lists, and truths as words."""
    if isinstance(value, dict):
        return {key: otherwise(one) for key, one in reversed(value.items())}
    if isinstance(value, list):
        turned = [otherwise(one) for one in reversed(value)]
        return turned[0] if len(turned) == 1 else turned
    return json.dumps(value) if isinstance(value, bool | int) else value


@given(document=documents)
def test_the_same_written_otherwise_is_the_same(document):
    written = {**document, "Statement": [otherwise(one) for one in document["Statement"]]}
    single = {**written, "Statement": written["Statement"][0]} if len(written["Statement"]) == 1 else written
    assert canonical(document) == canonical(written) == canonical(json.dumps(single))


@given(document=documents)
def test_what_is_in_one_form_stays_in_it(document):
    assert canonical(canonical(document)) == canonical(document)


def test_the_order_of_statements_and_what_they_say_counts():
    one, two = ({"Effect": "Allow", "Action": action, "Resource": "*"} for action in ("s3:GetObject", "s3:PutObject"))
    assert canonical({"Statement": [one, two]}) != canonical({"Statement": [one]})
    assert canonical({"Statement": [one]}) != canonical({"Statement": [{**one, "Effect": "Deny"}]})


def test_none_is_none_and_another_document_is_only_read():
    assert canonical(None) is canonical("") is canonical({}) is None
    assert canonical('{"rules": [{"selection": {"tagPrefixList": ["b", "a"]}}]}') == {
        "rules": [{"selection": {"tagPrefixList": ["b", "a"]}}]
    }
