"""The stubs, which editors read, say what the sources say."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "lib" / "tlsresume"
# What the package itself calls, and what the C module implements.
INTERNAL = {
    "SessionCache": {"take", "refuse", "doubt", "accept", "sessions", "count", "counted", "now"}
}
IN_C = {"SSLSocket"}
NATIVE = {"SSLContext.get_ciphers"}
UNSEEN = {
    "SessionCache.__init__": {"clock"},
    "SessionCache.put": {"ceiling", "once", "age", "proof"},
}
UNSEEN["SessionCache.remove"] = {"made"}


def definitions(*paths):
    """`{name: function or class}` of files, methods as Class.method."""
    found = {}
    for path in paths:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                found[node.name] = node
            for method in getattr(node, "body", []) if isinstance(node, ast.ClassDef) else []:
                if isinstance(method, ast.FunctionDef):
                    found.setdefault(f"{node.name}.{method.name}", method)
    return found


def offered():
    """Where the package's names come from."""
    lazy = next(
        ast.literal_eval(node.value)
        for node in ast.parse((PACKAGE / "__init__.py").read_text()).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "_lazy"
    )
    return lazy


def parameters(function, unseen=()):
    a = function.args
    defaults = [ast.unparse(x) for x in a.defaults]
    names = [x.arg for x in a.posonlyargs + a.args]
    given = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
    only = {x.arg: d and ast.unparse(d) for x, d in zip(a.kwonlyargs, a.kw_defaults, strict=True)}
    return (
        [(x, given.get(x)) for x in names if x not in unseen],
        {x: d for x, d in only.items() if x not in unseen},
    )


PAIRS = [
    ("__init__.pyi", sorted({f"{module}.py" for module in offered().values()})),
    ("store.pyi", ["store.py"]),
]


@pytest.mark.parametrize("stub, modules", PAIRS)
def test_each_signature_is_the_sources_own(stub, modules):
    ours = definitions(*(PACKAGE / m for m in modules))
    for name, function in definitions(PACKAGE / stub).items():
        owner = name.partition(".")[0]
        if isinstance(function, ast.FunctionDef) and owner not in IN_C and owner[0] != "_":
            if name in NATIVE:
                continue
            source = ours.get(name) or ours[f"{BASES[owner]}.{name.partition('.')[2]}"]
            unseen = UNSEEN.get(name, ())
            assert parameters(function) == parameters(source, unseen), name


BASES = {"RTCKey": "RTCMemory"}


def test_the_stub_has_what_the_package_offers_and_nothing_else():
    stub = definitions(PACKAGE / "__init__.pyi")
    names = {x for x in stub if "." not in x and x[0] != "_"}
    assert names - IN_C == set(offered())


def test_each_public_method_is_in_the_stub_but_what_is_internal():
    ours = definitions(*(PACKAGE / m for m in PAIRS[0][1]))
    stub = definitions(PACKAGE / "__init__.pyi")
    for name in ours:
        owner, _, method = name.partition(".")
        if owner in offered() and method and method[0] != "_":
            assert (name in stub) != (method in INTERNAL.get(owner, ())), name


def test_what_is_offered_has_a_hover_text():
    stub = definitions(PACKAGE / "__init__.pyi")
    for name in offered():
        assert ast.get_docstring(stub[name]), name
