"""Makes the bucket of the check, and looks afterwards at what the tests left in it.

bucket.py user|make|check
"""

import json
import os
import sys
import time
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError

BUCKET = os.environ["FILES_S3_BUCKET"]


def client(service: str = "s3"):
    """By path, as the services ask."""
    return boto3.client(
        service,
        endpoint_url=os.environ["FILES_S3_URL"],
        region_name=os.environ["FILES_S3_REGION"],
        aws_access_key_id=os.environ.get("FILES_S3_ACCESS_KEY", "nobody"),
        aws_secret_access_key=os.environ.get("FILES_S3_SECRET_KEY", "nobody"),
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def user() -> None:
    """Gives moto a user, and has it check who asks from now on; prints the user's key."""
    iam = client("iam")
    # It may just have been started.
    for left in reversed(range(60)):
        try:
            iam.create_user(UserName="files")
            break
        except EndpointConnectionError:
            if not left:
                raise
            time.sleep(0.5)
    # What shared/files/README.md says, and what this program does itself.
    allowed = ["PutObject", "GetObject", "DeleteObject", "AbortMultipartUpload"]
    own = ["CreateBucket", "ListBucket", "ListBucketMultipartUploads"]
    actions = [f"s3:{what}" for what in (*allowed, *own)]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="files", PolicyName="files", PolicyDocument=policy)
    key = iam.create_access_key(UserName="files")["AccessKey"]
    asked = urllib.request.Request(
        f"{os.environ['FILES_S3_URL']}/moto-api/reset-auth",
        data=b"0",
        headers={"content-type": "text/plain"},
    )
    urllib.request.urlopen(asked).close()
    print(key["AccessKeyId"], key["SecretAccessKey"])


def make() -> None:
    """The bucket, if it is not there."""
    region = os.environ["FILES_S3_REGION"]
    where = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        client().create_bucket(Bucket=BUCKET, **({} if region == "us-east-1" else where))
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise


def check() -> None:
    """No upload is left, and no probe; tests keep what they linked, and that is counted."""
    s3 = client()
    uploads = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    names = [one["Key"] for page in pages for one in page.get("Contents", [])]
    probes = [name for name in names if "probe-" in name]
    print(f"{len(names)} objects are left by the tests, {len(uploads)} unfinished uploads")
    if uploads or probes:
        sys.exit(f"left over: {[one['Key'] for one in uploads] + probes}")


if __name__ == "__main__":
    {"user": user, "make": make, "check": check}[sys.argv[1]]()
