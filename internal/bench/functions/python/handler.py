"""A function as it is mostly written: boto3 clients made at the start, the event
decoded by json. It makes the calls that ours was seen to make, and judges
nothing."""

import json
import os

import boto3
from botocore import xform_name

CLIENTS = {name: boto3.client(name) for name in os.environ["BENCH_CLIENTS"].split()}
with open(os.environ["BENCH_CALLS"]) as f:
    CALLS = json.load(f)


def handler(event, context):
    for record in event.get("Records", []):
        if "body" in record:
            json.loads(record["body"])
    for call in CALLS:
        answer = getattr(CLIENTS[call["service"]], xform_name(call["operation"]))(**call["input"])
        if "Body" in answer:
            answer["Body"].read()
    return {"batchItemFailures": []}
