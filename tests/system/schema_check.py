"""schema_check.py SCHEMA DOCUMENT...: documents (JSON) are valid under the schema, as they are after changes that keep
them right, and each change that makes one of them wrong is not. Prints what is not as it should be, and how much was
checked."""
import copy
import json
import sys

import jsonschema

NULL = object()
# Null is "not set", and removes what a parent has: in a typed map that may be an option of another type.
RIGHT = [
    (["objectives"], NULL), (["train"], NULL), (["train", "batch"], NULL), (["nodes", "z", "in", "gone"], NULL),
    (["nodes", "q", "gone"], NULL), (["nodes", "q", "frozen"], NULL), (["losses", "kl", "weight"], NULL),
    (["losses", "kl", "gone"], NULL), (["objectives", "main", "optimizer", "gone"], NULL), (["data", "gone"], NULL),
    (["generate"], {"sample": {"likelihood": "draw"}}), (["generate"], {"sample": {"show": "mean"}}),
]
# A block, which is another kind of file; what is added makes it wrong.
BLOCK = {"block": "pair", "inputs": ["x"], "nodes": {"y": {"type": "linear", "in": "x", "units": 2}}, "output": "y"}
WRONG_IN_BLOCK = [(["train"], {"batch": 2}), (["output"], None), (["inputs"], "x"), (["nodes", "y", "units"], None)]
# Each makes the document of graphs/vae.yaml wrong: a path, and the value that is put there (None: the key is removed).
WRONG = [
    (["version"], 2), (["version"], "1"), (["grpah"], "vae"), (["nodes"], None), (["nodes"], []), (["losses"], "kl"),
    (["nodes", "x", "type"], "inputt"), (["nodes", "x", "type"], None), (["nodes", "x", "shape"], "wide"),
    (["nodes", "x", "shape"], None), (["nodes", "x", "shap"], [4]), (["nodes", "z", "in", "mean"], "q.mu"),
    (["nodes", "z", "in"], 3), (["nodes", "z", "frozen"], "yes"), (["nodes", "q", "dim"], 0), (["nodes", "q", "dim"], 2.5),
    (["nodes", "q", "when"], "always"), (["losses", "kl", "weight"], True), (["losses", "kl", "weight"], {"from": 0}),
    (["losses", "kl", "weight"], {"type": "cosin", "from": 0, "to": 1, "over": 9}),
    (["losses", "kl", "weight"], {"type": "step", "from": 1, "every": 0, "factor": 1}),
    (["losses", "kl", "wieght"], 1), (["train", "batch"], 0), (["train", "batch"], "many"), (["train", "batchs"], 4),
    (["train", "average"], 1.5), (["train", "keep"], 0), (["objectives", "main", "optimizer", "type"], "adamm"),
    (["objectives", "main", "optimizer", "beta1"], 1), (["objectives", "main", "optimizer", "momentum"], 0.9),
    (["objectives", "main", "optimizer", "lr"], -1), (["objectives", "main", "every"], 0),
    (["objectives", "main", "losses"], None), (["generate"], {"sample": {"shown": "z"}}), (["generate"], {"sample": {"likelihood": "mode"}}),
    (["nodes", "q", "dim"], NULL), (["nodes", "q", "type"], NULL), (["nodes"], NULL), (["train", "batchs"], NULL),
    (["data", "type"], "spirtes"), (["data", "size"], -4), (["data", "limit"], -1),
]


def changed(document, path, value):
    document = copy.deepcopy(document)
    place = document
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = None if value is NULL else value
    return document


def main():
    schema = json.load(open(sys.argv[1]))
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    faults = 0
    documents = {name: json.load(open(name)) for name in sys.argv[2:]}
    for name, document in documents.items():
        for error in validator.iter_errors(document):
            print(f"{name} is not valid: {list(error.absolute_path)}: {error.message[:200]}")
            faults += 1
    vae = next(document for name, document in documents.items() if name.endswith("/vae.json"))
    cases = [(vae, path, value, True) for path, value in RIGHT] + [(vae, path, value, False) for path, value in WRONG]
    cases += [(BLOCK, ["doc"], "right", True)] + [(BLOCK, path, value, False) for path, value in WRONG_IN_BLOCK]
    for document, path, value, right in cases:
        if validator.is_valid(changed(document, path, value)) != right:
            print(f"{'should be' if right else 'should not be'} valid: {'.'.join(path)} = {value!r}")
            faults += 1
    print(f"{len(documents)} documents, {len(cases)} changes, {faults} faults")
    return 1 if faults else 0


sys.exit(main())
