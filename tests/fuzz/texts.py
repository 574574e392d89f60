"""Inputs to begin with that no part of mvc writes: what people type, and what other programs write."""

# ruff: noqa: ISC003, ISC004 - inputs of several parts

from __future__ import annotations

import json

_OID = b"ab" * 20
_SIGNATURE = b"author Ana <ana@example.org> 1700000000 +0100\ncommitter Ben <b@e.org> 1700000001 +0100\n"
COCO = {"stats": [0.51, 0.7, 0.5, 0.3, 0.5, 0.6, 0.4, 0.6, 0.6, 0.4, 0.6, 0.7]}
_MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "artifactType": "application/vnd.cncf.model.manifest.v1+json",
    "config": {
        "mediaType": "application/vnd.cncf.model.config.v1+json",
        "digest": "sha256:" + "ab" * 32,
        "size": 200,
    },
    "layers": [
        {
            "mediaType": "application/vnd.cncf.model.weight.v1.raw",
            "digest": "sha256:" + "cd" * 32,
            "size": 4,
            "annotations": {
                "org.cncf.model.filepath": "best.onnx",
                "org.cncf.model.file.metadata+json": '{"mode":493}',
            },
        },
        {"mediaType": "application/vnd.cncf.model.doc.v1.tar", "digest": "sha256:" + "ce" * 32, "size": 4},
    ],
}
_VERSION_ROW = {
    "id": "0197",
    "name": "v1",
    "version": 1,
    "origin": {"id": "0196", "name": "helmet", "description": "d"},
    "framework": "ONNX",
    "type": "OBJECT_DETECTION",
    "labels": {"0": "helmet", "1": "head"},
    "base_parameters": {"lr": 0.1, "epochs": 3},
    "creation_date": "2026-11-30T10:00:00Z",
    "docker_image_name": "acme/yolo",
    "docker_tag": "1.4",
    "docker_env_variables": {"A": "b"},
    "docker_flags": ["--gpus all"],
    "notes": "n",
}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


TEXTS: dict[str, tuple[bytes, ...]] = {
    "class-names": (b"{0: 'helmet', 1: \"driver's cab\"}", b'["a", "b"]', b'{"0": "helmet"}', b"['a', 'b\\x41']"),
    "license-texts": (
        b"r\n---\nlicense: apache-2.0\n---\n# Card\n",
        b"r\n---\nlicense: other\nlicense_name: AGPL-3.0\n---\n",
        b"m\nlicense: AGPL-3.0 License (https://ultralytics.com/license)\nnames:\n  0: a\n",
        b"\nMIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy",
    ),
    "scan-disguise": (b"\x89PNG\r\n\x1a\n" + bytes(20), b"\x1f\x8b\x08" + bytes(20), b"%PDF-1.4\n"),
    "scan-npy": (
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }".ljust(127)
        + b"\n"
        + bytes(8),
    ),
    "policy": (
        b'[[rule]]\non = ["alias:prod", "branch:*"]\nformats = ["onnx"]\nmax-file = "20GiB"\nlicenses.allow = ["MIT"]\n'
        b'ready-for = ["deployment"]\nfrom = "alias:staging"\nroll-back = false\n\n[[rule]]\non = ["commit"]\n'
        b'max-version = 10\nlicenses.deny = ["AGPL-*"]\n\n[[rule]]\non = ["tag:*"]\nreason = "required"\nforce = true\n'
        b'signed-by = ["ana@example.org"]\nsigners = 1\n',
    ),
    "config": (
        b'format = 1\nrequires = []\n[user]\nname = "Ana"\nemail = "ana@example.org"\n[remote.origin]\nurl = "s3://b/p"\n'
        b'[branch."helmet".main]\nremote = "origin"\nname = "main"\n',
        b'[host."minio:9000"]\nallow = ["s3"]\ntoken-env = "T"\n[scan]\nlevel = "hostile"\n[sign]\nkey = "k"\n',
    ),
    "model-toml": (
        b'[model]\nname = "helmet"\ntype = "OBJECT_DETECTION"\nlicense = "MIT"\n[files]\nmodel-latest = "best.onnx"\n'
        b'[labelmap]\n0 = "helmet"\n1 = "head"\n[parameters]\nlr = 0.1\n[metrics]\n"mAP50(B)" = 0.5\n[docker]\n'
        b'image = "acme/yolo"\ntag = "1"\n[source]\ncommit = "abc"\n',
        b'[model]\nname = "m"\n[files]\na = "runs/**"\n[from]\nparameters = "args.yaml"\nmetrics = {path = "r.csv", best = "x"}\n',
    ),
    "value-file": (
        b"\0lr: 0.1\nepochs: 3\nnested: {a: [1, 2], b: null}\n",
        b'\1{"lr": 0.1, "a": {"b": 1e400}}',
        b"\2lr = 0.1\n[a.b]\nc = 2026-01-01\n",
        b"\3epoch,loss,map\n1,0.5,0.1\n2,nan,0.2\n",
        b"\4epoch\tloss\n1\t0.5\n",
        b'\5{"epoch": 1, "loss": 0.5}\n{"epoch": 2, "loss": 0.4}\n',
    ),
    "label-file": (
        b"\0names:\n  0: helmet\n  1: head\nnc: 2\n",
        b'\1{"0": "a", "1": "b"}',
        b"\6a\nb\n",
        b'\1["a", "b"]',
    ),
    "curve": (
        b"\3                  epoch,      train/loss,  metrics/mAP50(B)\n 1, 0.5, 0.1\n 2, 0.4,\n",
        b'\5{"step": 1, "loss": 0.5}\n{"step": 2, "loss": NaN}\n',
        b'\1{"log_history": [{"step": 1, "loss": 0.5}, {"epoch": 2, "eval_loss": 1}]}',
    ),
    "front-matter": (b"---\nlicense: mit\ntags:\n- a\n---\n# Title\n", b"---\n---\n", b"# none\n"),
    "yaml": (
        b"a: &x [1, 2]\nb: *x\nc: !!str 3\nd: |\n  text\ne: 2026-01-01\n",
        b"- ~\n- true\n- 0x1f\n- 1_000\n- .inf\n",
    ),
    "evaluation-results": (
        _json(COCO),
        _json({"metrics/mAP50(B)": 0.5, "fitness": 0.4}),
        _json({"map": 0.5, "map_per_class": [0.4, 0.6], "classes": [0, 1]}),
        _json({"helmet": {"precision": 1.0, "recall": 0.5, "f1-score": 0.6, "support": 3}, "accuracy": 0.5}),
        _json([[3, 1], [0, 2]]),
        _json({"metrics": {"a": 1}, "classes": [{"name": "helmet", "metrics": {"p": 1}}], "matrix": [[1, 0], [0, 1]]}),
        b"class,precision,recall\nhelmet,0.5,0.4\nhead,0.3,0.2\nall,0.4,0.3\n",
        b"metric;value\nmAP50;0,5\n",
        b"threshold,precision,recall\n0.1,0.5,0.9\n0.5,0.7,0.6\n",
        b"image,label,prediction\na.jpg,helmet,head\nb.jpg,head,head\n",
        b",helmet,head\nhelmet,3,1\nhead,0,2\n",
    ),
    "ignore-file": (b"*.tmp\n!keep.tmp\n/build/\n# no\nruns/**/last.pt\n[a-z]?.bin\n\\#x\n",),
    "text-file": (b"\xef\xbb\xbfa\r\nb\n", "é".encode("utf-16"), b"\xff\xfe", b"a\n"),
    "trainer-state": (b'{"best_model_checkpoint": "out/checkpoint-10", "epoch": 1.0}', b"epoch=3-val_loss=0.12.ckpt"),
    "git-commit": (
        b"tree " + _OID + b"\nparent " + _OID + b"\n" + _SIGNATURE + b"encoding ISO-8859-1\n\nsubject\n\nbody\n",
        b"object " + _OID + b"\ntype commit\ntag v1\ntagger Ana <a@b> 1 +0000\n\nm\n-----BEGIN PGP SIGNATURE-----\n",
    ),
    "git-tag": (b"object " + _OID + b"\ntype commit\ntag v1\ntagger Ana <a@b> 1 +0000\n\nm\n",),
    "git-tree": (b"100644 a.txt\0" + bytes(20) + b"40000 folder\0" + bytes(range(20)) + b"120000 l\0" + bytes(20),),
    "git-lfs-pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"ab" * 32 + b"\nsize 12345\n",
        b"version https://git-lfs.github.com/spec/v1\next-0-foo sha256:"
        + b"cd" * 32
        + b"\noid sha256:"
        + b"ab" * 32
        + b"\nsize 1\n",
    ),
    "gto-tags": (b"helmet@v1.0.0\nhelmet#prod#1\nhelmet@v1.0.0!\nhelmet#prod!#2\nhelmet@deprecated\na/b=c@v2",),
    "dvc-files": (
        b"outs:\n- path: best.pt\n  md5: " + b"9c" * 16 + b"\n  size: 10\n  hash: md5\nstages:\n  train:\n    wdir: w\n"
        b"    outs:\n    - models\n    params:\n    - lr\n    - p.yaml:\n    metrics:\n    - m.json:\n        cache: false\n"
        b"artifacts:\n  helmet:\n    path: best.pt\n    type: model\n    labels: [a]\n    desc: d\n\0schema: '2.0'\nstages:\n"
        b"  train:\n    cmd: x\n    outs:\n    - path: models\n      md5: " + b"9c" * 16 + b".dir\n      nfiles: 2\n",
    ),
    "dvc-cache": (
        b"[core]\n    remote = store\n['remote \"store\"']\n    url = ../store\n[cache]\n    dir = cache\n\0"
        b'[{"md5": "' + b"9c" * 16 + b'", "relpath": "a/b.pt"}]',
    ),
    "hub-card": (
        b"---\nlicense: other\nlicense_name: x\npipeline_tag: object-detection\nmodel-index:\n- name: m\n  results:\n"
        b"  - dataset: {name: d}\n    metrics:\n    - type: map\n      value: 0.5\n---\n\0"
        + b'{"id2label": {"0": "helmet"}}',
    ),
    "hub-cache": (b"ab" * 20 + b"\n\0" + b"cd" * 20 + b"\n" + b"ef" * 32 + b"\n1700000000.0\n",),
    "mlflow-database": (
        b"td\ntprod\ni1\ni1\ni1700000000000\ntana\ntd\nt/tmp/x\ntrun\nt\nf1\ni0",
        b"b\xff\ntx\ntx\nt2\nbx\n\n\nts\ntr",
    ),
    "picsellia-answer": (
        _json(_VERSION_ROW),
        _json(
            {"id": "1", "name": "n", "filename": "f", "object_name": "o", "large": True, "type": "value", "data": [1]}
        ),
        _json({"datas": [{"version_id": "1", "name": "n"}], "experiment_id": "2", "parameters": {"a": 1}}),
        _json({"id": "1", "origin_id": "2", "origin_name": "n", "version": "v", "type": "x", "created_at": "2026"}),
        _json({"name": "a", "dataset_version": {"id": "1", "origin_name": "n", "version": "2"}}),
        b"12345",
    ),
    "oci-artifact": (
        _json(_MANIFEST)
        + b"\0"
        + _json(
            {
                "descriptor": {
                    "name": "m",
                    "authors": ["A <a@b>"],
                    "createdAt": "2026-01-01T00:00:00Z",
                    "licenses": ["MIT"],
                },
                "config": {"format": "onnx", "paramSize": "7b"},
            }
        ),
    ),
    "oci-layout": (
        _json(
            {
                "schemaVersion": 2,
                "manifests": [
                    {
                        "mediaType": "m",
                        "digest": "sha256:" + "ab" * 32,
                        "size": 3,
                        "annotations": {"org.opencontainers.image.ref.name": "a:1"},
                    }
                ],
            }
        ),
        b'{"manifests": []}',
    ),
    "oci-pushed": (b'{"localhost:5000": ["acme/yolo"]}',),
    "mlflow-answers": (
        _json(
            {"registered_model": {"name": "helmet", "description": "d", "aliases": [{"alias": "prod", "version": "1"}]}}
        )
        + b"\0"
        + _json(
            {
                "model_versions": [
                    {
                        "name": "helmet",
                        "version": "1",
                        "status": "READY",
                        "run_id": "r",
                        "source": "mlflow-artifacts:/a/b",
                        "creation_timestamp": 1700000000000,
                        "tags": [{"key": "a", "value": "b"}],
                    }
                ]
            }
        )
        + b"\0"
        + _json(
            {
                "run": {
                    "info": {"run_name": "n", "user_id": "u"},
                    "data": {
                        "metrics": [{"key": "m", "value": 1}],
                        "params": [{"key": "lr", "value": "0.1"}],
                        "tags": [],
                    },
                }
            }
        )
        + b"\0"
        + _json({"files": [{"path": "a/model.onnx", "is_dir": False, "file_size": 3}]}),
        b"4\0" + b"5" + _json({"error_code": "INVALID_PARAMETER_VALUE"}),
    ),
    "hub-addresses": (
        b"acme/helmet",
        b"hf://acme/helmet@main",
        b"oci://localhost:5000/a/b:1",
        b"mlflow://h:80/m",
        b"[::1]:5/m",
    ),
    "image-lookup": (
        b"\0\0\n\1application/vnd.oci.image.manifest.v1+json\n\n"
        + _json({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}),
        b"\0\0\n\n"
        + _json(
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.index.v1+json",
                "manifests": [{"platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}}],
            }
        ),
        b'\1\2Bearer realm="https://registry.example.org/token",service="s"\n\n\0' + b"\0\n\n" + b'{"token": "t"}',
    ),
    "image-repository": (
        b'\0\3</v2/x/tags/list?last=b>; rel="next"\n\n' + b'{"tags": ["a", "b"]}\0\0\n\n{"tags": ["c"]}',
        b"\2\n\n\0\3\4/v2/acme/yolo/blobs/uploads/1\n\50-9\n\n\0\5\n\n",
        b"\6\x088\n\n" + b'{"errors": [{"code": "TOOMANYREQUESTS"}]}',
        b"\4\6bytes 0-15/16\n\n0123456789abcdef",
    ),
    "image-challenge": (b'Bearer realm="https://a/t",service="s",scope="repository:a/b:pull", Basic realm="x\\"y"',),
    "docker-logins": (
        b'{"auths": {"https://index.docker.io/v1/": {"auth": "dTpw"}, "ghcr.io": {"identitytoken": "t"}}}',
        b'{"credsStore": "x", "credHelpers": {"ghcr.io": "y"}}',
        b'{"Username": "<token>", "Secret": "s"}',
    ),
    "revision": (
        b"main",
        b"prod~2^2",
        b"v1..night",
        b"HEAD@{1}",
        b"main@{2026-01-01}",
        b"shapes-base@v1",
        b"HEAD:model.toml",
        b"@{u}",
        b"night^{commit}",
        b":/fix",
        b"stash@{0}",
        b"refs/heads/main",
        b"main...night",
    ),
    "refspec": (b"main", b"main:release", b":night", b"tags/baseline", b"prod\nmain:heads/x"),
    "names": (
        b"a%2fb",
        b"%2e",
        b"main",
        b"refs/helmet/heads/main/0000000001",
        b"refs/helmet/published/picsellia/" + b"ab" * 32 + b"/0000000001",
        b"refs/m/notes/" + b"ab" * 32 + b"/0000000001",
    ),
    "paths": (b"a/b.txt\nA/b.txt\nCON\n../x\n.git/x\na\xcc\x81", b"exp2\nexp10"),
    "glob": (b"runs/**/*.pt\nruns/a/b.pt", b"[!a]?{x,y}\nbx", b"a\\*b\na*b"),
    "page-request": (
        b"GET /TOKEN/\nHost: HOST",
        b"GET /TOKEN/index.html\nhost:HOST\nRange: bytes=0-9",
        b"HEAD /TOKEN/\nHost: localhost:1",
        b"POST /TOKEN/\nHost: HOST",
        b"GET /x\nHost: HOST",
        b"GET /TOKEN/files/1ea0372096de2afb158969eda4166ef11d7e6b9a4cccba56e0f56048b9e533b7/labels.json\nHost: HOST\nRange: bytes=3-",
        b"GET /TOKEN/data/compare-0/a-b.js\nHost: HOST",
    ),
    "page-range": (b"bytes=0-99", b"bytes=-5", b"bytes=3-", b"a%20b%C3%A9", b"files-0123456789abcdef.txt"),
    "query": (
        b"metrics.mAP50 > 0.5 and tag = 'x'",
        b'not (a ~ "b.*" or c in [1, 2])',
        b"has labelmap.0",
        b"-metrics.loss",
        b"metrics.acc=3",
        b"date > 2026-01-01",
        b"evaluation.night.class.helmet.ap >= .5",
    ),
    "moment": (
        b"2 weeks ago",
        b"yesterday",
        b"2026-01-01 10:00 +01:00",
        b"Ana <ana@example.org>",
        b"1.5h",
        b"@1700000000 +0100",
        b"v1.2.3",
    ),
    "assignment": (
        b'["picklescan", "{}"]',
        b"clamscan -i {}",
        b"parameters.lr=0.1",
        b'metrics."mAP50(B)"=0.5',
        b'model.tags=["a"]',
        b"labelmap.0='x'",
        b'a={"b": 1}',
    ),
    "secrets": (b"https://user:pass@host/x?sig=abc", b"AWS_SECRET_ACCESS_KEY=abcdefghijklmnop1234", b"git@host:a/b"),
    "remote-address": (
        b"s3://bucket/path",
        b"sftp://ana@host:22/p",
        b"picsellia://acme@app.example.org",
        b"/srv/models",
        b"docker.io/acme/yolo:1@sha256:" + b"ab" * 32,
        b"https://[::1]:9000",
        b"minio:9000 http://x:*",
    ),
    "license": (
        b"Apache-2.0 AND (MIT OR GPL-2.0-only WITH Classpath-exception-2.0)",
        b"AGPL-3.0 License (https://x)",
        b"LicenseRef-OpenRAIL",
    ),
    "caches": (
        b'{"sha256": {"' + b"ab" * 32 + b'": "' + b"cd" * 32 + b'"}}',
        b'{"clock": 1, "files": {"a": [1, 2, 3, 4, 5, "' + b"cd" * 32 + b'"]}}',
        b'{"refs/helmet/heads": {"main": ["0000000001", 1, 2, 3, 4, null, null]}}',
    ),
    "cache-evaluations": (b'{"ids": "' + b"ab" * 32 + b'", "times": [0], "keys": ["metrics.loss"]}\n[0.5]',),
    "cache-query": (
        b'{"ids": "'
        + b"ab" * 32
        + b'", "first": [-1], "merged": [], "numbers": [1], "seconds": [1], "offsets": [0], "authors": [0],'
        b' "manifest": [0], "persons": [["Ana", "a@b"]], "manifests": "' + b"cd" * 32 + b'"}\n[[{"a": 1}], [0]]',
    ),
    "remote-records": (
        b'{"kind": "condemned", "v": 1, "names": ["packs/a"]}',
        b'{"kind": "intent", "v": 1, "by": "Ana", "at": {"seconds": 1, "offset": 0}}',
    ),
    "remote-caches": (b'{"refs/helmet/heads/main": [3, 3]}', b'["{}"]'),
    "collection-flag": (b'{"kind": "gc", "v": 1, "by": "Ana", "nonce": "1", "at": {"seconds": 1, "offset": 0}}',),
    "oms-signature": (
        b'{"verificationMaterial": {"publicKey": {"hint": "ab"}}, "dsseEnvelope": {"payloadType": "application/vnd.in-toto+json",'
        b' "payload": "e30=", "signatures": [{"sig": "AAAA"}]}}',
        b'{"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://model_signing/signature/v1.0", "subject":'
        b' [{"digest": {"sha256": "ab"}}], "predicate": {"serialization": {"method": "files", "ignore_paths": [".git"]},'
        b' "resources": [{"name": "a", "algorithm": "sha256", "digest": "cdef"}]}}',
    ),
    "attestation-predicate": (b'{"result": "passed", "score": 0.5}', b'{"a": NaN}', b'{"a": 1, "a": 2}'),
    "cache-scans": (b'{"rules":"RULES","reports":{"a":[0,["zip"],[["r",5,"p",-1,"m",["n"]]],false]}}',),
    "import-note": (b'{"kind": "import"}',),
    "environment": (
        b'{"kind": "environment", "python": "3.11", "platform": null, "packages": {"torch": "2"}, "gpus": [], "cuda": null, "driver": null}',
    ),
}
